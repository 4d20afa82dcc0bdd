// What a client reads, and what it waits for.

#include "harness/play/client.h"

#include <algorithm>
#include <cerrno>

namespace sockdrill {

namespace {

/// Of a stream without end (chargen): how much of it a recording keeps.
constexpr std::uint64_t kKeptOfASource = 65536;

}  // namespace

void Clients::note_received(Client& client, std::string_view octets, const SocketAddress& from,
                            int step) {
  // A stream without end is counted to its end, and kept only at its beginning.
  const bool is_endless = scene_.plan.target.speaks.style == Style::source;
  const std::uint64_t room = kKeptOfASource - std::min(kKeptOfASource, client.received_total);
  const std::uint64_t before = client.received_total;
  client.received_total += octets.size();
  if (is_endless && room == 0) return;
  Content content;
  content.append_compressed(is_endless ? octets.substr(0, static_cast<std::size_t>(room)) : octets);
  Event& event = scene_.recorder.client(Kind::received, client.name, step);
  event.content = content;
  event.number = before;
  const bool may_be_a_strangers =
      !is_connected(scene_.plan.target.transport) && !client.is_connected;
  if (may_be_a_strangers && !scene_.world.sockets().is_servers(from)) event.text = to_string(from);
  event.detail = may_be_a_strangers ? to_string(from) : "";
  if (boundaries()) {
    client.heard.messages.push_back(content);
  } else {
    client.heard.octets.append(content);
  }
}

void Clients::note_end(Client& client, End end, Errno error, int step) {
  client.heard.end = end;
  Event& event = scene_.recorder.client(Kind::ended, client.name, step);
  event.text = end == End::fin ? "fin" : "reset";
  event.error = error;
  event.number = client.received_total;
}

bool Clients::receive(Client& client, std::uint64_t most, int step) {
  std::string pending;
  const auto flush = [&] {
    if (!pending.empty()) note_received(client, pending, {}, step);
    pending.clear();
  };
  while (client.heard.end == End::none && most > 0) {
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer_.size(), boundaries() ? buffer_.size() : most));
    const SysResult<ReceivedPiece> piece =
        scene_.world.sockets().receive(*client.socket, buffer_.data(), size);
    if (!piece) {
      flush();
      if (piece.error().value == EAGAIN) return true;
      if (piece.error().value == EINTR) continue;
      // Datagram sockets report what an earlier datagram met (ECONNREFUSED): no end, there may be
      // more.
      if (!is_connected(scene_.plan.target.transport)) {
        Event& event = scene_.recorder.client(Kind::send_failed, client.name, step);
        event.error = piece.error();
        continue;
      }
      note_end(client, End::reset, piece.error(), step);
      return true;
    }
    if (piece->is_end) {
      flush();
      note_end(client, End::fin, Errno{}, step);
      return true;
    }
    if (boundaries()) {
      note_received(client, std::string_view(buffer_).substr(0, piece->size), piece->from, step);
      continue;
    }
    most -= piece->size;
    pending.append(buffer_, 0, piece->size);
    if (pending.size() >= (std::size_t{4} << 20U)) flush();
  }
  flush();
  return client.heard.end != End::none;
}

