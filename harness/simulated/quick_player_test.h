#pragma once

// Servers, and a player for them, inside of a test program.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include <gtest/gtest.h>

#include "harness/simulated/quick_player.h"

namespace sockdrill {

/// Bound to the server's port.
inline int open_socket(int type) {
  const int fd = ::socket(AF_INET, type, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(7777);
  at.sin_addr.s_addr = htonl(INADDR_ANY);
  const auto* const name = static_cast<const sockaddr*>(static_cast<const void*>(&at));
  return ::bind(fd, name, sizeof at) == 0 ? fd : -1;
}

inline int open_listener() {
  const int fd = open_socket(SOCK_STREAM);
  return ::listen(fd, 100) == 0 ? fd : -1;
}

/// Each datagram is answered with what `answer` makes of it.
template <typename Answer>
void answer_datagrams(int fd, const Answer& answer) {
  std::string room(65536, '\0');
  for (;;) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* const who = static_cast<sockaddr*>(static_cast<void*>(&from));
    const ssize_t count = ::recvfrom(fd, room.data(), room.size(), 0, who, &size);
    if (count < 0) continue;
    const std::string reply = answer(room.substr(0, static_cast<std::size_t>(count)));
    ::sendto(fd, reply.data(), reply.size(), 0, who, size);
  }
}

inline void echo(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0 || ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
      return;
  }
}

/// A thread a client, which serves it and closes it.
inline void serve_each(const std::function<void(int)>& serve) {
  const int listener = open_listener();
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    try {
      std::thread([fd, serve] {
        serve(fd);
        ::close(fd);
      }).detach();
    } catch (const std::system_error&) {
      ::close(fd);
    }
  }
}

/// The warm-up's client, and one more.
inline void serve_two() {
  const int listener = open_listener();
  for (int served = 0; served < 2; ++served) {
    const int fd = ::accept(listener, nullptr, nullptr);
    echo(fd);
    ::close(fd);
  }
}

inline constexpr const char* kOneExchange =
    R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"text": "hello"}})";

class QuickPlayerTest : public ::testing::Test {
 protected:
  static inline std::function<void()> body_of_server;

  sim::Simulation simulation{sim::ServerProgram{.main =
                                                    [](int, char**, char**) {
                                                      body_of_server();
                                                      return 0;
                                                    },
                                                .arguments = {"server"},
                                                .environment = nullptr},
                             sim::ServerMemory{}};
  Target target{.name = "server",
                .command = {"server"},
                .transport = Transport::tcp,
                .port = 7777,
                .speaks = built_in_dialogue("echo", Transport::tcp).value()};
  std::unique_ptr<QuickPlayer> player;
  bool knows_memory = false;

  void start(std::function<void()> server) {
    body_of_server = std::move(server);
    QuickPlayerOptions options{.port = 7777, .path = {}, .on_play_again = {}};
    options.knows_memory = knows_memory;
    player = std::make_unique<QuickPlayer>(simulation, target, options);
    const Result<void> started = player->start();
    ASSERT_TRUE(started) << to_string(started.error());
  }
  /// The rule that is broken; "": none.
  std::string play(const std::string& steps, const std::string& more = "") {
    const std::string text =
        R"({"id": "a/b", "level": "must", "summary": "s", "steps": [)" + steps + "]" + more + "}";
    const Document document = parse_document(text, "steps.json").value();
    const Plan plan = make_plan(read_scenario(document, {}).value(), target, PlanOptions{}).value();
    const std::optional<Suspicion> suspicion = player->play(plan);
    return suspicion ? suspicion->rule : "";
  }
};

}  // namespace sockdrill
