// What a finding is worth, and how it is told.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/campaign/folder.h"
#include "harness/fuzzer/fuzz_request.h"

namespace sockdrill {

namespace {

constexpr std::array kSeverities{"memory", "death", "no service", "wrong replies", "wears out"};

struct Rule {
  std::string_view name;
  int severity;
  std::string_view demand;
};

constexpr std::array<Rule, 18> kRules{{
    {"crash", 0, "No input may make a server touch memory that is not its own."},
    {"invariant/alive", 1,
     "Whatever a client does, the server serves the others on (RFC 1122, 1.2.2)."},
    {"invariant/stderr", 0,
     "A sanitizer's or the C library's last word is about the server's memory."},
    {"hang", 2, "No input may take a server for ever: others wait meanwhile."},
    {"oom", 2, "Memory for one client must have a bound (RFC 7766, section 10, has the reasons)."},
    {"probe", 2, "After rude clients have left, a fresh one must be served (RFC 1122, 1.2.2)."},
    {"invariant/probe", 2,
     "After rude clients have left, a fresh one must be served (RFC 1122, 1.2.2)."},
    {"invariant/rest", 2, "With nothing to do a server comes to rest (poll(2), epoll(7))."},
    {"invariant/stall", 2,
     "Input that can be read must be read, and who waits be accepted: a readiness that was told "
     "once may not be told again (epoll(7)), and may be over by the time of the call, which then "
     "waits (select(2), BUGS)."},
    {"protocol", 3, "Replies are those to this client's requests, whole and in order."},
    {"invariant/quiet-cpu", 4, "With nothing to do a server sleeps (poll(2), epoll(7))."},
    {"invariant/descriptors", 4,
     "What was opened for a client is closed when it has gone (close(2))."},
    {"invariant/memory", 4,
     "What was taken for a client is given back when it has gone (free(3))."},
    {"invariant/left-over", 4, "What a server has started ends with it (wait(2), kill(2))."},
    {"invariant/close-wait", 4,
     "Who has read the end of a stream must close, too (RFC 9293, 3.6)."},
    {"invariant/threads", 4,
     "A thread for a client ends with it (pthread_detach(3), pthread_join(3))."},
    {"invariant/children", 4, "A child for a client ends with it (fork(2))."},
    {"invariant/zombies", 4, "Children that have ended are waited for (wait(2), NOTES)."},
}};

/// A signal, as opposed to an exit: of memory, nearly always.
bool is_crash(const Suspicion& suspicion) {
  return suspicion.what.find("SIGSEGV") != std::string::npos ||
         suspicion.what.find("SIGBUS") != std::string::npos ||
         suspicion.what.find("SIGABRT") != std::string::npos ||
         suspicion.what.find("SIGILL") != std::string::npos ||
         suspicion.what.find("SIGFPE") != std::string::npos;
}

}  // namespace

int severity_of(const Suspicion& suspicion) {
  const auto* const rule = std::find_if(
      kRules.begin(), kRules.end(), [&](const Rule& one) { return one.name == suspicion.rule; });
  if (rule == kRules.end()) return static_cast<int>(kSeverities.size()) - 1;
  return rule->name == "invariant/alive" && is_crash(suspicion) ? 0 : rule->severity;
}

std::string severity_name(int severity) { return kSeverities[static_cast<std::size_t>(severity)]; }

std::string diagnosis_of(const Suspicion& suspicion) {
  std::string text = fmt::format("{}: {}", suspicion.rule, suspicion.what);
  for (const Rule& rule : kRules) {
    if (rule.name == suspicion.rule) text += fmt::format("\n{}", rule.demand);
  }
  return text;
}

std::string name_of_finding(const Suspicion& suspicion) {
  std::string name = suspicion.rule.substr(suspicion.rule.find('/') + 1);
  return fmt::format("{}-{:08x}", name, hash_of(identity_of(suspicion)) & 0xffffffffU);
}

}  // namespace sockdrill
