// What `cmake --install` leaves, and what other projects make of it.

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

/// The installed command, from a place where nothing of ours is.
Ran installed(const std::string& prefix, std::vector<std::string> words) {
  words.insert(words.begin(), {"env", "--chdir=/", prefix + "/bin/sockdrill"});
  return run_program(words);
}

/// The folder in which a project of somebody else's is built, with its server right or broken.
std::string build_project(const std::string& project, const std::string& prefix,
                          const std::string& broken, const std::string& compiler,
                          const std::string& c_compiler = "") {
  const std::string build = make_folder(project + "-" + broken);
  const Ran configured = run_program(
      {SOCKDRILL_CMAKE, "-S", SOCKDRILL_SOURCE "/harness/spec/" + project, "-B", build, "-G",
       SOCKDRILL_GENERATOR, "-DCMAKE_CXX_COMPILER=" + compiler, "-DCMAKE_PREFIX_PATH=" + prefix,
       "-DBROKEN=" + broken, c_compiler.empty() ? "-Wno-dev" : "-DCMAKE_C_COMPILER=" + c_compiler});
  CAPTURE(configured.out, configured.err);
  REQUIRE(configured.exit_code == 0);
  const Ran built = run_program({SOCKDRILL_CMAKE, "--build", build});
  CAPTURE(built.out, built.err);
  REQUIRE(built.exit_code == 0);
  return build;
}

Ran test_consumer(const std::string& prefix, const std::string& broken) {
  return run_program({SOCKDRILL_CTEST, "--test-dir",
                      build_project("consumer", prefix, broken, SOCKDRILL_CXX),
                      "--output-on-failure"});
}

}  // namespace

SCENARIO("an installed command finds everything of its own, wherever it stands", "[install]") {
  const std::string prefix = make_folder("installed");
  REQUIRE(install(prefix));
  const Ran ran = installed(prefix, {"run", "lifecycle/*", "-t", "tcp-poll:echo"});
  CAPTURE(ran.out, ran.err);
  CHECK(ran.exit_code == 0);
  CHECK(installed(prefix, {"list"}).out == sockdrill({"list"}).out);
  THEN("each target that is not broken on purpose is there, with its server") {
    const std::string targets = installed(prefix, {"list", "--targets"}).out;
    for (const char* name : {"tcp-epoll-edge:echo", "udp:echo", "node-net", "perl-fork:line"})
      CHECK_THAT(targets, ContainsSubstring(name));
    CHECK_THAT(targets, !ContainsSubstring("reset-uncaught"));
    const Ran perl = installed(prefix, {"run", "lifecycle/reset-before-accept", "-t", "perl-select",
                                        "-t", "python-threads", "-t", "rust-threads"});
    CAPTURE(perl.out);
    CHECK((perl.exit_code == 0 || perl.exit_code == 4));  // 4: none of these languages is here
  }
  THEN("manuals and licence are there") {
    for (const char* file :
         {"share/doc/sockdrill/LICENSE", "share/doc/sockdrill/README.md",
          "share/man/man1/sockdrill.1", "share/sockdrill/scenarios/README.md",
          "share/sockdrill/scenarios/schema.json", "share/sockdrill/targets/manifests.md"}) {
      CAPTURE(file);
      CHECK(std::filesystem::is_regular_file(prefix + "/" + file));
    }
  }
}

SCENARIO("the manual page names every option of run and of record", "[install]") {
  std::string page = read_file(SOCKDRILL_SOURCE "/harness/cli/sockdrill.1");
  std::erase(page, '\\');
  std::istringstream help(sockdrill({"run", "--help"}).out + sockdrill({"record", "--help"}).out);
  int options = 0;
  for (std::string word; help >> word;) {
    const std::size_t at = word.find("--");
    if (at == std::string::npos || word == "--help" || word == "-h,--help") continue;
    const std::string option =
        word.substr(at, word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at) - at);
    CAPTURE(option);
    CHECK_THAT(page, ContainsSubstring(option));
    ++options;
  }
  CHECK(options > 22);
}

