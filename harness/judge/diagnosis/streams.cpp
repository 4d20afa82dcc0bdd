// What came back on a stream is wrong: told by where it differs, and by whose octets came instead.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/base/utf8.h"
#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

/// The echo of the conversation differs from what was sent, and is not just unfinished.
struct Echo {
  Content sent;
  const Content& received;
  std::size_t differs_at = 0;
};

bool is_stream_finding(const Evidence& evidence) {
  return evidence.is_first() && (evidence.is("step") || evidence.is("protocol")) &&
         evidence.talk() != nullptr && !keeps_boundaries(evidence.target().transport);
}

std::optional<Echo> wrong_echo(const Evidence& evidence) {
  if (!is_stream_finding(evidence) || evidence.target().speaks.style != Style::echo) return {};
  const Talk& talk = *evidence.talk();
  Content sent = talk.echo();
  const std::uint64_t differs_at = agreement(sent, talk.received, 0);
  return Echo{.sent = std::move(sent),
              .received = talk.received,
              .differs_at = static_cast<std::size_t>(differs_at)};
}

/// How many octets of what was sent are left out where the echo first differs; nothing when what
/// comes there is not what was sent later on.
std::optional<std::size_t> gap_of(const Echo& echo) {
  constexpr std::size_t kEnough = 24;
  constexpr std::size_t kLongestGap = std::size_t{4} << 20U;
  const Bytes came = echo.received.copy(echo.differs_at, kEnough);
  if (came.size() < kEnough) return {};
  const std::size_t gap = echo.sent.copy(echo.differs_at, kLongestGap).find(came);
  if (gap == Bytes::npos) return {};
  return gap;
}

/// A difference inside a word of the pattern shows where the word's octets first differ.
std::size_t word_of(const Echo& echo) { return echo.differs_at & ~std::size_t{15}; }
bool is_power_of_two(std::size_t value) { return value >= 512 && (value & (value - 1)) == 0; }

Found find_nul(const Evidence& evidence) {
  const std::optional<Echo> echo = wrong_echo(evidence);
  const std::size_t nul = echo ? octets_of(echo->sent).find('\0') : Bytes::npos;
  if (nul == Bytes::npos || echo->differs_at != nul) return {};
  const bool is_cut = echo->received.size() == nul;
  const bool is_skipped =
      echo->received.size() > nul && echo->received.copy(nul, 1) != Bytes(1, '\0');
  // With the first octet a NUL, only the silence of a server at rest tells.
  if ((!is_cut && !is_skipped) || (nul == 0 && evidence.asleep() == nullptr)) return {};
  if (evidence.talk()->end != End::none) return {};
  return fmt::format("the answer is right up to octet {}, which is the first NUL", number(nul));
}

Found find_replaced(const Evidence& evidence) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  const std::optional<Echo> echo = wrong_echo(evidence);
  if (!echo || echo->differs_at >= echo->received.size()) return {};
  const bool is_replaced = echo->received.copy(echo->differs_at, 3) == kReplacement;
  if (!is_replaced || is_utf8(octets_of(echo->sent))) return {};
  return fmt::format("octet {} is no UTF-8, and U+FFFD came back instead",
                     number(echo->differs_at));
}

Found find_cap(const Evidence& evidence) {
  const std::optional<Echo> echo = wrong_echo(evidence);
  if (!echo || !is_power_of_two(word_of(*echo)) || echo->differs_at > 65535) return {};
  const bool is_left_out = gap_of(*echo).value_or(0) >= 512;
  const Snapshot* now = evidence.asleep();
  const bool is_all_there_is = evidence.talk()->end == End::none &&
                               echo->received.size() == word_of(*echo) && now != nullptr &&
                               find_waiting(*now, "ESTABLISHED") == nullptr &&
                               find_waiting(*now, "CLOSE_WAIT") == nullptr;
  if (!is_left_out && !is_all_there_is) return {};
  return fmt::format("the answer is right for {} octets, and what follows of that read is left out",
                     number(word_of(*echo)));
}

Found find_wrap(const Evidence& evidence) {
  const std::optional<Echo> echo = wrong_echo(evidence);
  const std::optional<std::size_t> gap = echo ? gap_of(*echo) : std::nullopt;
  if (!gap || *gap == 0 || *gap > 2) return {};
  const std::size_t place = (echo->differs_at + *gap) & ~std::size_t{15};
  if (place < 512 || place % 512 != 0) return {};
  return fmt::format("{} missing near octet {}, and all that follows is right",
                     *gap == 1 ? "an octet is" : "two octets are", number(place));
}

Found find_short_write(const Evidence& evidence) {
  constexpr std::size_t kFillsBuffers = 200000;
  const std::optional<Echo> echo = wrong_echo(evidence);
  const std::optional<std::size_t> gap = echo ? gap_of(*echo) : std::nullopt;
  if (!gap || *gap < 3 || echo->sent.size() < kFillsBuffers || is_power_of_two(word_of(*echo)))
    return {};
  return fmt::format("{} octets are missing after the first {}, and what follows is right again",
                     number(*gap), number(echo->differs_at));
}

// Lines.

bool speaks_lines(const Evidence& evidence) {
  return evidence.target().speaks.framing.kind == Framing::Kind::lines &&
         evidence.target().speaks.style == Style::request_reply;
}

/// What clients have sent in one go without ending the line.
std::vector<Bytes> pieces_of(const Evidence& evidence, const Talk& talk) {
  std::vector<Bytes> pieces;
  for (const std::size_t at : talk.sent_at) {
    Bytes piece = octets_of(evidence.event(at).content);
    if (piece.find('\n') == Bytes::npos) pieces.push_back(std::move(piece));
  }
  return pieces;
}

