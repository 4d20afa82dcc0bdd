#pragma once

// Payloads to contents, for one client of one case. Internal to plan/.

#include <map>
#include <string>

#include "harness/plan/plan.h"

namespace sockdrill {

/// What a client has drawn and used so far; patterns go on where they stopped, so that every octet
/// of a client is its own.
struct ClientState {
  std::map<std::string, std::uint64_t> pattern_offset;  ///< by key
  std::map<std::size_t, FieldValues> last_values;   ///< by exchange: those of the request sent last
  std::map<std::size_t, std::uint64_t> times_sent;  ///< by exchange
  std::map<std::size_t, FieldValues> half_sent;     ///< requests of which only a part is out yet
};

struct ResolveContext {
  const Target& target;
  std::uint64_t seed;
  std::string base_dir;
};

/// A request's exchange, its values, and its octets. `too_long` names the bound that a "sized"
/// request breaks.
struct ResolvedRequest {
  std::size_t exchange = 0;
  FieldValues values;
  Content content;
};

struct Resolved {
  Content content;
  std::optional<ResolvedRequest> request;  ///< when the payload is a request, whole or in part
  std::string out_of_bounds;  ///< why the target cannot be sent this; the case is left out
};

Result<Resolved> resolve(const Payload& payload, const std::string& client, ClientState& state,
                         const ResolveContext& context);

}  // namespace sockdrill
