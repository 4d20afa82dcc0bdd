// Messages with boundaries: lost, cut, split, joined, or for somebody else.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

/// The conversation of the finding, of a server that keeps boundaries and echoes.
const Talk* echoed_talk(const Evidence& evidence) {
  const bool is_it = evidence.is_first() && (evidence.is("step") || evidence.is("protocol")) &&
                     keeps_boundaries(evidence.target().transport) &&
                     evidence.target().speaks.style == Style::echo;
  return is_it ? evidence.talk() : nullptr;
}

bool was_sent(const Evidence& evidence, const Talk& talk, const Content& message) {
  return std::any_of(talk.sent_at.begin(), talk.sent_at.end(),
                     [&](std::size_t at) { return evidence.event(at).content == message; });
}

const Content* last_sent(const Evidence& evidence, const Talk& talk) {
  return talk.sent_at.empty() ? nullptr : &evidence.event(talk.sent_at.back()).content;
}

/// What came since the last request: a client hears all of it before the finding is made, as far
/// as it had come.
std::vector<Content> replies(const Evidence& evidence, const Talk& talk) {
  std::vector<Content> contents;
  for (const std::size_t at : evidence.received_from(talk)) {
    if (talk.sent_at.empty() || at > talk.sent_at.back())
      contents.push_back(evidence.event(at).content);
  }
  return contents;
}

bool others_are_answered(const Evidence& evidence, const Talk& but) {
  return std::any_of(evidence.talks().begin(), evidence.talks().end(), [&](const Talk& t) {
    return &t != &but && !t.sent.empty() && t.received_at.size() == t.sent_at.size();
  });
}

Found find_cut(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  const Content* sent = talk == nullptr ? nullptr : last_sent(evidence, *talk);
  if (sent == nullptr) return {};
  const std::vector<Content> came = replies(evidence, *talk);
  if (came.size() != 1 || !is_beginning(came[0], *sent)) return {};
  if (sent->copy(came[0].size(), 1) == Bytes(1, '\0')) return {};  // Cut at a NUL, it seems.
  if (came[0].size() < 256) return {};
  return fmt::format("of a datagram of {} octets the first {} came back", number(sent->size()),
                     number(came[0].size()));
}

Found find_nul_in_datagram(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  const Content* sent = talk == nullptr ? nullptr : last_sent(evidence, *talk);
  if (sent == nullptr) return {};
  const std::vector<Content> came = replies(evidence, *talk);
  const Bytes octets = octets_of(*sent);
  const std::size_t nul = octets.find('\0');
  if (nul == Bytes::npos || nul + 1 >= octets.size() || came.size() != 1) return {};
  if (came[0].size() != nul || !is_beginning(came[0], *sent)) return {};
  return fmt::format("the answer ends at octet {}, which is the first NUL", number(nul));
}

Found find_split(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  const Content* sent = talk == nullptr ? nullptr : last_sent(evidence, *talk);
  if (sent == nullptr) return {};
  const std::vector<Content> came = replies(evidence, *talk);
  if (came.size() < 2 || came[0].empty()) return {};
  Content joined;
  for (const Content& reply : came) joined.append(reply);
  const bool is_it = joined == *sent || is_beginning(joined, *sent);
  if (!is_it) return {};
  return fmt::format("a datagram of {} octets came back in pieces, the first of {}",
                     number(sent->size()), number(came[0].size()));
}

Found find_wrong_peer(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  if (talk == nullptr) return {};
  for (const std::size_t at : talk->received_at) {
    const Content& message = evidence.event(at).content;
    if (message.empty() || was_sent(evidence, *talk, message)) continue;
    for (const Talk& other : evidence.talks()) {
      const bool is_beside = &other != talk && !other.left_at;
      if (is_beside && was_sent(evidence, other, message))
        return fmt::format("client {} got the answer to client {}", talk->client, other.client);
    }
  }
  return {};
}

Found find_loopback(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  if (talk == nullptr || talk->sent_at.empty() || !talk->received_at.empty()) return {};
  const Event& sent = evidence.event(talk->sent_at.back());
  const std::string address = evidence.listens_at();
  const bool is_any =
      address.find("0.0.0.0") != std::string::npos || address.find("[::]") != std::string::npos;
  if (sent.text.find("broadcast") == std::string::npos || is_any || address.empty()) return {};
  return fmt::format("a request to everybody was not heard, and the server's socket is bound to {}",
                     address);
}

