// Other users, other transports, other places: the same verdicts.

#include <unistd.h>

#include <filesystem>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

/// A bundled model by its path, as a user names a server of their own.
std::string model(const std::string& name) {
  const std::filesystem::path command = command_line({})[0];
  return command.parent_path().parent_path() / "libexec/sockdrill/models" / name;
}

}  // namespace

SCENARIO("an ordinary user gets the same verdicts as root", "[user]") {
  const std::vector<std::string> words{
      "run",          "lifecycle/*", "resources/out-of-descriptors",
      "port-reuse/*", "-t",          "tcp-epoll-level:echo"};
  const Ran ours = sockdrill(words);
  CHECK(ours.exit_code == 0);
  if (::geteuid() != 0) return;
  std::vector<std::string> line{"setpriv",        "--reuid=65534", "--regid=65534",
                                "--clear-groups", "env",           "HOME=/"};
  const std::vector<std::string> command = command_line(words);
  line.insert(line.end(), command.begin(), command.end());
  const Ran theirs = run_program(line);
  CHECK(theirs.exit_code == 0);
  CHECK_THAT(theirs.err, !ContainsSubstring("no isolation"));
}

SCENARIO("without namespaces a run says so, and goes on", "[degraded]") {
  const Ran ran =
      sockdrill({"run", "half-close/*", "port-reuse/*", "-t", "tcp-poll:echo", "--no-isolation"});
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.err, ContainsSubstring("no isolation"));
  CHECK_THAT(ran.out, ContainsSubstring("PASS"));
}

SCENARIO("any server command is drilled, over every transport", "[exec]") {
  struct Sample {
    const char* command;
    const char* over;
  };
  const Sample sample =
      GENERATE(Sample{"tcp-poll --port {port}", "tcp"}, Sample{"udp --port {port}", "udp"},
               Sample{"unix-stream --path {path}", "unix"},
               Sample{"unix-datagram --path {path}", "unix-dgram"},
               Sample{"unix-seqpacket --path {path}", "unix-seqpacket"});
  const Ran ran = sockdrill({"run", "lifecycle/*", "zero-length/*", "--exec", model(sample.command),
                             "--over", sample.over});
  CAPTURE(sample.command, ran.out, ran.err);
  CHECK(ran.exit_code == 0);
}

SCENARIO("a server with its port in its code is run as it is", "[exec]") {
  const Ran ran =
      sockdrill({"run", "lifecycle/one-client-after-another", "--exec",
                 model("tcp-poll --port 8080"), "--port", "8080", "-j", "2", "--repeat", "4"});
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("4 runs in"));
}

SCENARIO("a manifest that is named from where one stands finds what lies beside it", "[manifest]") {
  write_file("serve.sh", "exec " + model("tcp-poll") + " --port \"$1\"\n");
  const std::filesystem::path manifest = write_file("mine.json", R"({
    "name": "mine", "command": ["sh", "{targets}/serve.sh", "{port}"],
    "listens": {"transport": "tcp"}, "speaks": "echo"})");
  const std::string name = GENERATE("mine.json", "./mine.json", "../mine.json");
  const std::filesystem::path place =
      name.starts_with("..") ? make_folder("elsewhere") : manifest.parent_path().string();
  std::vector<std::string> line{"env", "-C", place};
  for (const std::string& word : command_line({"run", "lifecycle/connect-and-leave", "-t", name}))
    line.push_back(word);
  const Ran ran = run_program(line);
  CAPTURE(name, ran.out, ran.err);
  CHECK(ran.exit_code == 0);
}

}  // namespace sockdrill::spec
