#include "harness/judge/diagnosis/diagnosis.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/base/fd.h"
#include "harness/judge/testing/story.h"

namespace sockdrill {
namespace {

using testing::Story;

const char* const kAskAndEcho = R"([
  {"client": "a", "connect": {}},
  {"client": "a", "send": "hello"},
  {"client": "a", "expect": {"bytes": "=sent"}}])";

Story asked(const std::string& steps = kAskAndEcho, const std::string& target = "") {
  Story story(steps, "must", target);
  story.served_one().connected().step().sent("hello").ended();
  return story;
}

std::string diagnosed(const Story& story) {
  const Verdict verdict = story.verdict();
  return verdict.findings.empty() ? "no finding" : verdict.findings[0].diagnosis_name;
}

/// No answer, and the server as it was seen then.
std::string diagnosed_at_rest(const Snapshot& snapshot) {
  return diagnosed(asked().step().firm_rest().observed(snapshot).ended("unmet"));
}

Snapshot asleep_in(const std::string& call, int descriptor, std::vector<SocketSeen> sockets) {
  return Snapshot{.tasks = {{.pid = 7,
                             .tid = 7,
                             .state = "S",
                             .call = call,
                             .descriptor = descriptor,
                             .doing = call}},
                  .sockets = std::move(sockets)};
}

SocketSeen socket(const std::string& state, std::uint64_t unread, const std::string& watched = "") {
  return SocketSeen{.descriptor = 5,
                    .state = state,
                    .unread = unread,
                    .watched = watched,
                    .events = watched.empty() ? "" : "in"};
}

TEST(DiagnosesTest, NamesAreUniqueAndWholeSentencesAreMadeOfThem) {
  std::set<std::string> names;
  for (const DiagnosisRule& rule : diagnosis_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_FALSE(std::string(rule.defect).empty());
    EXPECT_FALSE(std::string(rule.source).empty());
    EXPECT_FALSE(std::string(rule.defect).ends_with('.')) << rule.name;
  }
}

TEST(DiagnosesTest, AreListedInTheReadme) {
  const std::string text = read_file(SOCKDRILL_DIAGNOSES).value();
  EXPECT_NE(text.find(describe_diagnoses()), std::string::npos) << "its table must be:\n"
                                                                << describe_diagnoses();
}

TEST(DiagnosesTest, SayNothingOfACorrectServerThatIsAskedForTheImpossible) {
  const std::string steps = R"([
    {"client": "a", "connect": {}},
    {"client": "a", "send": "hello"},
    {"client": "a", "expect": {"bytes": "good bye"}}])";
  const Snapshot rest =
      asleep_in("epoll_wait", 4, {socket("LISTEN", 0, "edge"), socket("ESTABLISHED", 0, "edge")});
  EXPECT_EQ(
      diagnosed(asked(steps).step().received("hello").firm_rest().observed(rest).ended("unmet")),
      "");
}

TEST(DeathsTest, SigpipeIsToldByTheSignal) {
  EXPECT_EQ(diagnosed(asked().server(Kind::exited, "was killed by SIGPIPE (signal 13)", 256 + 13)),
            "sigpipe");
  EXPECT_EQ(diagnosed(asked().server(Kind::exited, "was killed by SIGSEGV (signal 11)", 256 + 11)),
            "");
}

TEST(DeathsTest, AResetIsFatalWhenAClientResetAndTheServerSaysSo) {
  const auto told = [](bool resets, const std::string& words) {
    Story story = asked();
    if (resets) story.client(Kind::was_reset);
    return diagnosed(story.server(Kind::exited, "exited with status 1", 1).wrote(words));
  };
  EXPECT_EQ(told(true, "recv: Connection reset by peer\n"), "reset-fatal");
  EXPECT_EQ(told(false, "recv: Connection reset by peer\n"), "");
  EXPECT_EQ(told(true, "out of memory\n"), "");
  EXPECT_EQ(told(true, "getpeername: Transport endpoint is not connected\n"), "peer-name-fatal");
  EXPECT_EQ(told(false, "getpeername: Transport endpoint is not connected\n"), "");
}

TEST(DeathsTest, AnInterruptedCallNeedsAnInterruption) {
  const std::string words = "epoll_wait: Interrupted system call\n";
  Story stopped = asked();
  stopped.server(Kind::stopped)
      .server(Kind::continued)
      .server(Kind::exited, "exited with status 1", 1);
  EXPECT_EQ(diagnosed(stopped.wrote(words)), "interrupted-call-fatal");
  EXPECT_EQ(diagnosed(asked().server(Kind::exited, "exited with status 1", 1).wrote(words)), "");
}

