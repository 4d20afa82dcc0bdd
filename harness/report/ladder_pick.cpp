// Which events a person needs to see to understand one finding: those of its case, of the clients
// that matter, with runs of pieces merged and whatever is far from the divergence folded away.

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/report/ladder.h"
#include "harness/report/visible.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostWholeRows = 30;  // ladders up to here are shown whole
constexpr std::size_t kRowsAtBegin = 4;     // kept of a longer one: how it began ...
constexpr std::size_t kRowsBefore = 14;     // ... what led to the divergence ...
constexpr std::size_t kRowsAfter = 5;       // ... and what came of it
constexpr std::size_t kMostEvidence = 12;   // kept elsewhere
constexpr std::size_t kMostClients = 3;

std::map<int, const PlannedStep*> steps_by_id(const Plan& plan) {
  std::map<int, const PlannedStep*> steps;
  for (const Script* script : scripts_of(plan)) {
    for (const PlannedStep& step : *script) steps.emplace(step.id, &step);
  }
  return steps;
}

/// The events of the finding's case, [begin, end); all of them when there is no such case.
struct Section {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Section section_of(const Recording& recording, const Finding* finding) {
  const std::vector<Event>& events = recording.events;
  const auto is_begin = [](const Event& e) { return e.kind == Kind::case_began; };
  const auto begin = std::find_if(events.begin(), events.end(), [&](const Event& e) {
    return finding != nullptr && is_begin(e) &&
           e.number == static_cast<std::uint64_t>(std::max(finding->case_index, 0));
  });
  if (begin == events.end()) return {.begin = 0, .end = events.size()};
  const auto end = std::find_if(begin + 1, events.end(), is_begin);
  return {.begin = static_cast<std::size_t>(begin - events.begin()),
          .end = static_cast<std::size_t>(end - events.begin())};
}

bool is_shown(const Event& event) {
  switch (event.kind) {
    case Kind::case_began:
    case Kind::step_began:
    case Kind::sampled:
    case Kind::observed:
    case Kind::measured_quiet:
      return false;
    case Kind::step_ended:
      return event.text != "done" && event.text != "met";
    case Kind::probed:
      return event.text == "began";
    default:
      return true;
  }
}

class Picker final {
 public:
  Picker(const Recording& recording, const Plan& plan, const Finding* finding)
      : events_(recording.events),
        steps_(steps_by_id(plan)),
        finding_(finding),
        section_(section_of(recording, finding)) {
    if (finding == nullptr) return;
    for (const std::size_t index : finding->evidence) {
      if (index < events_.size() && is_proof(events_[index])) evidence_.insert(index);
    }
    choose_mark();
    if (is_measured_by_samples(finding->rule)) add_samples();
  }

  PickedRows pick() {
    choose_clients();
    add_server_start();
    for (const std::size_t index : evidence_) {
      if (index < section_.begin) add(index);
    }
    for (std::size_t i = section_.begin; i < section_.end; ++i) {
      if (!is_told_already(i) && (evidence_.contains(i) || (is_shown(events_[i]) && !is_dull(i))))
        add(i);
    }
    for (const std::size_t index : evidence_) {
      if (index >= section_.end) add(index);
    }
    fold();
    return std::move(picked_);
  }

 private:
  /// The frame that the harness puts around what happens proves nothing itself.
  static bool is_proof(const Event& event) {
    return event.kind != Kind::step_began && event.kind != Kind::case_began &&
           event.kind != Kind::round_began && event.kind != Kind::probed;
  }

  static bool is_measured_by_samples(std::string_view rule) {
    constexpr std::array<std::string_view, 6> rules{"invariant/descriptors", "invariant/threads",
                                                    "invariant/children",    "invariant/zombies",
                                                    "invariant/close-wait",  "invariant/memory"};
    return std::find(rules.begin(), rules.end(), rule) != rules.end();
  }

  /// The samples of the case, and the one before it. The last one shows the growth.
  void add_samples() {
    std::optional<std::size_t> before;
    for (std::size_t i = 0; i < section_.end; ++i) {
      if (events_[i].kind != Kind::sampled) continue;
      if (i < section_.begin) {
        before = i;
      } else {
        evidence_.insert(i);
        marked_ = i;
      }
    }
    if (before) evidence_.insert(*before);
  }

  /// The last proof; what ends a step only when there is nothing else in it.
  void choose_mark() {
    for (const std::size_t index : evidence_) {
      const bool is_end = events_[index].kind == Kind::step_ended;
      if (!is_end || !marked_ || events_[*marked_].kind == Kind::step_ended) marked_ = index;
    }
  }

  void choose_clients() {
    std::vector<std::string> names;
    std::map<std::string, std::size_t> events_of;
    // Who comes only after the divergence has no part in it.
    const std::size_t end = marked_ ? std::min(section_.end, *marked_ + 1) : section_.end;
    for (std::size_t i = section_.begin; i < end; ++i) {
      const Event& event = events_[i];
      if (event.lane == Lane::client && is_shown(event) && events_of[event.who]++ == 0)
        names.push_back(event.who);
    }
    if (finding_ != nullptr && !finding_->client.empty()) shown_.insert(finding_->client);
    for (const std::size_t index : evidence_) {
      if (events_[index].lane == Lane::client && shown_.size() < kMostClients)
        shown_.insert(events_[index].who);
    }
    if (marked_ && events_[*marked_].lane == Lane::client) shown_.insert(events_[*marked_].who);
    const auto is_missing = [&](const std::string& name) { return !shown_.contains(name); };
    const auto missing =
        static_cast<std::size_t>(std::count_if(names.begin(), names.end(), is_missing));
    const bool all_fit = shown_.size() + missing <= kMostClients;
    if (all_fit || shown_.empty()) {
      for (const std::string& name : names) {
        if (shown_.size() < kMostClients) shown_.insert(name);
      }
    }
    remark_on(names, events_of);
  }

