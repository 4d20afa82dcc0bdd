#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/unix_socket.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kHead = 3776;     // SKB_MAX_HEAD(0)
constexpr std::size_t kPieces = 32768;  // UNIX_SKB_FRAGS_SZ
constexpr std::size_t kPage = 4096;
constexpr std::size_t kBookkeeping = 256;  // of a message itself
constexpr std::size_t kSharedInfo = 320;

/// skb->truesize: what a message takes of its sender's buffer.
std::size_t unix_charge_of(std::size_t size, bool is_stream) {
  std::size_t pages = 0;
  if (size > kHead) {
    pages = (size - kHead + kPage - 1) / kPage * kPage;
    if (!is_stream) return kPage + kBookkeeping + pages;
  }
  const std::size_t in_head = size - std::min(size, pages);
  std::size_t room = 512;
  while (room < in_head + kSharedInfo) room *= 2;
  return room + kBookkeeping + pages;
}

}  // namespace

void UnixSocket::release(Message& message) {
  Account& account = *message.account;
  account.charged -= message.charge;
  message.charge = 0;
  if (account.sender != nullptr) account.sender->tell_space();
}

void UnixSocket::drop_messages() {
  for (Message& message : messages_) release(message);
  messages_.clear();
}

void UnixSocket::put(UnixSocket& to, Message message) {
  message.charge = unix_charge_of(message.octets.size(), type() == SOCK_STREAM);
  account_->charged += message.charge;
  message.account = account_;
  message.from = name_;
  to.messages_.push_back(std::move(message));
  to.queue_.wake(kDataEvents);
}

Outcome<std::size_t> UnixSocket::fail_sending(Process& process, int flags) {
  if ((flags & MSG_NOSIGNAL) == 0) kernel().send_pipe_signal(process);
  return refuse(EPIPE);
}

Outcome<void> UnixSocket::read_control(Process& process, const msghdr& header,
                                       Message& message) const {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr;
       each = CMSG_NXTHDR(const_cast<msghdr*>(&header), each)) {
    if (each->cmsg_level != SOL_SOCKET) continue;
    if (each->cmsg_type == SCM_CREDENTIALS) {
      if (each->cmsg_len != CMSG_LEN(sizeof(ucred))) return refuse(EINVAL);
      std::memcpy(&message.credentials, CMSG_DATA(each), sizeof(ucred));
    } else if (each->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(each) + i * sizeof(int), sizeof(fd));
        message.files.push_back(TRY(process.descriptors.file(fd)));
      }
    } else {
      return refuse(EINVAL);
    }
  }
  return {};
}

Outcome<std::size_t> UnixSocket::send(Process& process, const msghdr& header, int flags,
                                      Call& call) {
  if ((flags & MSG_OOB) != 0) return refuse(EOPNOTSUPP);
  Message message;
  message.credentials = credentials_of(process);
  if (header.msg_controllen > 0) {
    TRY_VOID(read_control(process, header, message));
  }
  if (type() == SOCK_STREAM) return send_stream(process, header, message, flags, call);
  return send_whole(header, message, flags, call);
}

// unix_stream_sendmsg().
Outcome<std::size_t> UnixSocket::send_stream(Process& process, const msghdr& header,
                                             Message& message, int flags, Call& call) {
  begin(call, options.send_timeout);
  if (header.msg_namelen > 0) return refuse(is_connected_ ? EISCONN : EOPNOTSUPP);
  if (!is_connected_) return refuse(ENOTCONN);
  const Buffers buffers = buffers_of(header);
  const std::size_t total = size_of(buffers);
  if (is_write_shut_) return call.done > 0 ? call.done : fail_sending(process, flags);
  while (call.done < total) {
    if (peer_ == nullptr || is_write_shut_ || peer_->is_read_shut_)
      return call.done > 0 ? call.done : fail_sending(process, flags);
    if (const int error = take_error(); error != 0) {
      if (call.done > 0) return call.done;
      return refuse(error);
    }
    if (account_->charged >= options.send_buffer)
      return wait_or_part(call, options.send_timeout, flags);
    const std::size_t size =
        std::min({total - call.done, options.send_buffer / 2 - 64, kHead + kPieces});
    message.octets.resize(size);
    gather(buffers, call.done, message.octets.data(), size);
    call.done += size;
    Message piece = message;
    message.files.clear();  // with the first octets
    put(*peer_, std::move(piece));
  }
  return total;
}

