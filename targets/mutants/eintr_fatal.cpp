// Ends when epoll_wait() is interrupted: EINTR comes after SIGSTOP and SIGCONT, too, which no
// handler can keep away.

#include <sys/epoll.h>

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  mutants::must(::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
  for (;;) {
    mutants::must(::epoll_wait(epoll, &event, 1, -1), "epoll_wait");
    mutants::serve_in_thread(mutants::accept_client(listener), mutants::discard);
  }
}
