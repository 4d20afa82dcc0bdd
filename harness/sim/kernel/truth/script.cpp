#include "harness/sim/kernel/truth/script.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "harness/base/address.h"
#include "harness/base/errno.h"

namespace sockdrill::sim {

namespace {

SocketAddress address_of(const char* text, int port) {
  return *ip_address(text, static_cast<std::uint16_t>(port));
}

std::string in_words(std::uint32_t bits) {
  static constexpr struct {
    std::uint32_t bit;
    const char* name;
  } kNames[] = {{EPOLLIN, "IN"},   {EPOLLOUT, "OUT"},     {EPOLLPRI, "PRI"}, {EPOLLERR, "ERR"},
                {EPOLLHUP, "HUP"}, {EPOLLRDHUP, "RDHUP"}, {POLLNVAL, "NVAL"}};
  std::string words;
  for (const auto& each : kNames) {
    if ((bits & each.bit) == 0) continue;
    if (!words.empty()) words += '|';
    words += each.name;
  }
  return words.empty() ? "nothing" : words;
}

std::string answer_in_words(long answer) {
  if (answer == kWouldSleep) return "would sleep";
  return answer < 0 ? name_of(Errno{static_cast<int>(-answer)}) : fmt::format("{}", answer);
}

}  // namespace

long Script::tell(const std::string& what, long answer) {
  note(fmt::format("{}: {}", what, answer_in_words(answer)));
  return answer;
}

long Script::tell_sort(const std::string& what, long answer) {
  note(fmt::format("{}: {}", what, answer < 0 ? answer_in_words(answer) : "done"));
  return answer;
}

int Script::tcp(int family, int flags) {
  return static_cast<int>(host.socket(family, SOCK_STREAM | flags, 0));
}
int Script::udp(int family) { return static_cast<int>(host.socket(family, SOCK_DGRAM, 0)); }

long Script::bind(int fd, const char* address, int port) {
  const SocketAddress name = address_of(address, port);
  return host.bind(fd, name.get(), name.length);
}

int Script::port_of(int fd) {
  SocketAddress name{.storage = {}, .length = sizeof(name.storage)};
  host.getsockname(fd, name.get(), &name.length);
  return name.port();
}

long Script::connect(int fd, int port, const char* address) {
  const SocketAddress name = address_of(address, port);
  const long answer = host.connect(fd, name.get(), name.length);
  host.settle();
  return answer;
}

int Script::listener(int backlog) {
  const int fd = tcp();
  bind(fd);
  host.listen(fd, backlog);
  host.fcntl_flags(fd, O_RDWR | O_NONBLOCK);
  return fd;
}

int Script::deaf_port() {
  const int gone = listener();
  const int port = port_of(gone);
  close(gone);
  return port;
}

long Script::accept(int fd, int flags) { return host.accept4(fd, nullptr, nullptr, flags); }

Pair Script::connection(int receive_buffer, int send_buffer) {
  const int listening = tcp();
  if (receive_buffer != 0) option(listening, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  bind(listening);
  host.listen(listening, 5);
  const Pair made = connect_to(listening, send_buffer);
  host.close(listening);
  return made;
}

Pair Script::connect_to(int listening, int send_buffer) {
  Pair made;
  made.a = tcp();
  if (send_buffer != 0) option(made.a, SOL_SOCKET, SO_SNDBUF, send_buffer);
  connect(made.a, port_of(listening));
  made.b = static_cast<int>(accept(listening));
  return made;
}

Pair Script::pair(int type) {
  int fds[2] = {-1, -1};
  host.socketpair(AF_UNIX, type, fds);
  return Pair{fds[0], fds[1]};
}

long Script::send(const std::string& label, int fd, const std::string& octets, int flags) {
  return send_with(label, fd, octets, flags, SocketAddress{});
}

long Script::send_to(const std::string& label, int fd, const std::string& octets, int port,
                     const char* address) {
  return send_with(label, fd, octets, MSG_NOSIGNAL, address_of(address, port));
}

long Script::send_with(const std::string& label, int fd, const std::string& octets, int flags,
                       SocketAddress to) {
  iovec part{.iov_base = const_cast<char*>(octets.data()), .iov_len = octets.size()};
  msghdr message{};
  if (to.length > 0) message.msg_name = to.get();
  message.msg_namelen = to.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const long answer = tell(label, host.sendmsg(fd, &message, flags | MSG_DONTWAIT));
  host.settle();
  return answer;
}

long Script::receive(const std::string& label, int fd, std::size_t size, int flags) {
  std::string buffer(size, '\0');
  sockaddr_storage from{};
  iovec part{.iov_base = buffer.data(), .iov_len = size};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const long answer = host.recvmsg(fd, &message, flags);
  if (answer < 0) return tell(label, answer);
  std::string flags_seen;
  if ((message.msg_flags & MSG_TRUNC) != 0) flags_seen += " TRUNC";
  if ((message.msg_flags & MSG_OOB) != 0) flags_seen += " OOB";
  if ((message.msg_flags & MSG_EOR) != 0) flags_seen += " EOR";
  note(fmt::format(
      "{}: {} '{}'{}", label, answer,
      buffer.substr(0, std::min({static_cast<std::size_t>(answer), size, std::size_t{40}})),
      flags_seen));
  return answer;
}

void Script::shutdown(const std::string& label, int fd, int how) {
  tell(label, host.shutdown(fd, how));
  host.settle();
}

void Script::reset(int fd) {
  const linger off{.l_onoff = 1, .l_linger = 0};
  host.setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
  close(fd);
}

void Script::option(int fd, int level, int name, int value) {
  host.setsockopt(fd, level, name, &value, sizeof(value));
}

void Script::get_option(const std::string& label, int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  const long answer = host.getsockopt(fd, level, name, &value, &length);
  tell(label, answer < 0 ? answer : value);
}

void Script::error_of(const std::string& label, int fd) {
  int value = 0;
  socklen_t length = sizeof(value);
  const long answer = host.getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length);
  tell(label, answer < 0 ? answer : -value);
}

void Script::peer_of(const std::string& label, int fd) {
  SocketAddress name{.storage = {}, .length = sizeof(name.storage)};
  tell_sort(label, host.getpeername(fd, name.get(), &name.length));
}

void Script::look_at(const std::string& who, int fd) {
  poll(who + " poll", fd);
  select(who + " select", fd);
  peer_of(who + " getpeername", fd);
  inq(who + " FIONREAD", fd, FIONREAD);
}

void Script::peek_at(const std::string& who, int fd) {
  look_at(who, fd);
  receive(who + " peek", fd, 100, MSG_PEEK | MSG_DONTWAIT);
}

void Script::poll(const std::string& label, int fd, short events) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  host.poll(&one, 1);
  note(fmt::format("{}: {}", label, in_words(static_cast<std::uint16_t>(one.revents))));
}

