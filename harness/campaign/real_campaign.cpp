#include "harness/campaign/real_campaign.h"

#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/ledger.h"
#include "harness/campaign/real_kernel.h"
#include "harness/fuzz/compact.h"
#include "harness/fuzz/minimise.h"
#include "harness/fuzz/mutate.h"
#include "harness/fuzzer/reply_class.h"
#include "harness/suite/select.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// A run takes as long as its steps do: small ones, and many.
constexpr Budget kRealBudget{.steps = 24, .octets = std::uint64_t{1} << 16U};
constexpr std::size_t kMostRealTrials = 60;

bool suits_a_fresh_server(const Step& step) {
  const auto* const server = std::get_if<ServerStep>(&step.what);
  return server == nullptr || std::holds_alternative<Settled>(server->action) ||
         std::holds_alternative<Stop>(server->action) ||
         std::holds_alternative<Continue>(server->action);
}

void drop_unsuited(std::vector<Step>& steps) {
  std::erase_if(steps, [](const Step& step) { return !suits_a_fresh_server(step); });
  for (Step& step : steps) {
    if (auto* const repeat = std::get_if<RepeatStep>(&step.what)) drop_unsuited(repeat->steps);
  }
}

/// Where a server died is no part of what it is: one defect ends it in many steps.
std::string what_of(const Finding& finding) {
  return finding.rule == "invariant/alive" ? "the server died: it " + finding.actual
                                           : finding.headline;
}

class RealCampaign final {
 public:
  RealCampaign(const Home& home, const Installation& installation, const Target& target,
               const CampaignFolder& folder, const CampaignOptions& options,
               CampaignObserver& observer, const std::atomic<bool>& interrupted, Ledger ledger)
      : real_(home, installation),
        target_(target),
        folder_(folder),
        options_(options),
        observer_(observer),
        interrupted_(interrupted),
        caps_(calibrated_caps()),
        ledger_(std::move(ledger)) {}

  Result<CampaignResult> run();

 private:
  [[nodiscard]] bool is_over() {
    const std::lock_guard lock(mutex_);
    return !why_not_.empty() || ledger_.is_over();
  }
  void work(unsigned job);
  Scenario next_input(std::mt19937_64& random);
  RunResult play(const Scenario& scenario);
  void take_in(const Scenario& scenario, const RunResult& result);
  void explain(Scenario scenario, const Suspicion& suspicion);
  void keep(const FuzzFinding& finding, const std::string& report, const Scenario& small,
            const RunResult& last);

  const RealKernel real_;
  const Target& target_;
  const CampaignFolder& folder_;
  const CampaignOptions& options_;
  CampaignObserver& observer_;
  const std::atomic<bool>& interrupted_;
  const Caps caps_;

  std::mutex mutex_;  ///< of all that follows, and of the observer
  Ledger ledger_;
  std::vector<Bytes> corpus_;
  std::set<std::uint64_t> seen_;
  std::uint64_t inputs_ = 0;
  std::size_t explaining_ = 0;  ///< findings
  std::string why_not_;
};

Scenario RealCampaign::next_input(std::mt19937_64& random) {
  Bytes one;
  Bytes other;
  {
    const std::lock_guard lock(mutex_);
    one = corpus_[random() % corpus_.size()];
    other = corpus_[random() % corpus_.size()];
  }
  const Bytes form =
      random() % 4 == 0
          ? cross_over_forms(one, other, target_, random(), kLargestInput, kRealBudget)
          : mutate_form(one, target_, random(), kLargestInput, kRealBudget);
  return without_the_simulated(decode(form, target_, kRealBudget));
}

RunResult RealCampaign::play(const Scenario& scenario) {
  return real_.play(scenario, folder_.path() + "/input.json", target_, caps_, interrupted_);
}

void RealCampaign::take_in(const Scenario& scenario, const RunResult& result) {
  const std::lock_guard lock(mutex_);
  ++inputs_;
  if (!result.recording) return;
  bool is_new = false;
  for (const std::uint64_t feature : features_of(*result.recording))
    is_new = seen_.insert(feature).second || is_new;
  ledger_.note_features(seen_.size());
  if (!is_new) return;
  const Result<Bytes> form = encode(scenario, target_, Texts::leave_out);
  if (!form) return;
  corpus_.push_back(*form);
  if (const Result<void> kept = keep_input(*form, folder_); !kept)
    observer_.note(to_string(kept.error()));
}

/// The smallest that shows the same, as a folder.
void RealCampaign::explain(Scenario scenario, const Suspicion& suspicion) {
  {
    const std::lock_guard lock(mutex_);
    if (!ledger_.note(suspicion)) return ledger_.note_again();
    ++explaining_;
  }
  const Minimised smallest = minimise(
      make_legal(std::move(scenario), target_), target_,
      [&](const Scenario& candidate) {
        const std::optional<Suspicion> again = fault_of_server(play(candidate).verdict);
        return again && again->rule == suspicion.rule;
      },
      kMostRealTrials);
  FuzzFinding finding{.name = name_of_finding(suspicion),
                      .folder = folder_.findings() + "/" + name_of_finding(suspicion),
                      .suspicion = suspicion,
                      .stack = {},
                      .real = "found on the real kernel",
                      .found_on_real = true};
  Scenario small = smallest.scenario;
  small.id = "found/" + finding.name;
  small.summary = suspicion.rule + ": " + suspicion.what;
  RunResult last = play(small);
  last.replay_command.clear();  // the report names its own, with files that are there
  std::string report = fmt::format(
      "{}\nseverity: {}\n{}\nminimised in {} trials\n\nsee it again:\n  sockdrill run "
      "{}/scenario.json -t {}/server.json\n",
      diagnosis_of(suspicion), severity_name(severity_of(suspicion)), finding.real, smallest.trials,
      finding.folder, finding.folder);
  if (last.verdict.grade == Grade::fail) report += "\n" + sockdrill::explain(last, false);
  const std::lock_guard lock(mutex_);
  --explaining_;
  keep(finding, report, small, last);
}

