#include <gtest/gtest.h>

#include "harness/report/samples.h"

namespace sockdrill {
namespace {

TEST(ExplainTest, TellsWhereAReplyBrokeOff) {
  EXPECT_EQ(explain(truncated_echo(), false),
            R"---(FAIL  half-close/reply-in-full on tcp-threads:echo

  The server closed before it had sent the whole reply: 8,192 of 70,000 bytes.

  Requirement  MUST: A client that half-closes after its request still gets every octet of the
               reply
  Source       RFC 9293 3.6.1; RFC 9112 9.6
  Script       scenarios/half-close/reply-in-full.json:9:5
        9 |     {"client": "a", "expect": {"one_of": [
          |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
       10 |       {"bytes": "=sent", "then": "fin"},
       11 |       {"bytes": "=sent", "then": "reset", "grade": "warn", "because": "RFC 9112 9.6"}
       12 |     ]}}
  Expected     the bytes sent, then fin
  Actual       8,192 bytes of pattern a___ from 0, then fin

  What happened
        ms  client a                                                             server
      0.10  │                                    starts, pid 4242: tcp-threads 7001 ┤
      0.20  │                                             listens on 127.0.0.1:7001 ┤
      0.50  ├── connect 127.0.0.1:40312 -> 127.0.0.1:7001 ─────────────────────────>│
      0.60  ├── send 70,000 bytes in 2 pieces of pattern a___ from 0 ──────────────>│
      0.80  ├── shut down write: fin ──────────────────────────────────────────────>│
      0.90  │<──────────────────── 8,192 bytes in 2 pieces of pattern a___ from 0 ──┤
!!    1.10  │<═════════════════════════════════════════════ fin after 8,192 bytes ══╡ <── here
      1.20  ├  not met: expect the bytes sent, then fin; or the bytes sent, then..  │
      1.30  ├── close ─────────────────────────────────────────────────────────────>│

  The first difference, at octet 8,192
      8,176  same      3c 61 5f 5f 5f 3a 30 30  30 30 30 30 31 66 66 3e  |<a___:0000001ff>|
      8,192  expected  3c 61 5f 5f 5f 3a 30 30  30 30 30 30 32 30 30 3e  |<a___:000000200>|
             actual    (nothing more)
                       ^^                                                 ^
      8,208  expected  3c 61 5f 5f 5f 3a 30 30  30 30 30 30 32 30 31 3e  |<a___:000000201>|
             actual    (nothing more)
             Nothing came from octet 8,192 on.

  Probably
    recv() answered 0 and the server closed at once, with its reply still in its own buffer: the
    end of what a client sends does not end what it wants to read (RFC 9293 3.6.1).

  The server's output
    | stdout: listening on 7001
    | stderr: \x1b[31mconnection closed\x1b[0m

  Run it again
    sockdrill run half-close/reply-in-full -t tcp-threads:echo --seed 1

  The whole recording
    artifacts/half-close.reply-in-full.tcp-threads.jsonl
)---");
}

TEST(ExplainTest, TellsWhichOctetIsWrong) {
  EXPECT_EQ(explain(wrong_octet(), false),
            R"---(FAIL  data/digits on tcp-threads:echo, case 2 of 2: text=PING 2\r\n

  The reply differs from what had to come, at octet 5.

  Requirement  MUST: Digits come back unchanged
  Source       RFC 862
  Script       scenarios/data/digits.json:8:33
        8 |     {"client": "a", "exchange": "$text"}
          |                                 ^~~~~~~
  Expected     "PING 2\r\n"
  Actual       "PING \x1b\r\n", then nothing more: the server is at rest

  What happened
        ms  client a                                                             server
      0.10  │                                    starts, pid 4242: tcp-threads 7001 ┤
      0.20  │                                             listens on 127.0.0.1:7001 ┤
      0.80  ├── connect ───────────────────────────────────────────────────────────>│
      0.90  ├── send 8 bytes "PING 2\r\n" ─────────────────────────────────────────>│
!!    1.00  │<═══════════════════════════════════════════ 8 bytes "PING \x1b\r\n" ══╡ <── here
      1.10  ├── close ─────────────────────────────────────────────────────────────>│

  The first difference, at octet 5
          0  expected  50 49 4e 47 20 32 0d 0a                           |PING 2..        |
             actual    50 49 4e 47 20 1b 0d 0a                           |PING ...        |
                                      ^^                                       ^
             Octet 5 is 0x1b instead of 0x32.

  Defects that this check is known to catch
    Digits taken for colours.

  Run it again
    sockdrill run data/digits -t tcp-threads:echo --seed 1
)---");
}

TEST(ExplainTest, TellsThatNothingCame) {
  EXPECT_EQ(explain(no_answer(), false), R"---(FAIL  lifecycle/one-client on tcp-threads:echo

  No answer came: the server has read everything, and is at rest.

  Requirement  SHOULD: A client is answered
  Source       RFC 862
  Script       scenarios/lifecycle/one-client.json:6:5
        6 |     {"client": "a", "exchange": "PING\r\n"}
          |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  Expected     the bytes sent
  Actual       nothing more: the server is at rest

  What happened
        ms  client a                                                             server
      0.10  │                                    starts, pid 4242: tcp-threads 7001 ┤
      0.20  │                                             listens on 127.0.0.1:7001 ┤
      0.40  ├── connect ───────────────────────────────────────────────────────────>│
      0.50  ├── send 6 bytes "PING\r\n" ───────────────────────────────────────────>│
!!    0.60  │  (the server is at rest: nothing more will come)                      │ <── here
      0.70  ├  not met: expect "PING\r\n"                                           │

  Run it again
    sockdrill run lifecycle/one-client -t tcp-threads:echo --seed 1
)---");
}

TEST(ExplainTest, TellsWhatTheServerDiedOf) {
  EXPECT_EQ(explain(killed_by_sigpipe(), false),
            R"---(FAIL  abort/reset-while-server-writes on tcp-threads:echo

  The server died: killed by SIGPIPE.

  Requirement  MUST: A client that resets while the server writes costs one connection, not the
               server
  Rule         invariant/alive, which holds after every check
  Source       send(2) MSG_NOSIGNAL; signal(7) SIGPIPE
  Script       scenarios/abort/reset-while-server-writes.json
  Expected     a server that runs after every check
  Actual       killed by SIGPIPE

  What happened
        ms  a     b                                                              server
      0.10  │     │                              starts, pid 4242: tcp-threads 7001 ┤
      0.20  │     │                                       listens on 127.0.0.1:7001 ┤
      0.40  ├──────── connect ─────────────────────────────────────────────────────>│
      0.50  │     ├── connect ─────────────────────────────────────────────────────>│
      0.60  ├──────── send 1,048,576 bytes of pattern a___ from 0 ─────────────────>│
      0.70  ├──────── reset ───────────────────────────────────────────────────────>│
!!    0.80  │     │                                               killed by SIGPIPE ┴ <── here
      0.90  │     ├── send fails (ECONNRESET): 6 bytes did not get out ──x

  Probably
    It sent to a connection that its client had left, without MSG_NOSIGNAL and without ignoring
    SIGPIPE.

  1 more finding
    FAIL  invariant/probe: A fresh client was not served: connect was refused.

  Run it again
    sockdrill run abort/reset-while-server-writes -t tcp-threads:echo --seed 1
)---");
}

TEST(ExplainTest, TellsOfALeak) {
  EXPECT_EQ(explain(leaked_descriptors(), false),
            R"---(FAIL  resources/descriptors on tcp-threads:echo

  20 descriptors more are open after every round.

  Requirement  MUST: Aborts leak nothing
  Rule         invariant/descriptors, which holds after every check
  Source       close(2)
  Script       scenarios/resources/descriptors.json
  Expected     4 descriptors, as at the start
  Actual       24, 44, 64 descriptors after three rounds

  What happened
        ms  c1    c2    c3                                                       server
      0.10  │     │     │                        starts, pid 4242: tcp-threads 7001 ┤
      0.20  │     │     │                                 listens on 127.0.0.1:7001 ┤
      0.30  │     │     │                baseline, 4 descriptors, 1 thread, 2.0 MiB ┤
      0.50  ├────────────── connect ───────────────────────────────────────────────>│
      0.60  ├────────────── reset ─────────────────────────────────────────────────>│
      0.70  │     ├──────── connect ───────────────────────────────────────────────>│
      0.80  │     ├──────── reset ─────────────────────────────────────────────────>│
      0.90  │     │     ├── connect ───────────────────────────────────────────────>│
      1.00  │     │     ├── reset ─────────────────────────────────────────────────>│
      4.50  │     │     │  (the server is at rest: nothing more will come)          │
      4.60  │     │     │                  after, 24 descriptors, 1 thread, 2.0 MiB ┤
      4.70  │     │     │  (round 1: the same steps again)                          │
      4.80  ├────────────── connect ───────────────────────────────────────────────>│
      4.90  ├────────────── reset ─────────────────────────────────────────────────>│
      5.00  │     ├──────── connect ───────────────────────────────────────────────>│
      5.10  │     ├──────── reset ─────────────────────────────────────────────────>│
      5.20  │     │     ├── connect ───────────────────────────────────────────────>│
      5.30  │     │     ├── reset ─────────────────────────────────────────────────>│
      8.80  │     │     │  (the server is at rest: nothing more will come)          │
      8.90  │     │     │                round 1, 44 descriptors, 1 thread, 2.0 MiB ┤
      9.00  │     │     │  (round 2: the same steps again)                          │
      9.10  ├────────────── connect ───────────────────────────────────────────────>│
      9.20  ├────────────── reset ─────────────────────────────────────────────────>│
      9.30  │     ├──────── connect ───────────────────────────────────────────────>│
      9.40  │     ├──────── reset ─────────────────────────────────────────────────>│
      9.50  │     │     ├── connect ───────────────────────────────────────────────>│
      9.60  │     │     ├── reset ─────────────────────────────────────────────────>│
     13.10  │     │     │  (the server is at rest: nothing more will come)          │
!!   13.20  │     │     │                round 2, 64 descriptors, 1 thread, 2.0 MiB ┤ <── here
            Not shown: 17 other clients (c4, c5, c6 ...) with 102 events.

  Defects that this check is known to catch
    The descriptor of a connection that was reset stays open.

  Run it again
    sockdrill run resources/descriptors -t tcp-threads:echo --seed 1
)---");
}

TEST(ExplainTest, TellsWhatCouldNotBeDecided) {
  EXPECT_EQ(explain(undecided(), false), R"---(UNKNOWN  lifecycle/idle on tcp-threads:echo

  The server did not come to rest within 10 s.
  This has neither passed nor failed: what was seen does not decide it.

  Requirement  MUST: An idle client costs nothing
  Script       scenarios/lifecycle/idle.json:6:5
        6 |     {"server": "settled"}
          |     ^~~~~~~~~~~~~~~~~~~~~
  Expected     a server at rest
  Actual       2 threads never slept for 10 s

  What happened
        ms  client a                                                             server
      0.10  │                                    starts, pid 4242: tcp-threads 7001 ┤
      0.20  │                                             listens on 127.0.0.1:7001 ┤
      0.40  ├── connect ───────────────────────────────────────────────────────────>│
!!    0.50  │  (the server does not come to rest: 2 threads never slept for 10 s)   │ <── here

  Probably
    A server that polls never rests; if it is meant to, say so in its manifest: "declares":
    {"polls": true}.

  Run it again
    sockdrill run lifecycle/idle -t tcp-threads:echo --seed 1
)---");
}

TEST(ExplainTest, SaysTheSameInColour) {
  std::string colored = explain(truncated_echo(), true);
  EXPECT_NE(colored.find("\x1b[1;31mFAIL\x1b[0m"), std::string::npos);
  for (std::size_t at = 0; (at = colored.find("\x1b[")) != std::string::npos;)
    colored.erase(at, colored.find('m', at) + 1 - at);
  EXPECT_EQ(colored, explain(truncated_echo(), false));
}

TEST(ExplainTest, NeedsNothingButAVerdict) {
  RunResult result{.check = "a/b", .target = "t"};
  result.verdict.grade = Grade::error;
  result.verdict.reason = "no namespace could be made";
  EXPECT_EQ(explain(result, false),
            "ERROR  a/b on t\n\n  No namespace could be made.\n\n  Requirement  MUST\n");
}

TEST(ExplainTest, ShowsOnlyTheEndOfALongOutput) {
  RunResult result = undecided();
  for (int i = 1; i <= 100; ++i) result.server_output += "line " + std::to_string(i) + "\n";
  const std::string text = explain(result, false);
  EXPECT_NE(text.find("The server's output, last 20 of 100 lines\n    | line 81\n"),
            std::string::npos);
  EXPECT_EQ(text.find("| line 80\n"), std::string::npos);
}

TEST(ExplainTest, CountsWhatIsTheSameInEveryRound) {
  RunResult result = wrong_octet();
  Finding again = result.verdict.findings[0];
  again.difference.reset();
  result.verdict.findings.push_back(again);
  result.verdict.findings.push_back(again);
  EXPECT_NE(
      explain(result, false).find("  2 more findings\n    FAIL  step: The same again. (2 times)\n"),
      std::string::npos);
}

TEST(ExplainTest, NeverBreaksTheScriptsPlace) {
  RunResult result = wrong_octet();
  result.scenario_file = "/" + std::string(200, 'd') + "/digits.json";
  EXPECT_NE(explain(result, false).find(result.scenario_file + ":8:33\n"), std::string::npos);
}

TEST(ExplainTest, SurvivesAFindingThatPointsNowhere) {
  RunResult result = wrong_octet();
  Finding& finding = result.verdict.findings[0];
  finding.pointer = "/no/such/place";
  finding.evidence = {7'000'000};
  finding.case_index = -5;
  finding.difference = Difference{.at = UINT64_MAX, .window_from = UINT64_MAX - 3};
  result.scenario_text = "not JSON";
  EXPECT_NE(explain(result, false).find("Script       scenarios/data/digits.json\n"),
            std::string::npos);
}

}  // namespace
}  // namespace sockdrill
