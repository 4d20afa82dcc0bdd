#include "harness/campaign/simulated_campaign.h"

#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/fuzzed_server.h"
#include "harness/campaign/ledger.h"
#include "harness/campaign/real_kernel.h"
#include "harness/campaign/status.h"
#include "harness/campaign/unconfirmed.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// For one finding: minimising plays it some hundreds of times.
constexpr Nanoseconds kPatienceToExplain = 5min;
/// From its start to the end of its first input, where none was played yet: one that takes longer
/// computes for ever, however busy the machine is.
constexpr Nanoseconds kPatienceToBegin = 60s;
/// A server that is started so often in turn and plays nothing will not.
constexpr unsigned kMostFutileStarts = 3;
/// And one that ends so often in turn, with inputs played and nothing left to explain it by, is
/// beyond what the simulation can do.
constexpr unsigned kMostSilentEnds = 10;

/// A file of found/ that waits to be explained.
struct Raw {
  std::string file;                    ///< "": none
  std::optional<Suspicion> suspicion;  ///< as the fuzzer has told it, if it could
};

/// What one job is at.
struct Slot {
  unsigned number = 0;
  std::unique_ptr<Worker> worker;
  Raw explains;  ///< none: it fuzzes
  [[nodiscard]] bool is_explaining() const { return !explains.file.empty(); }
  Deadline cap = Deadline::after(0s);
  FuzzCounters counted;  ///< of the worker, so far
};

/// "sockdrill: RULE: WHAT" in what a worker said last.
std::optional<Suspicion> suspicion_in(const std::string& said) {
  constexpr std::string_view kMark = "\nsockdrill: ";
  const std::size_t at = said.rfind(kMark);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + kMark.size();
  const std::string line = said.substr(begin, said.find('\n', begin) - begin);
  const std::size_t colon = line.find(": ");
  if (colon == std::string::npos) return std::nullopt;
  return Suspicion{line.substr(0, colon), line.substr(colon + 2)};
}

/// As the end of a sentence; "" when nothing was said.
std::string last_line(const std::string& said) {
  if (said.empty()) return {};
  const std::size_t line = said.rfind('\n', said.size() < 2 ? 0 : said.size() - 2);
  return "; the last it said: " + said.substr(line == std::string::npos ? 0 : line + 1);
}

class Campaign final {
 public:
  Campaign(const Home& home, const Installation& installation, FuzzedServer server,
           const CampaignFolder& folder, const CampaignOptions& options, CampaignObserver& observer,
           const std::atomic<bool>& interrupted, Ledger ledger)
      : real_(home, installation),
        server_(std::move(server)),
        folder_(folder),
        options_(options),
        observer_(observer),
        interrupted_(interrupted),
        ledger_(std::move(ledger)) {}

  Result<CampaignResult> run();

 private:
  [[nodiscard]] bool has_not_begun(const Slot& slot) const {
    return slot.counted.inputs == 0 && inputs_before_ == 0 && slot.cap.has_passed();
  }
  [[nodiscard]] bool is_over() const { return !why_not_.empty() || ledger_.is_over(); }
  /// What has been found when time is up is explained all the same.
  [[nodiscard]] bool has_to_explain() const {
    return !interrupted_ && why_not_.empty() && !raw_.empty();
  }
  /// What was found, and is not explained yet.
  [[nodiscard]] std::size_t explaining() const {
    return raw_.size() +
           static_cast<std::size_t>(std::ranges::count_if(slots_, &Slot::is_explaining));
  }
  void take_up();
  Result<void> start(Slot& slot);
  void attend(Slot& slot);
  void stop_fuzzing(Slot& slot);
  void ended_fuzzing(Slot& slot, const ExitStatus& end);
  void ended_explaining(Slot& slot, const std::optional<ExitStatus>& end);
  bool collect(const std::string& prefix, const std::string& said);
  void set_aside(const Raw& raw, const std::string& why);
  void keep(const FuzzFinding& made, const Raw& raw);
  void keep_unconfirmed();
  void wait();
  void tell();
  void take_counts(Slot& slot);
  [[nodiscard]] std::string folder_for(const Slot& slot) const {
    return fmt::format("{}/.explained-{}", folder_.findings(), slot.number);
  }

  RealKernel real_;
  FuzzedServer server_;
  const CampaignFolder& folder_;
  const CampaignOptions& options_;
  CampaignObserver& observer_;
  const std::atomic<bool>& interrupted_;

  Ledger ledger_;
  std::vector<Slot> slots_;
  std::vector<Raw> raw_;
  Unconfirmed unconfirmed_;
  std::string why_not_;
  unsigned futile_starts_ = 0;
  unsigned silent_ends_ = 0;
  std::uint64_t starts_ = 0;
  std::uint64_t inputs_before_ = 0;  ///< of workers that have ended
};