void RealCampaign::keep(const FuzzFinding& finding, const std::string& report,
                        const Scenario& small, const RunResult& last) {
  std::error_code error;
  fs::create_directories(finding.folder, error);
  const Json summary{{"rule", finding.suspicion.rule}, {"what", finding.suspicion.what}};
  const std::vector<std::pair<std::string, std::string>> files{
      {"scenario.json", write_scenario_file(small)},
      {"server.json", write_target(target_).dump(2) + "\n"},
      {"recording.jsonl", last.recording ? write_recording(*last.recording) : ""},
      {"output.txt", last.server_output},
      {"report.txt", report},
      {"finding.json", summary.dump(2) + "\n"}};
  for (const auto& [name, text] : files) {
    if (const auto written = write_file(finding.folder + "/" + name, text); !written)
      observer_.note(finding.folder + "/" + name + ": " + describe(written.error()));
  }
  if (const Result<void> written = write_finding_summary(finding); !written)
    observer_.note(to_string(written.error()));
  ledger_.add(finding);
}

void RealCampaign::work(unsigned job) {
  std::mt19937_64 random(options_.seed * 1000003 + job);
  while (!is_over()) {
    const Scenario scenario = next_input(random);
    const RunResult result = play(scenario);
    if (interrupted_) return;
    const bool is_error = result.verdict.grade == Grade::error && !result.is_bad_input;
    if (is_error && is_error_of_input(result.verdict)) continue;
    if (is_error) {
      const std::lock_guard lock(mutex_);
      why_not_ = result.verdict.reason;
      return;
    }
    take_in(scenario, result);
    if (const std::optional<Suspicion> suspicion = fault_of_server(result.verdict))
      explain(scenario, *suspicion);
  }
}

Result<CampaignResult> RealCampaign::run() {
  for (const std::string& from : {folder_.inputs(), folder_.seeds()}) {
    for (const std::string& file : files_in(from)) corpus_.push_back(read_file(file).value_or(""));
  }
  if (corpus_.empty()) return fail("no scenario of the suite is for this server");
  std::atomic<unsigned> working = options_.jobs;
  std::vector<std::jthread> threads;
  for (unsigned job = 0; job < options_.jobs; ++job)
    threads.emplace_back([this, job, &working] {
      work(job);
      --working;
    });
  while (working > 0) {
    ::poll(nullptr, 0, 100);
    const std::lock_guard lock(mutex_);
    ledger_.note_explaining(explaining_);
    if (ledger_.is_time_to_tell()) ledger_.tell(inputs_, corpus_.size());
  }
  threads.clear();
  ledger_.note_explaining(explaining_);
  ledger_.tell(inputs_, corpus_.size());
  return ledger_.result(why_not_);
}

}  // namespace

std::optional<Suspicion> fault_of_server(const Verdict& verdict) {
  if (verdict.grade != Grade::fail) return std::nullopt;
  for (const Finding& finding : verdict.findings) {
    if (finding.grade == Grade::fail && finding.rule != "step")
      return Suspicion{finding.rule, what_of(finding)};
  }
  return std::nullopt;
}

Scenario without_the_simulated(Scenario scenario) {
  scenario.faults.clear();
  scenario.schedule = {};
  drop_unsuited(scenario.steps);
  return scenario;
}

bool is_error_of_input(const Verdict& verdict) {
  const auto error = std::ranges::find(verdict.findings, Grade::error, &Finding::grade);
  return error != verdict.findings.end() && error->rule == "step";
}

std::vector<std::uint64_t> features_of(const Recording& recording) {
  std::vector<std::uint64_t> features;
  std::map<std::string, std::uint64_t> last;
  for (const Event& event : recording.events) {
    std::string what = fmt::format("{}", static_cast<int>(event.kind));
    if (event.kind == Kind::received)
      what += " " + (recording.target.speaks.style == Style::echo
                         ? std::string("reply")
                         : class_of_reply(event.content.copy(0, 16)));
    else if (event.lane == Lane::client)
      what += fmt::format(" {} {}", event.kind == Kind::ended ? event.text : "", event.error.value);
    else if (event.kind != Kind::exited && event.kind != Kind::rested)
      continue;
    const std::uint64_t here = hash_of(what);
    features.push_back(last[event.who] * 31 + here);
    last[event.who] = here;
  }
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return features;
}

Result<CampaignResult> run_on_real_kernel(const Home& home, const Installation& installation,
                                          const Target& target, const CampaignFolder& folder,
                                          const CampaignOptions& options,
                                          CampaignObserver& observer,
                                          const std::atomic<bool>& interrupted) {
  Ledger ledger = TRY(Ledger::open(folder, target, options, observer, interrupted));
  RealCampaign campaign(home, installation, target, folder, options, observer, interrupted,
                        std::move(ledger));
  return campaign.run();
}

}  // namespace sockdrill