void Script::select(const std::string& label, int fd) {
  fd_set in;
  fd_set out;
  fd_set exceptional;
  for (fd_set* set : {&in, &out, &exceptional}) {
    FD_ZERO(set);
    FD_SET(fd, set);
  }
  const long answer = host.select(fd + 1, &in, &out, &exceptional);
  if (answer < 0) {
    tell(label, answer);
    return;
  }
  note(fmt::format("{}: {} in={} out={} ex={}", label, answer, FD_ISSET(fd, &in),
                   FD_ISSET(fd, &out), FD_ISSET(fd, &exceptional)));
}

int Script::epoll() { return static_cast<int>(host.epoll_create1(0)); }

void Script::watch(const std::string& label, int epoll, int fd, std::uint32_t events,
                   int operation) {
  epoll_event event{.events = events, .data = {.u64 = 7}};
  tell(label, host.epoll_ctl(epoll, operation, fd, &event));
}

void Script::events(const std::string& label, int epoll, int count) {
  epoll_event found[8] = {};
  const long answer = host.epoll_wait(epoll, found, count);
  std::string words;
  for (long i = 0; i < answer; ++i) words += " " + in_words(found[i].events);
  note(fmt::format("{}: {}{}", label, answer_in_words(answer), words));
}

void Script::signal(const std::string& label) { tell(label, host.take_signal()); }

void Script::inq(const std::string& label, int fd, unsigned long request) {
  int value = -1;
  const long answer = host.ioctl(fd, request, &value);
  tell(label, answer < 0 ? answer : value);
}

std::size_t Script::fill(int fd, std::size_t piece) {
  const std::string octets(piece, 'x');
  iovec part{.iov_base = const_cast<char*>(octets.data()), .iov_len = piece};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::size_t total = 0;
  for (int patience = 0; patience < 2; ++patience) {
    for (;;) {
      const long answer = host.sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (answer <= 0) break;
      total += static_cast<std::size_t>(answer);
    }
    host.pass(std::chrono::milliseconds(60));  // an acknowledgement may come late, and make room
  }
  return total;
}

std::size_t Script::drain(int fd) {
  std::string buffer(65536, '\0');
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  std::size_t total = 0;
  for (int patience = 0; patience < 20;) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const long answer = host.recvmsg(fd, &message, MSG_DONTWAIT);
    if (answer == 0) break;
    if (answer > 0) {
      total += static_cast<std::size_t>(answer);
      patience = 0;
    } else {
      ++patience;
      host.pass(std::chrono::milliseconds(5));
    }
  }
  host.settle();
  return total;
}

}  // namespace sockdrill::sim
