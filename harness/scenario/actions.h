#pragma once

// The actions of clients and of the server, from JSON to values. Internal to scenario/.

#include <string>
#include <vector>

#include "harness/scenario/scenario.h"

namespace sockdrill {

/// "connect", "open" ...: the keys of which a client's step has one.
const std::vector<std::string>& client_words();
/// `word` is one of them, `node` its value.
Result<ClientAction> read_client_action(const std::string& word, const Node& node);
Result<ServerAction> read_server_action(const Node& node);

/// The one key of `node` that is an action, besides `others`.
Result<std::string> find_action(const Node& node, const std::vector<std::string>& words,
                                const std::vector<std::string>& others);
/// The name of an errno that exists.
Result<std::string> read_errno(const Node& node);

}  // namespace sockdrill
