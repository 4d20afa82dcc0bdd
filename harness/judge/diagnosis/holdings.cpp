// What the server keeps that it should give back: descriptors, children, threads, memory, places.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

std::size_t count_state(const Snapshot& snapshot, std::string_view state) {
  return static_cast<std::size_t>(
      std::count_if(snapshot.sockets.begin(), snapshot.sockets.end(),
                    [&](const SocketSeen& s) { return s.state == state; }));
}

/// Descriptors pile up, and where they have gone was looked at.
const Snapshot* leaking(const Evidence& evidence) {
  const bool spins = evidence.in_case(Kind::restless) != nullptr;  // It does not get round to it.
  return evidence.is("invariant/descriptors") && !spins ? evidence.snapshot() : nullptr;
}

/// Conversations of the case, the probe's left out.
std::vector<const Talk*> talks_of_case(const Evidence& evidence) {
  std::vector<const Talk*> talks;
  for (const Talk& talk : evidence.talks()) {
    if (talk.opened_at > evidence.case_began_at() && !talk.is_helper) talks.push_back(&talk);
  }
  return talks;
}

template <typename Is>
std::size_t count_talks(const Evidence& evidence, Is is) {
  const std::vector<const Talk*> talks = talks_of_case(evidence);
  return static_cast<std::size_t>(
      std::count_if(talks.begin(), talks.end(), [&](const Talk* t) { return is(*t); }));
}

bool was_silent(const Talk& talk) { return talk.sent.empty() && talk.sent_at.empty(); }
bool left_in_order(const Talk& talk) { return talk.half_closed_at.has_value(); }
bool keeps_from_the_start(const Evidence& evidence) {
  return evidence.baseline() != nullptr && evidence.baseline()->close_wait > 0;
}

/// In the last round one descriptor was kept for each client that reset, whether it had sent
/// something or not.
bool every_reset_leaks(const Evidence& evidence) {
  const Event* round = evidence.last_in_case(Kind::round_began);
  const std::vector<const Resources*> samples = evidence.samples_of_case();
  if (round == nullptr || samples.size() < 2) return false;
  const std::size_t resets = count_talks(evidence, [&](const Talk& t) {
    return t.has_reset && evidence.event(t.opened_at).at >= round->at;
  });
  const int grown = samples.back()->descriptors - samples[samples.size() - 2]->descriptors;
  return resets > 0 && grown == static_cast<int>(resets);
}

Found find_leak_on_reset(const Evidence& evidence) {
  const Snapshot* now = leaking(evidence);
  if (now == nullptr || count_state(*now, "CLOSE") == 0 || keeps_from_the_start(evidence) ||
      count_state(*now, "CLOSE_WAIT") > 0)
    return {};
  const std::size_t resets = count_talks(evidence, [](const Talk& t) { return t.has_reset; });
  const std::size_t talking =
      count_talks(evidence, [](const Talk& t) { return t.has_reset && !was_silent(t); });
  if (talking == 0 || (talking != resets && !every_reset_leaks(evidence))) return {};
  return fmt::format("the server holds {} of clients that have reset",
                     count_of(count_state(*now, "CLOSE"), "descriptor"));
}

Found find_leak_on_reset_or_silence(const Evidence& evidence) {
  const Snapshot* now = leaking(evidence);
  if (now == nullptr || count_state(*now, "CLOSE") == 0 || keeps_from_the_start(evidence) ||
      count_state(*now, "CLOSE_WAIT") > 0)
    return {};
  const std::size_t silent =
      count_talks(evidence, [](const Talk& t) { return t.has_reset && was_silent(t); });
  const std::size_t others =
      count_talks(evidence, [](const Talk& t) { return t.has_reset != was_silent(t); });
  if (silent == 0 || others > 0) return {};
  return fmt::format("the server holds {} of clients that have reset without having sent anything",
                     count_of(count_state(*now, "CLOSE"), "descriptor"));
}

Found find_leak_of_the_silent(const Evidence& evidence) {
  if (keeps_from_the_start(evidence)) return {};  // It keeps whoever leaves in order.
  const Snapshot* now = leaking(evidence);
  const bool is_unclosed =
      evidence.shows(Symptom::no_answer) && evidence.expects_end() && evidence.asleep() != nullptr;
  if (is_unclosed) now = evidence.asleep();
  if (now == nullptr || count_state(*now, "CLOSE_WAIT") == 0 || count_state(*now, "CLOSE") > 0 ||
      find_waiting(*now, "CLOSE_WAIT") != nullptr)
    return {};
  const auto is_silent = [](const Talk& t) { return left_in_order(t) && was_silent(t); };
  if (count_talks(evidence, is_silent) == 0) return {};
  if (count_talks(evidence, [](const Talk& t) { return !was_silent(t) || t.has_reset; }) > 0)
    return {};
  return "clients that said nothing and ended stay in CLOSE_WAIT, while those that talked are "
         "closed";
}

Found find_end_unanswered(const Evidence& evidence) {
  if (!keeps_from_the_start(evidence)) return {};
  const bool is_kept = evidence.is("invariant/close-wait") ||
                       evidence.is("invariant/descriptors") ||
                       evidence.shows(Symptom::close_wait) || evidence.shows(Symptom::descriptors);
  const bool is_unclosed = evidence.shows(Symptom::not_closed) && evidence.expects_end();
  if (!is_kept && !is_unclosed) return {};
  const Snapshot* now = evidence.snapshot();
  if (now == nullptr || count_state(*now, "CLOSE_WAIT") == 0 ||
      find_waiting(*now, "CLOSE_WAIT") != nullptr)
    return {};
  return "the server has read the client's end, and its own side stays open (CLOSE_WAIT)";
}

