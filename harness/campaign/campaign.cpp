#include "harness/campaign/campaign.h"

#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/fuzzed_server.h"
#include "harness/campaign/real_campaign.h"
#include "harness/campaign/real_kernel.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// For one finding: minimising plays it some hundreds of times.
constexpr Nanoseconds kPatienceToExplain = 5min;
/// A server that is started so often in turn and plays nothing will not.
constexpr unsigned kMostFutileStarts = 3;
constexpr std::size_t kMostPoints = 240;

/// What one job is at.
struct Slot {
  unsigned number = 0;
  std::unique_ptr<Worker> worker;
  std::string explains;  ///< a file of found/; "": it fuzzes
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

class Campaign final {
 public:
  Campaign(const Home& home, const Installation& installation, FuzzedServer server,
           const CampaignFolder& folder, const CampaignOptions& options, CampaignObserver& observer,
           const std::atomic<bool>& interrupted)
      : real_(home, installation),
        server_(std::move(server)),
        folder_(folder),
        options_(options),
        observer_(observer),
        interrupted_(interrupted) {}

  Result<CampaignResult> run();

 private:
  [[nodiscard]] bool is_over() const {
    return interrupted_ || !why_not_.empty() ||
           (options_.stop_at > 0 && fresh_ >= options_.stop_at) ||
           (options_.time > 0ns && monotonic_now() - began_ >= options_.time);
  }
  Result<void> take_up();
  Result<void> start(Slot& slot);
  void attend(Slot& slot);
  void ended_fuzzing(Slot& slot, const ExitStatus& end);
  void ended_explaining(Slot& slot, const std::optional<ExitStatus>& end);
  void collect(const std::string& prefix, const std::string& said);
  void set_aside(const std::string& raw, const std::string& why);
  void keep(const FuzzFinding& made, const std::string& raw);
  void wait();
  void tell(bool now);
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

  std::vector<Slot> slots_;
  std::vector<std::string> raw_;  ///< files of found/ that wait to be explained
  std::set<std::string> known_;   ///< identities
  std::vector<FuzzFinding> findings_;
  std::size_t fresh_ = 0;
  std::string why_not_;
  unsigned futile_starts_ = 0;
  std::uint64_t starts_ = 0;

  Nanoseconds began_ = monotonic_now();
  CampaignTotals before_;  ///< of earlier sessions
  CampaignStatus status_;
  std::uint64_t inputs_before_ = 0;  ///< of workers that have ended
  Nanoseconds told_at_{0};
  std::uint64_t told_inputs_ = 0;
  Nanoseconds new_at_ = began_;
  unsigned points_apart_ = 1;  ///< seconds between two of the history
  unsigned seconds_ = 0;
};

Result<void> Campaign::take_up() {
  before_ = folder_.read_totals();
  findings_ = TRY(read_findings(folder_.findings()));
  for (const FuzzFinding& finding : findings_) known_.insert(identity_of(finding.suspicion));
  // Left by a session that was killed.
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_.findings(), error)) {
    if (entry.path().filename().string().starts_with('.')) fs::remove_all(entry.path(), error);
  }
  collect("", "");
  for (unsigned i = 0; i < options_.jobs; ++i) {
    slots_.emplace_back();
    slots_.back().number = i;
  }
  return {};
}

Result<void> Campaign::start(Slot& slot) {
  std::vector<std::string> words{"sockdrill"};
  slot.counted = {};
  if (!raw_.empty()) {
    slot.explains = raw_.back();
    raw_.pop_back();
    slot.cap = Deadline::after(kPatienceToExplain);
    words.insert(words.end(), {"--explain", slot.explains, folder_for(slot)});
  } else {
    slot.explains.clear();
    ++starts_;
    words = words_for_libfuzzer(folder_, slot.number, options_.seed + starts_);
  }
  slot.worker = TRY(server_.start(std::move(words), {known_.begin(), known_.end()}));
  return {};
}

/// Files that a worker has left in found/, to be explained; what is known already is dropped.
void Campaign::collect(const std::string& prefix, const std::string& said) {
  const std::optional<Suspicion> suspicion = suspicion_in(said);
  const bool is_known = suspicion && known_.contains(identity_of(*suspicion));
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_.found(), error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix) || name.ends_with(".history")) continue;
    const bool is_waiting = std::find(raw_.begin(), raw_.end(), entry.path()) != raw_.end();
    const bool is_slow_only = name.find("slow-unit-") != std::string::npos;
    if (is_known || is_slow_only) {
      fs::remove(entry.path(), error);
      fs::remove(entry.path().string() + ".history", error);
    } else if (!is_waiting) {
      raw_.push_back(entry.path());
    }
  }
  if (is_known) ++status_.again;
  if (suspicion) known_.insert(identity_of(*suspicion));
}

