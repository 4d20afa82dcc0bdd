// The server ended though nobody asked it to: told by its status and its last words.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "harness/base/utf8.h"
#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

const Talk* last_that_reset(const Evidence& evidence) {
  const auto& talks = evidence.talks();
  const auto found = std::find_if(talks.rbegin(), talks.rend(), [&](const Talk& talk) {
    return talk.has_reset && talk.opened_at > evidence.case_began_at();
  });
  return found == talks.rend() ? nullptr : &*found;
}

Found find_sigpipe(const Evidence& evidence) {
  constexpr std::uint64_t kSigpipe = 256 + SIGPIPE;
  const Event* death = evidence.death();
  if (death == nullptr || death->number != kSigpipe) return {};
  return "the server was killed by SIGPIPE";
}

Found find_reset(const Evidence& evidence) {
  if (evidence.death() == nullptr || last_that_reset(evidence) == nullptr) return {};
  const bool is_reset = evidence.says(Errno{ECONNRESET}) || evidence.says("ConnectionResetError") ||
                        evidence.says("std::system_error");
  const bool is_pipe = evidence.says(Errno{EPIPE}) || evidence.says("BrokenPipeError");
  if (!is_reset && !is_pipe) return {};
  const char* last = evidence.says("terminate called") ? "an exception that nobody caught"
                     : is_reset                        ? "ECONNRESET"
                                                       : "EPIPE";
  return fmt::format("a client reset, and the server ended with {} as its last word", last);
}

Found find_peer_name(const Evidence& evidence) {
  if (evidence.death() == nullptr || last_that_reset(evidence) == nullptr) return {};
  if (!evidence.says(Errno{ENOTCONN})) return {};
  return "a client reset before the server had looked at it, and the server ended with ENOTCONN as "
         "its last word";
}

Found find_interrupted(const Evidence& evidence) {
  const bool was_interrupted = evidence.in_case(Kind::stopped) != nullptr ||
                               evidence.in_case(Kind::signalled, "server") != nullptr;
  if (evidence.death() == nullptr || !was_interrupted) return {};
  if (!evidence.says(Errno{EINTR})) return {};
  return "the server was stopped and continued, and ended with EINTR as its last word";
}

Found find_no_descriptors(const Evidence& evidence) {
  const Event* limited = evidence.in_case(Kind::limited);
  if (evidence.death() == nullptr || limited == nullptr || limited->text == "processes") return {};
  if (!evidence.says(Errno{EMFILE})) return {};
  return fmt::format(
      "its {} descriptors were in use, and the server ended with EMFILE as its last word",
      limited->number);
}

Found find_no_processes(const Evidence& evidence) {
  const Event* limited = evidence.in_case(Kind::limited);
  if (evidence.death() == nullptr || limited == nullptr || limited->text != "processes") return {};
  // Python and Java say it in words of their own.
  const bool is_said = evidence.says(Errno{EAGAIN}) || evidence.says("start new thread") ||
                       evidence.says("create native thread");
  if (!is_said) return {};
  return "no process and no thread could be had, and the server ended with that as its last word";
}

Found find_fd_setsize(const Evidence& evidence) {
  const bool is_death = evidence.death() != nullptr || evidence.is("invariant/stderr");
  if (!is_death) return {};
  const bool is_stopped_by_libc =
      evidence.says("FD_SETSIZE") || evidence.says("*** buffer overflow detected ***");
  const auto connected = std::count_if(
      evidence.talks().begin(), evidence.talks().end(),
      [&](const Talk& t) { return !t.left_at && t.opened_at > evidence.case_began_at(); });
  if (!is_stopped_by_libc || connected < 900) return {};
  return fmt::format("with {} clients connected the C library ended the server",
                     number(static_cast<std::uint64_t>(connected)));
}

