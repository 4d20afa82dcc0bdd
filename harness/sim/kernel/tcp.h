#pragma once

// TCP as programs see it (RFC 9293, and Linux where it differs): states, buffers, windows, FIN,
// RST, TIME_WAIT. There are no segments: what one end sends is at the other at once, as far as its
// window lets it.

#include <list>

#include "harness/sim/kernel/network.h"
#include "harness/sim/kernel/octets.h"
#include "harness/sim/kernel/timers.h"

namespace sockdrill::sim {

class TcpSocket;

/// The numbers are those of tcpi_state (linux/tcp_states.h).
enum class TcpState {
  established = 1,
  syn_sent,
  syn_received,
  fin_wait1,
  fin_wait2,
  time_wait,
  closed,
  close_wait,
  last_ack,
  listening,
  closing
};

/// One end of a connection (or a listener): what may outlive its descriptor. The kernel's `struct
/// sock`.
class TcpEnd final : public Counted {
 public:
  TcpEnd(Kernel& kernel, TcpSocket* socket, int family);
  ~TcpEnd() override;

  Binding binding;
  Endpoint remote;
  [[nodiscard]] TcpState state() const { return state_; }
  [[nodiscard]] TcpSocket* socket() const { return socket_; }  ///< nullptr: an orphan
  [[nodiscard]] bool is_read_shut() const { return is_read_shut_; }
  [[nodiscard]] bool is_write_shut() const { return is_write_shut_; }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] int take_error() { return std::exchange(error_, 0); }
  [[nodiscard]] bool has_end() const { return has_end_; }  ///< the peer's FIN has come
  [[nodiscard]] bool is_end_read() const { return is_end_read_; }
  void note_end_read() { is_end_read_ = true; }
  /// The other end, as long as both have something to do with each other.
  [[nodiscard]] const TcpEnd* peer() const { return peer_; }

  // Of the network's tables.
  std::size_t port_index = 0;
  bool has_port = false;
  bool is_in_pairs = false;

  // Opening.
  void open();
  void listen(std::size_t backlog);
  [[nodiscard]] bool is_full() const { return accept_queue_.size() > backlog_; }
  [[nodiscard]] std::size_t backlog() const { return backlog_; }
  std::list<Ref<TcpSocket>>& accept_queue() { return accept_queue_; }

  // Sending.
  /// Octets that send() takes now.
  [[nodiscard]] std::size_t send_room() const;
  [[nodiscard]] bool is_writable() const;
  void send(Buffers buffers, std::size_t skip, std::size_t size, bool ends_urgent);
  /// Octets (and a FIN) that have not arrived.
  [[nodiscard]] std::size_t unsent() const {
    return send_queue_.size() + (is_end_waiting_ ? 1 : 0);
  }
  void shut_write();
  void shut_read() { is_read_shut_ = true; }
  /// Of an end without a connection: nothing but how it looks to poll(2).
  void note_shutdown(bool read, bool write) {
    is_read_shut_ = is_read_shut_ || read;
    is_write_shut_ = is_write_shut_ || write;
  }

  bool needs_space = false;  ///< somebody waits for room (SOCK_NOSPACE)

  // Receiving.
  OctetQueue received;
  /// Tells the peer of the room that reading has made. After every consume().
  void make_room();
  /// Where the urgent octet is, counted from the next to be read; nothing when there is none ahead.
  [[nodiscard]] bool has_urgent() const { return urgent_ != Urgent::none; }
  [[nodiscard]] std::size_t urgent_offset() const { return urgent_at_; }
  [[nodiscard]] bool is_urgent_unread() const { return urgent_ == Urgent::unread; }
  void mark_urgent_read() { urgent_ = Urgent::read; }
  /// received.consume(), and the mark moves along.
  void consume(std::size_t size);

  // Ending.
  /// The last descriptor is gone.
  void close(bool is_abortive);
  /// RST to the peer, and an end here.
  void abort();
  /// Octets can go to and fro, in one direction at least.
  [[nodiscard]] bool is_connected() const { return peer_ != nullptr && state_ != TcpState::closed; }
  /// The connection is lost on the way: `error` is pending here (0: none, it was told of before),
  /// and the peer is reset.
  void break_off(int error);
  /// As after connect(2) with AF_UNSPEC.
  void disconnect();
  /// At the end of the kernel: an orphan and TIME_WAIT go without a word.
  void abandon();
  /// Sends what waits, as far as the peer has room, and wakes who waits for room here.
  void transmit();

