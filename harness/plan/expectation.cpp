#include "harness/plan/expectation.h"

#include <algorithm>

#include <fmt/format.h>

namespace sockdrill {

namespace {

using State = Expectation::State;

constexpr std::size_t kWindow = 48;  // octets around a difference that a person is shown
constexpr std::size_t kLongestReply = std::size_t{1} << 24U;

std::string size_of(const Content& content) {
  return count_of(static_cast<std::size_t>(content.size()), "byte");
}

bool end_fits(Then then, End end) {
  if (then == Then::fin) return end == End::fin;
  if (then == Then::reset) return end == End::reset;
  return then == Then::ended && end != End::none;
}

std::string describe_end(const Heard& heard) {
  if (heard.end == End::fin) return "fin";
  if (heard.end == End::reset) return "reset";
  return heard.is_firm_rest ? "nothing more: the server is at rest" : "nothing more so far";
}

}  // namespace

std::optional<PlannedExpect> greeting_of(const Dialogue& dialogue) {
  if (dialogue.greeting.empty()) return std::nullopt;
  return PlannedExpect{.one_of = {{.what = Outcome::What::reply, .reply = dialogue.greeting}},
                       .within_ms = std::nullopt};
}

Expectation::Expectation(const PlannedExpect& expect, SentSoFar sent, bool keeps_boundaries)
    : expect_(expect),
      sent_(std::move(sent)),
      keeps_boundaries_(keeps_boundaries),
      progress_(expect.one_of.size()) {}

const Content& Expectation::wanted(std::size_t index) const {
  static const Content nothing;
  const PlannedOutcome& outcome = expect_.one_of[index];
  if (outcome.what == Outcome::What::sent)
    return sent_.stream.has_urgent() ? progress_[index].echo : sent_.stream.octets();
  if (outcome.what == Outcome::What::message && outcome.is_sent)
    return sent_.messages.empty() ? nothing : sent_.messages.front();
  return outcome.content;
}

State Expectation::consider(const Heard& heard) {
  bool is_undecided = false;
  std::optional<std::size_t> met;
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    if (progress_[i].state == State::undecided) consider_one(i, heard);
    is_undecided = is_undecided || progress_[i].state == State::undecided;
    if (progress_[i].state != State::met) continue;
    if (!met || (expect_.one_of[*met].is_warning && !expect_.one_of[i].is_warning)) met = i;
  }
  if (met) {
    met_index_ = *met;
    taken_ = progress_[*met].taken;
    return State::met;
  }
  return is_undecided ? State::undecided : State::unmet;
}

