// A TCP echo server with one fault, chosen by name: what the behaviour tests point the command at.
// Plain POSIX, as a user would write it; everything but the one fault is right enough.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::string fault;

bool has(const char* name) { return fault == name; }

int open_listener(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  static_cast<void>(::setsockopt(
      listener, SOL_SOCKET, has("second-steals") ? SO_REUSEPORT : SO_REUSEADDR, &yes, sizeof(yes)));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  if (::bind(listener, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
             sizeof(address)) != 0 ||
      ::listen(listener, 128) != 0) {
    std::perror("bind");
    std::exit(1);
  }
  return listener;
}

/// False: the connection is over.
bool serve(int client) {
  static std::vector<char> buffer(65536);
  const ssize_t count = ::recv(client, buffer.data(), buffer.size(), 0);
  if (count < 0 && errno == ECONNRESET && has("dies-of-reset")) std::abort();
  if (count == 0 && has("spins-on-eof")) return true;
  if (count <= 0) return false;
  ssize_t wanted = count;
  if (has("cuts-long-echo")) wanted = std::min<ssize_t>(wanted, 8192);
  if (has("flips-an-octet") && count > 20) buffer[20] = '#';
  if (has("never-answers")) return true;
  for (ssize_t sent = 0; sent < wanted;) {
    const ssize_t more =
        ::send(client, buffer.data() + sent, static_cast<std::size_t>(wanted - sent), MSG_NOSIGNAL);
    if (more < 0) return false;
    sent += more;
  }
  return true;
}

/// Until somebody leaves. As memcached does it, where nobody else gets into the queue meanwhile.
void rest_without_descriptors(pollfd& listener, bool rests) {
  listener.events = rests ? 0 : POLLIN;
  if (has("shortens-its-queue")) ::listen(listener.fd, rests ? 0 : 128);
}

/// 3 MiB a client that are never given back: of all, or of the first 20.
void keep_memory() {
  static std::vector<std::vector<char>> kept;
  if (has("leaks-memory") || (has("warms-up") && kept.size() < 20))
    kept.emplace_back(3U << 20U, 'x');
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  fault = words[1];
  int port = std::atoi(words[2]);
  if (has("exits-at-once")) return 3;
  if (has("listens-elsewhere")) port += 1;
  if (has("never-listens")) ::pause();
  for (volatile bool spins = has("spins-at-once"); spins;) {
  }
  if (has("goes-to-the-background") && ::fork() != 0) return 0;
  if (has("ignores-sigterm")) std::signal(SIGTERM, SIG_IGN);
  if (has("leaves-a-child") && ::fork() == 0) {
    ::setsid();
    for (;;) ::pause();
  }
  std::vector<pollfd> watched{{.fd = open_listener(port), .events = POLLIN, .revents = 0}};
  if (has("floods-its-log")) {
    for (int i = 0; i < 100000; ++i) std::printf("line %d of a chatty log\n", i);
    std::fflush(stdout);
  }
  for (;;) {
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    for (std::size_t i = watched.size(); i-- > 1;) {
      if (watched[i].revents == 0 || serve(watched[i].fd)) continue;
      if (!has("leaks-descriptors")) ::close(watched[i].fd);
      watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
      rest_without_descriptors(watched[0], false);
    }
    if ((watched[0].revents & POLLIN) == 0) continue;
    const int client = ::accept4(watched[0].fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0 && errno == EMFILE) rest_without_descriptors(watched[0], true);
    keep_memory();
    if (client >= 0) watched.push_back({.fd = client, .events = POLLIN, .revents = 0});
  }
}
