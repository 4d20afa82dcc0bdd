// Bad input and servers that do not come up: a clear message, the documented exit code, nothing
// left running.

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

SCENARIO("unknown names are answered with what was probably meant", "[usage]") {
  const Ran check = sockdrill({"run", "half-close/reply-in-ful"});
  CHECK(check.exit_code == 2);
  CHECK_THAT(check.err, ContainsSubstring("did you mean 'half-close/reply-in-full'?"));
  const Ran target = sockdrill({"run", "-t", "tcp-pol"});
  CHECK(target.exit_code == 2);
  CHECK_THAT(target.err, ContainsSubstring("did you mean 'tcp-poll'?"));
  CHECK(sockdrill({"run", "--no-such-option"}).exit_code == 2);
  CHECK(sockdrill({"run", "--report", "html5"}).exit_code == 2);
  CHECK(sockdrill({}).exit_code == 2);
}

SCENARIO("a command line with a mistake says what was probably meant", "[usage]") {
  const auto says = [](const std::vector<std::string>& words, const std::string& what) {
    const Ran ran = sockdrill(words);
    CHECK(ran.exit_code == 2);
    CHECK_THAT(ran.err, StartsWith("sockdrill: ") && ContainsSubstring(what));
  };
  says({"runn"}, "did you mean 'run'?");
  says({"run", "--exce", "x"}, "did you mean '--exec'?");
  says({}, "subcommand");
  says({"run", "-j", "many"}, "--jobs");
  says({"run", "--shard", "3/2"}, "expected I/N");
  says({"judge"}, "recording");
  says({"fuzz", "--exec", "./server"}, "sockdrill fuzz --exec './server {port}'");
  says({"plan", "rst/*", "--exec", "./server"}, "sockdrill plan --exec './server {port}'");
  says({"fuzz", "--exec", "./server {prot}"},
       "unknown placeholder {prot}; did you mean {port}? There are {port} {path} ");
}

SCENARIO("a folder where a file is expected is said to be one", "[usage]") {
  const std::string folder = make_folder("a-folder");
  const std::string scenario = write_file("folder.json", R"({"id": "a/b", "level": "must",
    "summary": "s", "steps": [{"client": "a", "connect": {}},
                              {"client": "a", "send": {"file": "a-folder"}}]})");
  const std::vector<std::vector<std::string>> lines{
      {"judge", folder}, {"decode", folder}, {"plan", scenario, "-t", "tcp-poll:echo"}};
  for (const std::vector<std::string>& line : lines) {
    const Ran ran = sockdrill(line);
    CAPTURE(line, ran.out, ran.err);
    CHECK(ran.exit_code == 2);
    CHECK((ran.err.find("s a folder") != std::string::npos ||
           ran.err.find("Is a directory") != std::string::npos));
  }
}

SCENARIO("a selection that takes nothing is not a success", "[usage]") {
  CHECK(sockdrill({"run", "no-such-theme/*"}).exit_code == 4);
  CHECK(sockdrill({"run", "unix/*", "-t", "tcp-poll:echo"}).exit_code == 4);
}

SCENARIO("servers that do not come up are told apart", "[start]") {
  const std::vector<std::string> check{"run", "lifecycle/one-client-after-another"};
  const auto says = [&](const std::string& fault, const std::string& words) {
    const Ran ran = sockdrill(with_faulty_server(check, fault));
    CHECK(ran.exit_code == 3);
    CHECK_THAT(ran.out, ContainsSubstring(words));
    CHECK(marked_processes().empty());
  };
  says("exits-at-once", "exited with status 3");
  says("listens-elsewhere", "7778 instead");
  says("goes-to-the-background", "went to the background");
  const Ran missing =
      sockdrill({"run", "lifecycle/one-client-after-another", "--exec", "no-such-server {port}"});
  CHECK(missing.exit_code == 3);
  CHECK_THAT(missing.out, ContainsSubstring("not found in PATH"));
}

SCENARIO("a dialogue is checked as one", "[lint]") {
  const Ran fine = sockdrill({"lint", SOCKDRILL_SOURCE "/harness/spec/login_smtp.json"});
  CHECK(fine.exit_code == 0);
  CHECK_THAT(fine.out, ContainsSubstring("a dialogue, 7 exchanges"));
  const std::string file = write_file(
      "dialogue.json", R"({"name": "kv", "dialogue": [{"reqest": "GET\r\n", "reply": "{any}"}]})");
  const Ran ran = sockdrill({"lint", file});
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, ContainsSubstring("request"));
  const Ran manifest = sockdrill({"lint", write_file("half.json", R"({"name": "m", "listens":
    {"transport": "tcp"}, "speaks": "echo"})")});
  CHECK(manifest.exit_code == 2);
  CHECK_THAT(manifest.err, ContainsSubstring("command"));
}

SCENARIO("a scenario with a mistake is refused with file, line, column and caret", "[lint]") {
  const std::string file = write_file("typo.json",
                                      "{\"id\": \"a/b\", \"level\": \"must\", \"summary\": \"s\", "
                                      "\"steps\": [\n  {\"client\": \"a\", \"conect\": {}}\n]}\n");
  const Ran ran = sockdrill({"lint", file});
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, ContainsSubstring("typo.json:2:"));
  CHECK_THAT(ran.err, ContainsSubstring("did you mean 'connect'?"));
  CHECK_THAT(ran.err, ContainsSubstring("^"));
}

SCENARIO("hostile files are refused, quickly", "[lint]") {
  CHECK(sockdrill({"lint", write_file("deep.json", std::string(10000, '['))}).exit_code == 2);
  CHECK(sockdrill({"lint", write_file("huge.json", std::string(std::size_t{100} << 20U, ' '))})
            .exit_code == 2);
  CHECK(sockdrill({"lint", write_file("rubbish.json", std::string("\xff\x00\x1b[31m\xfe", 8))})
            .exit_code == 2);
  CHECK(sockdrill({"lint", write_file("empty.json", "")}).exit_code == 2);
  CHECK(sockdrill({"lint", "/no/such/file.json"}).exit_code == 2);
}

SCENARIO("a manifest with a missing field names it", "[manifest]") {
  const Ran ran = sockdrill(
      {"run", "-t", write_file("m.json", R"({"name": "x", "command": ["x"], "speaks": "echo"})")});
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, ContainsSubstring("'listens' is missing"));
}

SCENARIO("what the bundled files say is right", "[lint]") {
  const Ran ran = sockdrill({"list"});
  CHECK(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("abort/reset-while-server-reads"));
  CHECK(sockdrill({"plan", "*", "-t", "tcp-epoll-edge"}).exit_code == 0);
  CHECK(sockdrill({"doctor"}).exit_code == 0);
}

}  // namespace sockdrill::spec
