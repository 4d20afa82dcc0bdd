// What the command says of the defect behind a failure, and of servers that have none.

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

/// A check that no server can pass.
std::string impossible(const std::string& name, const std::string& transport,
                       const std::string& steps) {
  return write_file(name + ".json", R"({"id": "impossible/)" + name + R"(", "level": "must",
  "summary": "What no server can do", "source": ["none"],
  "applies": {"transport": ")" + transport +
                                        R"(", "speaks": "echo"}, "steps": )" + steps + "}");
}

}  // namespace

SCENARIO("the finding names the defect, with its source", "[run][diagnosis]") {
  const Ran ran = sockdrill({"run", "abort/reset-while-idle", "-t", "reset-uncaught"});
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("Probably"));
  CHECK_THAT(ran.out, ContainsSubstring("recv(2)"));
}

SCENARIO("a correct server that is asked for the impossible gets no diagnosis",
         "[run][diagnosis]") {
  const std::string connect = R"([{"client": "a", "connect": {}}, )";
  const std::string hello = connect + R"({"client": "a", "send": "hello"}, )";
  const std::string half_closed = hello + R"({"client": "a", "shutdown": "write"}, )";
  const Ran ran = sockdrill(
      {"run", impossible("other", "tcp", hello + R"({"client": "a", "expect": {"bytes": "bye"}}])"),
       impossible("nothing", "tcp", connect + R"({"client": "a", "expect": {"bytes": "x"}}])"),
       impossible(
           "reset", "tcp",
           half_closed + R"({"client": "a", "expect": {"bytes": "=sent", "then": "reset"}}])"),
       impossible("more", "tcp",
                  half_closed + R"({"client": "a", "expect": {"bytes": "hello, you"}}])"),
       impossible("nul", "tcp", connect + R"({"client": "a", "send": {"hex": "6100"}},
         {"client": "a", "expect": {"bytes": {"hex": "610001"}}}])"),
       impossible("end", "tcp", connect + R"({"server": {"expect": {"exit": "any"}}}])"),
       impossible("longer", "udp", R"([{"client": "a", "send": {"pattern": "a", "bytes": 2000}},
         {"client": "a", "expect": {"datagram": {"pattern": "a", "bytes": 2001}}}])"),
       "-t", "tcp-epoll-edge:echo", "-t", "tcp-multi-thread:echo", "-t", "tcp-iterative:echo", "-t",
       "udp:echo", "--report", "json"});
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out, ContainsSubstring("\"headline\""));
  CHECK_THAT(ran.out, !ContainsSubstring("\"diagnosis\""));
}

}  // namespace sockdrill::spec
