#pragma once

// Which inputs of a corpus are worth their place: those that reach something no smaller one does.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/campaign/folder.h"
#include "harness/campaign/fuzzed_server.h"

namespace sockdrill {

struct WeighedInput {
  std::string file;
  std::uint64_t size = 0;
  std::vector<std::uint64_t> features;  ///< empty: none, or nothing is known
};

/// The places of those that are kept: the first `kept` ones in any case, then, from the smallest to
/// the largest, whatever adds a feature.
std::vector<std::size_t> worth_keeping(const std::vector<WeighedInput>& inputs, std::size_t kept);

/// What libFuzzer has written into its control file (FuzzerMerge.h): the files, and of those that
/// were played the features.
Result<std::vector<WeighedInput>> read_control_file(const std::string& text,
                                                    const std::string& file);

/// Plays each file, in as many workers as crash on the way. One that crashes a worker is kept with
/// no features. The error: a worker does not get on. `lines`: what the names of files begin with
/// into which they write how often the server's lines were executed; "": nobody asks.
Result<std::vector<WeighedInput>> weigh(const FuzzedServer& server, const CampaignFolder& folder,
                                        const std::vector<std::string>& files,
                                        const std::atomic<bool>& interrupted,
                                        const std::string& lines = "");

}  // namespace sockdrill
