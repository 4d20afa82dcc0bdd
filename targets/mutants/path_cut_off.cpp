// Copies its path into the address as manuals show it, with strncpy(): what does not fit is cut
// off, and nobody asks for the server there.

#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "targets/mutants/textbook.h"

namespace {

/// What a dead server has left at the path goes; a living one's, or a file, stays.
void remove_stale(const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(address.sun_path, &found) != 0 || !S_ISSOCK(found.st_mode)) return;
  const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int connected = ::connect(
      client, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address);
  if (connected < 0 && errno == ECONNREFUSED) ::unlink(address.sun_path);
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
  remove_stale(address);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  mutants::must(listener, "socket");
  mutants::must(::bind(listener, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                       sizeof address),
                "bind");
  mutants::must(::listen(listener, SOMAXCONN), "listen");
  mutants::serve_each(listener, mutants::discard);
}
