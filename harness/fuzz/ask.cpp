#include "harness/fuzz/ask.h"

#include <optional>
#include <set>

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

/// Of the sends that could be exchanges, in the order of the text.
using Places = std::set<std::size_t>;

Places askable_in(Scenario scenario, const Target& target) {
  Places places;
  for_each_action(scenario.steps, [&](ClientAction& action) {
    if (exchange_of_send(action, target)) places.insert(places.size());
  });
  return places;
}

Scenario with_exchanges(Scenario scenario, const Target& target, const Places& places) {
  std::size_t place = 0;
  for_each_action(scenario.steps, [&](ClientAction& action) {
    auto exchange = exchange_of_send(action, target);
    if (exchange && places.contains(place++)) action = *std::move(exchange);
  });
  return make_legal(std::move(scenario), target);
}

}  // namespace

Scenario ask_for_replies(const Scenario& scenario, const Target& target,
                         const std::function<bool(const Scenario&)>& is_same) {
  constexpr std::size_t kMost = 16;  // each is played
  const Places all = askable_in(scenario, target);
  if (all.empty()) return scenario;
  Scenario asking = with_exchanges(scenario, target, all);
  if (is_same(asking)) return asking;
  Scenario best = scenario;
  Places asked;
  for (const std::size_t place : all) {
    if (place == kMost) break;
    Places more = asked;
    more.insert(place);
    Scenario candidate = with_exchanges(scenario, target, more);
    if (!is_same(candidate)) continue;
    best = std::move(candidate);
    asked = std::move(more);
  }
  return best;
}

}  // namespace sockdrill