Found find_piece(const Evidence& evidence) {
  constexpr std::size_t kLongestPrefix = 8;
  if (!is_stream_finding(evidence) || !speaks_lines(evidence)) return {};
  const Talk& talk = *evidence.talk();
  const std::vector<Bytes> pieces = pieces_of(evidence, talk);
  if (talk.received_at.empty()) return {};
  for (const Bytes& line : split(octets_of(talk.received), '\n')) {
    const bool is_one = std::any_of(pieces.begin(), pieces.end(), [&](const Bytes& piece) {
      return !piece.empty() && line.ends_with(piece) &&
             line.size() - piece.size() <= kLongestPrefix;
    });
    if (is_one)
      return fmt::format("a piece without its end of line was answered as a line: {}",
                         quote(line, 40));
  }
  return {};
}

Found find_first_only(const Evidence& evidence) {
  if (!is_stream_finding(evidence) || !speaks_lines(evidence) || evidence.asleep() == nullptr)
    return {};
  const Talk& talk = *evidence.talk();
  if (talk.sent_at.empty() || talk.end != End::none) return {};
  const Snapshot& now = *evidence.asleep();
  if (find_waiting(now, "ESTABLISHED") != nullptr) return {};
  const Bytes request = octets_of(evidence.event(talk.sent_at.back()).content);
  const auto asked = std::count(request.begin(), request.end(), '\n');
  Bytes reply;
  for (const std::size_t at : talk.received_at) {
    if (at > talk.sent_at.back()) reply += octets_of(evidence.event(at).content);
  }
  const auto answered = std::count(reply.begin(), reply.end(), '\n');
  if (asked < 2 || answered != 1 || !reply.ends_with('\n') || !request.ends_with('\n')) return {};
  return fmt::format(
      "{} requests came together, the server has read them all, and answered the "
      "first",
      asked);
}

/// Another conversation whose octets came back in this one, and which is not over, or over.
const Talk* foreign(const Evidence& evidence, bool is_over) {
  if (!is_stream_finding(evidence) || !speaks_lines(evidence)) return nullptr;
  const Talk& mine = *evidence.talk();
  const Bytes sent = octets_of(mine.sent.octets());
  const Bytes received = octets_of(mine.received);
  for (const Talk& other : evidence.talks()) {
    if (&other == &mine || mine.received_at.empty()) continue;
    if ((other.left_at && *other.left_at < mine.received_at.back()) != is_over) continue;
    for (const Bytes& piece : pieces_of(evidence, other)) {
      const bool is_telling = piece.size() >= 3 && sent.find(piece) == Bytes::npos;
      if (is_telling && received.find(piece) != Bytes::npos) return &other;
    }
  }
  return nullptr;
}

Found find_shared(const Evidence& evidence) {
  const Talk* other = foreign(evidence, false);
  if (other == nullptr) return {};
  return fmt::format("client {} got what client {} had sent", evidence.talk()->client,
                     other->client);
}

Found find_inherited(const Evidence& evidence) {
  const Talk* other = foreign(evidence, true);
  if (other == nullptr || foreign(evidence, false) != nullptr) return {};
  return fmt::format(
      "client {} got what {} had begun and left unfinished", evidence.talk()->client,
      other->client == evidence.talk()->client ? "its predecessor" : "client " + other->client);
}

constexpr std::array<DiagnosisRule, 9> kRulesOfStreams{
    {{"cut-at-nul", "the echo is right up to the first NUL, and cut or wrong from there",
      "octets are taken for a C string, which ends at a NUL: keep the length that recv() gave",
      "recv(2), string(3)", find_nul},
     {"octets-as-text", "U+FFFD came back for octets that are no UTF-8",
      "octets are decoded as text, and what is none is replaced: keep them as octets", "RFC 3629 3",
      find_replaced},
     {"reply-buffer-cap",
      "the echo is right up to a power of two, and lacks much from there, though all was read",
      "the reply is made in a buffer of that size, and what does not fit is dropped: send in a "
      "loop "
      "until all is out",
      "send(2)", find_cap},
     {"octet-lost-at-wrap",
      "one or two octets are missing near a multiple of 512; the rest is right",
      "a ring buffer loses what stands where it wraps", "RFC 862", find_wrap},
     {"short-write-dropped",
      "much was sent; a stretch of the echo is missing, at no round number; the rest is right",
      "send() may take less than it is given: what it did not take must be sent again, and not be "
      "dropped",
      "send(2), write(2)", find_short_write},
     {"piece-taken-for-message", "a piece of a line was answered as if it were a line",
      "what one recv() gives is taken for a message: a stream has no boundaries, so gather until "
      "the end of the line is there",
      "RFC 9293 3.8, recv(2)", find_piece},
     {"first-request-only", "several requests in one send, all read; one reply",
      "what follows the first request in the buffer is thrown away: look for further requests "
      "before the next recv()",
      "RFC 9293 3.8, recv(2)", find_first_only},
     {"buffer-shared-by-clients", "a client got the octets of another that is still there",
      "a buffer is shared by the clients: each connection needs its own", "RFC 9293 3.4",
      find_shared},
     {"state-of-earlier-client", "a client got the octets of one that has left",
      "what an earlier client left is still there, in a buffer of all clients or under its "
      "descriptor's number or its address: "
      "clear it when a connection ends",
      "accept(2), close(2)", find_inherited}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_streams() { return kRulesOfStreams; }

}  // namespace sockdrill