TEST(DeathsTest, TheLimitOfDescriptorsMustHaveBeenReached) {
  const std::string words = "accept: Too many open files\n";
  Story limited = asked();
  limited.server(Kind::limited, "", 10).server(Kind::exited, "exited with status 1", 1);
  EXPECT_EQ(diagnosed(limited.wrote(words)), "descriptor-limit-fatal");
  EXPECT_EQ(diagnosed(asked().server(Kind::exited, "exited with status 1", 1).wrote(words)), "");
}

TEST(DeathsTest, TheLimitOfProcessesMustHaveBeenReached) {
  const std::string words = "terminate called: Resource temporarily unavailable\n";
  Story limited = asked();
  limited.server(Kind::limited, "processes", 1).server(Kind::exited, "was killed", 256 + 6);
  EXPECT_EQ(diagnosed(limited.wrote(words)), "process-limit-fatal");
  Story descriptors = asked();
  descriptors.server(Kind::limited, "", 10).server(Kind::exited, "was killed", 256 + 6);
  EXPECT_EQ(diagnosed(descriptors.wrote(words)), "");
}

TEST(DeathsTest, DecodingIsToldByTheNameOfTheError) {
  Story story = asked();
  story.server(Kind::exited, "exited with status 1", 1);
  EXPECT_EQ(diagnosed(story.wrote("UnicodeDecodeError: unexpected end of data\n")),
            "text-decoding-fatal");
}

TEST(WaitingTest, AnEdgeTriggeredDescriptorWithInputUnread) {
  EXPECT_EQ(diagnosed_at_rest(asleep_in("epoll_wait", 4, {socket("ESTABLISHED", 700, "edge")})),
            "edge-trigger-read-once");
  EXPECT_EQ(diagnosed_at_rest(asleep_in("epoll_wait", 4, {socket("ESTABLISHED", 0, "edge")})), "");
  EXPECT_EQ(diagnosed_at_rest(asleep_in("epoll_wait", 4, {socket("ESTABLISHED", 700, "level")})),
            "");
  Snapshot runs = asleep_in("epoll_wait", 4, {socket("ESTABLISHED", 700, "edge")});
  runs.tasks[0].state = "R";
  EXPECT_EQ(diagnosed_at_rest(runs), "");
}

TEST(WaitingTest, AnEdgeTriggeredListenerWithABacklog) {
  EXPECT_EQ(diagnosed_at_rest(asleep_in("epoll_wait", 4, {socket("LISTEN", 3, "edge")})),
            "edge-trigger-accept-once");
  EXPECT_EQ(diagnosed_at_rest(asleep_in("epoll_wait", 4, {socket("LISTEN", 3, "level")})), "");
}

TEST(WaitingTest, OneSilentClientOrOneThatDoesNotRead) {
  SocketSeen client = socket("ESTABLISHED", 0);
  client.descriptor = 6;
  EXPECT_EQ(diagnosed_at_rest(asleep_in("recvfrom", 6, {socket("LISTEN", 1), client})),
            "blocked-by-silent-client");
  EXPECT_EQ(diagnosed_at_rest(asleep_in("recvfrom", 6, {socket("LISTEN", 0), client})), "");
  client.unsent = 70000;
  EXPECT_EQ(diagnosed_at_rest(asleep_in("sendto", 6, {socket("LISTEN", 1), client})),
            "blocked-by-slow-reader");
  EXPECT_EQ(diagnosed_at_rest(asleep_in("write", 2, {socket("LISTEN", 1)})), "blocked-in-log");
  EXPECT_EQ(diagnosed_at_rest(asleep_in("write", 9, {socket("LISTEN", 1)})), "");
}

TEST(EndsTest, AResetWithInputUnreadIsToldFromOneOfEveryConnection) {
  const auto told = [](const std::string& usual) {
    const std::string steps = R"([{"client": "a", "connect": {}}, {"client": "a", "send": "hello"},
      {"client": "a", "shutdown": "write"}, {"client": "a", "expect": {"bytes": "=sent", "then": "fin"}}])";
    Story story(steps);
    story.served_one(usual).connected().step().sent("hello").ended().step();
    story.client(Kind::shut_down, "write").ended().step();
    return diagnosed(story.reset().ended("unmet"));
  };
  EXPECT_EQ(told("fin"), "closed-with-unread-input");
  EXPECT_EQ(told("reset"), "linger-zero");
}

TEST(EndsTest, AReplyIsDroppedAtAHalfCloseOnly) {
  const std::string steps = R"([{"client": "a", "connect": {}}, {"client": "a", "send": "hello"},
      {"client": "a", "shutdown": "write"}, {"client": "a", "expect": {"bytes": "=sent", "then": "fin"}}])";
  Story story(steps);
  story.served_one().connected().step().sent("hello").ended().step();
  story.client(Kind::shut_down, "write").ended().step().received("he").fin();
  EXPECT_EQ(diagnosed(story.ended("unmet")), "reply-dropped-at-half-close");
  EXPECT_EQ(diagnosed(asked().step().received("he").fin().ended("unmet")), "");
}

