// What a client writes: cut as the plan says, until it is out, or the server takes no more.

#include "harness/play/client.h"

#include <algorithm>
#include <cerrno>

namespace sockdrill {

using namespace std::chrono_literals;

Task<std::string> Clients::send(Client& client, const PlannedSend& send, int step) {
  for (std::size_t i = 0; i < send.pieces(); ++i) {
    // Each piece is one recv() of the server: it has read the one before when this one goes out.
    if (i > 0 && co_await settle(step) == "deadline") co_return "deadline";
    const auto [begin, end] = send.piece(i);
    const std::string piece = co_await send_piece(client, send, begin, end, step);
    if (piece != "done") co_return piece;
  }
  co_return "done";
}

Task<std::string> Clients::send_piece(Client& client, const PlannedSend& send, std::uint64_t begin,
                                      std::uint64_t end, int step) {
  constexpr std::size_t kMostAtOnce = std::size_t{256} * 1024;
  Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  while (begin < end) {
    const Bytes octets = send.content.copy(
        begin, static_cast<std::size_t>(std::min<std::uint64_t>(kMostAtOnce, end - begin)));
    const SysResult<std::size_t> sent =
        scene_.world.sockets().send(*client.socket, octets, send.urgent);
    if (sent) {
      Event& event = scene_.recorder.client(Kind::sent, client.name, step);
      event.content = send.content.slice(begin, *sent);
      if (send.urgent) note_urgent(event);
      event.number = client.sent_total;
      client.sent_total += *sent;
      client.sent.stream.append(event.content, send.urgent);
      begin += *sent;
      until = scene_.loop.now() + scene_.caps.step;  // the cap is for hangs: progress renews it
      continue;
    }
    if (sent.error().value != EAGAIN) {
      Event& event = scene_.recorder.client(Kind::send_failed, client.name, step);
      event.error = sent.error();
      event.number = end - begin;
      co_return "done";
    }
    if (send.reads_meanwhile && client.heard.end == End::none)
      static_cast<void>(receive(client, UINT64_MAX, step));
    const bool reads = send.reads_meanwhile && client.heard.end == End::none;
    const WantsRest rest = send.until_blocked ? WantsRest::any : WantsRest::firm_alone;
    const Woken woken =
        co_await scene_.loop.wait(WaitFor{.socket = client.socket,
                                          .read = reads,
                                          .write = true,
                                          .rest = rest,
                                          .until = until,
                                          .rest_after = scene_.loop.now() + kBeforeFirstLook});
    if (woken.writable || woken.readable) continue;
    if (woken.rest) {
      // Everything sleeps, and our octets do not get out: the server takes no more of them.
      scene_.recorder.client(Kind::blocked, client.name, step).number = begin;
      co_return "done";
    }
    co_return "deadline";
  }
  co_return "done";
}

Task<std::string> Clients::send_messages(Client& client, const PlannedSend& send, int step) {
  const Bytes octets = send.content.copy(0, static_cast<std::size_t>(send.content.size()));
  const Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  for (;;) {
    const SysResult<std::size_t> sent =
        is_connected(scene_.plan.target.transport)
            ? scene_.world.sockets().send(*client.socket, octets, send.urgent)
            : scene_.world.sockets().send_to(*client.socket, octets, send.to);
    if (sent) {
      Event& event = scene_.recorder.client(Kind::sent, client.name, step);
      event.content = send.content;
      event.number = client.sent_total;
      event.text = send.to;
      client.sent_total += *sent;
      client.sent.messages.push_back(send.content);
      client.last_port = scene_.world.sockets().local_address(*client.socket).port();
      co_return "done";
    }
    if (sent.error().value != EAGAIN || scene_.loop.now() >= until) {
      Event& event = scene_.recorder.client(Kind::send_failed, client.name, step);
      event.error = sent.error();
      event.number = octets.size();
      co_return sent.error().value == EAGAIN ? "deadline" : "done";
    }
    if (send.reads_meanwhile) static_cast<void>(receive(client, UINT64_MAX, step));
    const Woken woken =
        co_await scene_.loop.wait(WaitFor{.socket = client.socket,
                                          .read = send.reads_meanwhile,
                                          .write = true,
                                          .rest = WantsRest::any,
                                          .until = std::min(until, scene_.loop.now() + 1ms),
                                          .rest_after = scene_.loop.now() + kBeforeFirstLook});
    if (woken.rest && send.until_blocked) {
      scene_.recorder.client(Kind::blocked, client.name, step);
      co_return "done";
    }
  }
}

}  // namespace sockdrill
