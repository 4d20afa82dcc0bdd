#include "harness/campaign/ledger.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostPoints = 240;

std::uint64_t milliseconds_of(Nanoseconds time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace

Result<Ledger> Ledger::open(const CampaignFolder& folder, const Target& target,
                            const CampaignOptions& options, CampaignObserver& observer,
                            const std::atomic<bool>& interrupted) {
  Ledger ledger(folder, target, options, observer, interrupted);
  ledger.before_ = folder.read_totals();
  ledger.findings_ = TRY(read_findings(folder.findings()));
  for (const FuzzFinding& finding : ledger.findings_)
    static_cast<void>(ledger.note(finding.suspicion));
  return ledger;
}

bool Ledger::is_over() const {
  return *interrupted_ || (options_->stop_at > 0 && fresh_ >= options_->stop_at) ||
         (options_->time > 0ns && monotonic_now() - began_ >= options_->time);
}

bool Ledger::has(const Suspicion& suspicion) const {
  return std::any_of(findings_.begin(), findings_.end(), [&](const FuzzFinding& finding) {
    return identity_of(finding.suspicion) == identity_of(suspicion);
  });
}

void Ledger::add(const FuzzFinding& finding) {
  findings_.push_back(finding);
  ++fresh_;
  observer_->found(finding);
}

void Ledger::note_explaining(std::size_t count) {
  status_.explaining = count;
  if (count == 0 || *interrupted_ || !is_over() || std::exchange(has_told_of_the_rest_, true))
    return;
  observer_->note(fmt::format("no more inputs: explaining {}", count_of(count, "finding")));
}

bool Ledger::is_time_to_tell() const { return monotonic_now() - told_at_ >= 1s; }

/// Every other point, and half as often from now on, when there are too many.
void Ledger::draw(std::uint64_t features) {
  if (told_++ % points_apart_ == 0) status_.history.push_back(features);
  if (status_.history.size() <= kMostPoints) return;
  for (std::size_t i = 0; i < status_.history.size() / 2; ++i)
    status_.history[i] = status_.history[2 * i + 1];
  status_.history.resize(status_.history.size() / 2);
  points_apart_ *= 2;
}

void Ledger::tell(std::uint64_t inputs, std::size_t corpus) {
  const Nanoseconds at = monotonic_now();
  // The last time may come at once after the one before it: that is no time to measure.
  if (const double seconds = std::chrono::duration<double>(at - told_at_).count(); seconds > 0.5)
    status_.rate = static_cast<double>(inputs - status_.inputs) / seconds;
  told_at_ = at;
  if (corpus > status_.corpus) new_at_ = at;
  status_.took = at - began_;
  status_.inputs = inputs;
  status_.corpus = corpus;
  status_.findings = findings_.size();
  status_.since_new = at - new_at_;
  draw(status_.features);
  const CampaignTotals totals{.inputs = before_.inputs + inputs,
                              .milliseconds = before_.milliseconds + milliseconds_of(status_.took),
                              .features = std::max(before_.features, status_.features)};
  if (const Result<void> written = folder_->write_totals(totals, target_->name); !written)
    observer_->note(to_string(written.error()));
  observer_->at(status_);
}

CampaignResult Ledger::result(std::string why_not) const {
  CampaignResult result{.status = status_,
                        .findings = findings_,
                        .fresh = fresh_,
                        .why_not = std::move(why_not),
                        .was_interrupted = *interrupted_};
  rank(result.findings);
  return result;
}

}  // namespace sockdrill
