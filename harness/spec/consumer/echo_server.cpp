// The server of a user: echoes to one client after another.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

int open_listener(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
#ifndef BROKEN
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
#endif
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 128) != 0) {
    std::perror("cannot listen");
    std::exit(1);
  }
  return listener;
}

void serve(int client) {
  char buffer[16384];
  for (ssize_t count = 0; (count = ::recv(client, buffer, sizeof buffer, 0)) > 0;) {
    for (ssize_t sent = 0; sent < count;) {
      const ssize_t more =
          ::send(client, buffer + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
      if (more < 0) return;
      sent += more;
    }
  }
}

}  // namespace

int main(int count, char** words) {
  const int listener = open_listener(count > 1 ? std::atoi(words[1]) : 0);
  for (;;) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    serve(client);
    ::close(client);
  }
}
