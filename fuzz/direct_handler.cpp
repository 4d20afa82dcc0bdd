// What fuzzing a server over the simulated kernel is measured against (ci/fuzz-bench --rates): the
// same inputs, whose octets go straight into the protocol handler, cut as the input cuts them:
// where a message ends is what a handler is fuzzed for. There are no sockets, no readiness and no
// clients that wait; what is sent is all there is.

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "harness/fuzz/compact.h"
#include "harness/plan/plan.h"
#include "targets/protocols/registry.h"
#include "targets/protocols/session.h"

namespace sockdrill {
namespace {

constexpr Transport kTransport = SOCKDRILL_DIRECT_UDP ? Transport::udp : Transport::tcp;

using Sessions = std::map<std::string, std::unique_ptr<protocols::Session>>;

protocols::Session& session_of(Sessions& sessions, const std::string& client) {
  auto& session = sessions[client];
  if (session == nullptr)
    session = std::make_unique<protocols::Session>(
        protocols::make_stream_handler(protocols::Protocol::echo, 0));
  return *session;
}

void feed(protocols::Session& session, std::string_view octets) {
  while (!octets.empty() && !session.is_finished()) {
    const std::span<char> room = session.input_room();
    const std::size_t size = std::min(room.size(), octets.size());
    std::copy_n(octets.begin(), size, room.begin());
    session.add_input(size);
    octets.remove_prefix(size);
    session.drop_output(session.output().size());
  }
}

void feed_pieces(protocols::Session& session, std::string_view octets, const PlannedSend& send) {
  for (std::size_t i = 0; i < send.pieces(); ++i) {
    const auto [begin, end] = send.piece(i);
    feed(session,
         octets.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
  }
}

void answer(std::string_view request) {
  static const auto handler = protocols::make_datagram_handler(protocols::Protocol::echo);
  static std::array<char, 65536> scratch;
  static_cast<void>(handler->answer(request, 0, scratch));
}

}  // namespace
}  // namespace sockdrill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  static const Target target{.transport = kTransport,
                             .speaks = built_in_dialogue("echo", kTransport).value()};
  const Scenario scenario = decode({static_cast<const char*>(static_cast<const void*>(data)), size},
                                   target, kInputBudget);
  const Result<Plan> plan = make_plan(scenario, target, PlanOptions{});
  if (!plan || plan->cases.empty()) return -1;
  Sessions sessions;
  for (const PlannedStep* step : steps_of(*plan)) {
    if (const auto* send = std::get_if<PlannedSend>(&step->action)) {
      const Bytes octets = send->content.copy(0, static_cast<std::size_t>(send->content.size()));
      if (kTransport == Transport::udp)
        answer(octets);
      else
        feed_pieces(session_of(sessions, step->client), octets, *send);
    } else if (std::holds_alternative<Close>(step->action)) {
      sessions.erase(step->client);
    }
  }
  return 0;
}
