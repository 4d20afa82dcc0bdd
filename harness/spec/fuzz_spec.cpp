// Campaigns: a stock server goes in, findings that a person can act on come out.

#include <csignal>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

/// Builds with sanitizers have no library to preload, nor have those without clang's libFuzzer.
bool cannot_be(const Ran& ran) {
  return ran.err.find("has no libsockdrill-fuzz.so") != std::string::npos;
}

nlohmann::json read_json(const std::string& file) { return nlohmann::json::parse(read_file(file)); }

}  // namespace

SCENARIO("a defect of a stock server is found, explained, and seen again", "[fuzz]") {
  // A server that forgets the descriptor of a client that it refuses. One campaign for all of it.
  const std::string folder = make_folder("campaign");
  const std::string report = make_folder("reports") + "/report.json";
  const Ran ran = sockdrill({"fuzz", "-t", "leak-on-bad-request", "--world", "simulated",
                             "--stop-at", "1", "--for", "10m", "--corpus", folder, "--report",
                             "json=" + report, "--report", "junit=" + report + ".xml"});
  CAPTURE(ran.out, ran.err);
  if (cannot_be(ran)) return;
  CHECK(ran.exit_code == 1);
  const nlohmann::json told = read_json(report);
  REQUIRE(!told["findings"].empty());
  const std::string finding = told["findings"][0]["folder"];
  for (const char* name : {"scenario.json", "recording.jsonl", "report.txt", "output.txt",
                           "server.json", "finding.json"}) {
    CAPTURE(name);
    CHECK(std::filesystem::exists(finding + "/" + name));
  }
  CHECK_THAT(read_file(finding + "/report.txt"), ContainsSubstring("see it again:"));
  CHECK_THAT(read_file(report + ".xml"), ContainsSubstring("<failure"));
  CHECK(sockdrill({"lint", finding + "/scenario.json"}).exit_code == 0);
  const std::string again =
      "sockdrill fuzz --play " + finding + "/scenario.json -t " + finding + "/server.json";
  CHECK_THAT(read_file(finding + "/report.txt"), ContainsSubstring(again));
  const Ran played =
      sockdrill({"fuzz", "--play", finding + "/scenario.json", "-t", finding + "/server.json"});
  CAPTURE(played.out, played.err);
  CHECK(played.exit_code == 1);
  CHECK_THAT(played.out, ContainsSubstring(told["findings"][0]["rule"].get<std::string>()));
  const Ran fine =
      sockdrill({"fuzz", "--play", finding + "/scenario.json", "-t", "tcp-multi-thread:line"});
  CHECK(fine.exit_code == 0);
  CHECK_THAT(fine.out, ContainsSubstring("nothing is wrong"));
  CHECK(sockdrill({"fuzz", "--play", "/no/such.json", "-t", "tcp-multi-thread:line"}).exit_code ==
        2);

  const Ran still = sockdrill({"fuzz", "--triage", folder, "-t", "leak-on-bad-request"});
  CAPTURE(still.out, still.err);
  CHECK(still.exit_code == 1);
  CHECK_THAT(still.out, ContainsSubstring("still there"));

  const Ran more =
      sockdrill({"fuzz", "-t", "leak-on-bad-request", "--for", "1", "--corpus", folder});
  CAPTURE(more.out, more.err);
  CHECK(more.exit_code == 1);
  CHECK_THAT(more.out, ContainsSubstring("goes on"));
  CHECK_THAT(more.err, !ContainsSubstring("warning"));

  const Ran mixed =
      sockdrill({"fuzz", "-t", "tcp-multi-thread:line", "--minimize", "--corpus", folder});
  CAPTURE(mixed.out, mixed.err);
  CHECK_THAT(mixed.err, ContainsSubstring("warning: it is of a campaign on leak-on-bad-request, "
                                          "which speaks line; this is tcp-multi-thread:line"));

  // What a fix looks like: a server without the defect.
  const Ran gone = sockdrill({"fuzz", "--triage", folder, "-t", "tcp-multi-thread:line"});
  CAPTURE(gone.out, gone.err);
  CHECK_THAT(gone.out, ContainsSubstring("(gone)"));

  // A command alone: what it speaks is what the finding's server spoke.
  const std::string programs = SOCKDRILL_BUILD "/libexec/sockdrill/";
  const std::string defective = programs + "mutants/leak-on-bad-request {port}";
  const std::string mended = programs + "models/tcp-multi-thread --protocol line --port {port}";
  const std::string other = programs + "models/tcp-multi-thread --protocol discard --port {port}";
  const auto plays = [&](const std::string& command) {
    return sockdrill({"fuzz", "--play", finding + "/scenario.json", "--exec", command});
  };
  CHECK(plays(defective).exit_code == 1);
  CHECK(plays(mended).exit_code == 0);
  const Ran deaf = plays(other);
  CAPTURE(deaf.out, deaf.err);
  CHECK(deaf.exit_code == 3);
  CHECK_THAT(deaf.err, ContainsSubstring("not decided: the server does not serve its first client; "
                                         "is --speaks right?"));
  const auto tries = [&](const std::string& command) {
    return sockdrill({"fuzz", "--triage", folder, "--exec", command});
  };
  CHECK(tries(defective).exit_code == 1);
  const Ran undecided = tries(other);
  CAPTURE(undecided.out, undecided.err);
  CHECK(undecided.exit_code == 3);
  CHECK_THAT(undecided.out, ContainsSubstring("(not decided)"));
  CHECK_THAT(undecided.out, ContainsSubstring(" 0 still there, "));
  const Ran mended_now = tries(mended);
  CAPTURE(mended_now.out, mended_now.err);
  CHECK(mended_now.exit_code == 0);
}

