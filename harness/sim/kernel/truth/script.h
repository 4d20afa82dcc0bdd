#pragma once

// A script of calls, and the transcript of what was answered: the same words on both kernels, so no
// port, no number of a descriptor, and of TCP not how much a buffer takes.

#include <ostream>
#include <string>
#include <vector>

#include "harness/base/address.h"
#include "harness/sim/kernel/truth/host.h"

namespace sockdrill::sim {

struct Pair {
  int a = -1;
  int b = -1;
};

class Script final {
 public:
  explicit Script(Host& of) : host(of) {}

  Host& host;
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  void note(const std::string& line) { lines_.push_back(line); }
  /// An answer in words: its number, or its errno's name.
  long tell(const std::string& what, long answer);
  /// Only whether it is an error, for what has no number that both would give.
  long tell_sort(const std::string& what, long answer);

  // Building.
  int tcp(int family = AF_INET, int flags = 0);
  int udp(int family = AF_INET);
  /// To an address of loopback; port 0: any.
  long bind(int fd, const char* address = "127.0.0.1", int port = 0);
  int port_of(int fd);
  long connect(int fd, int port, const char* address = "127.0.0.1");
  int listener(int backlog = 5);
  /// Of loopback, where nobody listens.
  int deaf_port();
  long accept(int fd, int flags = 0);
  /// A new client and what the listener accepts; a: the client's end, b: the server's.
  Pair connect_to(int listening, int send_buffer = 0);
  /// a: the client's end, b: the server's.
  Pair connection(int receive_buffer = 0, int send_buffer = 0);
  Pair pair(int type = SOCK_STREAM);

  // Acting; each tells its answer under the label.
  long send(const std::string& label, int fd, const std::string& octets, int flags = MSG_NOSIGNAL);
  long receive(const std::string& label, int fd, std::size_t size = 100, int flags = MSG_DONTWAIT);
  long send_to(const std::string& label, int fd, const std::string& octets, int port,
               const char* address = "127.0.0.1");
  void shutdown(const std::string& label, int fd, int how);
  void close(int fd) {
    host.close(fd);
    host.settle();
  }
  void reset(int fd);
  void option(int fd, int level, int name, int value);
  void get_option(const std::string& label, int fd, int level, int name);
  void error_of(const std::string& label, int fd);
  void peer_of(const std::string& label, int fd);
  /// What can be asked of a socket without disturbing it.
  void look_at(const std::string& who, int fd);
  /// The same, and what a receive would give.
  void peek_at(const std::string& who, int fd);
  void poll(const std::string& label, int fd,
            short events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP);
  void select(const std::string& label, int fd);
  int epoll();
  void watch(const std::string& label, int epoll, int fd, std::uint32_t events,
             int operation = EPOLL_CTL_ADD);
  void events(const std::string& label, int epoll, int count = 8);
  void signal(const std::string& label);
  void inq(const std::string& label, int fd, unsigned long request);
  /// Sends until EAGAIN; how much, not told.
  std::size_t fill(int fd, std::size_t piece = 4096);
  /// Receives until EAGAIN or the end.
  std::size_t drain(int fd);

 private:
  /// An empty address: of the connection.
  long send_with(const std::string& label, int fd, const std::string& octets, int flags,
                 SocketAddress to);

  std::vector<std::string> lines_;
};

struct NamedScript {
  const char* name;
  void (*play)(Script& script);
};

inline std::ostream& operator<<(std::ostream& out, const NamedScript& script) {
  return out << script.name;
}

std::vector<NamedScript> tcp_scripts();
std::vector<NamedScript> opening_scripts();
std::vector<NamedScript> transfer_scripts();
std::vector<NamedScript> readiness_scripts();
std::vector<NamedScript> datagram_scripts();
std::vector<NamedScript> unix_scripts();
std::vector<NamedScript> pipe_scripts();
std::vector<NamedScript> address_scripts();

}  // namespace sockdrill::sim
