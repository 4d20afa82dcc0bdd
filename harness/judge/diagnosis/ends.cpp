// The connection ended wrongly or too early: told by how it ended, and when.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

/// The conversation of the finding, which the server has ended; nobody has reset it.
const Talk* ended_talk(const Evidence& evidence) {
  const bool is_tcp = evidence.target().transport == Transport::tcp;
  const Talk* talk = evidence.talk();
  const bool is_it = is_tcp && evidence.is_first() && evidence.is("step") && talk != nullptr &&
                     talk->end != End::none && !talk->has_reset;
  return is_it ? talk : nullptr;
}

bool is_mapped_ipv4(const Evidence& evidence, const Talk& talk) {
  for (std::size_t i = talk.opened_at; i <= evidence.at(); ++i) {
    const Event& event = evidence.event(i);
    if (event.kind == Kind::connected && event.who == talk.client)
      return event.text.find("::ffff:") != std::string::npos;
  }
  return false;
}

/// Clients that were answered in full and left in order: how the server ended them.
bool usually_ends_by(const Evidence& evidence, End end) {
  return std::any_of(evidence.talks().begin(), evidence.talks().end(),
                     [&](const Talk& t) { return t.is_helper && t.end == end && !t.has_reset; });
}

Nanoseconds silence_before_end(const Evidence& evidence, const Talk& talk) {
  std::size_t last = talk.opened_at;
  if (!talk.sent_at.empty()) last = std::max(last, talk.sent_at.back());
  if (!talk.received_at.empty()) last = std::max(last, talk.received_at.back());
  return evidence.event(*talk.ended_at).at - evidence.event(last).at;
}

