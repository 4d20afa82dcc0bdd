#include "harness/watch/truth/world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <thread>
#include <utility>

#include "harness/base/check.h"
#include "harness/watch/proc_files.h"
#include "harness/watch/tasks.h"

namespace sockdrill::truth {
namespace {

constexpr std::uint16_t kPort = 7007;
constexpr auto kCap = std::chrono::seconds(60);

bool write_file(const char* path, const std::string& text) {
  const OwnedFd file{::open(path, O_WRONLY | O_CLOEXEC)};
  return file.is_open() &&
         ::write(file.raw(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string enter_own_user_namespace() {
  const std::string uid = fmt::format("0 {} 1", ::getuid());
  const std::string gid = fmt::format("0 {} 1", ::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return "unshare(NEWUSER|NEWNET): " + describe(last_errno());
  }
  const bool is_mapped = write_file("/proc/self/setgroups", "deny") &&
                         write_file("/proc/self/uid_map", uid) &&
                         write_file("/proc/self/gid_map", gid);
  return is_mapped ? "" : "the user namespace takes no maps";
}

std::string enter() {
  // Two namespaces, one inside the other's care: the outer one's setting makes the inner one's
  // connection table small, and so every dump fast.
  if (::unshare(CLONE_NEWNET) != 0) {
    if (std::string why = enter_own_user_namespace(); !why.empty()) return why;
  }
  write_file("/proc/sys/net/ipv4/tcp_child_ehash_entries", "1024");
  if (::unshare(CLONE_NEWNET) != 0) return "unshare(NEWNET): " + describe(last_errno());
  const OwnedFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strcpy(&request.ifr_name[0], "lo");
  request.ifr_flags = IFF_UP;
  if (::ioctl(socket.raw(), SIOCSIFFLAGS, &request) != 0) return "lo does not come up";
  return "";
}

Transport transport_named(const std::string& name) {
  if (name.starts_with("udp")) return Transport::udp;
  if (name == "unix") return Transport::unix_stream;
  if (name == "unix-dgram") return Transport::unix_dgram;
  return name == "unix-seqpacket" ? Transport::unix_seqpacket : Transport::tcp;
}

void add_with_descendants(pid_t pid, std::vector<pid_t>& pids) {
  pids.push_back(pid);
  const std::string path = fmt::format("/proc/{}/task", pid);
  const OwnedFd folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.is_open()) return;
  for (const pid_t tid : list_numbers(folder.get())) {
    const auto children = read_file(fmt::format("{}/{}/children", path, tid));
    if (!children) continue;
    for (const pid_t child : parse_pids(*children)) add_with_descendants(child, pids);
  }
}

void die_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace

OwnedFd open_diag() {
  return OwnedFd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
}

std::string enter_fresh_network() {
  static const std::string kWhyNot = enter();
  return kWhyNot;
}

Burners::Burners(int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      die_with_parent();
      volatile std::uint64_t sum = 0;
      while (true) sum = sum + 1;
    }
    pids_.push_back(pid);
  }
}

Burners::~Burners() {
  for (const pid_t pid : pids_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

Server::Server(const std::string& model, const std::string& transport)
    : transport_(transport_named(transport)),
      memory_(static_cast<int>(::memfd_create("truth", 0))) {
  SOCKDRILL_CHECK(::ftruncate(memory_.raw(), sizeof(Truth)) == 0, "no memory for the truth");
  void* memory =
      ::mmap(nullptr, sizeof(Truth), PROT_READ | PROT_WRITE, MAP_SHARED, memory_.raw(), 0);
  SOCKDRILL_CHECK(memory != MAP_FAILED, "no memory for the truth");
  truth_ = new (memory) Truth;
  std::string where = std::to_string(kPort);
  if (is_unix(transport_)) {
    std::string name = "/tmp/sockdrill-truth-XXXXXX";
    SOCKDRILL_CHECK(::mkdtemp(name.data()) != nullptr, "no folder");
    folder_ = name;
    where = folder_ + "/socket";
    address_ = unix_address(where).value_or(SocketAddress{});
  } else {
    const bool is_v6 = transport == "udp6" || transport == "tcp6";
    address_ = ip_address(is_v6 ? "::1" : "127.0.0.1", kPort).value_or(SocketAddress{});
  }
  const std::string fd = std::to_string(memory_.raw());
  // "tcp46": an IPv4 client of a dual-stack server.
  const std::string server_transport = transport == "tcp46" ? "tcp6" : transport;
  const std::string program = TRUTH_SERVER;
  std::array<const char*, 6> argv{program.c_str(), model.c_str(), server_transport.c_str(),
                                  where.c_str(),   fd.c_str(),    nullptr};
  pid_ = ::fork();
  if (pid_ == 0) {
    die_with_parent();
    ::execv(program.c_str(), const_cast<char**>(argv.data()));  // NOLINT: execv does not write.
    ::_exit(127);
  }
}

Server::~Server() {
  for (const pid_t pid : processes()) ::kill(pid, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::munmap(truth_, sizeof(Truth));
  std::error_code ignored;  // What cannot be removed from /tmp is not our test's matter.
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::vector<pid_t> Server::processes() const {
  std::vector<pid_t> pids;
  add_with_descendants(pid_, pids);
  return pids;
}

World::World(const std::string& model, const std::string& transport, WatchOptions options)
    : server_(model, transport),
      watcher_(
          open_diag(), ::getpid(), [this] { return server_.processes(); }, options) {
  clients_.reserve(128);  // References to clients stay valid.
}

std::vector<ClientSocket> World::sockets() const {
  std::vector<ClientSocket> sockets;
  for (const Client& client : clients_) sockets.push_back(client.socket);
  return sockets;
}

bool World::wait_for_listener() {
  const Deadline deadline = Deadline::after(kCap);
  while (watcher_.listeners(sockets()).empty()) {
    if (deadline.has_passed()) return false;
    std::this_thread::yield();
  }
  return true;
}

Client& World::connect(int receive_buffer) {
  const SocketAddress& to = server_.address();
  Client client;
  client.fd = OwnedFd{::socket(to.family(), socket_type(server_.transport()) | SOCK_CLOEXEC, 0)};
  const int fd = client.fd.raw();
  if (receive_buffer > 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  }
  ClientSocket& socket = client.socket;
  socket.transport = server_.transport();
  socket.fd = client.fd.get();
  socket.remote = to;
  if (socket.transport == Transport::unix_dgram) {  // Without a name it gets no reply.
    const std::string path = fmt::format("{}.client{}", to_string(to), next_name_++);
    socket.local = unix_address(path).value_or(SocketAddress{});
    ::bind(fd, socket.local.get(), socket.local.length);
  }
  SOCKDRILL_CHECK(::connect(fd, to.get(), to.length) == 0, "connect");
  struct stat status {};
  ::fstat(fd, &status);
  socket.inode = status.st_ino;
  socket.established = true;
  socket.local.length = sizeof(socket.local.storage);
  ::getsockname(fd, socket.local.get(), &socket.local.length);
  clients_.push_back(std::move(client));
  return clients_.back();
}

void World::send(Client& client, std::size_t size) {
  const std::vector<char> bytes(size, 'x');
  const ssize_t sent = ::send(client.fd.raw(), bytes.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return;
  client.socket.sent_bytes += static_cast<std::uint64_t>(sent);
  ++client.socket.sent_messages;
  client.replies_due += static_cast<std::uint64_t>(sent);
}

void World::shutdown(Client& client) {
  ::shutdown(client.fd.raw(), SHUT_WR);
  client.socket.fin_sent = true;
}

void World::close(Client& client) {
  client.socket.fin_sent = true;
  client.socket.fd = kNoFd;
  client.fd.reset();
}

void World::reset(Client& client) {
  const linger hard{1, 0};
  ::setsockopt(client.fd.raw(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  client.socket.reset_sent = true;
  client.socket.fd = kNoFd;
  client.fd.reset();
}

std::size_t World::drain(Client& client) {
  std::array<char, 65536> buffer{};
  std::size_t total = 0;
  while (client.fd.is_open()) {
    const ssize_t got = ::recv(client.fd.raw(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

bool World::stop() {
  ::kill(server_.pid(), SIGSTOP);
  const Deadline deadline = Deadline::after(kCap);
  while (!watcher_.is_stopped()) {
    if (deadline.has_passed()) return false;
    std::this_thread::yield();
  }
  return true;
}

void World::resume() { ::kill(server_.pid(), SIGCONT); }

template <typename IsWanted>
RestReport World::look_until(IsWanted is_wanted) {
  const Deadline deadline = Deadline::after(kCap);
  for (int attempt = 0;; ++attempt) {
    ++looks;
    RestReport report = watcher_.look(sockets());
    if (is_wanted(report) || deadline.has_passed()) return report;
    if (attempt < 2) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(attempt, 5) * 100));
    }
  }
}

RestReport World::settle() {
  return look_until([](const RestReport& report) { return report.rest != Rest::busy; });
}

RestReport World::settle_firmly() {
  return look_until([](const RestReport& report) { return report.is_firm; });
}

}  // namespace sockdrill::truth
