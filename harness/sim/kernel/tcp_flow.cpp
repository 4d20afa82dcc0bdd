#include <algorithm>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/tcp.h"

// What goes from one end to the other: octets as far as the windows let them, the urgent mark, and
// the FIN behind them. What that does to the states is in tcp_end.cpp.

namespace sockdrill::sim {

namespace {

/// What an unset send buffer grows to: net.ipv4.tcp_wmem, [2].
constexpr std::size_t kSendLimit = 4194304;
constexpr std::size_t kSmallBuffer = 65536;
/// A closed window opens when a segment fits (RFC 9293, 3.8.6.2.2), and loopback's are large.
constexpr std::size_t kSegment = 32768;

}  // namespace

// Sending.

std::size_t TcpEnd::send_limit() const {
  if (socket_ != nullptr && socket_->options.is_send_buffer_set)
    return socket_->options.send_buffer;
  return kSendLimit;
}

std::size_t TcpEnd::send_room() const {
  const std::size_t limit = send_limit();
  return send_queue_.size() < limit ? limit - send_queue_.size() : 0;
}

// sk_stream_is_writeable(): a third of the buffer is free.
bool TcpEnd::is_writable() const {
  const std::size_t used = send_queue_.size();
  const std::size_t limit = send_limit();
  return used <= limit && limit - used >= used / 2 && limit != used;
}

void TcpEnd::send(Buffers buffers, std::size_t skip, std::size_t size, bool ends_urgent) {
  if (peer_ != nullptr && send_queue_.is_empty() && !ends_urgent) {
    // As a rule all of it arrives at once.
    const Ref<TcpEnd> alive(this);
    const std::size_t part = std::min(size, peer_->window());
    if (part > 0 && peer_->lets_in()) {
      peer_->received.append(buffers, skip, part);
      peer_->note_arrival();
    }
    skip += part;
    size -= part;
    if (state_ == TcpState::closed) return;  // it answered with a reset
    if (size == 0) return check_space();
  }
  send_queue_.append(buffers, skip, size);
  // Unlike in Linux, the mark does not travel ahead of its octet (RFC 6093, 3): a peer whose window
  // is closed does not know of it yet.
  if (ends_urgent) urgent_in_queue_ = send_queue_.size();
  transmit();
}

void TcpEnd::transmit() {
  const Ref<TcpEnd> alive(this);
  while (!send_queue_.is_empty()) {
    if (peer_ == nullptr) {
      take_reset();  // the other end is no more: the host answers for it
      return;
    }
    const std::size_t size = std::min(send_queue_.size(), peer_->window());
    if (size == 0) break;
    if (urgent_in_queue_ != 0 && urgent_in_queue_ <= size)
      peer_->take_urgent_mark(peer_->received.size() + urgent_in_queue_ - 1);
    urgent_in_queue_ -= std::min(urgent_in_queue_, size);
    if (peer_->lets_in()) {
      TcpEnd& peer = *peer_;
      send_queue_.move_to(peer.received, size);
      peer.note_arrival();
    }
    if (state_ == TcpState::closed) return;  // it answered with a reset
  }
  check_space();
  if (!send_queue_.is_empty() || !is_end_waiting_) return;
  is_end_waiting_ = false;
  if (peer_ == nullptr) {
    take_reset();
    return;
  }
  peer_->take_end();
  if (state_ != TcpState::closed) take_end_acknowledgement();
}

void TcpEnd::check_space() {
  if (!needs_space || !is_writable()) return;
  needs_space = false;
  wake(kSpaceEvents);
}

// Receiving.

std::size_t TcpEnd::capacity() const {
  const std::size_t buffer = socket_ != nullptr ? socket_->options.receive_buffer : kSmallBuffer;
  return buffer <= kSmallBuffer ? buffer / 2 : buffer / 8 * 7;
}

std::size_t TcpEnd::window() {
  const std::size_t all = capacity();
  const std::size_t free = received.size() < all ? all - received.size() : 0;
  // Silly windows are not offered: a closed one opens when it is worth it.
  if (is_window_closed_ && free < std::min(all / 2, kSegment)) return 0;
  is_window_closed_ = free == 0;
  return free;
}

bool TcpEnd::lets_in() {
  const bool is_dead = state_ == TcpState::closed || state_ == TcpState::time_wait;
  const bool is_closing = state_ == TcpState::fin_wait1 || state_ == TcpState::fin_wait2;
  // tcp_rcv_state_process(): octets for somebody who has shut both directions are answered with
  // RST.
  if (is_dead || (is_closing && is_read_shut_)) {
    const Ref<TcpEnd> alive(this);
    TcpEnd* const peer = std::exchange(peer_, nullptr);
    peer->peer_ = nullptr;
    take_reset();  // here first: our own program is told ECONNRESET, too
    peer->take_reset();
    return false;
  }
  return true;
}

void TcpEnd::note_arrival() {
  if (received.size() >= capacity()) is_window_closed_ = true;
  const std::size_t wanted = socket_ != nullptr ? socket_->options.receive_low_water : 1;
  if (received.size() >= std::min(wanted, std::max<std::size_t>(1, capacity()))) wake(kDataEvents);
}

void TcpEnd::take_urgent_mark(std::size_t offset) {
  // tcp_check_urg(): an old urgent octet that nobody took, and that is next to be read, is lost.
  if (urgent_ != Urgent::none && urgent_at_ == 0 && !received.is_empty() && socket_ != nullptr &&
      !socket_->options.urgent_inline) {
    received.consume(1);
    --offset;
  }
  urgent_ = Urgent::unread;
  urgent_at_ = offset;
  if (socket_ != nullptr) socket_->tell_owner();
}

void TcpEnd::consume(std::size_t size) {
  received.consume(size);
  if (urgent_ != Urgent::none && size > urgent_at_) urgent_ = Urgent::none;
  urgent_at_ -= std::min(urgent_at_, size);
}

void TcpEnd::make_room() {
  if (peer_ != nullptr && !peer_->send_queue_.is_empty()) peer_->transmit();
}

}  // namespace sockdrill::sim
