#include "harness/campaign/merge.h"

#include <algorithm>
#include <numeric>
#include <sstream>
#include <unordered_set>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/passing_folder.h"

namespace sockdrill {

namespace {

constexpr std::chrono::minutes kPatienceToWeigh{30};

/// How many of them were begun: so far libFuzzer has come.
std::size_t count_started(const std::string& control) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = control.find("\nSTARTED ", at)) != std::string::npos; ++at)
    ++count;
  return count;
}

}  // namespace

std::vector<std::size_t> worth_keeping(const std::vector<WeighedInput>& inputs, std::size_t kept) {
  std::vector<std::size_t> order(inputs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(std::min(kept, order.size())),
                   order.end(), [&](std::size_t a, std::size_t b) {
                     return std::pair(inputs[a].size, inputs[b].features.size()) <
                            std::pair(inputs[b].size, inputs[a].features.size());
                   });
  std::unordered_set<std::uint64_t> seen;
  std::vector<std::size_t> chosen;
  for (const std::size_t place : order) {
    bool adds = place < kept;
    for (const std::uint64_t feature : inputs[place].features)
      adds = seen.insert(feature).second || adds;
    if (adds) chosen.push_back(place);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

Result<std::vector<WeighedInput>> read_control_file(const std::string& text,
                                                    const std::string& file) {
  std::istringstream lines(text);
  std::string line;
  std::vector<WeighedInput> inputs;
  std::size_t count = 0;
  std::getline(lines, line);
  std::istringstream(line) >> count;
  std::getline(lines, line);  // how many belong to the corpus that is merged into
  for (std::size_t i = 0; i < count && std::getline(lines, line); ++i)
    inputs.push_back({.file = line, .features = {}});
  if (inputs.empty() || inputs.size() != count) return fail("it breaks off among its files", file);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string kind;
    std::size_t place = 0;
    words >> kind >> place;
    if (!words || place >= inputs.size()) continue;
    if (kind == "STARTED") words >> inputs[place].size;
    for (std::uint64_t feature = 0; kind == "FT" && words >> feature;)
      inputs[place].features.push_back(feature);
  }
  return inputs;
}

Result<std::vector<WeighedInput>> weigh(const FuzzedServer& server, const CampaignFolder& folder,
                                        const std::vector<std::string>& files,
                                        const std::atomic<bool>& interrupted,
                                        const std::string& lines) {
  if (files.empty()) return std::vector<WeighedInput>{};
  // Among them are inputs that find something. What that is was told when they came, or will be
  // when they are played for what they find.
  const PassingFolder passing = TRY(PassingFolder::make(folder.path() + "/weighing"));
  const std::string control = control_file_in(passing.path());
  if (const auto written =
          write_file(control, fmt::format("{0}\n0\n{1}\n", files.size(), fmt::join(files, "\n")));
      !written)
    return fail(describe(written.error()), control);
  std::string text;
  std::size_t workers = 0;
  for (std::size_t begun = 0;;) {
    // Each counts from its own start.
    const std::string prefix = lines.empty() ? "" : fmt::format("{}{}-", lines, workers++);
    const std::unique_ptr<Worker> worker =
        TRY(server.start(words_for_weighing(passing.path()), {}, prefix));
    const std::optional<ExitStatus> end = wait_for(*worker, kPatienceToWeigh, interrupted);
    text = read_file(control).value_or("");
    const std::size_t now = count_started(text);
    if (end && !end->was_signalled && end->code == 0) break;
    if (interrupted) return fail("interrupted");
    const std::string why = complaint_in(worker->said());
    if (!why.empty()) return fail(why);
    if (now >= files.size()) break;
    if (now <= begun)
      return fail(fmt::format("the inputs cannot be played: the server {}",
                              end ? to_string(*end) : "does not end"),
                  folder.path());
    begun = now;  // one has ended the worker: the next goes on behind it
  }
  return read_control_file(text, control);
}

}  // namespace sockdrill
