#include "harness/play/client.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

/// What usually comes at once is not worth a look at the server.
constexpr Nanoseconds kBeforeFirstLook = 1ms;

/// Of a stream without end (chargen): how much of it a recording keeps, how much of it is read
/// before we hang up, and how much our kernel may hold for us.
constexpr std::uint64_t kKeptOfASource = 65536;
constexpr std::uint64_t kReadOfASource = std::uint64_t{8} << 20U;

const char* word_of_connect(Errno error) {
  if (error.value == ECONNREFUSED || error.value == ENOENT) return "refused";
  if (error.value == ECONNRESET) return "reset";
  return "timeout";
}

bool is_reset(Errno error) { return error.value == ECONNRESET || error.value == EPIPE; }

}  // namespace

Task<void> Clients::act(const PlannedStep& step) {
  Client& client = clients_[step.client];
  client.name = step.client;
  recorder_.client(Kind::step_began, step.client, step.id).lane = Lane::harness;
  std::string ended = "done";
  if (const auto* connecting = std::get_if<Connect>(&step.action)) {
    ended = co_await connect(client, *connecting, step.id);
  } else if (const auto* opening = std::get_if<Open>(&step.action)) {
    ended = open(client,
                 SocketRequest{.receive_buffer = opening->receive_buffer,
                               .send_buffer = opening->send_buffer,
                               .from_address = opening->from.address,
                               .from_port = opening->from.is_same_port ? client.last_port
                                                                       : opening->from.port,
                               .is_unnamed = opening->from.is_unnamed,
                               .broadcast = opening->broadcast},
                 step.id);
  } else if (const auto* run_step = std::get_if<PlannedRun>(&step.action)) {
    ended = co_await run(client, *run_step, step.id);
  } else {
    const bool opens_by_itself = !client.socket && !is_connected(transport_) &&
                                 std::holds_alternative<PlannedSend>(step.action);
    if (opens_by_itself) ended = open(client, SocketRequest{}, step.id);
    if (!client.socket) {
      // The connection could not be made, which has been recorded; what was to be done on it cannot
      // be done.
      ended = "impossible";
    } else if (const auto* sending = std::get_if<PlannedSend>(&step.action)) {
      if (boundaries()) {
        ended = co_await send_messages(client, *sending, step.id);
      } else {
        ended = co_await send(client, *sending, step.id);
      }
    } else if (const auto* expecting = std::get_if<PlannedExpect>(&step.action)) {
      ended = co_await expect(client, *expecting, step.id);
    } else if (const auto* shutting = std::get_if<Shutdown>(&step.action)) {
      ended = shut_down(client, shutting->how, step.id);
    } else if (const auto* closing = std::get_if<Close>(&step.action)) {
      ended = co_await close(client, *closing, step.id);
    } else if (std::holds_alternative<Reset>(step.action)) {
      ended = reset(client, step.id);
    } else if (const auto* reading = std::get_if<Read>(&step.action)) {
      ended = co_await read(client, reading->bytes, step.id);
    } else if (std::holds_alternative<Drain>(step.action)) {
      ended = co_await drain(client, UINT64_MAX, step.id);
      // Whatever came is used up.
      client.heard.octets = Content{};
      client.heard.messages.clear();
      client.sent = SentSoFar{};
    }
  }
  Event& event = recorder_.harness(Kind::step_ended, step.id);
  event.who = step.client;
  event.text = ended;
}

std::string Clients::open(Client& client, const SocketRequest& request, int step) {
  const SysResult<SocketId> socket = world_.open(request);
  if (!socket) {
    Event& event = recorder_.client(Kind::connect_failed, client.name, step);
    event.error = socket.error();
    event.text = "no socket";
    return "impossible";
  }
  const std::optional<std::uint16_t> port = client.last_port;
  client = Client{.name = client.name, .socket = *socket, .last_port = port};
  recorder_.client(Kind::opened, client.name, step).text =
      fmt::format("{} {}", to_string(transport_), to_string(world_.local_address(*socket)));
  return "done";
}

