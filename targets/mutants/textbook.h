#pragma once

// What the mutants do alike, and do right, so that each of them is little more than its defect.
//
// Plain blocking sockets and a thread for each client, as in a textbook: nobody keeps anybody else
// waiting, and the end of a thread is the end of its client.

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace mutants {

[[noreturn]] inline void die(const char* call) {
  std::perror(call);
  std::exit(1);
}

inline void must(int result, const char* call) {
  if (result < 0) die(call);
}

inline void enable(int socket, int option) {
  const int yes = 1;
  must(::setsockopt(socket, SOL_SOCKET, option, &yes, sizeof yes), "setsockopt");
}

inline void bind_to(int socket, const char* port, in_addr_t host = INADDR_ANY) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(host);
  must(::bind(socket, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
              sizeof address),
       "bind");
}

inline int open_listener(const char* port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  must(listener, "socket");
  enable(listener, SO_REUSEADDR);
  bind_to(listener, port);
  must(::listen(listener, SOMAXCONN), "listen");
  return listener;
}

inline int open_datagram_socket(const char* port, in_addr_t host = INADDR_ANY) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  must(socket, "socket");
  bind_to(socket, port, host);
  return socket;
}

/// The next client; -1 if there is none, after a moment's rest if no descriptor is free.
inline int try_accept(int listener) {
  const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0 && (errno == EMFILE || errno == ENFILE)) ::poll(nullptr, 0, 100);
  return client;
}

/// For servers that do nothing else: waits until there is one.
inline int accept_client(int listener) {
  for (;;) {
    const int client = try_accept(listener);
    if (client >= 0) return client;
  }
}

/// False: the client is gone.
inline bool send_all(int client, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(client, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// What the next recv() has brought; nothing: the client has ended, or is gone.
template <std::size_t Size>
std::string_view receive(int client, char (&buffer)[Size]) {
  const ssize_t count = ::recv(client, buffer, Size, 0);
  return {buffer, count > 0 ? static_cast<std::size_t>(count) : 0};
}

/// Serves a client to its end: what a mutant does whose defect lies elsewhere.
inline void echo(int client) {
  char buffer[16384];
  for (std::string_view input; !(input = receive(client, buffer)).empty();) {
    if (!send_all(client, input)) return;
  }
}

inline void discard(int client) {
  char buffer[16384];
  while (!receive(client, buffer).empty()) continue;
}

/// `serve(client)` in a thread of its own, which is to close the client.
template <typename Serve>
void hand_to_thread(int client, Serve serve) {
  try {
    std::thread(serve, client).detach();
  } catch (const std::system_error&) {
    ::close(client);  // One client less, and no server less.
  }
}

/// `serve(client)` in a thread of its own, which closes the client afterwards.
template <typename Serve>
void serve_in_thread(int client, Serve serve) {
  hand_to_thread(client, [serve](int its) {
    serve(its);
    ::close(its);
  });
}

/// One client after the other.
template <typename Serve>
[[noreturn]] void serve_in_turn(int listener, Serve serve) {
  for (;;) {
    const int client = accept_client(listener);
    serve(client);
    ::close(client);
  }
}

template <typename Serve>
[[noreturn]] void serve_each(int listener, Serve serve) {
  for (;;) serve_in_thread(accept_client(listener), serve);
}

/// One round of RFC 864: 95 lines of 72 characters, each one further on in the printable ones.
inline std::string chargen_lines() {
  std::string lines;
  for (int first = 0; first < 95; ++first) {
    for (int i = 0; i < 72; ++i) lines += static_cast<char>(' ' + (first + i) % 95);
    lines += "\r\n";
  }
  return lines;
}

/// Of the line service: `TEXT` is answered by `ok TEXT`. Empty for a text that is too long.
inline std::string answer_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line.size() > 4096 ? "" : "ok " + std::string(line) + "\n";
}

/// Adds input to the line that has begun; the answers to those that are whole by now. A line that
/// is too long stays where it is.
inline std::string take_lines(std::string& line, std::string_view input) {
  std::string answers;
  for (const char c : input) {
    if (line.size() > 4097) break;
    if (c != '\n') {
      line += c;
      continue;
    }
    answers += answer_line(line);
    line.clear();
  }
  return answers;
}

/// False: the client is gone, or its line is too long.
inline bool answer_lines(int client, std::string& line, std::string_view input) {
  return send_all(client, take_lines(line, input)) && line.size() <= 4097;
}

}  // namespace mutants
