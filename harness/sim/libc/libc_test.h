#pragma once

// For tests of this folder: servers as plain C programs would have them, on the simulated kernel.
// Every call that is made on a task is a simulated one.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>

#include "harness/sim/kernel/sockets.h"
#include "harness/sim/libc/simulation.h"

namespace sockdrill::sim {

inline sockaddr_in address_of_server() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(7777);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

inline int open_listener() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in at = address_of_server();
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return -1;
  return ::listen(fd, 10) == 0 ? fd : -1;
}

inline void echo(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size <= 0) break;
    if (::write(fd, buffer, static_cast<std::size_t>(size)) != size) break;
  }
  ::close(fd);
}

class LibcTest : public ::testing::Test {
 protected:
  static inline std::function<int()> body_of_server;
  static inline int variable_of_server = 0;

  explicit LibcTest(std::function<bool()> has_thread_locals = {})
      : has_thread_locals_(std::move(has_thread_locals)) {}

 private:
  std::function<bool()> has_thread_locals_;

 protected:
  std::string log;
  Simulation simulation{ServerProgram{.main = [](int, char**, char**) { return body_of_server(); },
                                      .arguments = {"server"},
                                      .environment = nullptr},
                        ServerMemory{.variables = {{reinterpret_cast<char*>(&variable_of_server),
                                                    sizeof variable_of_server}},
                                     .thread_locals = {},
                                     .has_thread_locals = has_thread_locals_}};
  Process* client = nullptr;
  Process* server = nullptr;

  void say(const std::string& word) { log += word + " "; }
  /// Runs it as the server's main(), for a virtual minute at most.
  void run(std::function<int()> body) {
    start(std::move(body));
    settle(std::chrono::minutes(1));
  }
  void start(std::function<int()> body) {
    body_of_server = std::move(body);
    client = &simulation.kernel().create_process(nullptr);
    server = simulation.start_server();
    settle();
  }
  void settle(Nanoseconds time = {}) {
    simulation.scheduler().run_until(simulation.kernel().now() + time, {});
  }

  int connect_client() {
    const int fd = *create_socket(*client, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const sockaddr_in to = address_of_server();
    Call call;
    static_cast<void>(client->descriptors.find(fd)->as_socket()->connect(
        *client, reinterpret_cast<const sockaddr*>(&to), sizeof to, call));
    settle();
    return fd;
  }
  void send(int fd, std::string octets) {
    const iovec buffer{.iov_base = octets.data(), .iov_len = octets.size()};
    Call call;
    const auto sent = client->descriptors.find(fd)->write(*client, {&buffer, 1}, call);
    EXPECT_TRUE(sent && *sent == octets.size());
    settle();
  }
  /// "<again>" when there is nothing, "" at the end.
  std::string receive(int fd) {
    std::string octets(100000, '\0');
    const iovec buffer{.iov_base = octets.data(), .iov_len = octets.size()};
    Call call;
    const auto got = client->descriptors.find(fd)->read(*client, {&buffer, 1}, call);
    if (!got) return "<" + name_of(got.error().error) + ">";
    octets.resize(*got);
    return octets;
  }
  /// Two clients that connect one after the other; the second one is the first to speak.
  std::pair<int, int> connect_two_that_speak() {
    const std::pair clients{connect_client(), connect_client()};
    send(clients.second, "second");
    send(clients.first, "first");
    return clients;
  }
  void close_client(int fd) {
    Call call;
    static_cast<void>(simulation.kernel().close(*client, fd, call));
    settle();
  }
};

}  // namespace sockdrill::sim
