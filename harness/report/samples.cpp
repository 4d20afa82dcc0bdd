#include "harness/report/samples.h"

namespace sockdrill {

RunResult truncated_echo() {
  RecordingBuilder builder = started();
  builder.client("a", Kind::opened, "tcp 127.0.0.1:40312")
      .client("a", Kind::connected, "127.0.0.1:40312 -> 127.0.0.1:7001")
      .client("a", Kind::sent, "", Content::pattern("a___", 0, 65536))
      .client("a", Kind::sent, "", Content::pattern("a___", 65536, 4464), 65536)
      .client("a", Kind::shut_down, "write")
      .client("a", Kind::received, "", Content::pattern("a___", 0, 4096))
      .client("a", Kind::received, "", Content::pattern("a___", 4096, 4096))
      .client("a", Kind::ended, "fin", {}, 8192);
  const std::size_t end = builder.last();
  builder.unmet("/steps/3").client("a", Kind::closed, "orderly");
  Finding finding{.rule = "step"};
  finding.headline = "the server closed before it had sent the whole reply: 8,192 of 70,000 bytes";
  finding.expected = "the bytes sent, then fin";
  finding.actual = "8,192 bytes of pattern a___ from 0, then fin";
  finding.pointer = "/steps/3";
  finding.client = "a";
  finding.evidence = {end - 1, end};
  finding.difference = Difference{.at = 8192,
                                  .window_from = 8176,
                                  .expected = pattern_octets("a___", 8176, 48),
                                  .actual = pattern_octets("a___", 8176, 16)};
  finding.diagnosis =
      "recv() answered 0 and the server closed at once, with its reply still in its own buffer: "
      "the end of what a client sends does not end what it wants to read (RFC 9293 3.6.1)";
  RunResult result = result_of("half-close/reply-in-full",
                               R"("level": "must", "source": ["RFC 9293 3.6.1", "RFC 9112 9.6"],
  "summary": "A client that half-closes after its request still gets every octet of the reply")",
                               R"(    {"client": "a", "connect": {"receive_buffer": 4096}},
    {"client": "a", "send": {"pattern": "a", "bytes": 70000}},
    {"client": "a", "shutdown": "write"},
    {"client": "a", "expect": {"one_of": [
      {"bytes": "=sent", "then": "fin"},
      {"bytes": "=sent", "then": "reset", "grade": "warn", "because": "RFC 9112 9.6"}
    ]}})",
                               builder, failed_with(std::move(finding)));
  result.server_output = "stdout: listening on 7001\nstderr: \x1b[31mconnection closed\x1b[0m\n";
  result.artifact = "artifacts/half-close.reply-in-full.tcp-threads.jsonl";
  return result;
}

RunResult wrong_octet() {
  RecordingBuilder builder = started();
  builder.client("a", Kind::connected)
      .client("a", Kind::sent, "", Content("PING 1\r\n"))
      .client("a", Kind::received, "", Content("PING 1\r\n"))
      .harness(Kind::case_began, "text=PING 2\r\n", 1)
      .client("a", Kind::connected)
      .client("a", Kind::sent, "", Content("PING 2\r\n"))
      .client("a", Kind::received, "", Content("PING \x1b\r\n"));
  Finding finding{.rule = "step"};
  finding.headline = "the reply differs from what had to come, at octet 5";
  finding.expected = R"("PING 2\r\n")";
  finding.actual = R"("PING \x1b\r\n", then nothing more: the server is at rest)";
  finding.pointer = "/steps/1/exchange";
  finding.case_index = 1;
  finding.client = "a";
  finding.evidence = {builder.last()};
  finding.difference =
      Difference{.at = 5, .window_from = 0, .expected = "PING 2\r\n", .actual = "PING \x1b\r\n"};
  builder.client("a", Kind::closed, "orderly");
  return result_of("data/digits",
                   R"("level": "must", "source": ["RFC 862"], "catches": "Digits taken for colours",
  "summary": "Digits come back unchanged",
  "parameters": {"text": ["PING 1\r\n", "PING 2\r\n"]})",
                   R"(    {"client": "a", "connect": {}},
    {"client": "a", "exchange": "$text"})",
                   builder, failed_with(std::move(finding)));
}

