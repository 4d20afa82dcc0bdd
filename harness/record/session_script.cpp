#include "harness/record/session_script.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/check.h"
#include "harness/base/utf8.h"
#include "harness/fuzz/compact.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

// An octet is at most two characters of JSON ("\n", or two digits), an event at most three steps
// with little else.
constexpr std::size_t kTextOfAnEvent = 160;
constexpr std::size_t kMostText = kLargestDocument - 4096;

constexpr std::size_t kLongestStem = 64;  // of an id

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 2)
    return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
  return (first < 0x20 && first != '\r' && first != '\n' && first != '\t') || first == 0x7f;
}

bool is_readable(std::string_view octets) {
  for (std::size_t at = 0; at < octets.size();) {
    const std::size_t length = utf8_length(octets, at);
    if (length == 0 || is_control(octets.substr(at, length))) return false;
    at += length;
  }
  return true;
}

}  // namespace

SessionScript::SessionScript(Transport transport, Template greeting)
    : transport_(transport), greeting_(std::move(greeting)) {}

void SessionScript::add(const SessionEvent& event) {
  if (!has_room_for(event)) return;
  Conversation& conversation = conversation_at(event.connection);
  if (conversation.is_over) return;
  switch (event.kind) {
    case SessionEvent::Kind::connected:
      return act(event.connection, Connect{});
    case SessionEvent::Kind::client_sent:
      return act(event.connection, Send{.payload = payload_of(event.octets)});
    case SessionEvent::Kind::client_ended:
      return end_client(event.connection);
    case SessionEvent::Kind::client_reset:
      act(event.connection, Reset{});
      conversation.is_over = true;
      return;
    case SessionEvent::Kind::server_sent:
      return hear(event.connection, event.octets);
    case SessionEvent::Kind::server_ended:
      return end_server(event.connection, Then::fin);
    case SessionEvent::Kind::server_reset:
      return end_server(event.connection, Then::reset);
  }
}

SessionScript::Conversation& SessionScript::conversation_at(std::size_t connection) {
  SOCKDRILL_CHECK(connection <= conversations_.size(), "connections are counted from 0");
  if (connection == conversations_.size())
    conversations_.push_back(Conversation{.is_greeting_due = !greeting_.empty()});
  return conversations_[connection];
}

bool SessionScript::has_room_for(const SessionEvent& event) {
  const bool is_only_counted = event.kind == SessionEvent::Kind::server_sent &&
                               event.connection < conversations_.size() &&
                               conversations_[event.connection].length > kLongestAnswer;
  if (!is_only_counted) text_size_ += kTextOfAnEvent + 2 * event.octets.size();
  is_full_ = is_full_ || text_size_ > kMostText;
  return !is_full_;
}

void SessionScript::hear(std::size_t connection, const Bytes& octets) {
  if (keeps_boundaries(transport_)) {
    add_step(
        connection,
        Expect{.one_of = {Outcome{.what = Outcome::What::message, .payload = payload_of(octets)}}});
    if (unanswered_ == connection) unanswered_.reset();
    return;
  }
  Conversation& conversation = conversations_[connection];
  const bool was_kept = conversation.length <= kLongestAnswer;
  conversation.length += octets.size();
  if (conversation.length <= kLongestAnswer) {
    conversation.answer += octets;
    if (conversation.is_greeting_due) take_greeting(conversation);
  } else if (was_kept) {
    text_size_ -= 2 * conversation.answer.size();
    conversation.answer.clear();
    conversation.is_greeting_due = false;
    ++shortened_;
  }
}

/// Nothing happens as long as it has come in part only.
void SessionScript::take_greeting(Conversation& conversation) const {
  const ReplyMatch match = match_reply(greeting_, {}, conversation.answer);
  if (match.state == ReplyMatch::State::needs_more) return;
  conversation.is_greeting_due = false;
  if (match.state == ReplyMatch::State::mismatch) return;
  conversation.answer.erase(0, match.taken);
  conversation.length -= match.taken;
}

void SessionScript::act(std::size_t connection, ClientAction action) {
  expect_answers(connection);
  if (unanswered_) steps_.push_back(Step{.what = ServerStep{Settled{}}});
  unanswered_ = connection;
  if (std::holds_alternative<Connect>(action)) unanswered_.reset();
  add_step(connection, std::move(action));
}

void SessionScript::end_client(std::size_t connection) {
  Conversation& conversation = conversations_[connection];
  conversation.has_client_ended = true;
  if (!conversation.has_server_ended) return act(connection, Shutdown{});
  act(connection, Close{});
  conversation.is_over = true;
}

void SessionScript::end_server(std::size_t connection, Then then) {
  Conversation& conversation = conversations_[connection];
  // An end comes once: what a reset adds to it, nobody can read.
  if (!conversation.has_server_ended) expect_answer(connection, then);
  conversation.has_server_ended = true;
  if (then == Then::fin && !conversation.has_client_ended) return;
  add_step(connection, Close{});
  conversation.is_over = true;
}

void SessionScript::expect_answers(std::size_t acting) {
  for (std::size_t i = 0; i < conversations_.size(); ++i) {
    const Conversation& conversation = conversations_[i];
    if (conversation.length == 0 || conversation.is_greeting_due) continue;
    // The first part of an answer that is counted only would take the second one for its own.
    const bool may_be_in_parts = conversation.length <= kLongestAnswer;
    if (may_be_in_parts || i == acting) expect_answer(i, Then::unsaid);
  }
}

void SessionScript::expect_answer(std::size_t connection, Then then) {
  Conversation& conversation = conversations_[connection];
  const bool is_kept = conversation.length <= kLongestAnswer;
  Outcome outcome{.what = is_kept ? Outcome::What::octets : Outcome::What::at_least, .then = then};
  if (is_kept) outcome.payload = payload_of(conversation.answer);
  if (!is_kept) outcome.number = std::min(conversation.length, kMostOctets);
  add_step(connection, Expect{.one_of = {std::move(outcome)}});
  conversation.answer.clear();
  conversation.length = 0;
  conversation.is_greeting_due = false;
  if (unanswered_ == connection) unanswered_.reset();
}

void SessionScript::add_step(std::size_t connection, ClientAction action) {
  steps_.push_back(
      Step{.what = ClientStep{.client = client_name(connection), .action = std::move(action)}});
}

Scenario SessionScript::scenario(const std::string& id, const std::string& speaks) const {
  SessionScript whole = *this;
  for (std::size_t i = 0; i < whole.conversations_.size(); ++i) whole.expect_answers(i);
  Scenario scenario{.id = id};
  scenario.summary =
      fmt::format("{} served as when this was recorded",
                  clients() == 1 ? "A client is" : fmt::format("{} clients are", clients()));
  scenario.applies.transport = {transport_};
  if (!speaks.empty()) scenario.applies.speaks = {speaks};
  scenario.steps = std::move(whole.steps_);
  return scenario;
}

Payload payload_of(const Bytes& octets) {
  return {.kind = is_readable(octets) ? Payload::Kind::text : Payload::Kind::hex, .bytes = octets};
}

std::string recorded_id(const std::string& file) {
  std::string stem = std::filesystem::path(file).stem();
  stem.resize(std::min(stem.size(), kLongestStem));
  for (char& c : stem) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) c = '-';
  }
  return "recorded/" + (stem.empty() ? "session" : stem);
}

}  // namespace sockdrill