Task<std::string> Clients::connect(Client& client, const Connect& connect, int step) {
  const SocketRequest request{
      .receive_buffer = connect.receive_buffer,
      .send_buffer = connect.send_buffer,
      .from_address = connect.from.address,
      .from_port = connect.from.is_same_port ? client.last_port : connect.from.port,
      .is_unnamed = connect.from.is_unnamed};
  if (open(client, request, step) != "done") co_return "impossible";
  const SocketId socket = *client.socket;
  const Nanoseconds until = loop_.now() + caps_.step;
  SysResult<void> made = world_.connect(socket, connect.to);
  while (!made && made.error().value == EAGAIN && loop_.now() < until) {
    // AF_UNIX: the backlog is full (connect(2)). Nothing tells us when a place is free.
    static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 500us}));
    made = world_.connect(socket, connect.to);
  }
  Errno error = made ? Errno{} : made.error();
  if (error.value == EINPROGRESS) {
    const Woken woken =
        co_await loop_.wait(WaitFor{.socket = socket, .write = true, .until = until});
    error = woken.is_late ? Errno{ETIMEDOUT} : world_.error_of(socket);
  }
  if (error.value != 0) {
    Event& event = recorder_.client(Kind::connect_failed, client.name, step);
    event.error = error;
    event.text = word_of_connect(error);
    world_.close(socket);
    client.socket.reset();
    co_return error.value == ETIMEDOUT || error.value == EAGAIN ? "deadline" : "done";
  }
  client.is_connected = true;
  client.last_port = world_.local_address(socket).port();
  recorder_.client(Kind::connected, client.name, step).text =
      to_string(world_.local_address(socket));
  // A server that speaks first is heard out before anything is sent (MECHANISMS: greetings).
  if (plan_.target.speaks.greeting.empty()) co_return "done";
  const PlannedExpect greeting{
      .one_of = {{.what = Outcome::What::reply, .reply = plan_.target.speaks.greeting}},
      .within_ms = std::nullopt};
  co_return co_await expect(client, greeting, step);
}

Task<std::string> Clients::settle(int step) {
  const Woken woken =
      co_await loop_.wait(WaitFor{.rest = WantsRest::any, .until = loop_.now() + caps_.step});
  if (woken.rest) co_return to_string(woken.rest->rest);
  recorder_.harness(Kind::restless, step).text =
      fmt::format("{}", fmt::join(world_.describe_tasks(), "; "));
  co_return "deadline";
}

Task<std::string> Clients::send(Client& client, const PlannedSend& send, int step) {
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i <= send.cuts.size(); ++i) {
    const std::uint64_t end = i < send.cuts.size() ? send.cuts[i] : send.content.size();
    const std::string piece = co_await send_piece(client, send, begin, end, step);
    if (piece != "done") co_return piece;
    // Each piece is one recv() of the server: it has read this one before the next one goes out.
    if (i < send.cuts.size()) {
      const std::string rest = co_await settle(step);
      if (rest == "deadline") co_return "deadline";
    }
    begin = end;
  }
  co_return "done";
}

Task<std::string> Clients::send_piece(Client& client, const PlannedSend& send, std::uint64_t begin,
                                      std::uint64_t end, int step) {
  constexpr std::size_t kMostAtOnce = std::size_t{256} * 1024;
  Nanoseconds until = loop_.now() + caps_.step;
  while (begin < end) {
    const Bytes octets = send.content.copy(
        begin, static_cast<std::size_t>(std::min<std::uint64_t>(kMostAtOnce, end - begin)));
    const SysResult<std::size_t> sent = world_.send(*client.socket, octets, send.urgent);
    if (sent) {
      Event& event = recorder_.client(Kind::sent, client.name, step);
      event.content = send.content.slice(begin, *sent);
      event.number = client.sent_total;
      client.sent_total += *sent;
      client.sent.octets.append(event.content);
      begin += *sent;
      until = loop_.now() + caps_.step;  // the cap is for hangs: progress renews it
      continue;
    }
    if (sent.error().value != EAGAIN) {
      Event& event = recorder_.client(Kind::send_failed, client.name, step);
      event.error = sent.error();
      event.number = end - begin;
      co_return "done";
    }
    if (send.reads_meanwhile && client.heard.end == End::none)
      static_cast<void>(receive(client, UINT64_MAX, step));
    const bool reads = send.reads_meanwhile && client.heard.end == End::none;
    const WantsRest rest = send.until_blocked ? WantsRest::any : WantsRest::firm_alone;
    const Woken woken = co_await loop_.wait(WaitFor{.socket = client.socket,
                                                    .read = reads,
                                                    .write = true,
                                                    .rest = rest,
                                                    .until = until,
                                                    .rest_after = loop_.now() + kBeforeFirstLook});
    if (woken.writable || woken.readable) continue;
    if (woken.rest) {
      // Everything sleeps, and our octets do not get out: the server takes no more of them.
      recorder_.client(Kind::blocked, client.name, step).number = begin;
      co_return "done";
    }
    co_return "deadline";
  }
  co_return "done";
}

