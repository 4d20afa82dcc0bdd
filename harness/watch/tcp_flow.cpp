#include "harness/watch/tcp_flow.h"

#include <algorithm>

namespace sockdrill {

bool is_any(const Endpoint& endpoint) {
  return std::all_of(endpoint.address.begin(), endpoint.address.end(),
                     [](std::uint8_t octet) { return octet == 0; }) ||
         endpoint == Endpoint{.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0},
                              .port = endpoint.port};
}

bool is_orphan(const InetSocket& socket) {
  using enum SocketState;
  return socket.inode == 0 && (socket.state == fin_wait1 || socket.state == fin_wait2 ||
                               socket.state == closing || socket.state == last_ack);
}
bool is_unaccepted(const InetSocket& socket) {
  return socket.inode == 0 &&
         (socket.state == SocketState::established || socket.state == SocketState::close_wait);
}
bool has_fin(SocketState state) {
  using enum SocketState;
  return state == close_wait || state == last_ack || state == closing || state == time_wait;
}
bool sends_fin(SocketState state) {
  using enum SocketState;
  return state == fin_wait1 || state == closing || state == last_ack;
}

bool has_unread(const InetSocket& socket, bool ends_urgent) {
  return socket.unread > (ends_urgent ? 1U : 0U);
}

std::uint64_t payload_received(const TcpCounters& tcp) {
  return tcp.bytes_received - (has_fin(tcp.state) && tcp.bytes_received > 0 ? 1 : 0);
}

Flow flow_of(std::uint64_t missing, const TcpCounters* from, std::uint8_t timer,
             const TcpCounters* to) {
  constexpr std::uint8_t kProbeTimer = 4;
  if (missing == 0 && (from == nullptr || from->not_sent == 0)) return Flow::arrived;
  if (from == nullptr) return Flow::under_way;
  const bool receiver_is_shut = to == nullptr || !to->has_receive_window || to->receive_window == 0;
  if (from->send_window == 0 && receiver_is_shut) {
    return to != nullptr && to->has_receive_window ? Flow::held_up : Flow::held_up_for_now;
  }
  if (timer == kProbeTimer && from->not_sent > from->send_window) return Flow::held_up_for_now;
  return Flow::under_way;
}

}  // namespace sockdrill
