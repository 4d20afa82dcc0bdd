// A server that tells the truth: truth_server MODEL TRANSPORT ADDRESS MEMORY-FD.
//
// MODEL is one of those in run(). TRANSPORT and ADDRESS: tcp4 PORT, tcp6 PORT (dual-stack),
// tcp4-deferred PORT, udp4 PORT, udp6 PORT, unix PATH, unix-dgram PATH, unix-seqpacket PATH. It
// echoes, and counts in shared memory what it has consumed *after* the work on it is done and
// before it sleeps. Plain POSIX, as users write it.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harness/watch/truth/truth.h"

namespace {

using sockdrill::truth::Truth;

Truth* truth = nullptr;
bool is_datagram = false;
bool is_deferred = false;

void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

double now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Burns CPU time for a while that differs from call to call.
void work() {
  static std::atomic<std::uint32_t> seed{12345};
  const std::uint32_t limit = truth->work_us.load();
  if (limit == 0) return;
  const std::uint32_t step = seed.fetch_add(2654435761U) >> 8U;
  const double end = now_us() + step % limit;
  while (now_us() < end) {
  }
}

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (sent < 0) return;  // The client is gone.
    truth->replied += static_cast<std::uint64_t>(sent);
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

enum class Met { data, nothing, end };

/// One read, the work on it, the reply; then the truth.
Met serve_stream(int fd) {
  char buffer[16384];
  const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Met::nothing;
  if (got <= 0) return Met::end;
  work();
  write_all(fd, buffer, static_cast<std::size_t>(got));
  truth->bytes += static_cast<std::uint64_t>(got);
  return Met::data;
}

Met serve_datagram(int fd) {
  static char buffer[65536];
  sockaddr_storage from{};
  socklen_t length = sizeof(from);
  const ssize_t got =
      ::recvfrom(fd, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &length);
  if (got < 0) return Met::nothing;
  work();
  if (length > sizeof(sa_family_t)) {
    const ssize_t sent = ::sendto(fd, buffer, static_cast<std::size_t>(got), 0,
                                  reinterpret_cast<sockaddr*>(&from), length);
    if (sent >= 0) truth->replied += static_cast<std::uint64_t>(sent);
  }
  truth->bytes += static_cast<std::uint64_t>(got);
  ++truth->messages;
  return Met::data;
}

Met serve(int fd) { return is_datagram ? serve_datagram(fd) : serve_stream(fd); }

void end_connection(int fd) {
  ::close(fd);
  ++truth->ends;
}

int accept_one(int listener, int flags) {
  const int fd = ::accept4(listener, nullptr, nullptr, flags);
  if (fd >= 0) ++truth->accepted;
  return fd;
}

void add(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void run_epoll(int listener, int timeout_ms) {
  const int epoll = ::epoll_create1(0);
  add(epoll, listener);
  while (true) {
    epoll_event events[16];
    const int count = ::epoll_wait(epoll, events, 16, timeout_ms);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener && !is_datagram) {
        add(epoll, accept_one(listener, SOCK_NONBLOCK));
      } else if (serve(fd) == Met::end) {
        end_connection(fd);
      }
    }
  }
}

void serve_until_end(int fd) {
  while (serve(fd) != Met::end) {
  }
  end_connection(fd);
}

void run_threads(int listener) {
  while (true) {
    const int fd = accept_one(listener, 0);
    if (fd >= 0) std::thread(serve_until_end, fd).detach();
  }
}

void run_fork(int listener) {
  ::signal(SIGCHLD, SIG_IGN);
  while (true) {
    const int fd = accept_one(listener, 0);
    if (fd < 0) continue;
    if (::fork() == 0) {
      ::close(listener);
      serve_until_end(fd);
      ::_exit(0);
    }
    ::close(fd);
  }
}

/// Forgets to wait for its children.
void run_zombies(int listener) {
  while (true) {
    const int fd = accept_one(listener, 0);
    if (::fork() == 0) ::_exit(0);
    ::close(fd);
  }
}

/// An epoll loop that a timer wakes, which no call shows.
void run_timerfd(int listener) {
  const int epoll = ::epoll_create1(0);
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, 0);
  const itimerspec every{{0, 200'000'000}, {0, 200'000'000}};
  ::timerfd_settime(timer, 0, &every, nullptr);
  add(epoll, listener);
  add(epoll, timer);
  while (true) {
    epoll_event event;
    if (::epoll_wait(epoll, &event, 1, -1) < 1) continue;
    std::uint64_t ticks = 0;
    if (event.data.fd == listener) accept_one(listener, 0);
    if (event.data.fd == timer && ::read(timer, &ticks, sizeof(ticks)) < 0) fail("timerfd");
  }
}

void run_receive_timeout(int listener) {
  const int fd = accept_one(listener, 0);
  const timeval timeout{0, 200'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  while (serve(fd) != Met::end) {
  }
}

