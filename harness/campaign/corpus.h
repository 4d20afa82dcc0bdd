#pragma once

// The inputs of a campaign. Internal to campaign/.

#include <string>
#include <vector>

#include "harness/campaign/folder.h"
#include "harness/suite/installation.h"

namespace sockdrill {

/// The suite's scenarios that are for this server, in the compact form; once a folder.
Result<void> write_seeds(const Installation& installation, const Target& target,
                         const CampaignFolder& folder);

/// libFuzzer's command line for a job: it keeps what is new in inputs/, and takes from there what
/// the others have found.
std::vector<std::string> words_for_libfuzzer(const CampaignFolder& folder, unsigned job,
                                             std::uint64_t seed);

/// The same for one that only plays what the control file names (merge.h). What an input shows goes
/// to that folder, too.
std::vector<std::string> words_for_weighing(const std::string& folder);
std::string control_file_in(const std::string& folder);

/// Into inputs/, named by what is in it: the same input of two corpora is one.
Result<void> keep_input(const Bytes& form, const CampaignFolder& folder);

/// In the order of their names.
std::vector<std::string> files_in(const std::string& folder);
/// Puts what is no other than `input` out of the corpus, into known/.
void put_aside(const std::string& input, const CampaignFolder& folder);
/// Puts all of known/ among the seeds again: a server that was mended is none the worse for it.
void take_back(const CampaignFolder& folder);
std::size_t count_files(const std::string& folder);

}  // namespace sockdrill