SCENARIO("a correct server is fuzzed, and its corpus kept small", "[fuzz]") {
  const std::string target = GENERATE("tcp-multi-thread:line", "udp:echo", "unix-stream:echo");
  const std::string folder = make_folder("corpus-of-" + target);
  const Ran ran = sockdrill({"fuzz", "-t", target, "--world", "simulated", "--for", "2", "--jobs",
                             "1", "--corpus", folder});
  CAPTURE(target, ran.out, ran.err);
  if (cannot_be(ran)) return;
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("0 findings"));
  const Ran smaller = sockdrill({"fuzz", "-t", target, "--corpus", folder, "--minimize"});
  CAPTURE(smaller.out, smaller.err);
  CHECK(smaller.exit_code == 0);
  CHECK_THAT(smaller.out, ContainsSubstring("kept in"));
}

SCENARIO("a defect behind a login is reached, whose states only the replies tell apart", "[fuzz]") {
  const std::string folder = make_folder("login");
  const std::string server = std::string(SOCKDRILL_LOGIN_SERVER) + " smtp {port} 3";
  const std::string speaks = SOCKDRILL_SOURCE "/harness/spec/login_smtp.json";
  const Ran ran = sockdrill({"fuzz", "--exec", server, "--speaks", speaks, "--world", "simulated",
                             "--stop-at", "1", "--for", "10m", "--corpus", folder});
  CAPTURE(ran.out, ran.err);
  if (cannot_be(ran)) return;
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("killed by SIGABRT"));
  const auto finding = std::filesystem::directory_iterator(folder + "/findings");
  const std::string report = read_file(finding->path() / "report.txt");
  CHECK_THAT(report, ContainsSubstring("was killed by SIGABRT"));
  CHECK_THAT(report, !ContainsSubstring("after ''"));
  // As an input it is weighed as others are, and leaves nothing where we stand.
  std::filesystem::copy_file(finding->path() / "scenario.json", folder + "/inputs/deadly");
  const Ran weighed =
      sockdrill({"fuzz", "--exec", server, "--speaks", speaks, "--minimize", "--corpus", folder});
  CAPTURE(weighed.out, weighed.err);
  CHECK(weighed.exit_code == 0);
  for (const auto& entry : std::filesystem::directory_iterator("."))
    CHECK_THAT(entry.path().filename().string(), !StartsWith("found-"));
  CHECK_FALSE(std::filesystem::exists(folder + "/weighing"));
}

SCENARIO("what a sanitizer of the server's reports is a finding", "[fuzz]") {
  const std::string folder = make_folder("overrun");
  const Ran ran =
      sockdrill({"fuzz", "--exec", std::string(SOCKDRILL_OVERRUN_SERVER) + " {port}", "--world",
                 "simulated", "--stop-at", "1", "--for", "10m", "--corpus", folder});
  CAPTURE(ran.out, ran.err);
  if (cannot_be(ran)) return;
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("AddressSanitizer: heap-buffer-overflow in serve()"));
  // What the clients did until then is on record, though the report ended it.
  const std::filesystem::directory_iterator findings(folder + "/findings");
  CHECK_THAT(read_file(findings->path().string() + "/recording.jsonl"),
             ContainsSubstring("\"kind\":\"sent\""));
}

SCENARIO("a campaign that is killed leaves nothing running, and goes on", "[fuzz]") {
  const std::string folder = make_folder("killed");
  {
    Running campaign(command_line({"fuzz", "-t", "tcp-poll:echo", "--corpus", folder}));
    const bool has_begun = campaign.wait_for_output("fuzzing tcp-poll:echo");
    campaign.send_signal(SIGKILL);
    const Ran ran = campaign.wait();
    if (cannot_be(ran)) return;
    REQUIRE(has_begun);
  }
  CHECK(all_marked_processes_end());
  const Ran again = sockdrill({"fuzz", "-t", "tcp-poll:echo", "--for", "1", "--corpus", folder});
  CAPTURE(again.out, again.err);
  CHECK(again.exit_code == 0);
}