void Campaign::take_up() {
  // Left by a session that was killed.
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_.findings(), error)) {
    if (entry.path().filename().string().starts_with('.')) fs::remove_all(entry.path(), error);
  }
  collect("", "");
  take_back(folder_);
  for (unsigned i = 0; i < options_.jobs; ++i) {
    slots_.emplace_back();
    slots_.back().number = i;
  }
}

Result<void> Campaign::start(Slot& slot) {
  std::vector<std::string> words{"sockdrill"};
  slot.counted = {};
  if (!raw_.empty()) {
    slot.explains = raw_.back();
    raw_.pop_back();
    slot.cap = Deadline::after(kPatienceToExplain);
    words.insert(words.end(), {"--explain", slot.explains.file, folder_for(slot)});
  } else {
    slot.explains = {};
    slot.cap = Deadline::after(kPatienceToBegin);
    ++starts_;
    words = words_for_libfuzzer(folder_, slot.number, options_.seed + starts_);
  }
  slot.worker = TRY(server_.start(std::move(words), ledger_.known()));
  return {};
}

/// Files that a worker has left in found/, to be explained; what is known already is dropped.
/// Whether it has left anything, a word included.
bool Campaign::collect(const std::string& prefix, const std::string& said) {
  const std::optional<Suspicion> suspicion = suspicion_in(said);
  const bool is_known = suspicion && ledger_.knows(*suspicion);
  bool was_tried = false;
  bool has_left = suspicion.has_value();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_.found(), error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix) || name.ends_with(kHistoryEnding)) continue;
    has_left = true;
    // The same once more would show as little.
    was_tried = was_tried || (suspicion && unconfirmed_.was_tried(*suspicion, entry.path()));
    const bool is_dropped = is_known || was_tried;
    const bool is_waiting =
        std::ranges::find(raw_, entry.path().string(), &Raw::file) != raw_.end();
    const bool is_slow_only = name.find("slow-unit-") != std::string::npos;
    if (is_dropped) put_aside(entry.path(), folder_);
    if (is_dropped || is_slow_only) {
      fs::remove(entry.path(), error);
      fs::remove(entry.path().string() + kHistoryEnding, error);
    } else if (!is_waiting) {
      raw_.push_back({.file = entry.path(), .suspicion = suspicion});
    }
  }
  if (suspicion) unconfirmed_.saw(*suspicion);
  if (suspicion && !ledger_.note(*suspicion)) ledger_.note_again();
  if (was_tried && unconfirmed_.is_open(*suspicion)) ledger_.forget(*suspicion);
  return has_left;
}

void Campaign::take_counts(Slot& slot) {
  const FuzzCounters now = slot.worker->counters();
  ledger_.note_again(now.known - slot.counted.known);
  slot.counted = now;
  if (now.inputs > 0) futile_starts_ = 0;
  ledger_.note_features(now.features);
}

void Campaign::stop_fuzzing(Slot& slot) {
  take_counts(slot);
  inputs_before_ += slot.counted.inputs;
  slot.worker.reset();
}

void Campaign::ended_fuzzing(Slot& slot, const ExitStatus& end) {
  const std::string said = slot.worker->said();
  stop_fuzzing(slot);
  const std::uint64_t inputs = slot.counted.inputs;
  const bool has_left = collect(fmt::format("w{}-", slot.number), said);
  const bool is_silent = !has_left && (end.was_signalled || end.code != kExitToGoOn);
  silent_ends_ = is_silent ? silent_ends_ + 1 : 0;
  if (const std::string why = complaint_in(said); !why.empty()) {
    why_not_ = why;
  } else if (inputs == 0 && ++futile_starts_ >= kMostFutileStarts) {
    why_not_ =
        fmt::format("it does not take up the simulation: it {}{}", to_string(end), last_line(said));
  } else if (silent_ends_ >= kMostSilentEnds) {
    why_not_ = fmt::format("it ends in the middle of inputs, time after time: it {}{}",
                           to_string(end), last_line(said));
  }
}

void Campaign::set_aside(const Raw& raw, const std::string& why) {
  const fs::path folder = folder_.unconfirmed();
  std::error_code error;
  fs::create_directories(folder, error);
  const std::string aside = folder / fs::path(raw.file).filename();
  for (const char* ending : {"", kHistoryEnding})
    fs::rename(raw.file + ending, aside + ending, error);
  observer_.note(fmt::format(
      "{}{}: kept as {}",
      raw.suspicion ? fmt::format("{}: {}: ", raw.suspicion->rule, raw.suspicion->what) : "", why,
      aside));
  if (!raw.suspicion) return;
  unconfirmed_.note(*raw.suspicion, aside);
  if (unconfirmed_.is_open(*raw.suspicion)) ledger_.forget(*raw.suspicion);
}

