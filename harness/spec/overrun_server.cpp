// An echo server with a buffer on the heap for each client, and one octet too few in it: nothing
// that anybody notices without AddressSanitizer, with which it is built.
//
//   overrun-server PORT

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

constexpr std::size_t kRoom = 1024;

struct Client {
  explicit Client(int descriptor) : fd(descriptor) {}
  int fd;
  std::unique_ptr<char[]> buffer{new char[kRoom]};
};

bool send_all(int fd, const char* octets, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, octets, size, MSG_NOSIGNAL);
    if (sent < 0) return false;
    octets += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

/// False at its end.
bool serve(Client& client) {
  std::vector<char> piece(kRoom + 1);
  const ssize_t size = ::recv(client.fd, piece.data(), piece.size(), 0);
  if (size <= 0) return false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i)
    client.buffer[i] = piece[i];  // the defect: piece.size() octets do not fit
  return send_all(client.fd, client.buffer.get(), static_cast<std::size_t>(size));
}

}  // namespace

int main(int count, char** words) {
  const int port = count > 1 ? std::atoi(words[1]) : 0;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 128) != 0) {
    std::perror("bind");
    return 1;
  }
  std::vector<Client> clients;
  for (;;) {
    std::vector<pollfd> asked{{.fd = listener, .events = POLLIN, .revents = 0}};
    for (const Client& client : clients)
      asked.push_back({.fd = client.fd, .events = POLLIN, .revents = 0});
    if (::poll(asked.data(), asked.size(), -1) < 0) continue;
    for (std::size_t i = asked.size(); i-- > 1;) {
      if (asked[i].revents == 0 || serve(clients[i - 1])) continue;
      ::close(clients[i - 1].fd);
      clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i) - 1);
    }
    if (asked[0].revents == 0) continue;
    if (const int fd = ::accept(listener, nullptr, nullptr); fd >= 0) clients.emplace_back(fd);
  }
}
