#include "harness/play/client.h"

#include <cerrno>

#include <fmt/format.h>

#include "harness/play/server_address.h"

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

/// Of a stream without end (chargen): how much of it is read before we hang up.
constexpr std::uint64_t kReadOfASource = std::uint64_t{8} << 20U;

const char* word_of_connect(Errno error) {
  if (error.value == ECONNREFUSED || error.value == ENOENT) return "refused";
  if (error.value == ECONNRESET) return "reset";
  return "timeout";
}

}  // namespace

Task<void> Clients::act(const PlannedStep& step) {
  Client& client = clients_[step.client];
  client.name = step.client;
  scene_.recorder.client(Kind::step_began, step.client, step.id).lane = Lane::harness;
  std::string ended = "done";
  if (const auto* connecting = std::get_if<Connect>(&step.action)) {
    ended = co_await connect(client, *connecting, step.id);
  } else if (const auto* opening = std::get_if<Open>(&step.action)) {
    ended = open(client, request_of(*opening, client.last_port), step.id);
  } else if (const auto* run_step = std::get_if<PlannedRun>(&step.action)) {
    ended = co_await run(client, *run_step, step.id);
  } else {
    const bool opens_by_itself = !client.socket && !is_connected(scene_.plan.target.transport) &&
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
  if (ended == "unmet" || ended == "deadline") scene_.observer.note(ended, step.id);
  Event& event = scene_.recorder.harness(Kind::step_ended, step.id);
  event.who = step.client;
  event.text = ended;
}

std::string Clients::open(Client& client, const SocketRequest& request, int step) {
  // A client of that name that is still there (two crowds may have one name) makes room: its socket
  // would be nobody's to close.
  if (client.socket) scene_.world.sockets().close(*std::exchange(client.socket, std::nullopt));
  const SysResult<SocketId> socket = scene_.world.sockets().open(request);
  if (!socket) {
    Event& event = scene_.recorder.client(Kind::connect_failed, client.name, step);
    event.error = socket.error();
    event.text = "no socket";
    return "impossible";
  }
  const std::optional<std::uint16_t> port = client.last_port;
  client = Client{.name = client.name, .socket = *socket, .last_port = port};
  scene_.recorder.client(Kind::opened, client.name, step).text =
      fmt::format("{} {}", to_string(scene_.plan.target.transport),
                  to_string(scene_.world.sockets().local_address(*socket)));
  return "done";
}

Task<std::string> Clients::connect(Client& client, const Connect& connect, int step) {
  if (open(client, request_of(connect, client.last_port), step) != "done") co_return "impossible";
  const SocketId socket = *client.socket;
  const Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  SysResult<void> made = scene_.world.sockets().connect(socket, connect.to);
  while (!made && made.error().value == EAGAIN && scene_.loop.now() < until) {
    // AF_UNIX: the backlog is full (connect(2)). Nothing tells us when a place is free.
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 500us}));
    made = scene_.world.sockets().connect(socket, connect.to);
  }
  Errno error = made ? Errno{} : made.error();
  if (error.value == EINPROGRESS) {
    const Woken woken =
        co_await scene_.loop.wait(WaitFor{.socket = socket, .write = true, .until = until});
    error = woken.is_late ? Errno{ETIMEDOUT} : scene_.world.sockets().error_of(socket);
  }
  if (error.value != 0) {
    Event& event = scene_.recorder.client(Kind::connect_failed, client.name, step);
    event.error = error;
    event.text = word_of_connect(error);
    scene_.world.sockets().close(socket);
    client.socket.reset();
    co_return error.value == ETIMEDOUT || error.value == EAGAIN ? "deadline" : "done";
  }
  client.is_connected = true;
  client.last_port = scene_.world.sockets().local_address(socket).port();
  scene_.recorder.client(Kind::connected, client.name, step).text =
      to_string(scene_.world.sockets().local_address(socket));
  // A server that speaks first is heard out before anything is sent (MECHANISMS: greetings).
  const std::optional<PlannedExpect> greeting = greeting_of(scene_.plan.target.speaks);
  if (!greeting) co_return "done";
  co_return co_await expect(client, *greeting, step);
}

Task<std::string> Clients::settle(int step) {
  const Woken woken = co_await scene_.loop.wait(
      WaitFor{.rest = WantsRest::any, .until = scene_.loop.now() + scene_.caps.step});
  if (woken.rest) co_return to_string(woken.rest->rest);
  scene_.recorder.harness(Kind::restless, step).text =
      fmt::format("{}", fmt::join(scene_.world.describe_tasks(), "; "));
  co_return "deadline";
}

std::string Clients::shut_down(Client& client, Shutdown::How how, int step) {
  const SysResult<void> done = scene_.world.sockets().shutdown(*client.socket, how);
  Event& event = scene_.recorder.client(Kind::shut_down, client.name, step);
  event.text = how == Shutdown::How::write ? "write" : how == Shutdown::How::read ? "read" : "both";
  if (!done) event.error = done.error();
  if (how != Shutdown::How::read) client.has_shut_down = true;
  return "done";
}

std::string Clients::reset(Client& client, int step) {
  scene_.world.sockets().reset(*client.socket);
  client.socket.reset();
  scene_.recorder.client(Kind::was_reset, client.name, step);
  return "done";
}

Task<std::string> Clients::close(Client& client, const Close& close, int step) {
  std::string ended = "done";
  if (!close.at_once) {
    if (is_connected(scene_.plan.target.transport) && !client.has_shut_down &&
        client.heard.end == End::none)
      static_cast<void>(shut_down(client, Shutdown::How::write, step));
    // A source may stream on until we are gone: waiting for its end could take for ever.
    const bool may_never_end = scene_.plan.target.speaks.style == Style::source;
    ended = co_await drain(client, may_never_end ? kReadOfASource : UINT64_MAX, step);
  }
  scene_.world.sockets().close(*client.socket);
  client.socket.reset();
  scene_.recorder.client(Kind::closed, client.name, step).text =
      close.at_once ? "at once" : "orderly";
  co_return ended;
}

Task<std::string> Clients::run(Client& client, const PlannedRun& run, int step) {
  const Result<int> program = scene_.world.start_program(
      run.command, run.input.copy(0, static_cast<std::size_t>(run.input.size())));
  if (!program) {
    scene_.recorder.harness(Kind::failed, step).text = to_string(program.error());
    co_return "impossible";
  }
  const Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  std::optional<ProgramResult> result = scene_.world.program_result(*program);
  while (!result && scene_.loop.now() < until) {
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 500us}));
    result = scene_.world.program_result(*program);
  }
  if (!result) co_return "deadline";
  Event& event = scene_.recorder.client(Kind::ran, client.name, step);
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
  co_await scene_.loop.run_all(endings, endings.size());
}

void Clients::drop_all() {
  for (auto& [name, client] : clients_) {
    if (client.socket) scene_.world.sockets().close(*client.socket);
  }
  clients_.clear();
}

}  // namespace sockdrill