/// Whom a datagram goes to, once it is allowed to leave.
Outcome<UnixSocket*> UnixSocket::destination(const std::string& name) {
  if (!name.empty()) return find(name);
  if (peer_ != nullptr) return peer_;
  if (!has_lost_peer_) return refuse(ENOTCONN);
  has_lost_peer_ = is_connected_ = false;
  // What it had sent is lost with it (unix_dgram_disconnected()).
  drop_messages();
  return refuse(ECONNREFUSED);
}

// unix_dgram_sendmsg() and unix_seqpacket_sendmsg().
Outcome<std::size_t> UnixSocket::send_whole(const msghdr& header, Message& message, int flags,
                                            Call& call) {
  begin(call, options.send_timeout);
  const Buffers buffers = buffers_of(header);
  const std::size_t total = size_of(buffers);
  if (type() == SOCK_SEQPACKET && !is_connected_) return refuse(ENOTCONN);
  std::string name;
  if (header.msg_namelen > 0 && type() == SOCK_DGRAM) {
    name = TRY(read_name(static_cast<const sockaddr*>(header.msg_name), header.msg_namelen));
  }
  if (total + 32 > options.send_buffer) return refuse(EMSGSIZE);
  if (const int error = take_error(); error != 0) return refuse(error);
  if (is_write_shut_) return refuse(EPIPE);  // without SIGPIPE: that is for streams
  if (account_->charged >= options.send_buffer)
    return tl::unexpected<Stop>(wait_or_again(call, options.send_timeout, flags));
  // From here on the message is charged; when it goes nowhere, the room is told of as any other.
  const Outcome<UnixSocket*> found = destination(name);
  if (!found) {
    tell_space();
    return tl::unexpected<Stop>(found.error());
  }
  UnixSocket& other = **found;
  const bool is_strangers = type() == SOCK_DGRAM && other.peer_ != nullptr && other.peer_ != this;
  if (is_strangers || other.is_read_shut_) {
    tell_space();
    return refuse(is_strangers ? EPERM : EPIPE);
  }
  if (&other != this && other.peer_ != this && other.is_full()) {
    Stop stop = wait_or_again(call, options.send_timeout, flags);
    if (stop.must_wait()) stop.queue = &other.room_;
    return tl::unexpected<Stop>(std::move(stop));
  }
  message.octets.resize(total);
  gather(buffers, 0, message.octets.data(), total);
  put(other, std::move(message));
  return total;
}

void UnixSocket::write_control(Process& process, msghdr& header, Message& message, int flags) {
  ControlWriter control(header);
  if (options.pass_credentials)
    control.put(SOL_SOCKET, SCM_CREDENTIALS, &message.credentials, sizeof(ucred));
  std::vector<int> numbers;
  for (const Ref<File>& file : message.files) {
    if (!control.has_room((numbers.size() + 1) * sizeof(int))) break;
    const Outcome<int> fd = process.descriptors.add(file, (flags & MSG_CMSG_CLOEXEC) != 0);
    if (!fd) {
      header.msg_flags |= MSG_CTRUNC;
      break;
    }
    numbers.push_back(*fd);
  }
  if ((flags & MSG_PEEK) == 0) message.files.clear();
  if (!numbers.empty())
    control.put(SOL_SOCKET, SCM_RIGHTS, numbers.data(), numbers.size() * sizeof(int));
}

Outcome<std::size_t> UnixSocket::receive(Process& process, msghdr& header, int flags, Call& call) {
  header.msg_flags = 0;
  if ((flags & MSG_OOB) != 0) return refuse(type() == SOCK_STREAM ? EINVAL : EOPNOTSUPP);
  return type() == SOCK_STREAM ? receive_stream(process, header, flags, call)
                               : receive_whole(process, header, flags, call);
}