RunResult no_answer() {
  RecordingBuilder builder = started();
  builder.client("a", Kind::connected)
      .client("a", Kind::sent, "", Content("PING\r\n"))
      .harness(Kind::rested, "settled", 1);
  Finding finding{.rule = "step"};
  finding.headline = "no answer came: the server has read everything, and is at rest";
  finding.expected = "the bytes sent";
  finding.actual = "nothing more: the server is at rest";
  finding.pointer = "/steps/1";
  finding.client = "a";
  finding.evidence = {builder.last()};
  finding.difference = Difference{.at = 0, .window_from = 0, .expected = "PING\r\n", .actual = ""};
  builder.unmet("/steps/1");
  return result_of("lifecycle/one-client",
                   R"("level": "should", "source": ["RFC 862"], "summary": "A client is answered")",
                   R"(    {"client": "a", "connect": {}},
    {"client": "a", "exchange": "PING\r\n"})",
                   builder, failed_with(std::move(finding)));
}

RunResult killed_by_sigpipe() {
  RecordingBuilder builder = started();
  builder.client("a", Kind::connected)
      .client("b", Kind::connected)
      .client("a", Kind::sent, "", Content::pattern("a___", 0, 1 << 20))
      .client("a", Kind::was_reset)
      .server(Kind::exited, "killed by SIGPIPE", 256 + 13);
  const std::size_t exit = builder.last();
  builder.client("b", Kind::send_failed, "", {}, 6, Errno{104})
      .client("probe", Kind::connect_failed, "refused", {}, 0, Errno{111});
  Finding finding{.rule = "invariant/alive"};
  finding.headline = "the server died: killed by SIGPIPE";
  finding.expected = "a server that runs after every check";
  finding.actual = "killed by SIGPIPE";
  finding.because = {"send(2) MSG_NOSIGNAL", "signal(7) SIGPIPE"};
  finding.evidence = {exit - 1, exit};
  finding.diagnosis =
      "it sent to a connection that its client had left, without MSG_NOSIGNAL and without ignoring "
      "SIGPIPE";
  Finding probe{.rule = "invariant/probe"};
  probe.headline = "a fresh client was not served: connect was refused";
  Verdict verdict = failed_with(std::move(finding));
  verdict.findings.push_back(std::move(probe));
  return result_of("abort/reset-while-server-writes",
                   R"("level": "must", "source": ["RFC 9293 3.5.3"],
  "summary": "A client that resets while the server writes costs one connection, not the server")",
                   R"(    {"client": "a", "connect": {}},
    {"client": "b", "connect": {}},
    {"client": "a", "send": {"pattern": "a", "bytes": 1048576}},
    {"client": "a", "reset": {}},
    {"client": "b", "exchange": "PING\r\n"})",
                   builder, std::move(verdict));
}

RunResult leaked_descriptors() {
  RecordingBuilder builder;
  builder.server(Kind::started, "tcp-threads 7001", 4242)
      .server(Kind::listening, "127.0.0.1:7001")
      .sample("baseline", 4);
  Finding finding{.rule = "invariant/descriptors"};
  finding.evidence = {builder.last()};
  builder.harness(Kind::case_began);
  for (std::uint64_t round = 0; round < 3; ++round) {
    if (round > 0) builder.harness(Kind::round_began, "", round);
    for (int client = 1; client <= 20; ++client) {
      const std::string who = "c" + std::to_string(client);
      builder.client(who, Kind::connected).client(who, Kind::was_reset);
    }
    builder.harness(Kind::rested, "settled", 1)
        .sample(round == 0 ? "after" : "round " + std::to_string(round),
                4 + 20 * (static_cast<int>(round) + 1));
    finding.evidence.push_back(builder.last());
  }
  finding.headline = "20 descriptors more are open after every round";
  finding.expected = "4 descriptors, as at the start";
  finding.actual = "24, 44, 64 descriptors after three rounds";
  finding.because = {"close(2)"};
  return result_of("resources/descriptors",
                   R"-("level": "must", "source": ["close(2)"], "summary": "Aborts leak nothing",
  "catches": "the descriptor of a connection that was reset stays open")-",
                   R"(    {"clients": 20, "each": [{"connect": {}}, {"reset": {}}]})", builder,
                   failed_with(std::move(finding)));
}