Found find_empty_ignored(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  const Content* sent = talk == nullptr ? nullptr : last_sent(evidence, *talk);
  if (sent == nullptr || !sent->empty() || talk->was_refused || evidence.asleep() == nullptr)
    return {};
  const std::vector<Content> came = replies(evidence, *talk);
  if (!came.empty() || !evidence.is_served_later()) return {};
  return "an empty datagram was read and not answered, while others are";
}

Found find_connected(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  const Snapshot* now = evidence.snapshot();
  if (talk == nullptr || now == nullptr || evidence.target().transport != Transport::udp) return {};
  const bool is_connected_now =
      !now->sockets.empty() &&
      std::all_of(now->sockets.begin(), now->sockets.end(),
                  [](const SocketSeen& s) { return s.state == "UDP ESTABLISHED"; });
  const bool is_unheard = talk->received_at.empty() && !talk->sent_at.empty();
  if (!is_connected_now || !is_unheard) return {};
  return "the server's only socket is connected to an earlier client, and hears nobody else";
}

Found find_joined(const Evidence& evidence) {
  const Talk* talk = echoed_talk(evidence);
  if (talk == nullptr || talk->sent_at.size() < 2) return {};
  for (const Content& came : replies(evidence, *talk)) {
    for (std::size_t i = 0; i + 1 < talk->sent_at.size(); ++i) {
      Content joined = evidence.event(talk->sent_at[i]).content;
      joined.append(evidence.event(talk->sent_at[i + 1]).content);
      if (!came.empty() && came == joined) return "two records came back as one";
    }
  }
  return {};
}

Found find_remainder(const Evidence& evidence) {
  constexpr std::uint64_t kLong = 1025;
  const Talk* talk = echoed_talk(evidence);
  const Content* sent = talk == nullptr ? nullptr : last_sent(evidence, *talk);
  if (sent == nullptr || talk->sent_at.size() < 2 || talk->was_refused) return {};
  const Content& before = evidence.event(talk->sent_at[talk->sent_at.size() - 2]).content;
  const bool is_after_long = before.size() >= kLong && sent->size() < kLong && !sent->empty();
  if (!is_after_long || evidence.asleep() == nullptr || !replies(evidence, *talk).empty())
    return {};
  if (!evidence.is_served_later() || !others_are_answered(evidence, *talk)) return {};
  return fmt::format(
      "after a datagram of {} octets the next one, of {}, was read and not answered, and the one "
      "after it was",
      number(before.size()), number(sent->size()));
}

constexpr std::array<DiagnosisRule, 9> kRulesOfDatagrams{
    {{"datagram-buffer-too-small", "one reply, which is the beginning of a longer datagram",
      "recvfrom() cuts what does not fit its buffer, and throws the rest away: the buffer must "
      "take "
      "the longest datagram (65,507 octets over IPv4, 65,527 over IPv6)",
      "recv(2) MSG_TRUNC, udp(7)", find_cut},
     {"datagram-cut-at-nul", "one reply, which ends at the first NUL of the datagram",
      "octets are taken for a C string, which ends at a NUL: keep the length that recvfrom() gave",
      "recv(2), string(3)", find_nul_in_datagram},
     {"reply-in-several-datagrams", "several replies, which make up the datagram together",
      "a reply is sent in pieces, and each is a datagram of its own: send it in one",
      "RFC 768, "
      "udp(7)",
      find_split},
     {"reply-to-wrong-peer", "a client got what another had sent",
      "the sender's address is kept in one place for all clients: each reply must go to the "
      "address "
      "that recvfrom() gave with its request",
      "recv(2)", find_wrong_peer},
     {"bound-to-one-address", "a broadcast was not heard; the socket is bound to one address",
      "a socket that is bound to one address gets no broadcasts: bind it to INADDR_ANY",
      "ip(7), RFC 919", find_loopback},
     {"empty-datagram-ignored", "an empty datagram is read and not answered; others are answered",
      "0 is the length of an empty datagram, and no sign that nothing came", "recv(2), udp(7)",
      find_empty_ignored},
     {"datagram-socket-connected", "the server's only UDP socket is connected; others get no reply",
      "connect() on a datagram socket shuts all other peers out: answer with sendto() on a socket "
      "that is not connected",
      "connect(2), udp(7)", find_connected},
     {"records-joined", "a reply is two records in a row",
      "a record is a message: each recv() gives one, and each must be answered by its own send()",
      "unix(7), socket(2) SOCK_SEQPACKET", find_joined},
     {"datagram-remainder-expected",
      "after a long datagram the next is read and not answered; later ones are",
      "what did not fit the buffer is gone, and the next recvfrom() gives the next datagram",
      "recv(2) MSG_TRUNC", find_remainder}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_datagrams() { return kRulesOfDatagrams; }

}  // namespace sockdrill
