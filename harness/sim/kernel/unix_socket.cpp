#include "harness/sim/kernel/unix_socket.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kUnixBuffer = 212992;  // net.core.wmem_default
constexpr std::size_t kNameOffset = offsetof(sockaddr_un, sun_path);

}  // namespace

UnixSocket::UnixSocket(Kernel& kernel, int type, int status_flags)
    : Socket(kernel, AF_UNIX, type, 0, status_flags), account_(make_ref<Account>()) {
  account_->sender = this;
  options.receive_buffer = options.send_buffer = kUnixBuffer;
}

// unix_release_sock().
UnixSocket::~UnixSocket() {
  Network& network = kernel().network();
  if (node_) {
    network.path_sockets.erase(*node_);
  } else if (is_bound_) {
    network.abstract_sockets.erase(key_of(name_));
  }
  account_->sender = nullptr;
  is_read_shut_ = is_write_shut_ = true;
  close_connections();
  room_.wake_all(kSpaceEvents);
  end_peer();
  for (UnixSocket* fan : std::exchange(fans_, {})) {
    fan->peer_ = nullptr;
    fan->has_lost_peer_ = true;
    fan->peer_name_ = name_;
    if (is_full()) fan->queue_.wake(kSpaceEvents);
  }
  drop_messages();
}

void UnixSocket::end_peer() {
  UnixSocket* const other = peer_;
  if (other == nullptr) return;
  if (is_connection_based()) {
    other->is_read_shut_ = other->is_write_shut_ = true;
    if (!messages_.empty()) other->error_ = ECONNRESET;
  }
  set_peer(nullptr);
  if (other->is_connection_based()) other->queue_.wake_all(0);
}

void UnixSocket::close_connections() {
  for (const Ref<UnixSocket>& embryo : std::exchange(connections_, {})) {
    // Never accepted: the client learns of it as of a reset.
    if (embryo->peer_ != nullptr) embryo->peer_->error_ = ECONNRESET;
  }
}

void UnixSocket::set_peer(UnixSocket* peer) {
  if (peer_ != nullptr) std::erase(peer_->fans_, this);
  peer_ = peer;
  if (peer_ != nullptr) peer_->fans_.push_back(this);
}

ucred UnixSocket::credentials_of(const Process& process) {
  return ucred{.pid = process.pid, .uid = 0, .gid = 0};
}

void UnixSocket::pair(UnixSocket& first, UnixSocket& second, const Process& process) {
  for (UnixSocket* each : {&first, &second}) {
    each->set_peer(each == &first ? &second : &first);
    each->is_connected_ = true;
    each->peer_credentials_ = each->own_credentials_ = credentials_of(process);
  }
}

// Names.

SocketName UnixSocket::write_name(const std::string& name) {
  SocketName written;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const std::size_t size = std::min(name.size(), sizeof(un.sun_path));
  std::memcpy(un.sun_path, name.data(), size);
  std::memcpy(&written.storage, &un, sizeof(un));
  const bool is_path = !name.empty() && name[0] != '\0';
  written.length = static_cast<socklen_t>(kNameOffset + size + (is_path ? 1 : 0));
  return written;
}

SocketName UnixSocket::name_of(const UnixSocket& socket) { return write_name(socket.name_); }

Outcome<SocketName> UnixSocket::peer_name() {
  if (peer_ != nullptr) return name_of(*peer_);
  if (is_connected_) return write_name(peer_name_);
  return refuse(ENOTCONN);
}

SocketName UnixSocket::accepted_name() {
  return peer_ != nullptr ? name_of(*peer_) : write_name(peer_name_);
}

std::string UnixSocket::key_of(const std::string& name) const {
  return static_cast<char>('0' + type()) + name;
}

Outcome<std::string> UnixSocket::read_name(const sockaddr* address, socklen_t length) const {
  if (length <= kNameOffset || length > sizeof(sockaddr_un) || address->sa_family != AF_UNIX)
    return refuse(EINVAL);
  sockaddr_un un{};
  std::memcpy(&un, address, length);
  const std::string name(un.sun_path, length - kNameOffset);
  if (name[0] == '\0') return name;
  return name.substr(0, name.find('\0'));
}