Task<std::string> Clients::expect(Client& client, const PlannedExpect& expect, int step) {
  Expectation expectation(expect, client.sent, boundaries());
  const Nanoseconds span = expect.within_ms
                               ? Nanoseconds(std::chrono::milliseconds(*expect.within_ms))
                               : scene_.caps.step;
  Nanoseconds until = scene_.loop.now() + span;
  client.heard.is_firm_rest = false;
  client.heard.is_served = false;
  std::string ended;
  std::uint64_t seen = client.received_total;
  SpinWatch spin(scene_.sampler, scene_.world, scene_.loop);
  for (;;) {
    static_cast<void>(receive(client, UINT64_MAX, step));
    if (client.received_total != seen) spin.restart();
    if (client.received_total != seen && !expect.within_ms)
      until = scene_.loop.now() + span;  // progress renews a cap
    seen = client.received_total;
    const Expectation::State state = expectation.consider(client.heard);
    if (state != Expectation::State::undecided) {
      ended = state == Expectation::State::met ? "met" : "unmet";
      break;
    }
    // A server that never answers is served when it has read all: for that any rest will do. That
    // something does not come is only known when no timer of the server can change it any more.
    const bool asks_served =
        std::any_of(expect.one_of.begin(), expect.one_of.end(),
                    [](const PlannedOutcome& o) { return o.what == Outcome::What::served; });
    const Nanoseconds look_from =
        asks_served ? scene_.loop.now() : scene_.loop.now() + kBeforeFirstLook;
    const std::optional<SocketId> socket =
        client.heard.end == End::none ? client.socket : std::nullopt;
    WaitFor what{.socket = socket,
                 .read = socket.has_value(),
                 .rest = WantsRest::firm_alone,
                 .until = std::min(until, spin.next_look()),
                 .rest_after = look_from};
    if (asks_served && socket && !client.heard.is_served) {
      what.or_any_if = [this, id = *socket](const RestReport& rest) {
        return scene_.world.sockets().is_all_read(id, rest);
      };
    }
    const Woken woken = co_await scene_.loop.wait(std::move(what));
    if (woken.is_late) {
      if (!spin.spins() && scene_.loop.now() < until && !scene_.loop.is_interrupted()) continue;
      spin.record(scene_.recorder, step);
      ended = "deadline";
      break;
    }
    if (!woken.rest) continue;
    static_cast<void>(receive(client, UINT64_MAX, step));  // it rests, so whatever it sent is here
    client.heard.is_served =
        client.socket && scene_.world.sockets().is_all_read(*client.socket, *woken.rest);
    client.heard.is_firm_rest = woken.rest->is_firm || woken.rest->rest == Rest::gone;
    Event& rested = scene_.recorder.harness(Kind::rested, step);
    rested.text = to_string(woken.rest->rest);
    rested.number = client.heard.is_firm_rest ? 1 : 0;
    rested.detail = woken.rest->because;
    if (client.heard.is_served) rested.who = client.name;
  }
  if (ended == "met") {
    expectation.use_up(client.heard, client.sent);
  }
  client.heard.is_firm_rest = false;
  co_return ended;
}

Task<std::string> Clients::read(Client& client, std::uint64_t octets, int step) {
  const std::uint64_t goal = client.received_total + octets;
  const Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  while (client.received_total < goal && client.heard.end == End::none) {
    static_cast<void>(receive(client, goal - client.received_total, step));
    if (client.received_total >= goal || client.heard.end != End::none) break;
    const Woken woken =
        co_await scene_.loop.wait(WaitFor{.socket = client.socket,
                                          .read = true,
                                          .rest = WantsRest::firm,
                                          .until = until,
                                          .rest_after = scene_.loop.now() + kBeforeFirstLook});
    if (woken.is_late) co_return "deadline";
    if (woken.rest) break;
  }
  co_return "done";
}

Task<std::string> Clients::drain(Client& client, std::uint64_t budget, int step) {
  Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  const std::uint64_t began = client.received_total;
  std::uint64_t seen = began;
  SpinWatch spin(scene_.sampler, scene_.world, scene_.loop);
  while (client.heard.end == End::none && client.received_total - began < budget) {
    static_cast<void>(receive(client, budget - (client.received_total - began), step));
    if (client.received_total != seen)
      until = scene_.loop.now() + scene_.caps.step;  // progress renews the cap
    if (client.received_total != seen) spin.restart();
    seen = client.received_total;
    if (client.heard.end != End::none) break;
    // Datagrams have no end: once the server rests, nothing more comes.
    const bool is_stream = is_connected(scene_.plan.target.transport);
    const Nanoseconds look_from =
        is_stream ? scene_.loop.now() + kBeforeFirstLook : scene_.loop.now();
    const Woken woken =
        co_await scene_.loop.wait(WaitFor{.socket = client.socket,
                                          .read = true,
                                          .rest = is_stream ? WantsRest::firm : WantsRest::any,
                                          .until = std::min(until, spin.next_look()),
                                          .rest_after = look_from});
    if (woken.is_late) {
      if (!spin.spins() && scene_.loop.now() < until && !scene_.loop.is_interrupted()) continue;
      spin.record(scene_.recorder, step);
      co_return "deadline";
    }
    if (!woken.rest) continue;
    static_cast<void>(receive(client, UINT64_MAX, step));
    co_return "done";
  }
  co_return "done";
}

}  // namespace sockdrill
