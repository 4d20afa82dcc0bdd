// Plans and steps in words.

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/overload.h"
#include "harness/plan/expectation.h"

namespace sockdrill {

namespace {

std::string with_then(std::string text, Then then) {
  if (then == Then::unsaid) return text;
  const char* const word = then == Then::open    ? "still open"
                           : then == Then::fin   ? "fin"
                           : then == Then::reset ? "reset"
                                                 : "fin or reset";
  return text.empty() ? word : fmt::format("{}, then {}", text, word);
}

std::string describe_connect(const Connect& connect) {
  std::string text = "connect";
  if (!connect.to.empty()) text += " to " + connect.to;
  if (!connect.from.address.empty()) text += " from " + connect.from.address;
  if (connect.from.port) text += fmt::format(" from port {}", *connect.from.port);
  if (connect.from.is_same_port) text += " from the same port again";
  if (connect.receive_buffer)
    text += fmt::format(", receive buffer {}", count_of(*connect.receive_buffer, "byte"));
  return text;
}

std::string describe_send(const PlannedSend& send) {
  std::string text = "send " + summary(send.content);
  if (send.cuts.size() == 1)
    text += fmt::format(", cut at {}", send.cuts[0]);
  else if (!send.cuts.empty())
    text += fmt::format(", in {} pieces", send.cuts.size() + 1);
  if (send.urgent) text += ", urgent";
  if (send.until_blocked) text += ", until the server takes no more";
  if (!send.to.empty()) text += " to " + send.to;
  if (send.fails.value != 0) text += ", which must fail with " + name_of(send.fails);
  return text;
}

std::string describe_server_expect(const ServerExpect& expect) {
  std::vector<std::string> parts;
  if (expect.exit != ServerExpect::Exit::unsaid)
    parts.push_back(expect.exit == ServerExpect::Exit::declared ? "it exits as declared"
                                                                : "it exits");
  if (expect.leaves_nothing) parts.emplace_back("nothing of it is left");
  if (expect.is_quiet) parts.emplace_back("quiet CPU");
  if (expect.memory_growth)
    parts.push_back(fmt::format("memory grown by at most {}",
                                count_of(static_cast<std::size_t>(*expect.memory_growth), "byte")));
  if (expect.is_declared_growth) parts.emplace_back("memory grown by no more than declared");
  if (expect.zombies) parts.push_back(fmt::format("at most {} zombies", *expect.zombies));
  if (expect.close_wait)
    parts.push_back(fmt::format("at most {} sockets in CLOSE_WAIT", *expect.close_wait));
  if (expect.descriptors)
    parts.push_back(
        fmt::format("at most {} descriptors more than at the start", *expect.descriptors));
  if (expect.is_listening) parts.emplace_back("it listens");
  return fmt::format("expect {}", fmt::join(parts, ", "));
}

std::string describe_path(std::uint64_t bytes) {
  return fmt::format(" a path of {}", count_of(static_cast<std::size_t>(bytes), "byte"));
}

std::string describe_second(const Second& second) {
  const std::string says = second.says == "anything" ? "why" : second.says;
  if (second.port == Second::Port::zero)
    return fmt::format(
        "a second instance, on port 0, which must say where it listens, or fail and say {}", says);
  const std::string where = second.path_bytes ? ", at" + describe_path(*second.path_bytes)
                            : second.port == Second::Port::privileged
                                ? std::string(", on a port below 1024 without the right to it")
                                : std::string();
  return fmt::format("a second instance{}, which must fail and say {}", where, says);
}

std::string describe_from_here(const FromHere& from_here) {
  std::string text = "from here on, calls counted anew: ";
  text +=
      from_here.faults.empty() ? "no faults" : "faults " + write_faults(from_here.faults).dump();
  if (from_here.schedule != Schedule{})
    text += ", schedule " + write_schedule(from_here.schedule).dump();
  return text;
}

std::string describe_server(const ServerAction& action) {
  return std::visit(
      Overload{[](const Settled&) { return std::string("wait until it is at rest"); },
               [](const Stop&) { return std::string("stop (SIGSTOP)"); },
               [](const Continue&) { return std::string("continue (SIGCONT)"); },
               [](const Signal& s) { return "signal " + s.name; },
               [](const Restart& r) {
                 return fmt::format(
                     "restart, ended by {}{}{}{}",
                     r.with == "declared" ? "the signal it declares" : r.with,
                     r.closed_streams ? ", without standard streams" : "",
                     r.ignoring.empty() ? "" : fmt::format(", with {} ignored", r.ignoring),
                     r.path_bytes ? ", at" + describe_path(*r.path_bytes) : "");
               },
               [](const Second& s) { return describe_second(s); },
               [](const Limit& l) {
                 if (l.of == Limit::Of::processes)
                   return std::string(l.is_lifted ? "process limit lifted"
                                                  : "process limit reached: none more, no thread");
                 return l.is_lifted
                            ? std::string("descriptor limit lifted")
                            : fmt::format("descriptor limit {}{}",
                                          l.is_relative ? "what it holds + " : "", l.descriptors);
               },
               [](const Output& o) {
                 return std::string(o.is_read ? "its output is read again"
                                              : "nobody reads its output any more");
               },
               [](const ServerExpect& e) { return describe_server_expect(e); },
               [](const FromHere& f) { return describe_from_here(f); }},
      action);
}

std::string describe_action(const PlannedAction& action) {
  return std::visit(
      Overload{[](const Connect& c) { return describe_connect(c); },
               [](const Open&) { return std::string("open a datagram socket"); },
               [](const PlannedSend& s) { return describe_send(s); },
               [](const PlannedExpect& e) { return "expect " + describe(e); },
               [](const Shutdown& s) {
                 return std::string(s.how == Shutdown::How::write  ? "shut down writing"
                                    : s.how == Shutdown::How::read ? "shut down reading"
                                                                   : "shut down both ways");
               },
               [](const Close& c) {
                 return std::string(c.at_once ? "close at once" : "close in order");
               },
               [](const Reset&) { return std::string("reset"); },
               [](const Drain&) { return std::string("read to the end"); },
               [](const Read& r) {
                 return fmt::format("read {}", count_of(static_cast<std::size_t>(r.bytes), "byte"));
               },
               [](const PlannedRun& r) { return fmt::format("run {}", fmt::join(r.command, " ")); },
               [](const ServerAction& s) { return describe_server(s); }},
      action);
}

void describe_blocks(const CasePlan& planned, std::string& text) {
  constexpr std::size_t kMostShown = 200;
  std::size_t shown = 0;
  for (const Block& block : planned.blocks) {
    if (shown++ == kMostShown) {
      text += fmt::format("  ... {} more blocks\n", planned.blocks.size() - kMostShown);
      return;
    }
    if (block.scripts.size() > 1)
      text += fmt::format("  {} clients, {} at a time, each:\n", block.scripts.size(),
                          std::min(block.at_once, block.scripts.size()));
    for (const PlannedStep& step : block.scripts[0])
      text += fmt::format("  {}{}\n", block.scripts.size() > 1 ? "  " : "", step.text);
  }
}

}  // namespace

std::string describe(const PlannedOutcome& outcome) {
  switch (outcome.what) {
    case Outcome::What::unsaid:
      return with_then("", outcome.then);
    case Outcome::What::nothing:
      return with_then("nothing", outcome.then);
    case Outcome::What::sent:
      return with_then("the bytes sent", outcome.then);
    case Outcome::What::octets:
      return with_then(summary(outcome.content), outcome.then);
    case Outcome::What::message:
      return with_then(
          outcome.is_sent ? "one message, as sent" : "one message: " + summary(outcome.content),
          outcome.then);
    case Outcome::What::at_least:
      return with_then(
          fmt::format("at least {}", count_of(static_cast<std::size_t>(outcome.number), "byte")),
          outcome.then);
    case Outcome::What::served:
      return with_then("everything sent is taken and read", outcome.then);
    case Outcome::What::reply:
      break;
  }
  const bool has_wildcard =
      std::any_of(outcome.reply.begin(), outcome.reply.end(), [](const Part& p) {
        return p.kind == Part::Kind::any || p.kind == Part::Kind::line ||
               p.kind == Part::Kind::digits;
      });
  if (has_wildcard) return with_then(quote(to_string(outcome.reply)), outcome.then);
  Content content;
  content.append_compressed(render(outcome.reply, outcome.values));
  return with_then(summary(content), outcome.then);
}

std::string describe(const PlannedExpect& expect) {
  std::string text;
  for (const PlannedOutcome& outcome : expect.one_of) {
    if (!text.empty()) text += "; or ";
    text += describe(outcome) + (outcome.is_warning ? " (a warning)" : "");
  }
  return text;
}

std::string describe(const PlannedStep& step) {
  return fmt::format("{}: {}", step.client.empty() ? "server" : step.client,
                     describe_action(step.action));
}

std::string describe(const Plan& plan) {
  std::string text =
      fmt::format("{} ({}) on {}\n{}\n", plan.scenario.id, to_string(plan.scenario.level),
                  plan.target.name, plan.scenario.summary);
  text += fmt::format("server: {}\n", fmt::join(plan.target.command, " "));
  if (!plan.left_out.empty())
    text += fmt::format("left out: cases beyond the target's bounds ({})\n", plan.left_out);
  for (const CasePlan& planned : plan.cases) {
    if (!planned.bindings.empty()) text += fmt::format("case {}\n", to_string(planned.bindings));
    describe_blocks(planned, text);
  }
  if (!plan.scenario.faults.empty())
    text += fmt::format("faults: {}\n", write_faults(plan.scenario.faults).dump());
  if (plan.scenario.schedule != Schedule{})
    text += fmt::format("schedule: {}\n", write_schedule(plan.scenario.schedule).dump());
  if (plan.scenario.needs_simulated_kernel())
    text += "only with --world simulated: no real kernel can be asked for faults or a schedule\n";
  if (plan.cases.empty()) text += "no case is left to play\n";
  text +=
      "after each case: clients half-close, read to the end and close; then the invariants, and a "
      "fresh probe:\n";
  for (const PlannedStep& step : plan.warm_up) text += fmt::format("  {}\n", step.text);
  return text;
}

}  // namespace sockdrill