double seconds(Nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

Found find_linger(const Evidence& evidence) {
  const Talk* talk = ended_talk(evidence);
  if (talk == nullptr || talk->end != End::reset) return {};
  if (!usually_ends_by(evidence, End::reset) || usually_ends_by(evidence, End::fin)) return {};
  return "every connection ends by a reset, also where the client had been answered in full and "
         "had left in order";
}

Found find_unread(const Evidence& evidence) {
  const Talk* talk = ended_talk(evidence);
  if (talk == nullptr || talk->end != End::reset || talk->sent.empty()) return {};
  if (!usually_ends_by(evidence, End::fin) || is_mapped_ipv4(evidence, *talk)) return {};
  const bool is_source = evidence.target().speaks.style == Style::source ||
                         evidence.target().speaks.style == Style::announce;
  const bool is_unanswered = talk->half_closed_at && talk->received.empty();
  if (!is_source && !is_unanswered) return {};
  if (silence_before_end(evidence, *talk) > 1s) return {};
  return fmt::format("client {} sent {}, and the server's close() became a reset", talk->client,
                     count_of(static_cast<std::size_t>(talk->sent.size()), "octet"));
}

/// The client half-closed, and the server closed in order before the reply was complete: how much
/// of it had come.
std::optional<std::uint64_t> cut_reply(const Evidence& evidence) {
  const Talk* talk = ended_talk(evidence);
  if (talk == nullptr || talk->end != End::fin || !talk->half_closed_at || talk->sent.empty())
    return {};
  if (*talk->ended_at < *talk->half_closed_at) return {};
  const bool is_echo = evidence.target().speaks.style == Style::echo;
  const bool is_cut = is_echo && is_beginning(talk->received, talk->echo());
  if (!is_cut && !talk->received.empty()) return {};
  return talk->received.size();
}

/// More than the kernel's buffers take: then output waited inside the server.
bool is_long(const Talk& talk) { return talk.sent.size() > 100000; }

std::string words_of_cut(const Talk& talk, std::uint64_t came) {
  return fmt::format(
      "client {} sent its request and its end, and the server closed after {} of the reply",
      talk.client, came == 0 ? "nothing" : count_of(static_cast<std::size_t>(came), "octet"));
}

Found find_dropped(const Evidence& evidence) {
  const std::optional<std::uint64_t> came = cut_reply(evidence);
  if (!came || is_long(*evidence.talk())) return {};
  return words_of_cut(*evidence.talk(), *came);
}

Found find_cut_short(const Evidence& evidence) {
  const std::optional<std::uint64_t> came = cut_reply(evidence);
  if (!came || !is_long(*evidence.talk())) return {};
  return words_of_cut(*evidence.talk(), *came);
}

/// Everything that was sent has been answered, or needs no answer.
bool is_even(const Evidence& evidence, const Talk& talk) {
  const Style style = evidence.target().speaks.style;
  return style == Style::sink || (style == Style::echo && talk.echo() == talk.received);
}

Found find_idle(const Evidence& evidence) {
  const Talk* talk = ended_talk(evidence);
  if (talk == nullptr || talk->half_closed_at || !is_even(evidence, *talk)) return {};
  const Nanoseconds silence = silence_before_end(evidence, *talk);
  if (silence < 1s) return {};
  return fmt::format("client {} was silent for {:.1f} s, and the server ended the connection",
                     talk->client, seconds(silence));
}

Found find_gave_up(const Evidence& evidence) {
  const Talk* talk = ended_talk(evidence);
  if (talk == nullptr || talk->half_closed_at || talk->sent_at.empty()) return {};
  if (evidence.target().speaks.style != Style::echo || talk->received_at.empty()) return {};
  const Nanoseconds pause =
      evidence.event(talk->received_at.front()).at - evidence.event(talk->sent_at.back()).at;
  if (pause < 1s || !is_beginning(talk->received, talk->echo())) return {};
  return fmt::format(
      "client {} did not read for {:.1f} s, and the server ended the connection with {} octets of "
      "the reply missing",
      talk->client, seconds(pause), number(talk->echo().size() - talk->received.size()));
}

Found find_mapped(const Evidence& evidence) {
  const Talk* talk = ended_talk(evidence);
  if (talk == nullptr || !is_mapped_ipv4(evidence, *talk) || !talk->received.empty()) return {};
  const bool serves_ipv6 =
      std::any_of(evidence.talks().begin(), evidence.talks().end(), [&](const Talk& t) {
        return t.is_helper && t.end == End::fin && !is_mapped_ipv4(evidence, t);
      });
  if (!serves_ipv6) return {};
  return "an IPv4 client of the IPv6 socket was turned away, and IPv6 clients are served";
}

constexpr std::array<DiagnosisRule, 7> kRulesOfEnds{
    {{"linger-zero", "also clients that were served, and left in order, are ended by a reset",
      "SO_LINGER {1, 0} makes every close() a reset, which takes the replies on their way with it: "
      "leave it out",
      "socket(7), RFC 9293 3.10.4", find_linger},
     {"closed-with-unread-input",
      "a client that sent something is ended by a reset; others are ended in order",
      "close() with input unread resets the connection, and the reset takes the reply with it: "
      "read "
      "to the end first",
      "RFC 1122 4.2.2.13, RFC 2525 2.17", find_unread},
     {"reply-dropped-at-half-close",
      "the client half-closed after its request; the server closed in order, the reply incomplete",
      "the end of what a client sends does not end what it wants to read: finish the reply, then "
      "close",
      "RFC 9293 3.6, shutdown(2)", find_dropped},
     {"reply-cut-short", "the same, where more was sent than the kernel's buffers take",
      "either what waits to be sent is thrown away at the client's end, or what a short send() did "
      "not take: all of it must be sent before the connection is closed",
      "RFC 9293 3.6, send(2)", find_cut_short},
     {"idle-timeout", "a second or more of silence, all answered; the server ends the connection",
      "idle connections are ended after some time that the server does not declare "
      "(\"idle_timeout_ms\")",
      "RFC 1122 4.2.3.6", find_idle},
     {"slow-reader-given-up",
      "the client did not read for a second or more; the server ends the connection in mid-reply",
      "a client whose window is closed is given up: it may stay closed for as long as the client "
      "likes, unless the server declares a limit",
      "RFC 9293 3.8.6.1, socket(7) SO_SNDTIMEO", find_gave_up},
     {"ipv4-mapped-refused", "an IPv4 client of an IPv6 socket is ended; IPv6 clients are served",
      "an IPv4 client of an IPv6 socket has an address like ::ffff:127.0.0.1: compare addresses, "
      "not their text",
      "ipv6(7), RFC 4291 2.5.5.2", find_mapped}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_ends() { return kRulesOfEnds; }

}  // namespace sockdrill
