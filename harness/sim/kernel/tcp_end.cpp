#include <sys/epoll.h>

#include <cerrno>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/tcp.h"

namespace sockdrill::sim {

namespace {

using std::chrono::seconds;

constexpr seconds kTimeWait(60);  // TCP_TIMEWAIT_LEN
/// tcp_orphan_retries, with the doubling pauses between them.
constexpr seconds kOrphanPatience(100);
constexpr int kSynRetries = 6;  // tcp_syn_retries

}  // namespace

TcpEnd::TcpEnd(Kernel& kernel, TcpSocket* socket, int family)
    : received(kernel.octets()),
      kernel_(kernel),
      socket_(socket),
      send_queue_(kernel.octets()),
      timer_(kernel.timers(), [this] { on_timer(); }) {
  binding.family = family;
  binding.local.address = Address::any(family);
  remote.address = binding.local.address;
}

TcpEnd::~TcpEnd() {
  if (peer_ != nullptr) peer_->peer_ = nullptr;
  if (has_port) kernel_.network().release(*this);
}

void TcpEnd::wake(std::uint32_t events) {
  if (socket_ != nullptr) socket_->wake(events);
}

// Opening.

void TcpEnd::open() {
  is_read_shut_ = is_write_shut_ = has_end_ = false;
  state_ = TcpState::syn_sent;
  attempts_ = 0;
  try_handshake();
}

void TcpEnd::try_handshake() {
  Network& network = kernel_.network();
  TcpEnd* const old = network.find_connection(remote, binding.local, this);
  TcpEnd* const listener = network.find_listener(remote);
  if (old != nullptr && old->state_ == TcpState::time_wait) {
    old->finish();  // a new SYN ends TIME_WAIT (RFC 9293, 3.6.1)
  } else if (old != nullptr) {
    old->take_reset();  // it answers with an ACK of the past, which we reset; the next SYN comes
                        // through
    ++attempts_;
    timer_.arm(kernel_.now() + seconds(1));
    return;
  }
  if (listener == nullptr) {
    take_reset();
    return;
  }
  if (listener->is_full()) {
    // The listener drops the SYN; it is sent again after 1, 2, 4 ... seconds.
    if (attempts_ > kSynRetries) {
      error_ = ETIMEDOUT;
      finish();
      wake(EPOLLERR);
      return;
    }
    timer_.arm(kernel_.now() + seconds(1 << attempts_));
    ++attempts_;
    return;
  }
  listener->take_connection(*this);
  state_ = TcpState::established;
  wake(0);
}

void TcpEnd::take_connection(TcpEnd& from) {
  const Ref<TcpSocket> child = make_ref<TcpSocket>(kernel_, binding.family, 0);
  child->begin_as_accepted(*socket_);
  TcpEnd& end = child->end();
  end.binding = binding;
  end.binding.local = from.remote;
  end.binding.reuse_address = socket_->options.reuse_address;
  end.remote = from.binding.local;
  end.state_ = TcpState::established;
  end.peer_ = &from;
  from.peer_ = &end;
  kernel_.network().adopt(end);
  accept_queue_.push_back(child);
  wake(kDataEvents);
}

void TcpEnd::listen(std::size_t backlog) {
  backlog_ = backlog;
  if (state_ == TcpState::listening) return;
  state_ = TcpState::listening;
  kernel_.network().add_listener(*this);
}

// What a FIN and a reset make of the state.

void TcpEnd::shut_write() {
  is_write_shut_ = true;
  begin_close();
}

// tcp_close_state(): what a FIN of ours makes of the state.
void TcpEnd::begin_close() {
  switch (state_) {
    case TcpState::established:
    case TcpState::syn_received:
      state_ = TcpState::fin_wait1;
      break;
    case TcpState::close_wait:
      state_ = TcpState::last_ack;
      break;
    case TcpState::syn_sent:
      finish();
      return;
    default:
      return;
  }
  is_end_waiting_ = true;
  transmit();
}

void TcpEnd::take_end() {
  is_read_shut_ = true;
  has_end_ = true;
  switch (state_) {
    case TcpState::established:
    case TcpState::syn_received:
      state_ = TcpState::close_wait;
      break;
    case TcpState::fin_wait1:
      state_ = TcpState::closing;
      break;
    case TcpState::fin_wait2:
      enter_time_wait();
      return;
    default:
      return;
  }
  wake(0);
}

void TcpEnd::take_end_acknowledgement() {
  switch (state_) {
    case TcpState::fin_wait1:
      state_ = TcpState::fin_wait2;
      if (socket_ == nullptr) timer_.arm(kernel_.now() + kTimeWait);  // tcp_fin_timeout
      wake(0);
      break;
    case TcpState::closing:
      enter_time_wait();
      break;
    case TcpState::last_ack:
      finish();
      break;
    default:
      break;
  }
}

// tcp_reset().
void TcpEnd::take_reset() {
  switch (state_) {
    case TcpState::closed:
      return;
    case TcpState::time_wait:
      finish();
      return;
    case TcpState::syn_sent:
      error_ = ECONNREFUSED;
      break;
    case TcpState::close_wait:
      error_ = EPIPE;
      break;
    default:
      error_ = ECONNRESET;
  }
  const Ref<TcpEnd> alive(this);
  finish();
  wake(EPOLLERR);
}

// Ending.

// tcp_done().
void TcpEnd::finish() {
  const Ref<TcpEnd> alive(this);
  state_ = TcpState::closed;
  is_read_shut_ = is_write_shut_ = true;
  send_queue_.clear();
  is_end_waiting_ = false;
  urgent_in_queue_ = 0;
  timer_.disarm();
  if (peer_ != nullptr) peer_->peer_ = nullptr;
  peer_ = nullptr;
  // A socket that bind(2) named keeps its port until it is closed.
  if (has_port && (socket_ == nullptr || !socket_->is_bound()))
    kernel_.network().release(*this);
  else if (has_port)
    kernel_.network().forget_pair(*this);
  kept_ = {};
  wake(0);
}

void TcpEnd::enter_time_wait() {
  const Ref<TcpEnd> alive(this);
  // As in Linux the socket itself is over; a remainder holds the place.
  const Ref<TcpEnd> remainder = make_ref<TcpEnd>(kernel_, nullptr, binding.family);
  remainder->binding = binding;
  remainder->binding.reuse_address =
      socket_ != nullptr ? socket_->options.reuse_address : binding.reuse_address;
  remainder->remote = remote;
  remainder->state_ = TcpState::time_wait;
  remainder->is_read_shut_ = remainder->is_write_shut_ = true;
  finish();
  kernel_.network().adopt(*remainder);
  remainder->kept_ = remainder;
  remainder->timer_.arm(kernel_.now() + kTimeWait);
}

void TcpEnd::on_timer() {
  const Ref<TcpEnd> alive(this);
  switch (state_) {
    case TcpState::syn_sent:
      try_handshake();
      break;
    case TcpState::time_wait:
    case TcpState::fin_wait2:
      finish();
      break;
    default:
      abort();
  }
}

void TcpEnd::abort() {
  const Ref<TcpEnd> alive(this);
  TcpEnd* const peer = std::exchange(peer_, nullptr);
  if (peer != nullptr) {
    peer->peer_ = nullptr;
    peer->take_reset();
  }
  finish();
}

void TcpEnd::break_off(int error) {
  const Ref<TcpEnd> alive(this);
  error_ = error;
  abort();
  wake(EPOLLERR);
}

// tcp_disconnect().
void TcpEnd::disconnect() {
  const Ref<TcpEnd> alive(this);
  const bool was_listening = state_ == TcpState::listening;
  if (was_listening) {
    kernel_.network().remove_listener(*this);
    const auto queue = std::exchange(accept_queue_, {});
    state_ = TcpState::closed;
    for (const Ref<TcpSocket>& child : queue) child->end().abort();
  } else if (state_ == TcpState::syn_sent) {
    error_ = ECONNRESET;
    finish();
  } else if (state_ != TcpState::closed) {
    error_ = ECONNRESET;
    abort();
  }
  received.clear();
  urgent_ = Urgent::none;
  is_read_shut_ = is_write_shut_ = has_end_ = false;
  wake(0);
}

// tcp_close().
void TcpEnd::close(bool is_abortive) {
  const Ref<TcpEnd> alive(this);
  const bool was_listening = state_ == TcpState::listening;
  binding.reuse_address = socket_->options.reuse_address;
  if (was_listening) {
    disconnect();
  } else if (state_ != TcpState::closed) {
    is_read_shut_ = is_write_shut_ = true;
    // RFC 9293, 3.10.4 with RFC 1122, 4.2.2.13: octets that nobody will read are told to the peer.
    if (!received.is_empty() || is_abortive) {
      state_ == TcpState::syn_sent ? finish() : abort();
    } else {
      begin_close();
    }
  }
  received.clear();
  socket_ = nullptr;
  wait_as_orphan();
}

void TcpEnd::abandon() {
  if (socket_ == nullptr && state_ != TcpState::closed) finish();
}

void TcpEnd::wait_as_orphan() {
  if (state_ == TcpState::closed) {
    if (has_port) kernel_.network().release(*this);
    return;
  }
  kept_ = Ref<TcpEnd>(this);
  timer_.arm(kernel_.now() + (state_ == TcpState::fin_wait2 ? kTimeWait : kOrphanPatience));
}

}  // namespace sockdrill::sim