Found find_text(const Evidence& evidence) {
  const bool is_decoding = evidence.says("UnicodeDecodeError") || evidence.says("FromUtf8Error") ||
                           evidence.says("Utf8Error") || evidence.says("MalformedInputException");
  if (evidence.death() == nullptr || !is_decoding) return {};
  const auto& talks = evidence.talks();
  const auto last = std::find_if(talks.rbegin(), talks.rend(),
                                 [](const Talk& t) { return !t.is_helper && !t.sent.empty(); });
  if (last == talks.rend()) return {};
  const bool is_text = is_utf8(octets_of(last->sent.octets()));
  const bool is_cut = is_text || evidence.says("unexpected end of data");
  return is_cut ? "a character came in two pieces, and decoding the first ended the server"
                : "octets came that are no UTF-8, and decoding them ended the server";
}

Found find_empty_datagram(const Evidence& evidence) {
  const Event* death = evidence.death();
  if (death == nullptr || !keeps_boundaries(evidence.target().transport)) return {};
  std::size_t last = 0;
  for (const Talk& talk : evidence.talks()) {
    if (!talk.sent_at.empty()) last = std::max(last, talk.sent_at.back());
  }
  const bool is_empty = last > evidence.case_began_at() && evidence.event(last).content.empty();
  if (!is_empty || death->number != 0) return {};
  return "an empty datagram came, and the server ended with status 0";
}

Found find_unnamed(const Evidence& evidence) {
  if (evidence.death() == nullptr || evidence.target().transport != Transport::unix_dgram)
    return {};
  const auto& talks = evidence.talks();
  const bool is_asked = !talks.empty() && talks.back().is_unnamed && !talks.back().sent_at.empty();
  if (!is_asked) return {};
  return "a datagram came from a socket that is bound to no address, and the server ended";
}

constexpr std::array<DiagnosisRule, 10> kRulesOfDeaths{
    {{"sigpipe", "killed by SIGPIPE",
      "writing to a connection whose client is gone raises SIGPIPE, which ends the process: ignore "
      "it, or send with MSG_NOSIGNAL, and take EPIPE for the end of that one connection",
      "signal(7), send(2)", find_sigpipe},
     {"reset-fatal", "a client reset; the server died with ECONNRESET or EPIPE on its stderr",
      "an error on one connection is treated as fatal: it must end that connection and nothing "
      "else",
      "recv(2), RFC 9293 3.10.7.4", find_reset},
     {"peer-name-fatal", "a client reset; the server died with ENOTCONN on its stderr",
      "getpeername(), setsockopt() and the like fail on a connection that was reset meanwhile: "
      "that "
      "must end this connection and nothing else",
      "getpeername(2)", find_peer_name},
     {"interrupted-call-fatal", "a stop and a continuation, or a signal; EINTR on stderr",
      "an interrupted system call is treated as fatal: it must be called again", "signal(7)",
      find_interrupted},
     {"descriptor-limit-fatal", "the limit of descriptors was reached; EMFILE on stderr",
      "accept() without a free descriptor is treated as fatal: the server must go on with the "
      "clients it has, and accept again later",
      "accept(2)", find_no_descriptors},
     {"process-limit-fatal",
      "the limit of processes was reached; EAGAIN, or a language's words for it, on stderr",
      "where no process and no thread can be had, that is treated as fatal: it must cost one "
      "client, and nobody else: see what fork() returns, catch what a thread's constructor "
      "throws",
      "fork(2), pthread_create(3)", find_no_processes},
     {"fd-setsize", "some 1,000 clients connected; the C library's words about FD_SETSIZE",
      "select() and FD_SET() cannot take descriptors of 1,024 and more: use poll(2) or epoll(7), "
      "or "
      "refuse such clients",
      "select(2)", find_fd_setsize},
     {"text-decoding-fatal", "the name of a decoding error on stderr",
      "octets from the network are decoded as text, and the error is not caught: what comes need "
      "not be text, and a read may end in the middle of a character",
      "RFC 3629 3, recv(2)", find_text},
     {"empty-datagram-ends", "the last datagram before the death was empty; status 0",
      "recvfrom() answers 0 for an empty datagram: a datagram socket has no end of the stream",
      "recv(2), udp(7)", find_empty_datagram},
     {"unnamed-client-fatal", "the last datagram before the death came from an unbound socket",
      "the sender of an AF_UNIX datagram may have no address: there is nobody to answer, and no "
      "reason to end",
      "unix(7)", find_unnamed}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_deaths() { return kRulesOfDeaths; }

}  // namespace sockdrill
