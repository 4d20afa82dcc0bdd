#include "harness/fuzz/ask.h"

#include <optional>

#include "harness/fuzz/legal.h"
#include "harness/fuzz/steps.h"

namespace sockdrill {

namespace {

using AskedKind = Payload::Kind;

/// What is written out; nothing when some of it depends on the player.
std::optional<Bytes> written_out(const Payload& payload) {
  if (payload.first || payload.after) return std::nullopt;
  switch (payload.kind) {
    case AskedKind::text:
    case AskedKind::hex:
    case AskedKind::base64:
      return payload.bytes;
    case AskedKind::join: {
      Bytes whole;
      for (const Payload& part : payload.parts) {
        const std::optional<Bytes> octets = written_out(part);
        if (!octets) return std::nullopt;
        whole += *octets;
      }
      return whole;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Payload> request_of(const Payload& payload, const Dialogue& dialogue) {
  if (payload.kind == AskedKind::request && !payload.first && !payload.after) return payload;
  const std::optional<Bytes> octets = written_out(payload);
  if (!octets || octets->empty()) return std::nullopt;
  for (std::size_t i = 0; i < dialogue.exchanges.size(); ++i) {
    const RequestMatch match = match_request(dialogue.exchanges[i], *octets, true);
    if (match.state != RequestMatch::State::complete || match.taken != octets->size()) continue;
    Payload request{.kind = AskedKind::request, .number = i};
    for (const auto& [name, value] : match.values)
      request.fields.emplace_back(name, octets_payload(value));
    return request;
  }
  return std::nullopt;
}

/// The exchange that a send could as well be.
std::optional<ExchangeStep> exchange_of_send(const ClientAction& action, const Target& target) {
  const auto* const send = std::get_if<Send>(&action);
  if (send == nullptr || *send != Send{.payload = send->payload, .cut = send->cut})
    return std::nullopt;
  std::optional<Payload> request = request_of(send->payload, target.speaks);
  if (!request) return std::nullopt;
  return ExchangeStep{*std::move(request), send->cut};
}

/// The scenario with those exchanges whose turn it is, of all in the order of the text.
Scenario with_exchanges(Scenario scenario, const Target& target,
                        const std::function<bool(std::size_t)>& is_its_turn) {
  std::size_t index = 0;
  for_each_action(scenario.steps, [&](ClientAction& action) {
    if (auto exchange = exchange_of_send(action, target); exchange && is_its_turn(index++))
      action = *std::move(exchange);
  });
  return make_legal(std::move(scenario), target);
}

}  // namespace

Scenario ask_for_replies(const Scenario& scenario, const Target& target,
                         const std::function<bool(const Scenario&)>& is_same) {
  constexpr std::size_t kMost = 16;  // each is played
  std::size_t count = 0;
  Scenario asking = with_exchanges(scenario, target, [&](std::size_t) { return ++count > 0; });
  if (count == 0 || is_same(asking)) return asking;
  Scenario best = scenario;
  for (std::size_t i = 0, done = 0; i < std::min(count, kMost); ++i) {
    // Those that were turned before it are sends no more, and do not count.
    Scenario candidate =
        with_exchanges(best, target, [&](std::size_t index) { return index == i - done; });
    if (!is_same(candidate)) continue;
    best = std::move(candidate);
    ++done;
  }
  return best;
}

}  // namespace sockdrill