Task<std::string> Clients::send_messages(Client& client, const PlannedSend& send, int step) {
  const Bytes octets = send.content.copy(0, static_cast<std::size_t>(send.content.size()));
  const Nanoseconds until = loop_.now() + caps_.step;
  for (;;) {
    const SysResult<std::size_t> sent = is_connected(transport_)
                                            ? world_.send(*client.socket, octets, send.urgent)
                                            : world_.send_to(*client.socket, octets, send.to);
    if (sent) {
      Event& event = recorder_.client(Kind::sent, client.name, step);
      event.content = send.content;
      event.number = client.sent_total;
      event.text = send.to;
      client.sent_total += *sent;
      client.sent.messages.push_back(send.content);
      client.last_port = world_.local_address(*client.socket).port();
      co_return "done";
    }
    if (sent.error().value != EAGAIN || loop_.now() >= until) {
      Event& event = recorder_.client(Kind::send_failed, client.name, step);
      event.error = sent.error();
      event.number = octets.size();
      co_return sent.error().value == EAGAIN ? "deadline" : "done";
    }
    if (send.reads_meanwhile) static_cast<void>(receive(client, UINT64_MAX, step));
    const Woken woken = co_await loop_.wait(WaitFor{.socket = client.socket,
                                                    .read = send.reads_meanwhile,
                                                    .write = true,
                                                    .rest = WantsRest::any,
                                                    .until = std::min(until, loop_.now() + 1ms),
                                                    .rest_after = loop_.now() + kBeforeFirstLook});
    if (woken.rest && send.until_blocked) {
      recorder_.client(Kind::blocked, client.name, step);
      co_return "done";
    }
  }
}

void Clients::note_received(Client& client, std::string_view octets, const SocketAddress& from,
                            int step) {
  // A stream without end is counted to its end, and kept only at its beginning.
  const bool is_endless = plan_.target.speaks.style == Style::source;
  const std::uint64_t room = kKeptOfASource - std::min(kKeptOfASource, client.received_total);
  const std::uint64_t before = client.received_total;
  client.received_total += octets.size();
  if (is_endless && room == 0) return;
  Content content;
  content.append_compressed(is_endless ? octets.substr(0, static_cast<std::size_t>(room)) : octets);
  Event& event = recorder_.client(Kind::received, client.name, step);
  event.content = content;
  event.number = before;
  const bool may_be_a_strangers = !is_connected(transport_) && !client.is_connected;
  if (may_be_a_strangers && !world_.is_servers(from)) event.text = to_string(from);
  event.detail = may_be_a_strangers ? to_string(from) : "";
  if (boundaries()) {
    client.heard.messages.push_back(content);
  } else {
    client.heard.octets.append(content);
  }
}

