// The server takes a CPU while nothing happens: told by the socket that is ready all the time.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

const Snapshot* spinning(const Evidence& evidence) {
  const bool spins = evidence.is("invariant/quiet-cpu") || evidence.shows(Symptom::spins);
  return spins ? evidence.snapshot() : nullptr;
}

bool has_state(const Snapshot& snapshot, std::string_view state) {
  return std::any_of(snapshot.sockets.begin(), snapshot.sockets.end(),
                     [&](const SocketSeen& s) { return s.state == state; });
}

/// Both are gone from the descriptors' point of view: at the limit, and someone waits.
bool waits_for_descriptors(const Snapshot& snapshot) {
  return find_waiting(snapshot, "LISTEN") != nullptr && snapshot.descriptor_limit > 0 &&
         static_cast<std::uint64_t>(snapshot.descriptors) >= snapshot.descriptor_limit;
}

Found find_accept_refused(const Evidence& evidence) {
  const Snapshot* now = spinning(evidence);
  if (now == nullptr || !waits_for_descriptors(*now)) return {};
  return fmt::format("the server spins with all of its {} descriptors in use and {} in the backlog",
                     now->descriptor_limit,
                     count_of(find_waiting(*now, "LISTEN")->unread, "connection"));
}

/// The longest that a client of this recording has left unfinished when it ended, without harm.
std::uint64_t longest_ended_before(const Evidence& evidence, const Talk& than) {
  std::uint64_t longest = 0;
  for (const Talk& talk : evidence.talks()) {
    if (talk.half_closed_at && talk.opened_at < than.opened_at && !talk.is_helper && talk.ended_at)
      longest = std::max(longest, talk.sent.size());
  }
  return longest;
}

const Talk* last_half_closed(const Evidence& evidence) {
  const auto& talks = evidence.talks();
  const auto found = std::find_if(talks.rbegin(), talks.rend(), [](const Talk& t) {
    return t.half_closed_at && !t.ended_at && !t.is_helper;
  });
  return found == talks.rend() ? nullptr : &*found;
}

Found find_end(const Evidence& evidence) {
  constexpr std::uint64_t kFitsEveryBuffer = 256;
  const Snapshot* now = spinning(evidence);
  if (now == nullptr || !has_state(*now, "CLOSE_WAIT") || waits_for_descriptors(*now) ||
      has_state(*now, "CLOSE"))
    return {};
  const Talk* talk = last_half_closed(evidence);
  if (talk == nullptr || talk->sent.size() > kFitsEveryBuffer) return {};
  return fmt::format(
      "client {} sent {} and its end, the server has read both, and spins with the connection in "
      "CLOSE_WAIT",
      talk->client, count_of(talk->sent.size(), "octet"));
}

/// One that has sent an urgent octet, and nothing since; the octet may stand unread.
const Talk* last_urgent(const Evidence& evidence) {
  const auto& talks = evidence.talks();
  const auto found = std::find_if(talks.rbegin(), talks.rend(), [](const Talk& t) {
    return t.sent.ends_urgent() && !t.ended_at && !t.left_at;
  });
  return found == talks.rend() ? nullptr : &*found;
}

Found find_urgent(const Evidence& evidence) {
  const Snapshot* now = spinning(evidence);
  const SocketSeen* unread = now == nullptr ? nullptr : find_waiting(*now, "ESTABLISHED");
  const Talk* talk = last_urgent(evidence);
  if (unread == nullptr || unread->unread != 1 || talk == nullptr) return {};
  return fmt::format(
      "client {} sent an urgent octet, and the server spins with it unread on descriptor {}",
      talk->client, unread->descriptor);
}

Found find_full_buffer(const Evidence& evidence) {
  const Snapshot* now = spinning(evidence);
  if (now == nullptr || waits_for_descriptors(*now) || has_state(*now, "CLOSE")) return {};
  const SocketSeen* unread = find_waiting(*now, "ESTABLISHED");
  if (find_urgent(evidence)) return {};
  if (unread != nullptr)
    return fmt::format("the server spins with {} unread on descriptor {}",
                       count_of(unread->unread, "octet"), unread->descriptor);
  const Talk* talk = last_half_closed(evidence);
  if (talk == nullptr || !has_state(*now, "CLOSE_WAIT")) return {};
  const std::uint64_t harmless = longest_ended_before(evidence, *talk);
  if (harmless < 64 || harmless >= talk->sent.size()) return {};
  return fmt::format(
      "an unfinished message of {} octets ended without harm, and one of {} makes the server spin",
      number(harmless), number(talk->sent.size()));
}

Found find_hangup(const Evidence& evidence) {
  const Snapshot* now = spinning(evidence);
  if (now == nullptr || waits_for_descriptors(*now)) return {};
  const auto reset = std::find_if(evidence.talks().begin(), evidence.talks().end(),
                                  [&](const Talk& t) { return t.has_reset; });
  const auto dead = std::find_if(now->sockets.begin(), now->sockets.end(), [](const SocketSeen& s) {
    return s.state == "CLOSE" && s.watched == "level";
  });
  if (reset == evidence.talks().end() || dead == now->sockets.end()) return {};
  return fmt::format(
      "client {} reset, and descriptor {}, which has no connection any more, is still watched "
      "by epoll",
      reset->client, dead->descriptor);
}

constexpr std::array<DiagnosisRule, 5> kRulesOfSpins{
    {{"spin-on-descriptor-limit",
      "it spins; all descriptors are in use; connections wait in the backlog",
      "accept() fails with EMFILE and leaves the connection in the backlog, so the listener is "
      "reported ready for ever: stop watching it until a descriptor is free",
      "accept(2), epoll(7)", find_accept_refused},
     {"spin-on-end", "it spins; a connection is in CLOSE_WAIT, and all that was sent is read",
      "recv() answers 0 at the end of the stream, again and again: the end must be looked for at "
      "every read, and the connection closed",
      "recv(2)", find_end},
     {"spin-on-urgent",
      "it spins; the last that a client sent was an urgent octet, and one octet lies unread",
      "urgent data is reported with POLLPRI until it is read with MSG_OOB, or passed by a read of "
      "what follows: read it, or do not ask for POLLPRI",
      "tcp(7), poll(2)", find_urgent},
     {"spin-on-full-buffer",
      "it spins; input lies unread, or a longer unfinished message spins where a shorter one did "
      "not",
      "a read into a full buffer asks for 0 octets and gets 0, whatever waits: a message that is "
      "longer than the buffer must be refused, or the buffer grow",
      "recv(2)", find_full_buffer},
     {"spin-on-hangup", "it spins; a client has reset; its descriptor is watched level-triggered",
      "a reset is reported with EPOLLHUP and EPOLLERR, whether they were asked for or not, until "
      "the descriptor is closed: test the bits of events one by one, and close on an error",
      "epoll_ctl(2)", find_hangup}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_spins() { return kRulesOfSpins; }

}  // namespace sockdrill
