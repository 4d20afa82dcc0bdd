// A run that does not come to its end: interrupted, killed, out of disk.

#include <poll.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

namespace fs = std::filesystem;

/// For hours, if nobody stops it.
std::vector<std::string> endless_run(const std::vector<std::string>& more) {
  std::vector<std::string> words{"run",
                                 "lifecycle/one-client-after-another",
                                 "lifecycle/connect-and-leave",
                                 "half-close/reply-in-full",
                                 "-t",
                                 "tcp-multi-process:echo",
                                 "-v",
                                 "--repeat",
                                 "100000"};
  words.insert(words.end(), more.begin(), more.end());
  return command_line(words);
}

}  // namespace

SCENARIO("an interrupted run says what it has found so far, and leaves nothing", "[interrupt]") {
  const std::string junit = make_folder("interrupted") + "/junit.xml";
  for (const int signal : {SIGINT, SIGTERM}) {
    Running running(endless_run({"--report", "junit=" + junit}));
    REQUIRE(running.wait_for_output("PASS ", 3));
    running.send_signal(signal);
    const Ran ran = running.wait();
    CHECK(ran.exit_code == 130);
    CHECK_THAT(ran.out, ContainsSubstring("interrupted"));
    CHECK_THAT(read_file(junit), ContainsSubstring("<testcase"));
    CHECK_THAT(read_file(junit), ContainsSubstring("</testsuites>"));
    CHECK(all_marked_processes_end());
  }
}

SCENARIO("kill -9 at any moment leaves no process and no file", "[kill]") {
  const std::string temp = make_folder("temp");
  std::mt19937 random(20);  // NOLINT: the same moments again, as far as a machine can
  for (const bool isolated : {true, false}) {
    for (int i = 0; i < 10; ++i) {
      std::vector<std::string> line = endless_run({});
      if (!isolated) line.push_back("--no-isolation");
      line.insert(line.begin(), {"env", "TMPDIR=" + temp});
      Running running(line);
      REQUIRE(running.wait_for_output("PASS ", static_cast<int>(random() % 4)));
      ::poll(nullptr, 0, static_cast<int>(random() % 50));
      running.send_signal(SIGKILL);
      CHECK(running.wait().exit_code == 137);
      CHECK(all_marked_processes_end());
      CHECK(fs::is_empty(temp));
    }
  }
}

SCENARIO("a full disk loses no verdict", "[artifacts]") {
  GIVEN("a report that cannot be written") {
    const Ran ran = sockdrill(with_faulty_server(
        {"run", "lifecycle/one-client-after-another", "--report", "junit=/dev/full"},
        "never-answers"));
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.err, ContainsSubstring("No space left"));
    CHECK_THAT(ran.out, ContainsSubstring("FAIL"));
  }
  GIVEN("artifacts that do not fit") {
    const std::string disk = make_folder("disk");
    std::vector<std::string> line{"unshare",
                                  "--user",
                                  "--map-root-user",
                                  "--mount",
                                  "sh",
                                  "-c",
                                  "mount -t tmpfs -o size=4k tmpfs \"$0\" && exec \"$@\"",
                                  disk};
    if (run_program({"unshare", "--user", "--map-root-user", "--mount", "true"}).exit_code != 0)
      return;  // user namespaces are forbidden here
    const std::vector<std::string> command = command_line(with_faulty_server(
        {"run", "lifecycle/one-client-after-another", "--artifacts", disk}, "never-answers"));
    line.insert(line.end(), command.begin(), command.end());
    const Ran ran = run_program(line);
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.err, ContainsSubstring("No space left"));
    CHECK_THAT(ran.out, ContainsSubstring("FAIL"));
  }
}

}  // namespace sockdrill::spec