void Campaign::take_counts(Slot& slot) {
  const FuzzCounters now = slot.worker->counters();
  status_.again += now.known - slot.counted.known;
  slot.counted = now;
  if (now.inputs > 0) futile_starts_ = 0;
  status_.features = std::max(status_.features, now.features);
}

void Campaign::ended_fuzzing(Slot& slot, const ExitStatus& end) {
  const std::string said = slot.worker->said();
  const std::uint64_t inputs = slot.counted.inputs;
  inputs_before_ += inputs;
  slot.worker.reset();
  collect(fmt::format("w{}-", slot.number), said);
  if (const std::string why = complaint_in(said); !why.empty()) {
    why_not_ = why;
  } else if (inputs == 0 && ++futile_starts_ >= kMostFutileStarts) {
    const std::size_t line = said.rfind('\n', said.size() < 2 ? 0 : said.size() - 2);
    why_not_ = fmt::format(
        "it does not take up the simulation: it {}{}", to_string(end),
        said.empty()
            ? ""
            : "; the last it said: " + said.substr(line == std::string::npos ? 0 : line + 1));
  }
}

void Campaign::set_aside(const std::string& raw, const std::string& why) {
  const fs::path aside = folder_.path() + "/unconfirmed";
  std::error_code error;
  fs::create_directories(aside, error);
  for (const char* ending : {"", ".history"})
    fs::rename(raw + ending, aside / (fs::path(raw).filename().string() + ending), error);
  observer_.note(fmt::format("{}: kept in {}", why, aside.string()));
}

void Campaign::ended_explaining(Slot& slot, const std::optional<ExitStatus>& end) {
  const std::string said = slot.worker->said();
  const std::string raw = slot.explains;
  slot.worker.reset();
  slot.explains.clear();
  const Result<FuzzFinding> made = read_finding(folder_for(slot));
  if (end && !end->was_signalled && end->code == 1 && made) return keep(*made, raw);
  std::error_code error;
  fs::remove_all(folder_for(slot), error);
  if (interrupted_) return;  // for the next session
  if (end && !end->was_signalled && end->code == 0)
    return set_aside(raw, "something was found once, and shows nothing in a clean process");
  set_aside(raw, fmt::format("something was found that could not be explained ({})",
                             end ? to_string(*end) : "it took too long"));
}

void Campaign::keep(const FuzzFinding& made, const std::string& raw) {
  FuzzFinding finding = made;
  const bool is_there =
      std::any_of(findings_.begin(), findings_.end(), [&](const FuzzFinding& other) {
        return identity_of(other.suspicion) == identity_of(finding.suspicion);
      });
  std::error_code error;
  known_.insert(identity_of(finding.suspicion));
  if (is_there) {
    fs::remove_all(made.folder, error);
    ++status_.again;
  } else {
    finding.name = name_of_finding(finding.suspicion);
    finding.folder = folder_.findings() + "/" + finding.name;
    fs::remove_all(finding.folder, error);
    fs::rename(made.folder, finding.folder, error);
    if (error) return observer_.note(fmt::format("{}: {}", finding.folder, error.message()));
    // It is called so from now on, there too.
    finding.real = real_.look_at(finding, server_.target(), interrupted_);
    if (const Result<void> told = complete_finding(finding, made.folder); !told)
      observer_.note(to_string(told.error()));
    findings_.push_back(finding);
    ++fresh_;
    observer_.found(finding);
  }
  fs::remove(raw, error);
  fs::remove(raw + ".history", error);
}

void Campaign::attend(Slot& slot) {
  const std::optional<ExitStatus> end = slot.worker->ended();
  if (!slot.explains.empty()) {
    if (end || slot.cap.has_passed() || interrupted_) ended_explaining(slot, end);
    return;
  }
  take_counts(slot);
  if (end) ended_fuzzing(slot, *end);
}

void Campaign::wait() {
  std::vector<pollfd> news;
  for (const Slot& slot : slots_) {
    if (slot.worker)
      news.push_back({.fd = raw(slot.worker->news()), .events = POLLIN, .revents = 0});
  }
  ::poll(news.data(), news.size(), 100);
}