/// Threads that only keep house, as language runtimes have them: they sleep for a minute.
void run_with_housekeepers(int listener) {
  std::thread([] {
    while (true) ::sleep(60);
  }).detach();
  std::thread([] {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (true) never.wait_for(lock, std::chrono::seconds(60));
  }).detach();
  run_epoll(listener, -1);
}

/// One client after the other.
void run_sequential(int listener) {
  while (true) {
    if (is_datagram) {
      serve(listener);
      continue;
    }
    const int fd = accept_one(listener, 0);
    if (fd >= 0) serve_until_end(fd);
  }
}

/// Goes round all its sockets without blocking, then pauses.
void run_poll(int listener, long pause_ns) {
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  std::vector<int> connections;
  while (true) {
    if (is_datagram) {
      serve(listener);
    } else if (const int fd = accept_one(listener, SOCK_NONBLOCK); fd >= 0) {
      connections.push_back(fd);
    }
    std::vector<int> kept;
    for (const int fd : connections) {
      if (serve(fd) == Met::end) {
        end_connection(fd);
      } else {
        kept.push_back(fd);
      }
    }
    connections = kept;
    const timespec pause{0, pause_ns};
    if (pause_ns > 0) ::nanosleep(&pause, nullptr);
  }
}

/// Reads in one round, answers in the next: asleep in the middle of its work, with nothing unread.
void run_two_step(int listener) {
  const int fd = accept_one(listener, 0);
  std::string pending;
  while (true) {
    if (!pending.empty()) {
      write_all(fd, pending.data(), pending.size());
      truth->bytes += pending.size();
      pending.clear();
    } else {
      char buffer[65536];
      const ssize_t got = ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got > 0) pending.assign(buffer, static_cast<std::size_t>(got));
    }
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

/// Accepts, but reads nothing.
void run_deaf(int listener) {
  std::vector<int> connections;
  while (true) {
    if (const int fd = accept_one(listener, 0); fd >= 0) connections.push_back(fd);
  }
}

/// Sends for ever to whoever connects: it gets stuck when the client does not read.
void run_flood(int listener) {
  const std::vector<char> block(100000, 'x');
  while (true) {
    const int fd = accept_one(listener, 0);
    while (true) {
      const ssize_t sent = ::send(fd, block.data(), block.size(), MSG_NOSIGNAL);
      if (sent < 0) break;
      truth->replied += static_cast<std::uint64_t>(sent);
    }
    end_connection(fd);
  }
}

struct Place {
  sockaddr_storage address{};
  socklen_t length = 0;
  int type = SOCK_STREAM;
};

Place parse_place(const std::string& transport, const char* where) {
  Place place;
  is_datagram = transport.find("udp") == 0 || transport == "unix-dgram";
  if (is_datagram) place.type = SOCK_DGRAM;
  is_deferred = transport == "tcp4-deferred";
  if (transport == "unix-seqpacket") place.type = SOCK_SEQPACKET;
  if (transport.find("unix") == 0) {
    auto* path = reinterpret_cast<sockaddr_un*>(&place.address);
    path->sun_family = AF_UNIX;
    std::strncpy(path->sun_path, where, sizeof(path->sun_path) - 1);
    place.length = sizeof(*path);
  } else if (transport.back() == '6') {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&place.address);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(std::atoi(where)));
    place.length = sizeof(*v6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&place.address);
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4->sin_port = htons(static_cast<std::uint16_t>(std::atoi(where)));
    place.length = sizeof(*v4);
  }
  return place;
}

int open_listener(const Place& place) {
  const int fd = ::socket(place.address.ss_family, place.type, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&place.address), place.length) != 0) {
    fail("bind");
  }
  const int seconds = 5;
  if (is_deferred) ::setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
  if (place.type != SOCK_DGRAM && ::listen(fd, 16) != 0) fail("listen");
  return fd;
}

void run(const std::string& model, int listener) {
  if (model == "epoll") run_epoll(listener, -1);
  if (model == "epoll-timed") run_epoll(listener, 20);
  if (model == "threads") run_threads(listener);
  if (model == "fork") run_fork(listener);
  if (model == "sequential") run_sequential(listener);
  if (model == "sleep-poll") run_poll(listener, 1'000'000);
  if (model == "slow-poll") run_poll(listener, 100'000'000);
  if (model == "spin") run_poll(listener, 0);
  if (model == "two-step") run_two_step(listener);
  if (model == "deaf") run_deaf(listener);
  if (model == "housekeepers") run_with_housekeepers(listener);
  if (model == "zombies") run_zombies(listener);
  if (model == "timerfd") run_timerfd(listener);
  if (model == "receive-timeout") run_receive_timeout(listener);
  if (model == "flood") run_flood(listener);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  void* memory =
      ::mmap(nullptr, sizeof(Truth), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(argv[4]), 0);
  if (memory == MAP_FAILED) fail("mmap");
  truth = static_cast<Truth*>(memory);
  ::signal(SIGPIPE, SIG_IGN);
  run(argv[1], open_listener(parse_place(argv[2], argv[3])));
  return 2;
}
