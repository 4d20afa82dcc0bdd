// Scenarios in the compact form that fuzzers work on, and back.

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

const char* const kScenario =
    "{\"id\": \"my/check\", \"level\": \"must\", \"summary\": \"s\", \"steps\": [\n"
    "  {\"client\": \"slow\", \"connect\": {\"receive_buffer\": 4096}, \"note\": \"why\"},\n"
    "  {\"client\": \"slow\", \"send\": {\"request\": 0, \"cut\": [1, 2]}},\n"
    "  {\"client\": \"slow\", \"close\": {}}],\n"
    "  \"faults\": [{\"call\": \"receive\", \"nth\": 2, \"fails\": \"EINTR\"}], \"schedule\": "
    "{\"seed\": 7}}\n";

}  // namespace

SCENARIO("a scenario is encoded and decoded without a loss", "[encode]") {
  const std::string file = write_file("check.json", kScenario);
  const std::string form = file + ".form";
  CHECK(sockdrill({"encode", file, "-o", form}).exit_code == 0);
  const Ran decoded = sockdrill({"decode", form});
  CHECK(decoded.exit_code == 0);
  CHECK_THAT(decoded.out, ContainsSubstring("\"id\": \"my/check\""));
  CHECK_THAT(decoded.out, ContainsSubstring("\"note\":\"why\""));
  CHECK_THAT(decoded.out,
             ContainsSubstring("{\"call\":\"receive\",\"nth\":2,\"fails\":\"EINTR\"}"));
  const std::string again = write_file("again.json", decoded.out);
  CHECK(sockdrill({"lint", again}).exit_code == 0);
  const Ran bare = sockdrill({"encode", again, "--without-texts"});
  CHECK(bare.exit_code == 0);
  CHECK(bare.out.find("my/check") == std::string::npos);
  CHECK(bare.out.size() < 40);
}

SCENARIO("all cases of a check make a corpus", "[encode]") {
  const std::string folder = make_folder("corpus");
  const Ran many = sockdrill({"encode", "datagram/every-size"});
  CHECK(many.exit_code == 2);
  CHECK_THAT(many.err, ContainsSubstring("choose one with --set"));
  const Ran corpus = sockdrill({"encode", "*", "--over", "tcp", "-s", "line", "-o", folder});
  CHECK(corpus.exit_code == 0);
  CHECK_THAT(corpus.out, ContainsSubstring("files written"));
  CHECK_THAT(corpus.out, ContainsSubstring("is not for this server: "));
  CHECK_THAT(read_file(folder + "/half-close.nothing-sent"),
             ContainsSubstring("half-close/nothing-sent"));
}

SCENARIO("what is no compact form, or does not fit into one, is refused", "[encode]") {
  const auto says = [](const std::vector<std::string>& words, const std::string& what) {
    const Ran ran = sockdrill(words);
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, StartsWith("sockdrill: ") && ContainsSubstring(what));
  };
  says({"decode", write_file("check.json", kScenario)}, "is JSON");
  says({"decode", write_file("empty", "")}, "is empty");
  says({"decode", write_file("newer", "\x63 and more")}, "is not in version 3");
  says({"decode", "/no/such/file"}, "cannot be read");
  says({"decode", make_folder("folder")}, "is a folder");
  says({"decode", write_file("form", "\x03"), "-s", "ecoh"}, "ecoh");
  says({"encode", "no-such-theme/check"}, "no-such-theme/check");
  says(
      {"encode", write_file("run.json",
                            "{\"id\": \"a/b\", \"level\": \"must\", \"summary\": \"s\", \"steps\": "
                            "[{\"client\": \"a\", \"run\": {\"command\": \"true\"}}]}")},
      "runs a program");
  says({"encode", "half-close/reply-in-full", "--over", "udp"}, "is not for this server");
}

SCENARIO("any octets of a form are a scenario that can be planned", "[encode]") {
  const std::string form =
      write_file("any", std::string("\x03") + "\xff\x03rubbish that nobody has encoded \x12\x07");
  const Ran decoded = sockdrill({"decode", form});
  CHECK(decoded.exit_code == 0);
  const std::string file = write_file("any.json", decoded.out);
  CHECK(sockdrill({"plan", file, "-x", "server {port}"}).exit_code == 0);
}

SCENARIO("a dialogue's words are a dictionary for other fuzzers", "[dictionary]") {
  const Ran words = sockdrill({"dictionary", "-s", "redis"});
  CHECK(words.exit_code == 0);
  CHECK_THAT(words.out, ContainsSubstring("\"PING\"\n"));
  CHECK_THAT(words.out, ContainsSubstring("\"\\x0D\\x0A\"\n"));
}

}  // namespace sockdrill::spec