void Clients::note_end(Client& client, End end, Errno error, int step) {
  client.heard.end = end;
  Event& event = recorder_.client(Kind::ended, client.name, step);
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
    const SysResult<ReceivedPiece> piece = world_.receive(*client.socket, buffer_.data(), size);
    if (!piece) {
      flush();
      if (piece.error().value == EAGAIN) return true;
      if (piece.error().value == EINTR) continue;
      // Datagram sockets report what an earlier datagram met (ECONNREFUSED): no end, there may be
      // more.
      if (!is_connected(transport_)) {
        Event& event = recorder_.client(Kind::send_failed, client.name, step);
        event.error = piece.error();
        continue;
      }
      note_end(client, is_reset(piece.error()) ? End::reset : End::reset, piece.error(), step);
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
  const Nanoseconds span =
      expect.within_ms ? Nanoseconds(std::chrono::milliseconds(*expect.within_ms)) : caps_.step;
  Nanoseconds until = loop_.now() + span;
  client.heard.is_firm_rest = false;
  client.heard.is_served = false;
  std::string ended;
  std::uint64_t seen = client.received_total;
  SpinWatch spin(sampler_, world_, loop_);
  for (;;) {
    static_cast<void>(receive(client, UINT64_MAX, step));
    if (client.received_total != seen) spin.restart();
    if (client.received_total != seen && !expect.within_ms)
      until = loop_.now() + span;  // progress renews a cap
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
    const Nanoseconds look_from = asks_served ? loop_.now() : loop_.now() + kBeforeFirstLook;
    const std::optional<SocketId> socket =
        client.heard.end == End::none ? client.socket : std::nullopt;
    WaitFor what{.socket = socket,
                 .read = socket.has_value(),
                 .rest = WantsRest::firm_alone,
                 .until = std::min(until, spin.next_look()),
                 .rest_after = look_from};
    if (asks_served && socket && !client.heard.is_served) {
      what.or_any_if = [this, id = *socket](const RestReport& rest) {
        return world_.is_all_read(id, rest);
      };
    }
    const Woken woken = co_await loop_.wait(std::move(what));
    if (woken.is_late) {
      if (!spin.spins() && loop_.now() < until && !loop_.is_interrupted()) continue;
      spin.record(recorder_, step);
      ended = "deadline";
      break;
    }
    if (!woken.rest) continue;
    static_cast<void>(receive(client, UINT64_MAX, step));  // it rests, so whatever it sent is here
    client.heard.is_served = client.socket && world_.is_all_read(*client.socket, *woken.rest);
    client.heard.is_firm_rest = woken.rest->is_firm || woken.rest->rest == Rest::gone;
    Event& rested = recorder_.harness(Kind::rested, step);
    rested.text = to_string(woken.rest->rest);
    rested.number = client.heard.is_firm_rest ? 1 : 0;
    rested.detail = woken.rest->because;
    if (client.heard.is_served) rested.who = client.name;
  }
  if (ended == "met") {
    const std::uint64_t taken = expectation.taken();
    if (boundaries()) {
      for (std::uint64_t i = 0; i < taken && !client.heard.messages.empty(); ++i)
        client.heard.messages.pop_front();
      if (expect.one_of[expectation.met_index()].is_sent && !client.sent.messages.empty())
        client.sent.messages.pop_front();
      else
        client.sent = SentSoFar{};
    } else {
      client.heard.octets.drop_front(taken);
      client.sent = SentSoFar{};
    }
  }
  client.heard.is_firm_rest = false;
  co_return ended;
}

Task<std::string> Clients::read(Client& client, std::uint64_t octets, int step) {
  const std::uint64_t goal = client.received_total + octets;
  const Nanoseconds until = loop_.now() + caps_.step;
  while (client.received_total < goal && client.heard.end == End::none) {
    static_cast<void>(receive(client, goal - client.received_total, step));
    if (client.received_total >= goal || client.heard.end != End::none) break;
    const Woken woken = co_await loop_.wait(WaitFor{.socket = client.socket,
                                                    .read = true,
                                                    .rest = WantsRest::firm,
                                                    .until = until,
                                                    .rest_after = loop_.now() + kBeforeFirstLook});
    if (woken.is_late) co_return "deadline";
    if (woken.rest) break;
  }
  co_return "done";
}

Task<std::string> Clients::drain(Client& client, std::uint64_t budget, int step) {
  Nanoseconds until = loop_.now() + caps_.step;
  const std::uint64_t began = client.received_total;
  std::uint64_t seen = began;
  SpinWatch spin(sampler_, world_, loop_);
  while (client.heard.end == End::none && client.received_total - began < budget) {
    static_cast<void>(receive(client, budget - (client.received_total - began), step));
    if (client.received_total != seen) until = loop_.now() + caps_.step;  // progress renews the cap
    if (client.received_total != seen) spin.restart();
    seen = client.received_total;
    if (client.heard.end != End::none) break;
    // Datagrams have no end: once the server rests, nothing more comes.
    const bool is_stream = is_connected(transport_);
    const Nanoseconds look_from = is_stream ? loop_.now() + kBeforeFirstLook : loop_.now();
    const Woken woken =
        co_await loop_.wait(WaitFor{.socket = client.socket,
                                    .read = true,
                                    .rest = is_stream ? WantsRest::firm : WantsRest::any,
                                    .until = std::min(until, spin.next_look()),
                                    .rest_after = look_from});
    if (woken.is_late) {
      if (!spin.spins() && loop_.now() < until && !loop_.is_interrupted()) continue;
      spin.record(recorder_, step);
      co_return "deadline";
    }
    if (!woken.rest) continue;
    static_cast<void>(receive(client, UINT64_MAX, step));
    co_return "done";
  }
  co_return "done";
}

std::string Clients::shut_down(Client& client, Shutdown::How how, int step) {
  const SysResult<void> done = world_.shutdown(*client.socket, how);
  Event& event = recorder_.client(Kind::shut_down, client.name, step);
  event.text = how == Shutdown::How::write ? "write" : how == Shutdown::How::read ? "read" : "both";
  if (!done) event.error = done.error();
  if (how != Shutdown::How::read) client.has_shut_down = true;
  return "done";
}

std::string Clients::reset(Client& client, int step) {
  world_.reset(*client.socket);
  client.socket.reset();
  recorder_.client(Kind::was_reset, client.name, step);
  return "done";
}

Task<std::string> Clients::close(Client& client, const Close& close, int step) {
  std::string ended = "done";
  if (!close.at_once) {
    if (is_connected(transport_) && !client.has_shut_down && client.heard.end == End::none)
      static_cast<void>(shut_down(client, Shutdown::How::write, step));
    // A source may stream on until we are gone: waiting for its end could take for ever.
    const bool may_never_end = plan_.target.speaks.style == Style::source;
    ended = co_await drain(client, may_never_end ? kReadOfASource : UINT64_MAX, step);
  }
  world_.close(*client.socket);
  client.socket.reset();
  recorder_.client(Kind::closed, client.name, step).text = close.at_once ? "at once" : "orderly";
  co_return ended;
}

Task<std::string> Clients::run(Client& client, const PlannedRun& run, int step) {
  const Result<int> program = world_.start_program(
      run.command, run.input.copy(0, static_cast<std::size_t>(run.input.size())));
  if (!program) {
    recorder_.harness(Kind::failed, step).text = to_string(program.error());
    co_return "impossible";
  }
  const Nanoseconds until = loop_.now() + caps_.step;
  std::optional<ProgramResult> result = world_.program_result(*program);
  while (!result && loop_.now() < until) {
    static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 500us}));
    result = world_.program_result(*program);
  }
  if (!result) co_return "deadline";
  Event& event = recorder_.client(Kind::ran, client.name, step);
  event.number =
      static_cast<std::uint64_t>(result->status.code) + (result->status.was_signalled ? 256U : 0U);
  event.text = to_string(result->status);
  event.content = Content(result->output);
  event.detail = result->errors;
  co_return "done";
}

Task<void> Clients::finish_all() {
  std::vector<Task<void>> endings;
  std::vector<PlannedStep> steps;
  steps.reserve(clients_.size());
  for (auto& [name, client] : clients_) {
    if (!client.socket) continue;
    steps.push_back(
        PlannedStep{.id = -1, .client = name, .action = Close{}, .pointer = {}, .text = {}});
    endings.push_back(act(steps.back()));
  }
  co_await loop_.run_all(endings, endings.size());
}

void Clients::drop_all() {
  for (auto& [name, client] : clients_) {
    if (client.socket) world_.close(*client.socket);
  }
  clients_.clear();
}

}  // namespace sockdrill
