// A process for each client, which sends until all is sent, or SIGPIPE ends it.

#include <sys/prctl.h>

#include <csignal>

#include "targets/mutants/textbook.h"

namespace {

/// In small pieces, as a service does that works on each.
void echo(int client) {
  char buffer[4096];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    while (!input.empty()) {
      const ssize_t sent = ::write(client, input.data(), input.size() < 4 ? input.size() : 4);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
}

}  // namespace

int main(int, char** words) {
  ::signal(SIGCHLD, SIG_IGN);  // wait(2) NOTES: nobody has to wait for them
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = mutants::accept_client(listener);
    if (::fork() == 0) {
      ::close(listener);
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      echo(client);
      ::_exit(0);
    }
    ::close(client);
  }
}