void Campaign::tell(bool now) {
  const Nanoseconds at = monotonic_now();
  if (!now && at - told_at_ < 1s) return;
  status_.took = at - began_;
  status_.inputs = inputs_before_;
  for (const Slot& slot : slots_) {
    if (slot.worker && slot.explains.empty()) status_.inputs += slot.counted.inputs;
  }
  const double seconds = std::chrono::duration<double>(at - told_at_).count();
  if (told_at_ > 0ns && seconds > 0.5)
    status_.rate = static_cast<double>(status_.inputs - told_inputs_) / seconds;
  told_at_ = at;
  told_inputs_ = status_.inputs;
  const std::size_t corpus = count_files(folder_.inputs());
  if (corpus > status_.corpus) new_at_ = at;
  status_.corpus = corpus;
  status_.since_new = at - new_at_;
  status_.findings = findings_.size();
  if (seconds_++ % points_apart_ == 0) status_.history.push_back(status_.features);
  if (status_.history.size() > kMostPoints) {
    // Every other one, and half as often from now on.
    for (std::size_t i = 0; i < status_.history.size() / 2; ++i)
      status_.history[i] = status_.history[2 * i + 1];
    status_.history.resize(status_.history.size() / 2);
    points_apart_ *= 2;
  }
  const CampaignTotals totals{
      .inputs = before_.inputs + status_.inputs,
      .milliseconds =
          before_.milliseconds +
          static_cast<std::uint64_t>(
              std::chrono::duration_cast<std::chrono::milliseconds>(status_.took).count()),
      .features = std::max(before_.features, status_.features)};
  if (const Result<void> written = folder_.write_totals(totals, server_.target().name); !written)
    observer_.note(to_string(written.error()));
  observer_.at(status_);
}

Result<CampaignResult> Campaign::run() {
  TRY_VOID(take_up());
  // What has been found when time is up is explained all the same.
  for (;;) {
    const bool goes_on = !is_over() || (!interrupted_ && why_not_.empty() && !raw_.empty());
    for (Slot& slot : slots_) {
      if (slot.worker) attend(slot);
      if (!slot.worker && (!is_over() || (goes_on && !raw_.empty()))) TRY_VOID(start(slot));
      // Those that fuzz end with the time.
      if (slot.worker && slot.explains.empty() && is_over()) {
        take_counts(slot);
        inputs_before_ += slot.counted.inputs;
        slot.worker.reset();
      }
    }
    const bool is_busy = std::any_of(slots_.begin(), slots_.end(),
                                     [](const Slot& slot) { return slot.worker != nullptr; });
    tell(false);
    if (!is_busy && (is_over() && (interrupted_ || !why_not_.empty() || raw_.empty()))) break;
    wait();
  }
  collect("", "");
  tell(true);
  std::sort(findings_.begin(), findings_.end(), [](const FuzzFinding& a, const FuzzFinding& b) {
    return severity_of(a.suspicion) < severity_of(b.suspicion);
  });
  return CampaignResult{.status = status_,
                        .findings = findings_,
                        .fresh = fresh_,
                        .why_not = why_not_,
                        .was_interrupted = interrupted_};
}

}  // namespace

Result<CampaignResult> run_campaign(const Home& home, const Installation& installation,
                                    const Target& target, const CampaignFolder& folder,
                                    const CampaignOptions& options, CampaignObserver& observer,
                                    const std::atomic<bool>& interrupted) {
  TRY_VOID(write_seeds(installation, target, folder));
  const auto on_real_kernel = [&] {
    return run_on_real_kernel(home, installation, target, folder, options, observer, interrupted);
  };
  if (options.world == CampaignWorld::real) return on_real_kernel();
  std::string why_not;
  if (Result<FuzzedServer> server = FuzzedServer::of(home, installation, target); server) {
    Campaign campaign(home, installation, std::move(*server), folder, options, observer,
                      interrupted);
    Result<CampaignResult> result = campaign.run();
    // One that was fuzzed for a while and is not any more has been told about.
    if (!result || result->why_not.empty() || result->status.inputs > 0) return result;
    why_not = result->why_not;
  } else {
    why_not = server.error().message;
  }
  if (options.world == CampaignWorld::simulated)
    return CampaignResult{.status = {}, .findings = {}, .why_not = why_not};
  observer.note(
      fmt::format("it cannot be simulated, and is fuzzed on the real kernel instead: {}", why_not));
  return on_real_kernel();
}

}  // namespace sockdrill
