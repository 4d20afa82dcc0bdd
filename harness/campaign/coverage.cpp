// Which lines of a server's a campaign's corpus executes.

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/campaign/campaign.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/fuzzed_server.h"
#include "harness/campaign/llvm_tools.h"
#include "harness/campaign/merge.h"
#include "harness/campaign/passing_folder.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// What the workers have written.
struct LineCounts {
  std::vector<std::string> raw;
  std::vector<std::string> objects;  ///< programs and libraries that they are of
};

LineCounts counts_in(const std::string& folder) {
  LineCounts counts;
  for (const std::string& file : files_in(folder)) {
    if (file.ends_with(".profraw")) counts.raw.push_back(file);
    if (!file.ends_with("objects")) continue;
    for (std::string& name : split(read_file(file).value_or(""), '\n')) {
      if (!name.empty() && std::ranges::find(counts.objects, name) == counts.objects.end())
        counts.objects.push_back(std::move(name));
    }
  }
  return counts;
}

/// By the first of them that understands these counts.
Result<LinesCovered> write_html_by_any(const std::vector<LlvmTools>& tools,
                                       const LineCounts& counts, const std::string& folder) {
  const std::string profile = folder + "/counts.profdata";
  std::string complaint;
  for (const LlvmTools& one : tools) {
    const Result<void> merged = merge_counts(one, counts.raw, profile);
    if (merged) return write_html(one, profile, counts.objects, folder);
    complaint = to_string(merged.error());
  }
  return fail(complaint + "; needed are LLVM's tools of the version of the clang that built it");
}

Coverage not_known(std::string why) {
  Coverage coverage;
  coverage.why_not = std::move(why);
  return coverage;
}

}  // namespace

Result<Coverage> cover(const Home& home, const Installation& installation, const Target& target,
                       const CampaignFolder& folder, const std::string& into,
                       const std::atomic<bool>& interrupted) {
  std::error_code error;
  const std::string html = fs::absolute(into, error).lexically_normal();
  fs::create_directories(html, error);
  if (error) return fail(fmt::format("cannot be made: {}", error.message()), into);
  const char* const path = std::getenv("PATH");
  const std::vector<LlvmTools> tools = find_llvm_tools(path != nullptr ? path : "/usr/bin");
  if (tools.empty())
    return not_known(
        "neither llvm-profdata and llvm-cov nor such with a version is in PATH: "
        "install LLVM's tools of your clang's version (Debian: llvm-14)");
  const Result<FuzzedServer> server = FuzzedServer::of(home, installation, target);
  if (!server) return not_known(server.error().message);

  TRY_VOID(write_seeds(installation, target, folder));
  std::vector<std::string> files = files_in(folder.inputs());
  const std::vector<std::string> seeds = files_in(folder.seeds());
  files.insert(files.end(), seeds.begin(), seeds.end());
  if (files.empty()) return not_known("there is no input, nor a scenario of the suite's for it");
  const PassingFolder raw = TRY(PassingFolder::make(folder.path() + "/lines"));
  const Result<std::vector<WeighedInput>> played =
      weigh(*server, folder, files, interrupted, raw.path() + "/");
  if (interrupted) return Coverage{};
  if (!played) return not_known(played.error().message);
  const LineCounts counts = counts_in(raw.path());
  if (counts.raw.empty()) return not_known("the server has written no counts");
  const Result<LinesCovered> covered = write_html_by_any(tools, counts, html);
  if (!covered) return not_known(to_string(covered.error()));
  return Coverage{.inputs = files.size(),
                  .lines = covered->lines,
                  .executed = covered->executed,
                  .index = html + "/index.html",
                  .why_not = {}};
}

}  // namespace sockdrill
