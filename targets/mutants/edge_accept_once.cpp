// Waits for connections with an edge-triggered epoll, and accepts one for each edge: of those that
// come together all but one wait until somebody else comes.

#include <sys/epoll.h>

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = listener}};
  mutants::must(::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
  for (;;) {
    if (::epoll_wait(epoll, &event, 1, -1) != 1) continue;
    mutants::serve_in_thread(mutants::accept_client(listener), mutants::echo);
  }
}
