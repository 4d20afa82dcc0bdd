#include <algorithm>
#include <cerrno>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/tcp.h"

namespace sockdrill::sim {

// sk_stream_error(): the error that the connection ended with is told once, before EPIPE.
Outcome<std::size_t> TcpSocket::fail_sending(Process& process, int error, int flags) {
  if (error == EPIPE) {
    if (const int earlier = end_->take_error(); earlier != 0) error = earlier;
  }
  if (error == EPIPE && (flags & MSG_NOSIGNAL) == 0) kernel().send_pipe_signal(process);
  return refuse(error);
}

// tcp_sendmsg_locked().
Outcome<std::size_t> TcpSocket::send(Process& process, const msghdr& message, int flags,
                                     Call& call) {
  begin(call, options.send_timeout);
  const Ref<TcpEnd> end = end_;
  const TcpState state = end->state();
  if (call.done == 0 && state != TcpState::established && state != TcpState::close_wait) {
    if (const int error = end->take_error(); error != 0) return fail_sending(process, error, flags);
    if (state != TcpState::syn_sent) return fail_sending(process, EPIPE, flags);
    return tl::unexpected<Stop>(wait_or_again(call, options.send_timeout, flags));
  }
  const Buffers buffers = buffers_of(message);
  const std::size_t total = size_of(buffers);
  for (;;) {
    if (end->error() != 0 || end->is_write_shut()) {
      if (call.done > 0) return call.done;
      return fail_sending(process, EPIPE, flags);
    }
    if (call.done == total) return total;
    const std::size_t size = std::min(total - call.done, end->send_room());
    if (size == 0) break;
    const std::size_t from = call.done;
    call.done += size;
    end->send(buffers, from, size, (flags & MSG_OOB) != 0 && call.done == total);
  }
  end->needs_space = true;
  return wait_or_part(call, options.send_timeout, flags);
}

// tcp_recv_urg().
Outcome<std::size_t> TcpSocket::receive_urgent(msghdr& message, int flags) {
  TcpEnd& end = *end_;
  if (options.urgent_inline || !end.has_urgent()) return refuse(EINVAL);
  if (!end.is_urgent_unread()) return refuse(EINVAL);
  if (end.state() == TcpState::closed && !end.has_end()) return refuse(ENOTCONN);
  if (end.urgent_offset() < end.received.size()) {
    message.msg_flags |= MSG_OOB;
    const char octet = end.received.at(end.urgent_offset());
    if ((flags & MSG_PEEK) == 0) end.mark_urgent_read();
    if (size_of(buffers_of(message)) == 0) {
      message.msg_flags |= MSG_TRUNC;
      return 0;
    }
    if ((flags & MSG_TRUNC) != 0) return 1;
    return scatter(buffers_of(message), 0, &octet, 1);
  }
  if (end.state() == TcpState::closed || end.is_read_shut()) return 0;
  return refuse(EAGAIN);
}

/// Takes octets up to the urgent one, or to the end. False in `is_at_mark`: nothing stops it.
std::size_t TcpSocket::copy_out(Buffers buffers, int flags, Call& call, bool& is_at_mark) {
  TcpEnd& end = *end_;
  const bool is_peek = (flags & MSG_PEEK) != 0;
  const std::size_t total = size_of(buffers);
  std::size_t offset = is_peek ? call.done : 0;  // into what has been received
  std::size_t copied = 0;
  while (call.done < total && offset < end.received.size()) {
    std::size_t size = std::min(total - call.done, end.received.size() - offset);
    if (end.has_urgent() && end.urgent_offset() >= offset) {
      const std::size_t before = end.urgent_offset() - offset;
      if (before == 0 && call.done > 0) {
        is_at_mark = true;
        break;
      }
      if (before == 0 && !options.urgent_inline) {
        // The urgent octet is not in the stream: it is passed over.
        if (is_peek) {
          ++offset;
        } else {
          end.consume(1);
        }
        continue;
      }
      if (before > 0) size = std::min(size, before);
    }
    if ((flags & MSG_TRUNC) == 0) end.received.copy_to(buffers, call.done, offset, size);
    call.done += size;
    copied += size;
    if (is_peek) {
      offset += size;
    } else {
      end.consume(size);
    }
  }
  return copied;
}

// tcp_recvmsg_locked().
Outcome<std::size_t> TcpSocket::receive(Process&, msghdr& message, int flags, Call& call) {
  message.msg_namelen = 0;
  message.msg_controllen = 0;
  message.msg_flags = 0;
  if ((flags & MSG_ERRQUEUE) != 0) return refuse(EAGAIN);
  if (is_listening()) return refuse(ENOTCONN);
  if ((flags & MSG_OOB) != 0) return receive_urgent(message, flags);
  begin(call, options.receive_timeout);
  const Ref<TcpEnd> end = end_;
  const Buffers buffers = buffers_of(message);
  const std::size_t total = size_of(buffers);
  const std::size_t target = receive_target(total, flags);
  const bool is_peek = (flags & MSG_PEEK) != 0;
  if (is_peek) call.done = 0;
  if (total == 0 && !end->received.is_empty()) return 0;
  bool is_at_mark = false;
  for (;;) {
    const std::size_t copied = copy_out(buffers, flags, call, is_at_mark);
    if (copied == 0 || is_peek) break;
    end->make_room();  // the peer may have had more in hand
    if (call.done == total || is_at_mark) break;
  }
  if (!is_peek) end->make_room();
  if (call.done >= target || is_at_mark) return call.done;
  if (call.done > 0) {
    if (end->error() != 0 || end->state() == TcpState::closed || end->is_read_shut())
      return call.done;
  } else {
    if (end->has_end()) {
      if (!is_peek) end->note_end_read();
      return 0;
    }
    if (const int error = end->take_error(); error != 0) return refuse(error);
    if (end->is_read_shut() && end->state() != TcpState::closed) return 0;
    if (end->state() == TcpState::closed) {
      if (end->is_read_shut()) return 0;
      return refuse(ENOTCONN);
    }
  }
  return wait_or_part(call, options.receive_timeout, flags);
}

}  // namespace sockdrill::sim
