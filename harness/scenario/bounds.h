#pragma once

// What the language takes: the bounds of its numbers, and words that are closed lists or follow a
// rule. For the reader, and for whatever makes scenarios without reading them.

#include <cstdint>
#include <string>
#include <vector>

namespace sockdrill {

inline constexpr std::uint64_t kMostOctets = std::uint64_t{1} << 30U;  ///< of a payload, of a cut
inline constexpr std::uint64_t kMostRequests = 1000;                   ///< a request's number
inline constexpr std::uint64_t kMostBuffer = std::uint64_t{1} << 28U;  ///< SO_RCVBUF, SO_SNDBUF
inline constexpr std::uint64_t kMostMilliseconds = 600'000;            ///< within_ms
inline constexpr std::uint64_t kMostClients = 20'000;                  ///< of a crowd
inline constexpr std::uint64_t kMostRepeats = 100'000;
/// path_bytes: longer than a temporary folder's name, and no longer than a file's (NAME_MAX).
inline constexpr std::uint64_t kFewestPathBytes = 64;
inline constexpr std::uint64_t kMostPathBytes = 255;
inline constexpr std::uint64_t kMostCount = std::uint64_t{1} << 20U;  ///< descriptors, zombies ...
/// Of a schedule: whoever checks JSON against a schema knows whole numbers up to this one.
inline constexpr std::uint64_t kLargestSeed = INT64_MAX;
inline constexpr std::uint64_t kMostMemoryGrowth = std::uint64_t{1} << 40U;

/// Of a client, and of a crowd: 1 to 32 letters, digits, '-' and '_'.
bool is_client_name(const std::string& name);
/// What a server can be sent.
const std::vector<std::string>& signal_names();
/// In one of integer_forms() (harness/target/dialogue.h).
std::uint64_t largest_integer(const std::string& form);

}  // namespace sockdrill
