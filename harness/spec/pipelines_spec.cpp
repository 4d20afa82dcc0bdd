// In a pipeline: shards, annotations, and the templates that users copy.

#include <algorithm>
#include <filesystem>
#include <pugixml.hpp>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

/// "target check outcome" of each case, in order.
std::vector<std::string> outcomes(const std::string& junit) {
  pugi::xml_document document;
  REQUIRE(document.load_file(junit.c_str()));
  std::vector<std::string> found;
  for (const pugi::xml_node& suite : document.child("testsuites")) {
    for (const pugi::xml_node& test : suite.children("testcase")) {
      const std::string name = test.attribute("name").value();
      found.push_back(suite.attribute("name").value() + (" " + name) + " " +
                      test.first_child().name());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Runs the steps of a template as the service would, in a folder of the user's; of no steps, only
/// looks whether all are shell scripts.
Ran run_steps(const std::string& file, const std::string& folder,
              const std::vector<std::string>& known, const std::vector<std::string>& steps) {
  std::vector<std::string> line{"env", "--chdir=" + folder, SOCKDRILL_PYTHON,
                                SOCKDRILL_SOURCE "/harness/spec/run_pipeline.py",
                                SOCKDRILL_SOURCE "/ci/" + file};
  for (const std::string& pair : known) line.insert(line.end(), {"--set", pair});
  for (const std::string& step : steps) line.insert(line.end(), {"--step", step});
  if (steps.empty()) line.push_back("--shell-check");
  return run_program(line);
}

std::string faulty_server(const std::string& fault) {
  return std::string("SERVER=" SOCKDRILL_FAULTY_SERVER " ") + fault + " {port}";
}

}  // namespace

SCENARIO("shards play together what a whole run plays, and nothing twice", "[shard]") {
  const std::string folder = make_folder("shards");
  const auto play = [&](const std::string& shard) {
    const std::string file = folder + "/" + shard.substr(0, 1) + ".xml";
    const Ran ran = sockdrill(with_faulty_server({"run", "lifecycle/*", "half-close/*", "unix/*",
                                                  "--shard", shard, "--report", "junit=" + file},
                                                 "cuts-long-echo"));
    CAPTURE(shard, ran.err);
    CHECK((ran.exit_code == 0 || ran.exit_code == 1));
    return outcomes(file);
  };
  std::vector<std::string> together;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    const std::vector<std::string> part = play(shard);
    CHECK(part.size() >= 4);
    together.insert(together.end(), part.begin(), part.end());
  }
  std::sort(together.begin(), together.end());
  const std::vector<std::string> whole = play("1/1");
  CHECK(together == whole);
  CHECK(std::count(whole.begin(), whole.end(), "faulty-server half-close/reply-in-full failure") ==
        1);
}

SCENARIO("GitHub is told beside the console's lines, and in the job's summary", "[github]") {
  const std::string summary = write_file("summary.md", "# Of an earlier step\n");
  std::vector<std::string> line = command_line(with_faulty_server(
      {"run", "half-close/reply-in-full", "--report", "github"}, "cuts-long-echo"));
  line.insert(line.begin(), {"env", "GITHUB_STEP_SUMMARY=" + summary, "GITHUB_WORKSPACE=/nowhere"});
  const Ran ran = run_program(line);
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("\n::error file="));
  CHECK_THAT(ran.out, ContainsSubstring("reply-in-full.json,line="));
  CHECK_THAT(ran.out, ContainsSubstring("Exit code 1: a check failed.\n"));
  CHECK_THAT(read_file(summary),
             StartsWith("# Of an earlier step\n## sockdrill: a check failed\n"));
  CHECK_THAT(read_file(summary), ContainsSubstring("| FAIL | half-close/reply-in-full |"));
  THEN("a summary that cannot be written is an error of ours") {
    line[1] = "GITHUB_STEP_SUMMARY=/nowhere/summary.md";
    const Ran unwritten = run_program(line);
    CHECK(unwritten.exit_code == 2);
    CHECK_THAT(unwritten.err, ContainsSubstring("/nowhere/summary.md: cannot be written"));
  }
}

SCENARIO("the template for GitHub drills a server in shards", "[pipeline]") {
  const std::string home = make_folder("github");
  REQUIRE(install(home + "/.local/sockdrill"));
  const auto drill = [&](const std::string& shard, const std::string& fault) {
    return run_steps("github-actions.yml", home,
                     {"HOME=" + home, "GITHUB_STEP_SUMMARY=" + home + "/summary.md",
                      "matrix.shard=" + shard, "strategy.job-total=2",
                      "CHECKS=lifecycle/o* half-close/reply-in-full", faulty_server(fault)},
                     {"Build the server", "Drill it"});
  };
  const Ran good = drill("1", "none");
  CAPTURE(good.out, good.err);
  CHECK(good.exit_code == 0);
  CHECK(outcomes(home + "/sockdrill-report/junit.xml").size() == 1);
  CHECK_THAT(read_file(home + "/summary.md"), ContainsSubstring("sockdrill: all passed"));
  const Ran bad = drill("1", "flips-an-octet");
  CAPTURE(bad.out, bad.err);
  CHECK(bad.exit_code == 1);
  CHECK_THAT(bad.out, ContainsSubstring("\n::error file="));
  CHECK(!std::filesystem::is_empty(home + "/sockdrill-report/artifacts"));
}

SCENARIO("the template for GitLab drills a server in parallel jobs", "[pipeline]") {
  const std::string folder = make_folder("gitlab");
  REQUIRE(install(folder + "/prefix"));
  const auto drill = [&](const std::string& fault) {
    return run_steps(
        "gitlab-ci.yml", folder,
        {"PATH=" + folder + "/prefix/bin:/usr/bin:/bin", "CI_NODE_INDEX=2", "CI_NODE_TOTAL=2",
         "CHECKS=lifecycle/o* half-close/reply-in-full", faulty_server(fault)},
        {"script"});
  };
  const Ran good = drill("none");
  CAPTURE(good.out, good.err);
  CHECK(good.exit_code == 0);
  CHECK(drill("flips-an-octet").exit_code == 1);
  CHECK(outcomes(folder + "/sockdrill-report/junit.xml").size() == 1);
}

SCENARIO("what a template fetches and builds is a shell script, with options that there are",
         "[pipeline]") {
  for (const char* file : {"github-actions.yml", "gitlab-ci.yml"}) {
    const Ran ran =
        run_steps(file, make_folder("nothing"), {"matrix.shard=1", "strategy.job-total=2"}, {});
    CAPTURE(file, ran.err);
    CHECK(ran.exit_code == 0);
    const std::string text = read_file(SOCKDRILL_SOURCE "/ci/" + std::string(file));
    CHECK_THAT(text, ContainsSubstring("install-deps\" --without-tests") ||
                         ContainsSubstring("install-deps --without-tests"));
    CHECK_THAT(text, ContainsSubstring("cmake --preset release -DSOCKDRILL_TESTS=OFF"));
  }
  const Ran packages =
      run_program({SOCKDRILL_SOURCE "/ci/install-deps", "--without-tests", "--list"});
  CHECK(packages.exit_code == 0);
}

}  // namespace sockdrill::spec
