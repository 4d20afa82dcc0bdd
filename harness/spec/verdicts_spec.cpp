// What the command says about servers that are right, and about servers with one fault.

#include <sstream>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

SCENARIO("a correct server passes, and the exit code says so", "[run]") {
  const Ran ran = sockdrill({"run", "half-close/*", "lifecycle/*", "-t", "tcp-poll:echo"});
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("PASS"));
  CHECK_THAT(ran.out, !ContainsSubstring("FAIL"));
}

SCENARIO("a server that cuts long echoes is found out, and the place is shown",
         "[run][half-close]") {
  const Ran ran =
      sockdrill(with_faulty_server({"run", "half-close/reply-in-full"}, "cuts-long-echo"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("FAIL"));
  CHECK_THAT(ran.out, ContainsSubstring("RFC 9293"));
  CHECK_THAT(ran.out, ContainsSubstring("reply-in-full.json:"));
  CHECK_THAT(ran.out, ContainsSubstring("Run it again"));
}

SCENARIO("an octet that is not the one sent is located", "[run][data]") {
  const Ran ran = sockdrill(
      with_faulty_server({"run", "lifecycle/one-client-after-another"}, "flips-an-octet"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("differs from octet 20"));
}

SCENARIO("a server that dies of a reset is found dead, and by what", "[run][abort]") {
  const Ran ran = sockdrill(with_faulty_server({"run", "abort/reset-while-idle"}, "dies-of-reset"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("SIGABRT"));
}

SCENARIO("a server that spins at the end of a stream is found out from its CPU time",
         "[run][quiet-cpu]") {
  const Ran ran = sockdrill(with_faulty_server({"run", "half-close/nothing-sent"}, "spins-on-eof"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("spins"));
}

SCENARIO("a leak of descriptors is found out because it repeats", "[run][descriptors]") {
  const Ran ran = sockdrill(
      with_faulty_server({"run", "lifecycle/one-client-after-another"}, "leaks-descriptors"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("descriptors"));
}

SCENARIO("memory that grows for a while is no leak, and memory that always grows is one",
         "[run][memory]") {
  const std::vector<std::string> words{"run", "lifecycle/one-client-after-another"};
  CHECK(sockdrill(with_faulty_server(words, "warms-up")).exit_code == 0);
  const Ran ran = sockdrill(with_faulty_server(words, "leaks-memory"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("invariant/memory"));
}

SCENARIO("a server that never answers is told from one that is slow, without waiting", "[run]") {
  const Ran ran =
      sockdrill(with_faulty_server({"run", "lifecycle/one-client-after-another"}, "never-answers"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("sleeps, and nothing came"));
}

SCENARIO("a mutant is played when it is named, and never by a glob over all servers", "[run]") {
  const Ran named = sockdrill({"run", "abort/reset-while-idle", "-t", "mutants/reset-uncaught"});
  CHECK(named.exit_code == 1);
  CHECK_THAT(named.out, ContainsSubstring("The server died"));
  const Ran globbed = sockdrill({"run", "abort/reset-while-idle", "-t", "reset-uncau*"});
  CHECK(globbed.exit_code == 2);
}

SCENARIO("a second instance that steals the port is found out", "[run][port-reuse]") {
  const Ran ran =
      sockdrill(with_faulty_server({"run", "port-reuse/second-instance"}, "second-steals"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("second instance"));
}

SCENARIO("a server without descriptors may keep everybody out of its queue", "[run][resources]") {
  const Ran ran =
      sockdrill(with_faulty_server({"run", "resources/out-of-descriptors"}, "shortens-its-queue"));
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("1 passed"));
}

SCENARIO("a server on a long path comes back on it when it is restarted", "[run][unix]") {
  const std::string paths = make_folder("long-path") + "/paths";
  const std::string server = write_file("long_path.py", R"(import os, socket, sys
if os.path.exists(sys.argv[1]): os.unlink(sys.argv[1])
open(sys.argv[2], "a").write(sys.argv[1] + "\n")
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    client, _ = listener.accept()
    client.sendall(client.recv(100))
    client.close()
)");
  const std::string check =
      write_file("stays.json", R"({"id": "my/stays", "level": "must", "summary": "It stays",
        "applies": {"transport": ["unix"]}, "steps": [
        {"server": {"restart": {"path_bytes": 107}}}, {"server": {"restart": {}}},
        {"client": "a", "connect": {}}, {"client": "a", "exchange": {"text": "hello"}}]})");
  const Ran ran = sockdrill(
      {"run", check, "--over", "unix", "--exec", "python3 " + server + " {path} " + paths});
  CHECK(ran.exit_code == 0);
  std::istringstream told(read_file(paths));
  std::vector<std::string> lines;
  for (std::string line; std::getline(told, line);) lines.push_back(line);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].size() < 107);
  CHECK(lines[1].size() == 107);
  CHECK(lines[2] == lines[1]);
}

SCENARIO("a server that ignores SIGTERM is found out, and still leaves nothing behind",
         "[run][signals]") {
  const Ran ran =
      sockdrill(with_faulty_server({"run", "signals/terminate-at-rest"}, "ignores-sigterm"));
  CHECK(ran.exit_code == 1);
  CHECK(marked_processes().empty());
}

SCENARIO("a child that outlives its server is a finding, and does not outlive the command",
         "[run][left-over]") {
  const Ran ran = sockdrill(
      with_faulty_server({"run", "lifecycle/one-client-after-another"}, "leaves-a-child"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("left 1 process behind"));
  CHECK(marked_processes().empty());
}

SCENARIO("a server that writes more than a pipe holds is drained, and passes", "[run][output]") {
  const Ran ran = sockdrill(
      with_faulty_server({"run", "lifecycle/one-client-after-another"}, "floods-its-log"));
  CHECK(ran.exit_code == 0);
}

}  // namespace sockdrill::spec