RunResult undecided() {
  RecordingBuilder builder = started();
  builder.client("a", Kind::connected).harness(Kind::restless, "2 threads never slept for 10 s");
  Finding finding{.rule = "step", .grade = Grade::unknown};
  finding.headline = "the server did not come to rest within 10 s";
  finding.expected = "a server at rest";
  finding.actual = "2 threads never slept for 10 s";
  finding.pointer = "/steps/1";
  finding.evidence = {builder.last()};
  finding.diagnosis =
      "a server that polls never rests; if it is meant to, say so in its manifest: "
      R"("declares": {"polls": true})";
  return result_of("lifecycle/idle",
                   R"("level": "must", "summary": "An idle client costs nothing")",
                   R"(    {"client": "a", "connect": {}},
    {"server": "settled"})",
                   builder, failed_with(std::move(finding)));
}

std::string report(const MakeReporter& make, const std::vector<RunResult>& results,
                   std::size_t targets, bool interrupted, int exit_code) {
  std::string text;
  const std::unique_ptr<Reporter> reporter = make([&](std::string_view part) { text += part; });
  reporter->begin(results.size(), targets == 0 ? 0 : results.size() / targets, targets);
  Totals totals;
  for (const RunResult& result : results) {
    totals.add(result);
    reporter->add(result);
  }
  reporter->end(totals, exit_code, interrupted);
  return text;
}

RunResult simple(const std::string& check, Grade grade, const std::string& reason) {
  RunResult result{.check = check, .target = "t:echo"};
  result.verdict.grade = grade;
  result.verdict.reason = reason;
  result.took = Nanoseconds(12'000'000);
  return result;
}

std::vector<RunResult> one_of_each() {
  RunResult warning = simple("a/warn", Grade::warn);
  Finding finding{.rule = "step", .grade = Grade::warn};
  finding.headline = "allowed, but not well: reset";
  finding.expected = "fin; or reset (a warning)";
  finding.actual = "reset";
  finding.because = {"RFC 9112 9.6"};
  warning.verdict.findings = {finding};
  RunResult failure = simple("a/fail", Grade::fail);
  finding.grade = Grade::fail;
  finding.headline = "no answer";
  failure.verdict.findings = {finding};
  failure.replay_command = "sockdrill run a/fail -t t:echo";
  return {simple("a/pass", Grade::pass),
          simple("a/known", Grade::known, "it is old"),
          warning,
          simple("a/info", Grade::info, "the server does not declare it"),
          simple("a/skip", Grade::skip, "it is for udp, this one listens on tcp"),
          simple("a/unknown", Grade::unknown, "the server did not come to rest"),
          failure,
          simple("a/error", Grade::error, "no namespace could be made")};
}

RunResult hostile() {
  const std::string evil = std::string("\x1b[2J\0]]>&<\xff\xfe\u0085\ufffe # \\ \"'\r\n", 26);
  RunResult result = simple("a/" + evil, Grade::fail, evil);
  result.target = evil;
  result.summary = result.catches = result.scenario_file = result.server_output = evil;
  result.replay_command = result.artifact = evil;
  result.source = {evil};
  Finding finding{.rule = evil, .headline = evil, .expected = evil, .actual = evil};
  finding.because = {evil};
  finding.diagnosis = finding.client = finding.pointer = evil;
  finding.difference = Difference{.at = 1, .window_from = 0, .expected = evil, .actual = "\x1b"};
  result.verdict.findings = {finding};
  return result;
}

}  // namespace sockdrill