  void remark_on(const std::vector<std::string>& names,
                 std::map<std::string, std::size_t>& events_of) {
    std::size_t clients = 0;
    std::size_t events = 0;
    std::string first;
    for (const std::string& name : names) {
      if (shown_.contains(name)) continue;
      if (clients++ < 3) first += (first.empty() ? "" : ", ") + visible(name);
      events += events_of[name];
    }
    if (clients == 0) return;
    picked_.remark = fmt::format("Not shown: {} ({}{}) with {}.", count_of(clients, "other client"),
                                 first, clients > 3 ? " ..." : "", count_of(events, "event"));
  }

  /// Where the server came from, when that was before the case.
  void add_server_start() {
    std::optional<std::size_t> started;
    std::optional<std::size_t> listening;
    for (std::size_t i = 0; i < section_.begin; ++i) {
      if (events_[i].lane != Lane::server || events_[i].who == "second") continue;
      if (events_[i].kind == Kind::started) started = i;
      if (events_[i].kind == Kind::listening) listening = i;
    }
    if (started && !evidence_.contains(*started)) add(*started);
    if (listening && !evidence_.contains(*listening)) add(*listening);
  }

  /// A socket that is opened to be connected at once.
  [[nodiscard]] bool is_dull(std::size_t index) const {
    if (events_[index].kind != Kind::opened) return false;
    const auto next = std::find_if(
        events_.begin() + static_cast<std::ptrdiff_t>(index) + 1, events_.end(),
        [&](const Event& e) { return e.lane == Lane::client && e.who == events_[index].who; });
    return next != events_.end() &&
           (next->kind == Kind::connected || next->kind == Kind::connect_failed);
  }

  /// The end of the step in which the marked event stands.
  [[nodiscard]] bool is_told_already(std::size_t index) const {
    return marked_ && marked_ != index && events_[index].kind == Kind::step_ended &&
           evidence_.contains(index);
  }

  void add(std::size_t index) {
    const Event& event = events_[index];
    const auto step = steps_.find(event.step);
    LadderRow row = row_of(event, step == steps_.end() ? nullptr : step->second);
    if (!row.client.empty() && !shown_.contains(row.client)) return;
    row.is_marked = marked_ == index;
    row.is_evidence = evidence_.contains(index);
    if (event.lane == Lane::client && std::find(picked_.clients.begin(), picked_.clients.end(),
                                                event.who) == picked_.clients.end())
      picked_.clients.push_back(event.who);
    if (!merge(row)) picked_.rows.push_back(std::move(row));
  }

  bool merge(const LadderRow& row) {
    if (picked_.rows.empty() || row.is_marked) return false;
    LadderRow& last = picked_.rows.back();
    const bool carries_octets = row.kind == Kind::sent || row.kind == Kind::received;
    if (!carries_octets || last.kind != row.kind || last.client != row.client ||
        last.text != row.text || last.is_marked)
      return false;
    last.content.append(row.content);
    last.events += 1;
    last.is_evidence = last.is_evidence || row.is_evidence;
    return true;
  }

  void fold() {
    std::vector<LadderRow>& rows = picked_.rows;
    if (rows.size() <= kMostWholeRows) return;
    const auto marked =
        std::find_if(rows.begin(), rows.end(), [](const LadderRow& r) { return r.is_marked; });
    const auto centre =
        marked == rows.end() ? rows.size() - 1 : static_cast<std::size_t>(marked - rows.begin());
    std::size_t evidence = 0;
    std::vector<bool> is_kept;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_near = i + kRowsBefore >= centre && i <= centre + kRowsAfter;
      const bool proves = rows[i].is_evidence && evidence++ < kMostEvidence;
      const bool is_death = rows[i].server_died && i <= centre;
      is_kept.push_back(i < kRowsAtBegin || is_near || proves || is_death);
    }
    leave_out(is_kept);
  }

  /// Puts one row in the place of those that are not kept; a single one takes no more room itself.
  void leave_out(const std::vector<bool>& is_kept) {
    std::vector<LadderRow>& rows = picked_.rows;
    std::vector<LadderRow> kept;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_alone = (i == 0 || is_kept[i - 1]) && (i + 1 == rows.size() || is_kept[i + 1]);
      if (is_kept[i] || (is_alone && rows[i].events == 1)) {
        kept.push_back(std::move(rows[i]));
      } else if (!kept.empty() && kept.back().shape == Shape::left_out) {
        kept.back().events += rows[i].events;
      } else {
        kept.push_back(LadderRow{.shape = Shape::left_out, .events = rows[i].events});
      }
    }
    rows = std::move(kept);
  }

  const std::vector<Event>& events_;
  std::map<int, const PlannedStep*> steps_;
  const Finding* finding_;
  Section section_;
  std::set<std::size_t> evidence_;
  std::optional<std::size_t> marked_;
  std::set<std::string> shown_;
  PickedRows picked_;
};

}  // namespace

PickedRows pick_rows(const Recording& recording, const Plan& plan, const Finding* finding) {
  return Picker(recording, plan, finding).pick();
}

}  // namespace sockdrill