TEST(SpinsTest, AnUrgentOctetIsToldFromInputThatFindsNoRoom) {
  const auto told = [](const Bytes& octets, bool is_urgent, std::uint64_t unread) {
    Story story(R"([{"client": "a", "connect": {}}, {"client": "a", "send": "hello"}])");
    story.served_one().connected().step();
    is_urgent ? story.sent_urgent(octets) : story.sent(octets);
    story.ended().harness(Kind::restless, "a thread runs");
    story.harness(Kind::measured_quiet, "200", 900'000);
    story.observed(asleep_in("poll", 5, {socket("ESTABLISHED", unread)}), "restless");
    return diagnosed(story);
  };
  EXPECT_EQ(told("!", true, 1), "spin-on-urgent");
  EXPECT_EQ(told("hello!", true, 6), "spin-on-full-buffer");
  EXPECT_EQ(told("!", false, 1), "spin-on-full-buffer");
}

TEST(StreamsTest, TheFirstNulIsTheEndOfACString) {
  const auto told = [](const Bytes& reply) {
    Story story(R"([{"client": "a", "connect": {}}, {"client": "a", "send": {"hex": "61620063"}},
      {"client": "a", "expect": {"bytes": "=sent"}}])");
    story.served_one().connected().step().sent(Bytes("ab\0c", 4)).ended();
    return diagnosed(story.step().received(reply).firm_rest().ended("unmet"));
  };
  EXPECT_EQ(told("ab"), "cut-at-nul");
  EXPECT_EQ(told("a"), "");
}

TEST(StreamsTest, AStretchIsMissedHoweverFarItIs) {
  const auto told = [](std::uint64_t sent, std::uint64_t right, std::uint64_t gap) {
    Story story(
        R"([{"client": "a", "connect": {}}, {"client": "a", "send": {"pattern": "a", "bytes": )" +
        std::to_string(sent) + R"(}}, {"client": "a", "expect": {"bytes": "=sent"}}])");
    const std::string key = pattern_key("a");
    story.served_one().connected().step().sent(pattern_octets(key, 0, sent)).ended();
    story.step().received(pattern_octets(key, 0, right));
    story.received(pattern_octets(key, right + gap, 4096));
    return diagnosed(story.ended("unmet"));
  };
  EXPECT_EQ(told(8U << 20U, 300'123, 70'000), "short-write-dropped");
  EXPECT_EQ(told(8U << 20U, 5'000'123, 986'869), "short-write-dropped");
  EXPECT_EQ(told(8U << 20U, 5'000'128, 0), "");
}

TEST(StartsTest, AnAddressThatSomebodyHoldsIsToldFromOneThatLingers) {
  const auto told = [](const std::string& already_listens) {
    Story story(R"([{"client": "a", "connect": {}}, {"server": {"restart": {}}}])");
    story.served_one().connected().step().restarted_in_vain(already_listens);
    std::set<std::string> names;
    for (const Finding& finding : story.ended("unmet").verdict().findings) {
      if (!finding.diagnosis_name.empty()) names.insert(finding.diagnosis_name);
    }
    return names;
  };
  EXPECT_EQ(told("127.0.0.1:7777"), std::set<std::string>{"orphans"});
  EXPECT_EQ(told(""), std::set<std::string>{"no-reuseaddr"});
}

TEST(StopsTest, ChildrenThatHoldTheListenerAreToldFromThoseThatServeOn) {
  const auto told = [](const std::string& listens_on) {
    Story story(R"([{"client": "a", "connect": {}}])");
    return diagnosed(story.served_one().connected().left_over(listens_on));
  };
  EXPECT_EQ(told("127.0.0.1:7777"), "orphans");
  EXPECT_EQ(told(""), "children-serve-on");
}

TEST(DatagramsTest, ACutDatagramIsToldFromOneInPieces) {
  const auto told = [](const std::vector<std::uint64_t>& sizes) {
    Story story(R"([{"client": "a", "send": {"pattern": "a", "bytes": 2000}},
      {"client": "a", "expect": {"datagram": "=sent"}}])",
                "must", "", "udp");
    const Bytes sent = pattern_octets(pattern_key("a"), 0, 2000);
    story.step().client(Kind::opened).sent(sent).ended().step();
    std::size_t at = 0;
    for (const std::uint64_t size : sizes) {
      story.received(sent.substr(at, size));
      at += size;
    }
    return diagnosed(story.ended("unmet"));
  };
  EXPECT_EQ(told({1024}), "datagram-buffer-too-small");
  EXPECT_EQ(told({1024, 976}), "reply-in-several-datagrams");
}

}  // namespace
}  // namespace sockdrill
