// Says that it listens, whatever bind() has returned. listen(2) then gives the socket a port of the
// kernel's choice (ip(7)).

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  mutants::must(listener, "socket");
  mutants::enable(listener, SO_REUSEADDR);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(words[1])));
  ::bind(listener, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
         sizeof address);
  ::listen(listener, SOMAXCONN);
  std::printf("listening on port %s\n", words[1]);
  std::fflush(stdout);
  mutants::serve_each(listener, mutants::discard);
}