SCENARIO("the checks for a server are listed for scripts", "[list]") {
  const Ran ran = sockdrill({"list", "--ids", "half-close/n*", "unix/records", "-x", "s {port}"});
  CHECK(ran.exit_code == 0);
  CHECK(ran.out == "half-close/never-closed\nhalf-close/nothing-sent\n");
  CHECK(sockdrill({"list", "--ids", "unix/*", "-x", "s {port}"}).exit_code == 4);
}

SCENARIO("a project makes CTest tests of its server and the checks", "[install][consumer]") {
  const std::string prefix = make_folder("installed");
  REQUIRE(install(prefix));
  GIVEN("a correct server") {
    const Ran ran = test_consumer(prefix, "OFF");
    CAPTURE(ran.out, ran.err);
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, ContainsSubstring("100% tests passed, 0 tests failed out of 6"));
    CHECK_THAT(ran.out, ContainsSubstring("manifest/data/every-length (Skipped)"));
    CHECK_THAT(ran.out, ContainsSubstring("half-close "));  // labels
    CHECK_THAT(ran.out, ContainsSubstring("mine "));
  }
  GIVEN("a server with a defect") {
    const Ran ran = test_consumer(prefix, "ON");
    CAPTURE(ran.out, ran.err);
    CHECK(ran.exit_code != 0);
    CHECK_THAT(ran.out, ContainsSubstring("3 tests failed out of 7"));
    CHECK_THAT(ran.out, ContainsSubstring("echo/port-reuse/restart-after-kill (Failed)"));
    CHECK_THAT(ran.out, ContainsSubstring("echo/port-reuse/restart-after-serving (Failed)"));
    CHECK_THAT(ran.out, ContainsSubstring("misspelt/checks-are-found (Failed)"));
    CHECK_THAT(ran.out, ContainsSubstring("did you mean 'half-close/nothing-sent'?"));
  }
}

#ifdef SOCKDRILL_CLANG
SCENARIO("a project fuzzes its server", "[install][consumer]") {
  const std::string prefix = make_folder("installed");
  REQUIRE(install(prefix));
  const auto fuzz = [&](const std::string& build, const std::string& program) {
    return run_program({"env", "--chdir=" + build, build + "/" + program, "-runs=5000", "-seed=1"});
  };
  GIVEN("a correct server") {
    const std::string build =
        build_project("fuzzing_consumer", prefix, "OFF", SOCKDRILL_CLANG "++", SOCKDRILL_CLANG);
    for (const char* program : {"echo-fuzz", "echo-fuzz-address"}) {
      const Ran ran = fuzz(build, program);
      CAPTURE(program, ran.err);
      CHECK(ran.exit_code == 0);
      CHECK_THAT(ran.err, ContainsSubstring("Done 5000 runs"));
    }
  }
  GIVEN("a server with a defect") {
    const std::string build =
        build_project("fuzzing_consumer", prefix, "ON", SOCKDRILL_CLANG "++", SOCKDRILL_CLANG);
    const Ran ran = fuzz(build, "echo-fuzz");
    CAPTURE(ran.err);
    CHECK(ran.exit_code == 77);
    CHECK_THAT(ran.err, ContainsSubstring("invariant/descriptors"));
    // An input that never ends is kept with those before it, which it needs.
    const auto says = [](const std::string& words) {
      return R"({"id": "my/words", "level": "must", "summary": "Says so", "steps": [
        {"client": "a", "connect": {}}, {"client": "a", "send": ")" +
             words + "\"}]}";
    };
    std::filesystem::create_directory(build + "/words");
    std::ofstream(build + "/words/1-patience.json") << says("patience");
    std::ofstream(build + "/words/2-wait.json") << says("wait") << std::string(100, '\n');
    const Ran hung = run_program(
        {"env", "--chdir=" + build, build + "/echo-fuzz", "-runs=0", "-timeout=1", "words"});
    CAPTURE(hung.err);
    CHECK(hung.exit_code == 70);
    const std::string place = "echo-fuzz --explain ";
    const std::size_t at = hung.err.find(place);
    REQUIRE(at != std::string::npos);
    const std::string kept =
        hung.err.substr(at + place.size(), hung.err.find('\n', at) - at - place.size());
    CHECK(std::filesystem::exists(build + "/" + kept));
    CHECK(std::filesystem::file_size(build + "/" + kept + ".history") > 0);
  }
}
#endif

}  // namespace sockdrill::spec