 private:
  enum class Urgent { none, unread, read };

  void try_handshake();
  void take_connection(TcpEnd& from);
  /// Whether octets are welcome; if not, both ends are reset.
  bool lets_in();
  /// Octets have been received.
  void note_arrival();
  void take_urgent_mark(std::size_t offset);
  void take_end();
  void take_end_acknowledgement();
  void take_reset();
  void finish();
  void enter_time_wait();
  void wait_as_orphan();
  void on_timer();
  void begin_close();
  [[nodiscard]] std::size_t window();
  [[nodiscard]] std::size_t capacity() const;
  [[nodiscard]] std::size_t send_limit() const;
  void check_space();
  void wake(std::uint32_t events);

  Kernel& kernel_;
  TcpSocket* socket_;
  TcpEnd* peer_ = nullptr;
  Ref<TcpEnd> kept_;  ///< ourselves, while an orphan has something left to do
  TcpState state_ = TcpState::closed;
  bool is_read_shut_ = false;
  bool is_write_shut_ = false;
  bool has_end_ = false;
  bool is_end_read_ = false;
  bool is_end_waiting_ = false;  ///< a FIN behind what stands in send_queue_
  bool is_window_closed_ = false;
  int error_ = 0;
  int attempts_ = 0;  ///< SYNs sent
  OctetQueue send_queue_;
  std::size_t urgent_in_queue_ = 0;  ///< the urgent octet's place in send_queue_, plus 1; 0: none
  Urgent urgent_ = Urgent::none;
  std::size_t urgent_at_ = 0;
  std::size_t backlog_ = 0;
  std::list<Ref<TcpSocket>> accept_queue_;  ///< a list: it costs nothing where there is none
  Timer timer_;
};

class TcpSocket final : public Socket {
 public:
  TcpSocket(Kernel& kernel, int family, int status_flags);
  ~TcpSocket() override;

  Outcome<void> bind(Process& process, const sockaddr* address, socklen_t length) override;
  Outcome<void> listen(Process& process, int backlog) override;
  Outcome<Ref<Socket>> accept_one(Process& process, int status_flags, Call& call) override;
  Outcome<void> connect(Process& process, const sockaddr* address, socklen_t length,
                        Call& call) override;
  Outcome<void> shutdown(int how) override;
  Outcome<SocketName> name() override;
  Outcome<SocketName> peer_name() override;
  SocketName accepted_name() override;
  Outcome<std::size_t> send(Process& process, const msghdr& message, int flags,
                            Call& call) override;
  Outcome<std::size_t> receive(Process& process, msghdr& message, int flags, Call& call) override;
  int take_error() override { return end_->take_error(); }
  [[nodiscard]] bool is_listening() const override { return end_->state() == TcpState::listening; }
  std::uint32_t poll() override;
  Outcome<void> ioctl(unsigned long request, void* argument) override;
  Outcome<void> wait_for_close(Call& call) override;

  [[nodiscard]] TcpEnd& end() const { return *end_; }
  void wake(std::uint32_t events) { queue_.wake(events); }
  /// In its listener's queue, not accepted yet.
  [[nodiscard]] bool is_waiting() const { return is_waiting_; }
  /// SIGURG, when F_SETOWN asked for it.
  void tell_owner();
  /// Of a listener's, for a connection that it has just got.
  void begin_as_accepted(const TcpSocket& listener);

 protected:
  Outcome<int> get_family_option(int level, int name) override;
  Outcome<void> set_family_option(int level, int name, int value) override;
  Outcome<bool> get_structure(int level, int name, void* value, socklen_t* length) override;
  void buffers_changed() override { end_->transmit(); }

 private:
  enum class Progress { unconnected, connecting, connected };

  Outcome<void> begin_connecting(const sockaddr* address, socklen_t length);
  Outcome<std::size_t> receive_urgent(msghdr& message, int flags);
  Outcome<std::size_t> fail_sending(Process& process, int error, int flags);
  std::size_t copy_out(Buffers buffers, int flags, Call& call, bool& is_at_mark);

  Ref<TcpEnd> end_;
  Progress progress_ = Progress::unconnected;
  bool is_waiting_ = false;
};

}  // namespace sockdrill::sim
