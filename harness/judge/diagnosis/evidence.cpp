#include "harness/judge/diagnosis/evidence.h"

#include <algorithm>

namespace sockdrill {

Evidence::Evidence(const Plan& plan, const Recording& recording, const Finding& finding,
                   bool is_first)
    : plan_(plan), recording_(recording), finding_(finding), is_first_(is_first) {
  const std::size_t last = recording.events.empty() ? 0 : recording.events.size() - 1;
  at_ = finding.evidence.empty() ? last : std::min(last, finding.evidence.back());
  for (std::size_t i = 0; i <= at_ && i < recording.events.size(); ++i) {
    if (recording.events[i].kind == Kind::case_began) case_began_ = i;
  }
  gather_talks();
  find_snapshot();
  gather_output();
}

void Evidence::gather_talks() {
  std::map<std::string, std::size_t> open;
  int case_index = -1;
  for (std::size_t i = 0; i <= at_ && i < recording_.events.size(); ++i) {
    const Event& event = recording_.events[i];
    if (event.kind == Kind::case_began) case_index = static_cast<int>(event.number);
    if (event.lane != Lane::client) continue;
    if (event.kind == Kind::opened) {
      Talk talk{.client = event.who, .case_index = case_index, .opened_at = i};
      talk.is_helper = event.who == "warm-up" || event.who == "probe";
      if (event.step >= 0) {
        const PlannedAction& action = step_of(plan_, event.step).action;
        const auto* opening = std::get_if<Open>(&action);
        const auto* connecting = std::get_if<Connect>(&action);
        talk.is_unnamed = (opening != nullptr && opening->from.is_unnamed) ||
                          (connecting != nullptr && connecting->from.is_unnamed);
      }
      open[event.who] = talks_.size();
      talks_.push_back(std::move(talk));
      continue;
    }
    const auto found = open.find(event.who);
    if (found == open.end()) continue;
    Talk& talk = talks_[found->second];
    switch (event.kind) {
      case Kind::sent:
        talk.sent_at.push_back(i);
        talk.sent.append(event.content, ends_urgent(event));
        break;
      case Kind::received:
        talk.received_at.push_back(i);
        talk.received.append(event.content);
        break;
      case Kind::send_failed:
        talk.was_refused = talk.was_refused || name_of(event.error) == "ECONNREFUSED";
        break;
      case Kind::shut_down:
        if (event.text != "read" && !talk.half_closed_at) talk.half_closed_at = i;
        break;
      case Kind::ended:
        talk.ended_at = i;
        talk.end = event.text == "fin" ? End::fin : End::reset;
        break;
      case Kind::closed:
      case Kind::was_reset:
        talk.left_at = i;
        talk.has_reset = event.kind == Kind::was_reset;
        break;
      default:
        break;
    }
  }
}

void Evidence::find_snapshot() {
  const std::vector<Event>& events = recording_.events;
  // A spin is measured first, and looked at then.
  if (finding_.rule == "invariant/quiet-cpu") {
    for (std::size_t i = at_; i < events.size() && snapshot_ == nullptr; ++i) {
      if (events[i].snapshot) snapshot_ = &*events[i].snapshot;
    }
    return;
  }
  for (std::size_t i = std::min(at_ + 1, events.size()); i-- > case_began_;) {
    const Event& event = events[i];
    if (!event.snapshot || (finding_.step >= 0 && event.step != finding_.step)) continue;
    if (finding_.step < 0 && event.text != "grown") continue;
    snapshot_ = &*event.snapshot;
    return;
  }
}

void Evidence::gather_output() {
  // It is put onto the timeline after the end of the instance that wrote it.
  const std::vector<Event>& events = recording_.events;
  for (std::size_t i = at_; i < events.size(); ++i) {
    if (events[i].kind == Kind::started && events[i].who == "server" && i > at_) return;
    if (events[i].kind == Kind::wrote && events[i].text == "stderr" && events[i].who == "server")
      output_ += octets_of(events[i].content);
  }
}

const PlannedStep* Evidence::step() const {
  return finding_.step < 0 ? nullptr : &step_of(plan_, finding_.step);
}

const Talk* Evidence::talk() const {
  for (auto talk = talks_.rbegin(); talk != talks_.rend(); ++talk) {
    if (talk->client == finding_.client) return &*talk;
  }
  return nullptr;
}

std::vector<std::size_t> Evidence::received_from(const Talk& talk) const {
  std::vector<std::size_t> received;
  for (std::size_t i = talk.opened_at + 1; i < recording_.events.size(); ++i) {
    const Event& event = recording_.events[i];
    if (event.lane != Lane::client || event.who != talk.client) continue;
    const bool is_next = event.kind == Kind::opened || (event.kind == Kind::sent && i > at_);
    if (is_next) break;
    if (event.kind == Kind::received) received.push_back(i);
  }
  return received;
}

bool Evidence::is_served_later() const {
  for (std::size_t i = at_; i < recording_.events.size(); ++i) {
    const Event& event = recording_.events[i];
    if (event.kind == Kind::received && event.who == "probe") return true;
  }
  return false;
}

bool Evidence::expects_end() const {
  const PlannedStep* expecting = step();
  const auto* expect =
      expecting == nullptr ? nullptr : std::get_if<PlannedExpect>(&expecting->action);
  return expect != nullptr &&
         std::all_of(expect->one_of.begin(), expect->one_of.end(),
                     [](const PlannedOutcome& o) { return o.then != Then::unsaid; });
}

const Snapshot* Evidence::asleep() const {
  if (snapshot_ == nullptr || snapshot_->tasks.empty()) return nullptr;
  const bool all = std::all_of(snapshot_->tasks.begin(), snapshot_->tasks.end(),
                               [](const TaskSeen& t) { return t.state == "S"; });
  return all ? snapshot_ : nullptr;
}

const Resources* Evidence::baseline() const { return baseline_before(recording_, at_); }

std::vector<const Resources*> Evidence::samples_of_case() const {
  std::vector<const Resources*> samples;
  for (std::size_t i = 0; i <= at_ && i < recording_.events.size(); ++i) {
    const Event& event = recording_.events[i];
    if (event.kind != Kind::sampled || event.text == "step") continue;
    if (i < case_began_) samples.clear();
    samples.push_back(&*event.resources);
  }
  return samples;
}

const Event* Evidence::in_case(Kind kind, std::string_view who) const {
  for (std::size_t i = case_began_; i <= at_ && i < recording_.events.size(); ++i) {
    const Event& event = recording_.events[i];
    if (event.kind == kind && (who.empty() || event.who == who)) return &event;
  }
  return nullptr;
}

const Event* Evidence::last_in_case(Kind kind, std::string_view who) const {
  for (std::size_t i = std::min(at_ + 1, recording_.events.size()); i-- > case_began_;) {
    const Event& event = recording_.events[i];
    if (event.kind == kind && (who.empty() || event.who == who)) return &event;
  }
  return nullptr;
}

const Event* Evidence::death() const {
  return is("invariant/alive") && at_ < recording_.events.size() ? &recording_.events[at_]
                                                                 : nullptr;
}

bool Evidence::says(std::string_view word) const { return output_.find(word) != std::string::npos; }

std::string Evidence::listens_at() const {
  for (std::size_t i = std::min(at_ + 1, recording_.events.size()); i-- > 0;) {
    const Event& event = recording_.events[i];
    if (event.kind == Kind::listening && event.who == "server") return event.text;
  }
  return "";
}

std::string number(std::uint64_t value) { return with_separators(static_cast<std::size_t>(value)); }

Bytes octets_of(const Content& content) {
  constexpr std::uint64_t kMost = std::uint64_t{4} << 20U;
  return content.copy(0, static_cast<std::size_t>(std::min(content.size(), kMost)));
}

bool is_beginning(const Content& part, const Content& whole) {
  return part.size() < whole.size() && agreement(part, whole, 0) == part.size();
}

const SocketSeen* find_waiting(const Snapshot& snapshot, std::string_view state) {
  const auto found =
      std::find_if(snapshot.sockets.begin(), snapshot.sockets.end(),
                   [&](const SocketSeen& s) { return s.state == state && s.unread > 0; });
  return found == snapshot.sockets.end() ? nullptr : &*found;
}

}  // namespace sockdrill
