// Edge-triggered epoll, and one recv() for each edge: what did not fit the buffer waits for an edge
// that the client never gives.

#include <sys/epoll.h>

#include <map>

#include "targets/mutants/textbook.h"

namespace {

constexpr std::size_t kMostPending = 65536;

struct Client {
  std::string pending;  // not yet taken by the kernel
  bool has_ended = false;
};

/// False: the client is gone.
bool flush(int fd, Client& client) {
  while (!client.pending.empty()) {
    const ssize_t sent = ::send(fd, client.pending.data(), client.pending.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    client.pending.erase(0, static_cast<std::size_t>(sent));
  }
  return !client.has_ended;
}

bool serve(int fd, Client& client) {
  char buffer[4096];
  if (client.pending.size() < kMostPending) {
    const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count < 0 && errno != EAGAIN) return false;
    if (count == 0) client.has_ended = true;
    if (count > 0) client.pending.append(buffer, static_cast<std::size_t>(count));
  }
  return flush(fd, client);
}

void watch(int epoll, int fd, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  mutants::must(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener, EPOLLIN);
  std::map<int, Client> clients;
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll, &event, 1, -1) != 1) continue;
    const int fd = event.data.fd;
    if (fd == listener) {
      const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) ::poll(nullptr, 0, 100);
      if (client >= 0) watch(epoll, client, EPOLLIN | EPOLLOUT | EPOLLET);
    } else if (!serve(fd, clients[fd])) {
      clients.erase(fd);
      ::close(fd);
    }
  }
}