void Campaign::keep_unconfirmed() {
  const Result<std::vector<FuzzFinding>> findings = unconfirmed_.write(folder_, server_.target());
  if (!findings) return observer_.note(to_string(findings.error()));
  for (const FuzzFinding& finding : *findings) {
    if (!ledger_.has(finding.suspicion)) ledger_.add(finding);
  }
}

void Campaign::ended_explaining(Slot& slot, const std::optional<ExitStatus>& end) {
  const std::string said = slot.worker->said();
  const Raw raw = slot.explains;
  slot.worker.reset();
  slot.explains = {};
  const Result<FuzzFinding> made = read_finding(folder_for(slot));
  if (end && !end->was_signalled && end->code == 1 && made) return keep(*made, raw);
  std::error_code error;
  fs::remove_all(folder_for(slot), error);
  if (interrupted_) return raw_.push_back(raw);  // for the next session
  if (end && !end->was_signalled && end->code == 0)
    return set_aside(raw, "it shows nothing in a clean process");
  set_aside(raw, fmt::format("it could not be explained ({})",
                             end ? to_string(*end) : "it took too long"));
}

void Campaign::keep(const FuzzFinding& made, const Raw& raw) {
  FuzzFinding finding = made;
  unconfirmed_.confirm(finding.suspicion);
  if (raw.suspicion) unconfirmed_.confirm(*raw.suspicion);
  std::error_code error;
  static_cast<void>(ledger_.note(finding.suspicion));
  if (ledger_.has(finding.suspicion)) {
    fs::remove_all(made.folder, error);
    ledger_.note_again();
  } else {
    finding.name = name_of_finding(finding.suspicion);
    finding.folder = folder_.findings() + "/" + finding.name;
    fs::remove_all(finding.folder, error);
    fs::rename(made.folder, finding.folder, error);
    if (error) return observer_.note(fmt::format("{}: {}", finding.folder, error.message()));
    finding.real = real_.look_at(finding, server_.target(), interrupted_);
    if (const Result<void> told = complete_finding(finding, made.folder); !told)
      observer_.note(to_string(told.error()));
    ledger_.add(finding);
  }
  fs::remove(raw.file, error);
  fs::remove(raw.file + kHistoryEnding, error);
}

void Campaign::attend(Slot& slot) {
  const std::optional<ExitStatus> end = slot.worker->ended();
  if (slot.is_explaining()) {
    if (end || slot.cap.has_passed() || interrupted_) ended_explaining(slot, end);
    return;
  }
  take_counts(slot);
  if (!end && !is_over() && has_not_begun(slot))
    why_not_ = fmt::format("it has played no input in {}", clock_of(kPatienceToBegin));
  if (end)
    ended_fuzzing(slot, *end);
  else if (is_over())
    stop_fuzzing(slot);
}

void Campaign::wait() {
  std::vector<pollfd> news;
  for (const Slot& slot : slots_) {
    if (slot.worker)
      news.push_back({.fd = raw(slot.worker->news()), .events = POLLIN, .revents = 0});
  }
  ::poll(news.data(), news.size(), 100);
}

void Campaign::tell() {
  std::uint64_t inputs = inputs_before_;
  for (const Slot& slot : slots_) {
    if (slot.worker && !slot.is_explaining()) inputs += slot.counted.inputs;
  }
  ledger_.tell(inputs, count_files(folder_.inputs()));
}

Result<CampaignResult> Campaign::run() {
  take_up();
  for (;;) {
    bool is_busy = false;
    for (Slot& slot : slots_) {
      if (slot.worker) attend(slot);
      if (!slot.worker && (!is_over() || has_to_explain())) TRY_VOID(start(slot));
      is_busy = is_busy || slot.worker;
    }
    ledger_.note_explaining(explaining());
    if (!is_busy && is_over()) break;
    if (ledger_.is_time_to_tell()) tell();
    wait();
  }
  keep_unconfirmed();
  tell();
  return ledger_.result(why_not_);
}

}  // namespace

Result<CampaignResult> run_on_simulated_kernel(const Home& home, const Installation& installation,
                                               const Target& target, const CampaignFolder& folder,
                                               const CampaignOptions& options,
                                               CampaignObserver& observer,
                                               const std::atomic<bool>& interrupted) {
  Result<FuzzedServer> server = FuzzedServer::of(home, installation, target);
  if (!server)
    return CampaignResult{.status = {}, .findings = {}, .why_not = server.error().message};
  Ledger ledger = TRY(Ledger::open(folder, target, options, observer, interrupted));
  Campaign campaign(home, installation, std::move(*server), folder, options, observer, interrupted,
                    std::move(ledger));
  CampaignResult result = TRY(campaign.run());
  if (result.why_not.starts_with(kServesNobody))
    result.why_not.replace(0, std::string_view(kServesNobody).size(), serves_nobody(target));
  return result;
}

}  // namespace sockdrill
