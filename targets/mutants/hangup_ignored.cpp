// Compares the events of a client with EPOLLIN instead of testing for its bit: a reset is reported
// as EPOLLIN together with EPOLLERR and EPOLLHUP, fits no case, and is reported for ever.

#include <sys/epoll.h>

#include "targets/mutants/textbook.h"

namespace {

void watch(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  mutants::must(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/// False: the client has ended.
bool discard(int client) {
  char buffer[16384];
  return !mutants::receive(client, buffer).empty();
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll, &event, 1, -1) != 1) continue;
    if (event.data.fd == listener) {
      const int client = mutants::try_accept(listener);
      if (client >= 0) watch(epoll, client);
    } else if (event.events == EPOLLIN) {
      if (!discard(event.data.fd)) ::close(event.data.fd);
    }
  }
}
