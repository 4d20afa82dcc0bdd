// A process a client. Where fork() fails, the loop is left: half dead, the server waits for the
// children that it has, and for nobody else.

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>

#include "targets/mutants/textbook.h"

namespace {

/// False: there is no process for it.
bool serve_in_child(int listener, int client) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(listener);
    mutants::discard(client);
    ::_exit(0);
  }
  ::close(client);
  return child > 0;
}

}  // namespace

int main(int, char** words) {
  ::signal(SIGCHLD, SIG_IGN);  // The kernel reaps them.
  const int listener = mutants::open_listener(words[1]);
  while (serve_in_child(listener, mutants::accept_client(listener))) continue;
  std::perror("fork");
  while (::wait(nullptr) > 0) continue;
  for (;;) ::pause();  // Somebody ends it.
}
