#include "harness/campaign/corpus.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/fuzz/compact.h"
#include "harness/suite/select.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// Crashes of the server are its own; libFuzzer's lines stay apart from its output.
std::vector<std::string> words_for_any() {
  return {"sockdrill",        "-handle_segv=0",     "-handle_bus=0",
          "-handle_abrt=0",   "-handle_ill=0",      "-handle_fpe=0",
          "-close_fd_mask=3", "-rss_limit_mb=4096", "-detect_leaks=0"};
}

}  // namespace

Result<void> write_seeds(const Installation& installation, const Target& target,
                         const CampaignFolder& folder) {
  if (count_files(folder.seeds()) > 0) return {};
  const std::vector<Check> checks = TRY(select_checks(installation, {}));
  for (const Check& check : checks) {
    for (std::size_t i = 0; i < check.cases.size(); ++i) {
      const Scenario scenario = TRY(read_scenario(check.document, check.cases[i]));
      if (why_not(scenario, target)) continue;
      const Result<Bytes> octets = encode(scenario, target, Texts::leave_out);
      if (!octets) continue;  // it runs a program, say
      std::string name = fmt::format("{}.{}", scenario.id, i);
      std::replace(name.begin(), name.end(), '/', '.');
      const std::string file = folder.seeds() + "/" + name;
      if (const auto written = write_file(file, *octets); !written)
        return fail(describe(written.error()), file);
    }
  }
  return {};
}

std::vector<std::string> words_for_libfuzzer(const CampaignFolder& folder, unsigned job,
                                             std::uint64_t seed) {
  std::vector<std::string> words = words_for_any();
  words.insert(
      words.end(),
      {fmt::format("-seed={}", seed), fmt::format("-artifact_prefix={}/w{}-", folder.found(), job),
       fmt::format("-max_len={}", kLargestInput), "-timeout=20", "-report_slow_units=3600",
       "-reload=2", folder.inputs(), folder.seeds()});
  return words;
}

std::string control_file_in(const std::string& folder) { return folder + "/merge.control"; }

std::vector<std::string> words_for_weighing(const std::string& folder) {
  std::vector<std::string> words = words_for_any();
  words.insert(words.end(), {"-merge_inner=1", "-merge_control_file=" + control_file_in(folder),
                             fmt::format("-artifact_prefix={}/", folder)});
  return words;
}

Result<void> keep_input(const Bytes& form, const CampaignFolder& folder) {
  const std::string file = fmt::format("{}/{:016x}", folder.inputs(), hash_of(form));
  if (const auto written = write_file(file, form); !written)
    return fail(describe(written.error()), file);
  return {};
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void put_aside(const std::string& input, const CampaignFolder& folder) {
  const SysResult<std::string> octets = read_file(input);
  if (!octets) return;
  std::error_code error;
  for (const std::string& place : {folder.seeds(), folder.inputs()}) {
    for (const std::string& file : files_in(place)) {
      if (fs::file_size(file, error) != octets->size() || read_file(file) != *octets) continue;
      fs::create_directories(folder.known(), error);
      fs::rename(file, fs::path(folder.known()) / fs::path(file).filename(), error);
    }
  }
}

void take_back(const CampaignFolder& folder) {
  std::error_code error;
  for (const std::string& file : files_in(folder.known()))
    fs::rename(file, fs::path(folder.seeds()) / fs::path(file).filename(), error);
}

std::size_t count_files(const std::string& folder) {
  std::error_code error;
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder, error), {}));
}

}  // namespace sockdrill