// unix_stream_read_generic().
Outcome<std::size_t> UnixSocket::receive_stream(Process& process, msghdr& header, int flags,
                                                Call& call) {
  header.msg_namelen = 0;
  if (!is_connected_) return refuse(EINVAL);
  begin(call, options.receive_timeout);
  const Buffers buffers = buffers_of(header);
  const std::size_t total = size_of(buffers);
  const std::size_t target = receive_target(total, flags);
  if (total == 0 && !messages_.empty()) return 0;
  const bool is_peek = (flags & MSG_PEEK) != 0;
  if (is_peek) call.done = 0;
  bool has_control = false;
  std::size_t index = 0;
  const std::size_t control_room = header.msg_controllen;
  header.msg_controllen = 0;
  while (call.done < total && index < messages_.size()) {
    Message& message = messages_[index];
    const bool has_files = !message.files.empty();
    if (has_files && call.done > 0) break;  // descriptors come with the first octets of a read
    if (!has_control && (has_files || options.pass_credentials)) {
      header.msg_controllen = control_room;
      write_control(process, header, message, flags);
      has_control = true;
    }
    const std::size_t size = std::min(total - call.done, message.octets.size() - message.taken);
    scatter(buffers, call.done, message.octets.data() + message.taken, size);
    call.done += size;
    if (is_peek) {
      ++index;
      continue;
    }
    message.taken += size;
    if (message.taken < message.octets.size()) break;
    Message read = std::move(message);
    messages_.pop_front();
    release(read);
    if (has_files) break;
  }
  if (call.done >= target) return call.done;
  if (call.done == 0) {
    if (const int error = take_error(); error != 0) return refuse(error);
    if (is_read_shut_) return 0;
  } else if (error_ != 0 || is_read_shut_) {
    return call.done;
  }
  Outcome<std::size_t> ended = wait_or_part(call, options.receive_timeout, flags);
  if (!ended && !has_control) header.msg_controllen = control_room;  // asked again with this header
  return ended;
}

// __unix_dgram_recvmsg().
Outcome<std::size_t> UnixSocket::receive_whole(Process& process, msghdr& header, int flags,
                                               Call& call) {
  if (type() == SOCK_SEQPACKET && !is_connected_) return refuse(ENOTCONN);
  if (const int error = take_error(); error != 0) return refuse(error);
  if (messages_.empty()) {
    Stop stop = wait_or_again(call, options.receive_timeout, flags);
    if (is_read_shut_ && (stop.must_wait() || type() == SOCK_SEQPACKET)) {
      header.msg_controllen = 0;
      header.msg_namelen = 0;
      return 0;
    }
    stop.is_exclusive = true;
    return tl::unexpected<Stop>(std::move(stop));
  }
  Message& message = messages_.front();
  const std::size_t whole = message.octets.size();
  const std::size_t copied = scatter(buffers_of(header), 0, message.octets.data(), whole);
  if (copied < whole) header.msg_flags |= MSG_TRUNC;
  if (message.from.empty()) {
    header.msg_namelen = 0;
  } else if (header.msg_name != nullptr) {
    give_name(write_name(message.from), static_cast<sockaddr*>(header.msg_name),
              &header.msg_namelen);
  }
  write_control(process, header, message, flags);
  if ((flags & MSG_PEEK) == 0) {
    Message read = std::move(message);
    messages_.pop_front();
    release(read);
    room_.wake(kSpaceEvents);
    // Who watches this queue's fullness from a connected socket hears of it, too.
    for (UnixSocket* fan : fans_) {
      if (fan->peer_ == this && peer_ != fan && fan->type() == SOCK_DGRAM)
        fan->queue_.wake(kSpaceEvents);
    }
  }
  return (flags & MSG_TRUNC) != 0 ? whole : copied;
}

}  // namespace sockdrill::sim