void UnixSocket::autobind() {
  Network& network = kernel().network();
  constexpr char kDigits[] = "0123456789abcdef";
  do {
    std::uint32_t number = ++network.last_autobind;
    name_.assign(6, '\0');
    for (std::size_t place = 5; place > 0; --place, number >>= 4)
      name_[place] = kDigits[number & 15];
  } while (!network.abstract_sockets.emplace(key_of(name_), this).second);
  is_bound_ = true;
}

Outcome<void> UnixSocket::bind(Process&, const sockaddr* address, socklen_t length) {
  if (length == sizeof(sa_family_t) && address->sa_family == AF_UNIX) {
    if (!is_bound_) autobind();
    return {};
  }
  const std::string name = TRY(read_name(address, length));
  if (is_bound_) return refuse(EINVAL);
  Network& network = kernel().network();
  if (name[0] == '\0') {
    if (!network.abstract_sockets.emplace(key_of(name), this).second) return refuse(EADDRINUSE);
  } else {
    node_ = TRY(network.paths().create(name));
    network.path_sockets[*node_] = this;
  }
  name_ = name;
  is_bound_ = true;
  return {};
}

Outcome<UnixSocket*> UnixSocket::find(const std::string& name) {
  Network& network = kernel().network();
  if (name[0] == '\0') {
    const auto found = network.abstract_sockets.find(key_of(name));
    if (found == network.abstract_sockets.end()) return refuse(ECONNREFUSED);
    return found->second;
  }
  const SocketPaths::Node node = TRY(network.paths().find(name));
  const auto found = network.path_sockets.find(node);
  if (found == network.path_sockets.end()) return refuse(ECONNREFUSED);
  if (found->second->type() != type()) return refuse(EPROTOTYPE);
  return found->second;
}

// Connections.

Outcome<void> UnixSocket::listen(Process& process, int backlog) {
  if (type() == SOCK_DGRAM) return refuse(EOPNOTSUPP);
  if (!is_bound_ || is_connected_) return refuse(EINVAL);
  backlog_ = cut_backlog(backlog);
  is_listening_ = true;
  own_credentials_ = credentials_of(process);
  room_.wake_all(kSpaceEvents);
  return {};
}

Outcome<Ref<Socket>> UnixSocket::accept_one(Process&, int status_flags, Call& call) {
  if (type() == SOCK_DGRAM) return refuse(EOPNOTSUPP);
  if (!is_listening_) return refuse(EINVAL);
  if (connections_.empty()) {
    if (is_read_shut_) return refuse(EINVAL);
    Stop stop = wait_or_again(call, options.receive_timeout, 0);
    stop.is_exclusive = true;
    return tl::unexpected<Stop>(std::move(stop));
  }
  Ref<Socket> accepted = connections_.front();
  connections_.pop_front();
  room_.wake(kSpaceEvents);
  accepted->set_status_flags(status_flags);
  return accepted;
}

Outcome<void> UnixSocket::connect(Process& process, const sockaddr* address, socklen_t length,
                                  Call& call) {
  if (type() == SOCK_DGRAM && length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC) {
    disconnect_datagram();
    return {};
  }
  const std::string name = TRY(read_name(address, length));
  return type() == SOCK_DGRAM ? connect_datagram(name) : connect_stream(process, name, call);
}

// unix_stream_connect().
Outcome<void> UnixSocket::connect_stream(Process& process, const std::string& name, Call& call) {
  UnixSocket& listener = *TRY(find(name));
  if (!listener.is_listening_ || listener.is_read_shut_) return refuse(ECONNREFUSED);
  if (listener.connections_.size() > listener.backlog_) {
    Stop stop = wait_or_again(call, options.send_timeout, 0);
    if (stop.must_wait()) stop.queue = &listener.room_;
    return tl::unexpected<Stop>(std::move(stop));
  }
  if (is_connected_) return refuse(EISCONN);
  if (is_listening_) return refuse(EINVAL);
  const Ref<UnixSocket> child = make_ref<UnixSocket>(kernel(), type(), 0);
  child->name_ = listener.name_;
  child->set_peer(this);
  child->is_connected_ = true;
  child->peer_credentials_ = credentials_of(process);
  child->options = listener.options;
  set_peer(child.get());
  is_connected_ = true;
  peer_credentials_ = listener.own_credentials_;
  peer_name_ = listener.name_;
  listener.connections_.push_back(child);
  listener.queue_.wake(kDataEvents);
  return {};
}

