#include "harness/watch/quiet.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "harness/base/text.h"
#include "harness/watch/proc_files.h"

namespace sockdrill {

std::optional<std::vector<std::uint64_t>> parse_backlog(std::string_view text) {
  constexpr std::size_t kBacklogColumn = 11;
  std::vector<std::uint64_t> queued;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string> words = split(line, ' ');
    if (words.size() <= kBacklogColumn) return std::nullopt;
    const std::string& word = words[kBacklogColumn];
    std::uint64_t& count = queued.emplace_back(0);
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), count, 16);
    if (error != std::errc{} || stop != word.data() + word.size()) return std::nullopt;
  }
  if (queued.empty()) return std::nullopt;
  return queued;
}

// Every network namespace shows the same: the queues belong to the CPUs.
QuietNetwork::QuietNetwork()
    : softnet_(::open("/proc/thread-self/net/softnet_stat", O_RDONLY | O_CLOEXEC)) {}

void QuietNetwork::begin(std::uint64_t state) {
  if (state == state_) return;
  state_ = state;
  drained_.clear();
}

void QuietNetwork::observe() {
  const auto text = read_from_start(softnet_.get());
  observe(text ? std::string_view(*text) : std::string_view{});
}

void QuietNetwork::observe(std::string_view text) {
  const auto queued = parse_backlog(text);
  is_known_ = queued.has_value();
  if (!queued) return;
  if (drained_.size() != queued->size()) drained_.assign(queued->size(), false);
  for (std::size_t cpu = 0; cpu < queued->size(); ++cpu) {
    if ((*queued)[cpu] == 0) drained_[cpu] = true;
  }
}

std::optional<bool> QuietNetwork::is_quiet() const {
  if (!is_known_) return std::nullopt;
  return !drained_.empty() &&
         std::all_of(drained_.begin(), drained_.end(), [](bool b) { return b; });
}

}  // namespace sockdrill
