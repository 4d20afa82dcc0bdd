// The simulated world: the same checks, the same verdicts, without waiting.

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

SCENARIO("a server is put through its checks in the simulated world", "[simulated]") {
  const std::string target = GENERATE("tcp-epoll-edge:echo", "tcp-multi-thread:line",
                                      "tcp-multi-process:echo", "udp:echo", "unix-stream:echo");
  const Ran ran = sockdrill(
      {"run", "half-close/*", "abort/*", "datagram/*", "-t", target, "--world", "simulated"});
  CAPTURE(target, ran.out, ran.err);
  if (ran.out.find("has no libsockdrill-sim.so") != std::string::npos) return;  // sanitizers
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("passed"));
}

SCENARIO("a broken server is found out in the simulated world, too", "[simulated]") {
  GIVEN("an echo server that lets an exception about a reset connection escape") {
    const Ran ran = sockdrill({"run", "abort/*", "-t", "reset-uncaught", "--world", "simulated"});
    CAPTURE(ran.out, ran.err);
    if (ran.out.find("has no libsockdrill-sim.so") != std::string::npos) return;
    THEN("the run fails, and the line to repeat it names the world") {
      CHECK(ran.exit_code == 1);
      CHECK_THAT(ran.out, ContainsSubstring("--world simulated"));
    }
  }
}

SCENARIO("faults are played in the simulated world, and shown", "[simulated]") {
  const std::string file =
      write_file("faulty.json",
                 "{\"id\": \"my/faulty\", \"level\": \"must\", \"summary\": \"s\", \"steps\": "
                 "[{\"client\": \"a\", \"connect\": {}}, "
                 "{\"client\": \"a\", \"exchange\": {\"request\": 0}}], "
                 "\"faults\": [{\"call\": \"receive\", \"nth\": 1, \"fails\": \"EINTR\"}, "
                 "{\"call\": \"send\", \"nth\": 1, \"at_most\": 1}, "
                 "{\"call\": \"wait\", \"nth\": 1, \"fails\": \"EINTR\"}]}");
  CHECK_THAT(sockdrill({"lint", file}).out, ContainsSubstring("for --world simulated"));
  GIVEN("the real world") {
    const Ran ran = sockdrill({"run", file, "-t", "tcp-poll:echo"});
    CAPTURE(ran.out, ran.err);
    CHECK(ran.exit_code == 4);
    CHECK_THAT(ran.out, ContainsSubstring("no real kernel can be asked"));
  }
  GIVEN("a server that goes on after EINTR and after a short send") {
    const Ran ran = sockdrill({"run", file, "-t", "tcp-poll:echo", "--world", "simulated"});
    CAPTURE(ran.out, ran.err);
    if (ran.out.find("has no libsockdrill-sim.so") != std::string::npos) return;
    CHECK(ran.exit_code == 0);
  }
  GIVEN("one that ends when it is interrupted") {
    const Ran ran = sockdrill({"run", file, "-t", "eintr-fatal", "--world", "simulated"});
    CAPTURE(ran.out, ran.err);
    if (ran.out.find("has no libsockdrill-sim.so") != std::string::npos) return;
    CHECK(ran.exit_code == 1);
    CHECK_THAT(ran.out, ContainsSubstring("its call no. 1 to wait fails with EINTR"));
  }
}

SCENARIO("what cannot be simulated is skipped, and named", "[simulated]") {
  const Ran ran =
      sockdrill({"run", "lifecycle/*", "--exec",
                 R"(python3 -c 'import os; os.execv("/bin/sleep", ["sleep", "9"])' {port})",
                 "--world", "simulated"});
  CAPTURE(ran.out, ran.err);
  if (ran.out.find("has no libsockdrill-sim.so") != std::string::npos) return;
  CHECK(ran.exit_code == 4);
  CHECK_THAT(ran.out, ContainsSubstring("execv"));
}

SCENARIO("a script may start the server that is simulated", "[simulated]") {
  const std::string program = std::string(SOCKDRILL_BUILD) + "/libexec/sockdrill/models/tcp-poll";
  const std::string script = write_file(
      "start.sh", "mkdir -p folder && true\nexec " + program + " --port \"$1\" --protocol echo\n");
  const Ran ran = sockdrill(
      {"run", "half-close/*", "--exec", "sh " + script + " {port}", "--world", "simulated"});
  CAPTURE(ran.out, ran.err);
  if (ran.out.find("has no libsockdrill-sim.so") != std::string::npos) return;
  CHECK(ran.exit_code == 0);
}

}  // namespace sockdrill::spec
