// Starting again, starting beside another instance, stopping: told by what the address and the
// signals stood like.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

bool found_address_taken(const Evidence& evidence) {
  const bool is_restart = evidence.in_case(Kind::started, "server") != nullptr;
  return evidence.death() != nullptr && is_restart && evidence.says(Errno{EADDRINUSE});
}

/// Somebody listened before the new instance was started.
bool somebody_listens(const Evidence& evidence) {
  const Event* started = evidence.last_in_case(Kind::started, "server");
  return started != nullptr && !started->detail.empty();
}

Found find_reuseaddr(const Evidence& evidence) {
  if (!found_address_taken(evidence) || is_unix(evidence.target().transport) ||
      somebody_listens(evidence))
    return {};
  return "the server was started again, and bind() failed with EADDRINUSE, though nobody listens";
}

/// What the server left behind when it had ended, if that is what was found.
const Event* leftover(const Evidence& evidence) {
  return evidence.is("invariant/left-over") ? evidence.last_in_case(Kind::left_over, "server")
                                            : nullptr;
}

Found find_orphans(const Evidence& evidence) {
  if (const Event* left = leftover(evidence); left != nullptr && !left->detail.empty())
    return fmt::format("{}, which listens on {}", evidence.finding().headline, left->detail);
  if (!found_address_taken(evidence) || !somebody_listens(evidence)) return {};
  return "the server was started again, and bind() failed with EADDRINUSE: a process that the "
         "first instance left behind still listens";
}

Found find_children_serve_on(const Evidence& evidence) {
  const Event* left = leftover(evidence);
  if (left == nullptr || !left->detail.empty()) return {};
  return fmt::format("{}; nobody listens any more", evidence.finding().headline);
}

Found find_stale_path(const Evidence& evidence) {
  if (!found_address_taken(evidence) || !is_unix(evidence.target().transport)) return {};
  return "the server was started again, and bind() failed with EADDRINUSE: the path of the first "
         "instance is still there";
}

Found find_port_shared(const Evidence& evidence) {
  if (!evidence.shows(Symptom::second_lives) || evidence.target().transport != Transport::tcp)
    return {};
  return "a second instance listens on the same port";
}

Found find_datagram_port_shared(const Evidence& evidence) {
  if (!evidence.shows(Symptom::second_lives) || evidence.target().transport != Transport::udp)
    return {};
  return "a second instance is bound to the same port";
}

Found find_path_taken_over(const Evidence& evidence) {
  if (!evidence.shows(Symptom::second_lives) || !is_unix(evidence.target().transport)) return {};
  return "a second instance is bound to the same path";
}

Found find_path_cut_off(const Evidence& evidence) {
  if (!evidence.shows(Symptom::path_cut_off)) return {};
  return fmt::format("{}: {}", evidence.finding().headline, evidence.finding().actual);
}

Found find_refusal_unseen(const Evidence& evidence) {
  if (!evidence.shows(Symptom::refusal_unseen)) return {};
  return evidence.finding().headline;
}

Found find_port_unsaid(const Evidence& evidence) {
  if (!evidence.shows(Symptom::port_unsaid)) return {};
  return fmt::format("{}; its output: {}", evidence.finding().headline, evidence.finding().actual);
}

/// A stop signal was sent, the server has not ended, and this is how it stands.
const Snapshot* unstopped(const Evidence& evidence) {
  return evidence.shows(Symptom::does_not_end) ? evidence.snapshot() : nullptr;
}

std::uint64_t bit_of(const Evidence& evidence) {
  const Event* signalled = evidence.last_in_case(Kind::signalled, "server");
  if (signalled == nullptr) return 0;
  const int number = signalled->text == "SIGTERM"  ? SIGTERM
                     : signalled->text == "SIGINT" ? SIGINT
                                                   : 0;
  return number == 0 ? 0 : std::uint64_t{1} << static_cast<unsigned>(number - 1);
}

bool listens(const Snapshot& snapshot) {
  return std::any_of(snapshot.sockets.begin(), snapshot.sockets.end(),
                     [](const SocketSeen& s) { return s.state == "LISTEN" || s.state == "UDP"; });
}

Found find_signal_noted(const Evidence& evidence) {
  const Snapshot* now = unstopped(evidence);
  if (now == nullptr || (now->caught & bit_of(evidence)) == 0 || !listens(*now)) return {};
  return fmt::format("{} is caught by a handler, and the server still listens",
                     evidence.last_in_case(Kind::signalled, "server")->text);
}

