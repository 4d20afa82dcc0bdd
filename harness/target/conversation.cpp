#include "harness/target/conversation.h"

#include <fmt/format.h>

namespace sockdrill {

Conversation::Conversation(const Dialogue& dialogue, Transport transport)
    : dialogue_(&dialogue), has_messages_(keeps_boundaries(transport)) {
  if (dialogue.style == Style::echo || dialogue.style == Style::source) give_up();
  if (!is_connected(transport)) return;
  if (!dialogue.greeting.empty()) owed_.push_back({&dialogue.greeting, {}});
  if (dialogue.style == Style::announce) owe(dialogue.exchanges.front(), {});
}

void Conversation::owe(const Exchange& exchange, FieldValues values) {
  owed_.push_back({&exchange.reply, std::move(values)});
  is_over_ = exchange.then_fin && !has_messages_;
}

void Conversation::note_sent(std::string_view octets) {
  if (!is_known_ || is_over_ || dialogue_->style != Style::request_reply) return;
  unanswered_ += octets;
  std::size_t at = 0;
  do {
    std::optional<RequestMatch> found;
    const Exchange* of = nullptr;
    std::size_t possible = 0;
    for (const Exchange& exchange : dialogue_->exchanges) {
      RequestMatch match =
          match_request(exchange, std::string_view(unanswered_).substr(at), has_messages_);
      if (match.state == RequestMatch::State::mismatch) continue;
      ++possible;
      if (match.state != RequestMatch::State::complete) continue;
      found = std::move(match);
      of = &exchange;
    }
    const bool is_none = possible == 0 || (has_messages_ && !found);
    const bool is_one_of_several = found && possible > 1;
    if (is_none || is_one_of_several) return give_up();
    if (!found) break;
    at += found->taken;
    owe(*of, std::move(found->values));
    ++asked_;
  } while (at < unanswered_.size() && !is_over_);
  unanswered_.erase(0, at);
}

std::optional<std::string> Conversation::note_received(std::string_view octets,
                                                       bool may_be_missing) {
  if (!is_known_) return std::nullopt;
  if (has_messages_) return take_message(octets, may_be_missing);
  heard_ += octets;
  return take_stream(may_be_missing);
}

std::optional<std::string> Conversation::take_message(std::string_view message,
                                                      bool may_be_missing) {
  std::string why = fmt::format("a message of {} octets that nobody has asked for", message.size());
  while (!owed_.empty()) {
    const Reply& reply = owed_.front();
    const ReplyMatch match = match_reply(*reply.parts, reply.values, message);
    const bool is_it = match.state == ReplyMatch::State::complete && match.taken == message.size();
    // {any} may be nothing, which a stream cannot tell from what is still to come.
    const bool may_be_empty = message.empty() && reply.parts->size() == 1 &&
                              reply.parts->front().kind == Part::Kind::any &&
                              !reply.parts->front().count;
    if (!is_it && !may_be_empty)
      why = "a message that is not the reply to its request: expected " + match.expected;
    owed_.pop_front();
    if (is_it || may_be_empty) return std::nullopt;
    if (!may_be_missing) break;
  }
  return complain(std::move(why));
}

std::optional<std::string> Conversation::take_stream(bool may_be_missing) {
  std::size_t at = 0;
  while (at < heard_.size()) {
    // The server may see an end where the dialogue sees none yet: redis takes a bare LF for one.
    if (owed_.empty() && unanswered_.find_first_of("\r\n") != Bytes::npos) {
      give_up();
      return std::nullopt;
    }
    if (owed_.empty())
      return complain(fmt::format("{} octets that nobody has asked for", heard_.size() - at));
    const Reply& reply = owed_.front();
    const ReplyMatch match =
        match_reply(*reply.parts, reply.values, std::string_view(heard_).substr(at));
    if (match.state == ReplyMatch::State::needs_more) break;
    if (match.state == ReplyMatch::State::mismatch && (!may_be_missing || owed_.size() == 1))
      return complain("what came is not the reply to its request: expected " + match.expected);
    if (match.state == ReplyMatch::State::complete) at += match.taken;
    owed_.pop_front();
  }
  heard_.erase(0, at);
  return std::nullopt;
}

std::optional<std::string> Conversation::complain(std::string what) {
  give_up();
  return what;
}

}  // namespace sockdrill
