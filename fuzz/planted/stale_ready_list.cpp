// An event loop that watches a client by two descriptors, one for reading and one for writing. One
// epoll_wait() may name both; the first may be the client's end, and then the second is handled
// with what has been freed.

#include <sys/epoll.h>

#include "targets/mutants/textbook.h"

namespace {

struct Client {
  int in = -1;
  int out = -1;
  std::string pending;
};

int epoll = -1;

void watch(int fd, std::uint32_t events, Client* client) {
  epoll_event event{.events = events, .data = {.ptr = client}};
  mutants::must(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void drop(Client* client) {
  ::close(client->in);
  ::close(client->out);
  delete client;
}

/// False: it is gone.
bool receive(Client* client) {
  char buffer[4096];
  const ssize_t size = ::recv(client->in, buffer, sizeof buffer, 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  client->pending.append(buffer, static_cast<std::size_t>(size));
  return size > 0;
}

bool flush(Client* client) {
  while (!client->pending.empty()) {
    const ssize_t sent =
        ::send(client->out, client->pending.data(), client->pending.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    client->pending.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

void take_client(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int copy = ::dup(fd);
  if (copy < 0) {
    ::close(fd);
    return;
  }
  auto* const client = new Client{.in = fd, .out = copy, .pending = {}};
  watch(client->in, EPOLLIN, client);
  watch(client->out, EPOLLOUT | EPOLLET, client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(listener, EPOLLIN, nullptr);
  for (;;) {
    epoll_event events[8];
    const int count = ::epoll_wait(epoll, events, 8, -1);
    for (int i = 0; i < count; ++i) {
      auto* const client = static_cast<Client*>(events[i].data.ptr);
      if (client == nullptr) {
        take_client(listener);
        continue;
      }
      // The defect: the event before this one may have been its last.
      const bool is_there =
          (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || receive(client);
      if (!is_there || !flush(client)) drop(client);
    }
  }
}