Found find_leak_after_refusal(const Evidence& evidence) {
  const Snapshot* now = leaking(evidence);
  if (now == nullptr || keeps_from_the_start(evidence)) return {};
  const std::size_t dead = count_state(*now, "CLOSE");
  if (dead == 0 || count_state(*now, "CLOSE_WAIT") > 0) return {};
  // Without a reset of the client's, a connection is over only when the server has ended it, too.
  const auto is_over = [](const Talk& t) {
    return t.half_closed_at && t.end == End::fin && !t.has_reset;
  };
  if (count_talks(evidence, is_over) != talks_of_case(evidence).size()) return {};
  return fmt::format("the server ended connections by itself, and holds {} without a connection",
                     count_of(dead, "descriptor"));
}

Found find_zombies(const Evidence& evidence) {
  if (!evidence.is("invariant/zombies") && !evidence.shows(Symptom::zombies)) return {};
  return "children that have ended stay as zombies";
}

Found find_unjoined(const Evidence& evidence) {
  constexpr std::uint64_t kLeastStack = 64 * 1024;
  if (!evidence.is("invariant/memory")) return {};
  const std::vector<const Resources*> samples = evidence.samples_of_case();
  if (samples.size() < 2 || samples.back()->threads > samples.front()->threads) return {};
  const std::uint64_t grown = samples.back()->virtual_bytes - samples.front()->virtual_bytes;
  const std::size_t clients = talks_of_case(evidence).size();
  if (samples.back()->virtual_bytes < samples.front()->virtual_bytes || clients < 10) return {};
  // A leak of the heap shows in the address space as much as in memory; a stack that nobody has
  // touched to its end does not.
  const std::uint64_t resident = samples.back()->resident_bytes - samples.front()->resident_bytes;
  if (grown / clients < kLeastStack || grown / 4 < resident) return {};
  return fmt::format(
      "the address space has grown by {} octets a client, of which most were never touched, and "
      "no thread is left",
      number(grown / clients));
}

Found find_output_queue(const Evidence& evidence) {
  if (!evidence.shows(Symptom::memory_unread)) return {};
  return fmt::format("a client does not read, and the server has taken {}",
                     evidence.finding().actual);
}

Found find_places(const Evidence& evidence) {
  if (!evidence.is("step") || !evidence.is_first() || !is_connected(evidence.target().transport))
    return {};
  const Talk* failed = evidence.talk();
  const bool is_turned_away =
      failed != nullptr && failed->end != End::none && failed->received.empty();
  if (!is_turned_away || failed->half_closed_at || failed->sent_at.size() > 1) return {};
  std::size_t served = 0;
  for (const Talk& talk : evidence.talks()) {
    if (&talk == failed) continue;
    if (!talk.left_at || talk.has_reset) return {};  // Others are still there, or went badly.
    if (talk.end == End::fin) ++served;
  }
  if (served < 4 || evidence.in_case(Kind::limited) != nullptr) return {};
  return fmt::format(
      "the first {} clients were served, and left; the next was turned away, though nobody else "
      "was there",
      served);
}

constexpr std::array<DiagnosisRule, 9> kRulesOfHoldings{
    {{"leak-on-reset", "descriptors pile up; their clients have sent something, and have reset",
      "close() is missing where recv() or send() fails: an error ends a connection, too",
      "close(2), recv(2)", find_leak_on_reset},
     {"leak-on-reset-or-silence", "descriptors pile up; their clients have reset, and said nothing",
      "close() is missing either where recv() fails, or where a client leaves without a request",
      "close(2), recv(2)", find_leak_on_reset_or_silence},
     {"leak-of-silent-clients",
      "clients that sent nothing and ended stay in CLOSE_WAIT; the others do not",
      "close() is missing where a client leaves without a request", "close(2)",
      find_leak_of_the_silent},
     {"end-not-answered", "from the first client on, connections stay in CLOSE_WAIT, all read",
      "nobody closes the connection after recv() has answered 0: the client's end must be answered "
      "by the server's own",
      "RFC 9293 3.6, recv(2)", find_end_unanswered},
     {"leak-after-refusal", "descriptors pile up that have no connection, and no client has reset",
      "shutdown() ends a connection and keeps its descriptor: it must be followed by close()",
      "shutdown(2), close(2)", find_leak_after_refusal},
     {"children-not-reaped", "zombies",
      "nobody waits for the children that have ended: handle SIGCHLD with waitpid() until it "
      "answers 0, or ignore SIGCHLD",
      "waitpid(2), sigaction(2)", find_zombies},
     {"threads-not-joined",
      "memory grows; the address space grows far more, by a stack a client; no more threads",
      "threads that have ended keep their stacks until somebody joins them: join them, or detach "
      "them",
      "pthread_join(3), pthread_detach(3)", find_unjoined},
     {"unbounded-output-queue", "memory grows while a client does not read",
      "output for a client that does not read is queued without a bound: stop reading its requests "
      "while its output waits",
      "write(2), RFC 9293 3.8.6", find_output_queue},
     {"places-not-given-back", "some clients in turn are served and leave; the next is turned away",
      "places of clients are counted, and not given back when clients leave", "RFC 9293 3.6",
      find_places}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_holdings() { return kRulesOfHoldings; }

}  // namespace sockdrill