Found find_signal_ignored(const Evidence& evidence) {
  const Snapshot* now = unstopped(evidence);
  if (now == nullptr || ((now->ignored | now->blocked) & bit_of(evidence)) == 0) return {};
  return fmt::format("{} is {}", evidence.last_in_case(Kind::signalled, "server")->text,
                     (now->ignored & bit_of(evidence)) != 0 ? "ignored" : "blocked");
}

Found find_waits_for_clients(const Evidence& evidence) {
  const Snapshot* now = unstopped(evidence);
  if (now == nullptr || (now->caught & bit_of(evidence)) == 0 || listens(*now)) return {};
  const auto clients = std::count_if(now->sockets.begin(), now->sockets.end(),
                                     [](const SocketSeen& s) { return s.state == "ESTABLISHED"; });
  if (clients == 0) return {};
  return fmt::format("the server listens no more, and {} still open",
                     clients == 1 ? "1 connection is" : fmt::format("{} connections are", clients));
}

constexpr std::array<DiagnosisRule, 13> kRulesOfStartsAndStops{
    {{"no-reuseaddr", "the new instance died of EADDRINUSE, and nobody listened",
      "connections of the first instance linger in the kernel: SO_REUSEADDR must be set, and "
      "before "
      "bind()",
      "socket(7), tcp(7)", find_reuseaddr},
     {"orphans",
      "processes are left over, and one listens; or EADDRINUSE at the restart while somebody "
      "listens",
      "children outlive the server and keep its listener: end them with it (close the listener in "
      "the child, pass the signal on, or PR_SET_PDEATHSIG)",
      "fork(2), prctl(2)", find_orphans},
     {"children-serve-on", "processes are left over, and none listens",
      "children that nobody tells of the server's end serve their clients on: pass the signal on "
      "to "
      "them, or PR_SET_PDEATHSIG, and wait for them",
      "fork(2), wait(2), prctl(2)", find_children_serve_on},
     {"stale-path", "the new instance died of EADDRINUSE on an AF_UNIX path",
      "a path outlives its socket: try to connect() to it, and unlink() it when nobody answers",
      "unix(7)", find_stale_path},
     {"port-shared", "a second instance lives on the same TCP port",
      "SO_REUSEPORT lets instances of the same user share a port, and each gets some of the "
      "clients: leave it out",
      "socket(7)", find_port_shared},
     {"datagram-port-shared", "a second instance lives on the same UDP port",
      "SO_REUSEADDR or SO_REUSEPORT lets datagram sockets share a port, and one instance gets what "
      "the other should: leave it out",
      "socket(7), ip(7)", find_datagram_port_shared},
     {"path-taken-over", "a second instance lives on the same AF_UNIX path",
      "unlink() before bind() takes the path away from an instance that lives: try to connect() to "
      "it first",
      "unix(7), unlink(2)", find_path_taken_over},
     {"path-cut-off", "a second instance lives that was told a path longer than sun_path",
      "strncpy() into sun_path cuts a path off, and clients look for the server elsewhere: compare "
      "the length with sizeof sun_path, and refuse what does not fit",
      "unix(7)", find_path_cut_off},
     {"refusal-unseen", "a second instance that cannot listen lives on, or ends with status 0",
      "what bind() and listen() return is not looked at, or not told: say what the error was, and "
      "end with a status other than 0, or whoever started the server believes that it serves",
      "bind(2), listen(2), exit(3)", find_refusal_unseen},
     {"port-unsaid", "a second instance listens on a port that its output does not name",
      "with port 0 the kernel chooses: getsockname() after bind() says which one",
      "ip(7), getsockname(2)", find_port_unsaid},
     {"stop-signal-noted-only", "the stop signal is caught; the server still listens",
      "the handler notes the signal, and nothing looks at the note while the server waits: wake "
      "the "
      "wait up (signalfd, a pipe), or end in the handler",
      "signal(7), signal-safety(7)", find_signal_noted},
     {"stop-signal-ignored", "the stop signal is in SigIgn or SigBlk",
      "a server must end when it is told to", "signal(7)", find_signal_ignored},
     {"stop-waits-for-clients",
      "the stop signal is caught; the listener is closed; connections are open",
      "the end waits until the last client has left, which may be never: end the connections, too, "
      "after some time at the latest",
      "signal(7)", find_waits_for_clients}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_starts_and_stops() { return kRulesOfStartsAndStops; }

}  // namespace sockdrill