SCENARIO("a server that cannot be simulated is fuzzed on the real kernel", "[fuzz]") {
  const std::string folder = make_folder("real");
  const Ran ran = sockdrill(
      with_faulty_server({"fuzz", "--world", "real", "--for", "3", "--corpus", folder}, "none"));
  CAPTURE(ran.out, ran.err);
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("0 findings"));
  const Ran found = sockdrill(with_faulty_server(
      {"fuzz", "--world", "real", "--stop-at", "1", "--for", "5m", "--corpus", folder},
      "dies-of-reset"));
  CAPTURE(found.out, found.err);
  CHECK(found.exit_code == 1);
  CHECK_THAT(found.out, ContainsSubstring("found on the real kernel"));
  const Ran still = sockdrill(with_faulty_server({"fuzz", "--triage", folder}, "dies-of-reset"));
  CAPTURE(still.out, still.err);
  CHECK(still.exit_code == 1);
  const Ran gone = sockdrill(with_faulty_server({"fuzz", "--triage", folder}, "none"));
  CAPTURE(gone.out, gone.err);
  CHECK(gone.exit_code == 0);
  CHECK_THAT(gone.out, ContainsSubstring("(gone)"));
  const Ran deaf = sockdrill(with_faulty_server({"fuzz", "--triage", folder}, "never-answers"));
  CAPTURE(deaf.out, deaf.err);
  CHECK(deaf.exit_code == 3);
  CHECK_THAT(deaf.out, ContainsSubstring("(not decided)"));
}

SCENARIO("a server that serves nobody is not fuzzed, on either kernel", "[fuzz]") {
  const auto says = [](const std::string& fault, const std::vector<std::string>& more,
                       const std::string& words) {
    std::vector<std::string> line{"fuzz", "--corpus", make_folder("serves-nobody-" + fault)};
    line.insert(line.end(), more.begin(), more.end());
    const Ran ran = sockdrill(with_faulty_server(line, fault));
    CAPTURE(fault, ran.out, ran.err);
    CHECK(ran.exit_code == 3);
    CHECK_THAT(ran.err, ContainsSubstring(words));
    CHECK_THAT(ran.out, !ContainsSubstring("on the real kernel instead"));
  };
  says("never-answers", {"--for", "1m"},
       "the server does not serve its first client: it was taken to speak echo, which is the "
       "default; is --speaks right?");
  says("never-answers", {"--for", "1m", "--world", "real"}, "is --speaks right?");
  says("none", {"--for", "1m", "--speaks", "daytime"}, "it was taken to speak daytime; is");
  says("listens-elsewhere", {"--for", "1m"}, "7778 instead");
  says("spins-at-once", {"--for", "1"}, "the server does not listen where it was told to");
}

SCENARIO("a --speaks that was wrong leaves nothing behind", "[fuzz]") {
  const std::string folder = make_folder("wrong-speaks");
  const std::string server =
      SOCKDRILL_BUILD "/libexec/sockdrill/models/tcp-multi-thread --protocol line --port {port}";
  const auto fuzz = [&](const char* speaks) {
    return sockdrill({"fuzz", "--exec", server, "--speaks", speaks, "--declares",
                      R"({"concurrency": "concurrent"})", "--for", "1", "--corpus", folder});
  };
  const Ran wrong = fuzz("daytime");
  if (cannot_be(wrong)) return;
  CHECK(wrong.exit_code == 3);
  const Ran ran = fuzz("line");
  CAPTURE(ran.out, ran.err);
  CHECK(ran.exit_code == 0);
  CHECK(ran.err.empty());
  CHECK_THAT(ran.out, !ContainsSubstring("goes on"));
}

SCENARIO("a campaign that cannot be is refused with a reason", "[fuzz]") {
  SECTION("a time that is none") {
    const Ran ran = sockdrill({"fuzz", "-t", "udp:echo", "--for", "3x"});
    CHECK(ran.exit_code == 2);
    CHECK_THAT(ran.err, ContainsSubstring("expected a time such as"));
  }
  SECTION("a program that is not there: before anything is made") {
    const std::string folder = make_folder("none") + "/campaign";
    for (const char* command : {"./nosuch {port}", "no-such-server {port}"}) {
      const Ran ran = sockdrill({"fuzz", "--exec", command, "--corpus", folder});
      CAPTURE(command, ran.out, ran.err);
      CHECK(ran.exit_code == 3);
      CHECK_THAT(ran.err, ContainsSubstring("the server cannot be started"));
    }
    CHECK_FALSE(std::filesystem::exists(folder));
  }
  SECTION("a file in the place of a folder") {
    const std::string file = write_file("no-folder", "");
    for (const char* option : {"--corpus", "--triage"}) {
      const Ran ran = sockdrill({"fuzz", "-t", "udp:echo", option, file});
      CAPTURE(option, ran.out, ran.err);
      CHECK(ran.exit_code == 2);
      CHECK_THAT(ran.err, StartsWith("sockdrill: " + std::string(option) + ": " + file +
                                     " is a file, expected a folder"));
    }
  }
  SECTION("more servers than one") {
    const Ran ran = sockdrill({"fuzz", "-t", "tcp-*", "--corpus", make_folder("several")});
    CHECK(ran.exit_code == 2);
    CHECK_THAT(ran.err, ContainsSubstring("a campaign has one server"));
  }
}

}  // namespace sockdrill::spec
