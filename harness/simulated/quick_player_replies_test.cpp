// What clients get to hear: whole replies, in their order, and nobody else's.

#include <string>
#include <vector>

#include "harness/simulated/quick_player_test.h"

namespace sockdrill {
namespace {

TEST_F(QuickPlayerTest, OctetsOfSomebodyElse) {
  start([] {
    static char buffer[4096];
    serve_each([](int fd) {
      for (;;) {
        const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
        if (size <= 0) return;
        buffer[size] = '!';
        ::send(fd, buffer, static_cast<std::size_t>(size) + (size == 3 ? 1 : 0), MSG_NOSIGNAL);
      }
    });
  });
  EXPECT_EQ(play(kOneExchange), "");
  EXPECT_EQ(play(R"({"client": "a", "connect": {}}, {"client": "a", "send": {"text": "abc"}})"),
            "protocol");
}

TEST_F(QuickPlayerTest, OctetsThatNeverComeBack) {
  start([] {
    serve_each([](int fd) {
      char buffer[4096];
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size > 0) ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      while (::recv(fd, buffer, sizeof buffer, 0) > 0) continue;
    });
  });
  EXPECT_EQ(play(kOneExchange), "");
  EXPECT_EQ(play(std::string(kOneExchange) + R"(, {"client": "a", "send": {"text": "more"}})"),
            "protocol");
}

/// Answers the lines of one recv(2), as `answer` says it.
void serve_lines(const std::function<std::string(std::vector<std::string>)>& answer) {
  serve_each([answer](int fd) {
    std::string input;
    char buffer[4096];
    for (;;) {
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) return;
      input.append(buffer, static_cast<std::size_t>(size));
      std::vector<std::string> lines;
      for (std::size_t end = 0; (end = input.find('\n')) != std::string::npos;) {
        lines.push_back("ok " + input.substr(0, end + 1));
        input.erase(0, end + 1);
      }
      const std::string replies = answer(lines);
      ::send(fd, replies.data(), replies.size(), MSG_NOSIGNAL);
    }
  });
}

/// Each datagram with "ok", or with the error that its broadcast ended in.
void answer_broadcasters() {
  const int fd = open_socket(SOCK_DGRAM);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(0x7fffffff);
  const auto* const all = static_cast<const sockaddr*>(static_cast<const void*>(&to));
  answer_datagrams(fd, [&](const std::string& news) -> std::string {
    const bool is_sent = ::sendto(fd, news.data(), news.size(), 0, all, sizeof to) >= 0;
    return news.size() == 1 ? "what?" : is_sent ? "ok" : "error";
  });
}

TEST_F(QuickPlayerTest, AnAnswerThatTellsOfAFaultIsNoWrongReply) {
  const Document document =
      parse_document(
          R"({"dialogue": [{"request": "{news}", "reply": "ok", "news": {"bytes": [0, 99]}}]})",
          "d.json")
          .value();
  target.transport = Transport::udp;
  target.speaks = read_dialogue(Node(document), Transport::udp).value();
  start(answer_broadcasters);
  const std::string asking = R"({"client": "a", "send": "news"}, {"client": "a", "drain": {}})";
  EXPECT_EQ(play(asking), "");
  EXPECT_EQ(play(asking, R"(, "faults": [{"call": "send", "nth": 1, "fails": "ENOBUFS"}])"), "");
  EXPECT_EQ(play(R"({"client": "a", "send": "x"}, {"client": "a", "drain": {}})"), "protocol");
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string together;
  for (const std::string& line : lines) together += line;
  return together;
}

class QuickPlayerOfLinesTest : public QuickPlayerTest {
 protected:
  const std::string two =
      R"({"client": "a", "connect": {}}, {"client": "a", "send": "one\ntwo\n"})";

  void start_lines(const std::function<std::string(std::vector<std::string>)>& answer) {
    target.speaks = *built_in_dialogue("line", Transport::tcp);
    start([answer] { serve_lines(answer); });
  }
};

TEST_F(QuickPlayerOfLinesTest, ACorrectServerBreaksNoRule) {
  start_lines(all_of);
  EXPECT_EQ(play(two), "");
  EXPECT_EQ(play(two + R"(, {"client": "a", "send": "half a line"})"), "");
}

TEST_F(QuickPlayerOfLinesTest, AReplyThatNeverComes) {
  start_lines([](const std::vector<std::string>& lines) {
    return lines.size() == 2 ? lines[0] : all_of(lines);
  });
  EXPECT_EQ(play(two), "protocol");
}

TEST_F(QuickPlayerOfLinesTest, AReplyThatNobodyAskedFor) {
  start_lines([](const std::vector<std::string>& lines) {
    return all_of(lines) + (lines.size() == 2 ? "ok \n" : "");
  });
  EXPECT_EQ(play(two), "protocol");
}

TEST_F(QuickPlayerOfLinesTest, RepliesInAnotherOrder) {
  start_lines([](std::vector<std::string> lines) {
    std::reverse(lines.begin(), lines.end());
    return all_of(lines);
  });
  EXPECT_EQ(play(two), "protocol");
}

}  // namespace
}  // namespace sockdrill
