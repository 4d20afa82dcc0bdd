#pragma once

// How a target's server is started: what the placeholders of its manifest stand for, and the launch
// made of them. The same in every world.

#include <map>
#include <string>

#include "harness/play/server_address.h"
#include "harness/stage/stage.h"
#include "harness/target/target.h"

namespace sockdrill {

/// Where a server listens that lets us choose.
inline constexpr std::uint16_t kUsualPort = 7777;

/// What stands in a manifest's braces: name to text.
using Placeholders = std::map<std::string, std::string>;

/// The path of an AF_UNIX server as it names it: its manifest's, or one in `temp`; "" for others.
std::string path_of(const Target& target, const std::string& temp);

/// {port}, {path}, {tmp}, {speaks}, {family} and {host}, added to what the caller knows of the
/// installation. `server`: where it is told to listen; `temp`: its temporary folder, as it names
/// it.
Placeholders placeholders_of(const Target& target, const ServerAddress& server,
                             const std::string& temp, Placeholders known);

std::vector<std::string> filled(const std::vector<std::string>& words,
                                const Placeholders& placeholders);

Launch launch_of(const Target& target, const Placeholders& placeholders);

}  // namespace sockdrill