void Expectation::consider_one(std::size_t index, const Heard& heard) {
  const PlannedOutcome& outcome = expect_.one_of[index];
  Progress& progress = progress_[index];
  const Content& received =
      keeps_boundaries_ && !heard.messages.empty() ? heard.messages.front() : heard.octets;
  const bool has_message = keeps_boundaries_ && !heard.messages.empty();
  const bool is_over = heard.end != End::none || heard.is_firm_rest;
  const auto miss = [&](std::string why, std::optional<std::uint64_t> at = std::nullopt) {
    progress.state = State::unmet;
    progress.why = std::move(why);
    progress.differs_at = at;
  };

  // First the octets.
  bool has_octets = false;
  switch (outcome.what) {
    case Outcome::What::unsaid:
      has_octets = true;
      progress.taken = keeps_boundaries_ ? heard.messages.size() : heard.octets.size();
      break;
    case Outcome::What::served:
      has_octets = heard.is_served;
      break;
    case Outcome::What::at_least:
      progress.good = std::min(outcome.number, received.size());
      has_octets = received.size() >= outcome.number;
      progress.taken = keeps_boundaries_ ? (has_message ? 1 : 0) : heard.octets.size();
      break;
    case Outcome::What::nothing:
      if (!heard.octets.empty() || has_message)
        return miss(fmt::format("{} came: {}", size_of(received), summary(received)), 0);
      has_octets = is_over;
      break;
    case Outcome::What::sent:
    case Outcome::What::octets:
    case Outcome::What::message: {
      if (outcome.what == Outcome::What::message && !has_message) break;
      if (outcome.what == Outcome::What::sent && sent_.stream.has_urgent())
        progress.echo = sent_.stream.echo_nearest_to(received);
      const Content& want = wanted(index);
      progress.good = agreement(want, received, progress.good);
      if (progress.good < std::min(want.size(), received.size()))
        return miss("a wrong octet", progress.good);
      has_octets = progress.good == want.size();
      progress.taken = keeps_boundaries_ ? 1 : want.size();
      if (has_message && received.size() != want.size())
        return miss(fmt::format("a message of {}", size_of(received)), progress.good);
      if (keeps_boundaries_ && !has_message) has_octets = false;
      break;
    }
    case Outcome::What::reply: {
      if (keeps_boundaries_ && !has_message) break;
      const Bytes octets = received.copy(0, kLongestReply);
      const ReplyMatch match = match_reply(outcome.reply, outcome.values, octets);
      progress.good = match.state == ReplyMatch::State::mismatch ? match.differs_at : octets.size();
      if (match.state == ReplyMatch::State::mismatch)
        return miss("a wrong octet where " + match.expected + " must stand", match.differs_at);
      has_octets = match.state == ReplyMatch::State::complete;
      if (has_message && !has_octets)
        return miss("the message ends where " + match.expected + " must stand", octets.size());
      if (has_message && match.taken != octets.size())
        return miss(fmt::format("{} too many in the message",
                                count_of(octets.size() - match.taken, "octet")),
                    match.taken);
      progress.taken = keeps_boundaries_ ? 1 : match.taken;
      if (has_octets) progress.good = match.taken;
      break;
    }
  }
  if (!has_octets) {
    if (is_over) miss(describe_end(heard), progress.good);
    return;
  }

  // Then the end.
  const bool wants_end =
      outcome.then == Then::fin || outcome.then == Then::reset || outcome.then == Then::ended;
  const bool knows_length = outcome.what != Outcome::What::unsaid &&
                            outcome.what != Outcome::What::at_least &&
                            outcome.what != Outcome::What::served;
  if (wants_end && knows_length && !keeps_boundaries_ && heard.octets.size() > progress.taken) {
    return miss(fmt::format("{} more than that",
                            count_of(static_cast<std::size_t>(heard.octets.size() - progress.taken),
                                     "octet")),
                progress.taken);
  }
  if (wants_end && heard.end != End::none && !end_fits(outcome.then, heard.end))
    return miss(describe_end(heard));
  if (wants_end && heard.end == End::none) {
    if (heard.is_firm_rest) miss("no end: the connection is still open, and the server is at rest");
    return;
  }
  if (outcome.then == Then::open) {
    if (heard.end != End::none) return miss(describe_end(heard));
    if (!heard.is_firm_rest) return;
  }
  progress.state = State::met;
}

void Expectation::use_up(Heard& heard, SentSoFar& sent) const {
  const PlannedOutcome& outcome = expect_.one_of[met_index_];
  if (keeps_boundaries_) {
    for (std::uint64_t i = 0; i < taken_ && !heard.messages.empty(); ++i)
      heard.messages.pop_front();
    if (outcome.is_sent && !sent.messages.empty())
      sent.messages.pop_front();
    else
      sent = SentSoFar{};
    return;
  }
  SentSoFar after;
  if (outcome.what == Outcome::What::sent)
    after.stream = sent.stream.after_echo(heard.octets.slice(0, taken_));
  sent = std::move(after);
  heard.octets.drop_front(taken_);
}

Miss Expectation::nearest_miss(const Heard& heard) const {
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < progress_.size(); ++i) {
    const bool is_nearer = progress_[i].good > progress_[nearest].good;
    if (is_nearer) nearest = i;
  }
  const Progress& progress = progress_[nearest];
  const Content& received =
      keeps_boundaries_ && !heard.messages.empty() ? heard.messages.front() : heard.octets;
  Miss miss{.expected = describe(expect_)};
  const std::string came = received.empty() ? "nothing" : summary(received);
  const std::string end =
      keeps_boundaries_ && !heard.messages.empty() ? "" : ", then " + describe_end(heard);
  miss.actual = received.empty() && heard.end == End::none ? describe_end(heard) : came + end;
  if (received.empty() && heard.end != End::none)
    miss.actual = describe_end(heard) + " before any octet";
  miss.differs_at = progress.differs_at;
  const PlannedOutcome& outcome = expect_.one_of[nearest];
  const bool is_about_octets =
      outcome.what == Outcome::What::sent || outcome.what == Outcome::What::octets ||
      outcome.what == Outcome::What::message || outcome.what == Outcome::What::reply;
  if (!miss.differs_at || !is_about_octets) return miss;
  Content want = wanted(nearest);
  if (outcome.what == Outcome::What::reply) want = Content(render(outcome.reply, outcome.values));
  miss.window_from =
      *miss.differs_at - std::min<std::uint64_t>(*miss.differs_at % 16 + 16, *miss.differs_at);
  miss.expected_octets = want.copy(miss.window_from, kWindow);
  miss.actual_octets = received.copy(miss.window_from, kWindow);
  return miss;
}

}  // namespace sockdrill