void UnixSocket::disconnect_datagram() {
  UnixSocket* const other = peer_;
  set_peer(nullptr);
  is_connected_ = has_lost_peer_ = false;
  if (other == nullptr || messages_.empty()) return;
  drop_messages();
  room_.wake_all(kSpaceEvents);
  if (other->peer_ == this) {
    other->error_ = ECONNRESET;
    other->queue_.wake_all(EPOLLERR);
  }
}

Outcome<void> UnixSocket::connect_datagram(const std::string& name) {
  UnixSocket& other = *TRY(find(name));
  if (other.peer_ != nullptr && other.peer_ != this) return refuse(EPERM);  // unix_may_send()
  if (peer_ != nullptr && peer_ != &other) disconnect_datagram();
  set_peer(&other);
  is_connected_ = true;
  has_lost_peer_ = false;
  return {};
}

// unix_shutdown().
Outcome<void> UnixSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return refuse(EINVAL);
  const bool read = how != SHUT_WR;
  const bool write = how != SHUT_RD;
  is_read_shut_ = is_read_shut_ || read;
  is_write_shut_ = is_write_shut_ || write;
  queue_.wake_all(0);
  UnixSocket* const other = is_connection_based() ? peer_ : nullptr;
  if (other != nullptr) {
    other->is_read_shut_ = other->is_read_shut_ || write;
    other->is_write_shut_ = other->is_write_shut_ || read;
    other->queue_.wake_all(0);
  }
  return {};
}

// Readiness.

// unix_writable(): three quarters of the buffer are free.
bool UnixSocket::is_writable() const {
  return !is_listening_ && account_->charged * 4 <= options.send_buffer;
}

// unix_poll() and unix_dgram_poll().
std::uint32_t UnixSocket::poll() {
  std::uint32_t bits = 0;
  if (error_ != 0) bits |= EPOLLERR;
  if (is_read_shut_ && is_write_shut_) bits |= EPOLLHUP;
  if (is_read_shut_) bits |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (!messages_.empty() || !connections_.empty()) bits |= EPOLLIN | EPOLLRDNORM;
  if (is_connection_based() && !is_connected_ && !is_listening_) bits |= EPOLLHUP;
  const bool is_peer_full = type() == SOCK_DGRAM && peer_ != nullptr && peer_->peer_ != this &&
                            peer_ != this && peer_->is_full();
  if (is_writable() && !is_peer_full) bits |= kSpaceEvents;
  return bits;
}

void UnixSocket::tell_space() {
  if (is_writable()) queue_.wake(kSpaceEvents);
}

std::size_t UnixSocket::unread_octets() const {
  std::size_t total = 0;
  for (const Message& message : messages_) total += message.octets.size() - message.taken;
  return total;
}

Outcome<void> UnixSocket::ioctl(unsigned long request, void* argument) {
  int answer = 0;
  if (request == FIONREAD) {
    if (is_listening_) return refuse(EINVAL);
    answer = static_cast<int>(
        is_connection_based()
            ? unread_octets()
            : (messages_.empty() ? std::size_t{0} : messages_.front().octets.size()));
  } else if (request == TIOCOUTQ) {
    answer = static_cast<int>(account_->charged);
  } else {
    return File::ioctl(request, argument);
  }
  std::memcpy(argument, &answer, sizeof(answer));
  return {};
}

Outcome<bool> UnixSocket::get_structure(int level, int name, void* value, socklen_t* length) {
  if (level != SOL_SOCKET || name != SO_PEERCRED) return false;
  give_option(peer_credentials_, value, length);
  return true;
}

}  // namespace sockdrill::sim
