#include "harness/fuzz/steps_form.h"

#include <algorithm>

#include "harness/base/address.h"
#include "harness/base/overload.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

// The orders of these lists are part of the form's version.

const std::vector<std::string>& addresses_in_form() {
  static const std::vector<std::string> list{"",          "broadcast", "subnet-broadcast",
                                             "127.0.0.1", "127.0.0.2", "127.0.0.3",
                                             "192.0.2.1", "::1",       "::ffff:127.0.0.1"};
  return list;
}

const std::vector<std::string>& errors_in_form() {
  static const std::vector<std::string> list{
      "EADDRINUSE", "EMSGSIZE",     "EACCES",      "EPIPE",  "ECONNRESET", "ECONNREFUSED",
      "ENOTCONN",   "EHOSTUNREACH", "ENETUNREACH", "EINVAL", "ENOBUFS",    "EAGAIN"};
  return list;
}

/// What a second instance may have to say.
const std::vector<std::string>& words_to_say_in_form() {
  static const std::vector<std::string> list = [] {
    std::vector<std::string> words = errors_in_form();
    words.emplace_back("anything");
    return words;
  }();
  return list;
}

const std::vector<std::string>& ends_in_form() {
  static const std::vector<std::string> list{"declared", "SIGTERM", "SIGINT", "SIGKILL"};
  return list;
}

const std::vector<ConnectOutcome>& connect_outcomes_in_form() {
  static const std::vector<ConnectOutcome> list{ConnectOutcome::connected, ConnectOutcome::refused,
                                                ConnectOutcome::reset, ConnectOutcome::timeout};
  return list;
}

bool is_address(std::string_view text) { return ip_address(std::string(text), 0).has_value(); }
bool is_error_name(std::string_view text) { return errno_named(std::string(text)).value != 0; }
bool is_to_say(std::string_view text) { return text == "anything" || is_error_name(text); }

/// Present is known from the flags.
template <typename T>
void pass_optional(Codec& codec, bool is_there, std::optional<T>& value, std::uint64_t low,
                   std::uint64_t high, const char* what) {
  if (!is_there) return;
  if (!value) value.emplace();
  codec.number(*value, low, high, what);
}

void pass_address(Codec& codec, std::string& address) {
  pass_word(codec, address, addresses_in_form(), is_address, "an address");
}

void pass_from(Codec& codec, From& from) {
  bool has_address = !from.address.empty();
  bool has_port = from.port.has_value();
  codec.bits({&has_address, &has_port, &from.is_same_port, &from.is_unnamed});
  if (has_address) pass_address(codec, from.address);
  pass_optional(codec, has_port, from.port, 1, 65535, "port");
  if (!codec.reads()) return;
  if (from.is_same_port) from.port.reset();
  if (from.is_unnamed) from = From{.is_unnamed = true};
}

void pass(Codec& codec, Connect& connect, FormContext& /*context*/) {
  bool has_receive = connect.receive_buffer.has_value();
  bool has_send = connect.send_buffer.has_value();
  bool has_from = connect.from != From{};
  bool has_to = !connect.to.empty();
  bool has_outcome = connect.outcome != Connect{}.outcome;
  codec.bits({&has_receive, &has_send, &has_from, &has_to, &has_outcome});
  pass_optional(codec, has_receive, connect.receive_buffer, 1, kMostBuffer, "receive_buffer");
  pass_optional(codec, has_send, connect.send_buffer, 1, kMostBuffer, "send_buffer");
  if (has_from) pass_from(codec, connect.from);
  if (has_to) pass_address(codec, connect.to);
  if (has_outcome)
    codec.items(connect.outcome, 1, 8, "outcomes", [&](ConnectOutcome& outcome) {
      codec.choice(outcome, connect_outcomes_in_form(), "outcome");
    });
}

void pass(Codec& codec, Open& open, FormContext& /*context*/) {
  bool has_receive = open.receive_buffer.has_value();
  bool has_send = open.send_buffer.has_value();
  bool has_from = open.from != From{};
  codec.bits({&has_receive, &has_send, &has_from, &open.broadcast});
  pass_optional(codec, has_receive, open.receive_buffer, 1, kMostBuffer, "receive_buffer");
  pass_optional(codec, has_send, open.send_buffer, 1, kMostBuffer, "send_buffer");
  if (has_from) pass_from(codec, open.from);
}

void pass_cut(Codec& codec, Cut& cut, const std::vector<Cut::Kind>& kinds) {
  codec.choice(cut.kind, kinds, "cut");
  if (cut.kind != Cut::Kind::at) return;
  // As distances, so that a change of one cut moves those behind it.
  std::uint64_t last = 0;
  codec.items(cut.at, 1, 1 << 16, "cuts", [&](std::uint64_t& offset) {
    std::uint64_t distance = offset - last;
    codec.number(distance, 1, kMostOctets, "a cut");
    offset = last += distance;
  });
  if (!codec.reads()) return;
  const auto beyond = std::find_if(cut.at.begin() + 1, cut.at.end(),
                                   [](std::uint64_t o) { return o > kMostOctets; });
  cut.at.erase(beyond, cut.at.end());
}

void pass(Codec& codec, Send& send, FormContext& context) {
  static const std::vector<Cut::Kind> kinds{Cut::Kind::at, Cut::Kind::every_byte};
  bool has_cut = send.cut.kind != Cut::Kind::none;
  bool is_unusual = send.reads_meanwhile == send.until_blocked;
  bool has_to = !send.to.empty();
  bool fails = !send.fails.empty();
  codec.bits({&has_cut, &send.until_blocked, &is_unusual, &send.urgent, &has_to, &fails});
  send.reads_meanwhile = send.until_blocked == is_unusual;
  pass_payload(codec, send.payload, context);
  if (has_cut) pass_cut(codec, send.cut, kinds);
  if (has_to) pass_address(codec, send.to);
  if (fails) pass_word(codec, send.fails, errors_in_form(), is_error_name, "an errno");
}

void pass(Codec& codec, ExchangeStep& exchange, FormContext& context) {
  static const std::vector<Cut::Kind> kinds{Cut::Kind::none, Cut::Kind::at, Cut::Kind::every_byte,
                                            Cut::Kind::every_offset};
  pass_payload(codec, exchange.payload, context);
  pass_cut(codec, exchange.cut, kinds);
}

/// A text that stands with the other texts, under its number.
void pass_numbered(bool reads, std::string& text, std::size_t number,
                   std::vector<std::pair<std::size_t, std::string>>& texts) {
  if (!reads) {
    if (!text.empty()) texts.emplace_back(number, text);
    return;
  }
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [&](const auto& other) { return other.first == number; });
  if (found != texts.end()) text = found->second;
}

void pass_outcome(Codec& codec, Outcome& outcome, FormContext& context) {
  using What = Outcome::What;
  static const std::vector<What> whats{What::unsaid,  What::nothing, What::sent,     What::octets,
                                       What::message, What::reply,   What::at_least, What::served};
  static const std::vector<Then> thens{Then::unsaid, Then::open, Then::fin, Then::reset,
                                       Then::ended};
  codec.choice(outcome.what, whats, "outcome");
  codec.choice(outcome.then, thens, "then");
  codec.bits({&outcome.is_warning, &outcome.is_sent});
  const bool is_message = outcome.what == What::message;
  if (outcome.what == What::octets || (is_message && !outcome.is_sent))
    pass_payload(codec, outcome.payload, context);
  if (outcome.what == What::reply || outcome.what == What::at_least)
    codec.number(outcome.number, 0, kMostOctets, "an outcome's number");
  pass_numbered(codec.reads(), outcome.because, context.outcome++, context.texts.clauses);
  if (!codec.reads()) return;
  if (!is_message) outcome.is_sent = false;
  if (outcome.what == What::unsaid && outcome.then == Then::unsaid) outcome.then = Then::ended;
}

void pass(Codec& codec, Expect& expect, FormContext& context) {
  bool has_limit = expect.within_ms.has_value();
  codec.bits({&has_limit});
  codec.items(expect.one_of, 1, 64, "one_of",
              [&](Outcome& outcome) { pass_outcome(codec, outcome, context); });
  pass_optional(codec, has_limit, expect.within_ms, 1, kMostMilliseconds, "within_ms");
}

void pass(Codec& codec, Shutdown& shutdown, FormContext& /*context*/) {
  using How = Shutdown::How;
  static const std::vector<How> hows{How::write, How::read, How::both};
  codec.choice(shutdown.how, hows, "shutdown");
}
void pass(Codec& codec, Close& close, FormContext& /*context*/) { codec.bits({&close.at_once}); }
void pass(Codec& /*codec*/, Reset& /*reset*/, FormContext& /*context*/) {}
void pass(Codec& /*codec*/, Drain& /*drain*/, FormContext& /*context*/) {}
void pass(Codec& codec, Read& read, FormContext& /*context*/) {
  codec.number(read.bytes, 1, kMostOctets, "bytes");
}
void pass(Codec& codec, Run& /*run*/, FormContext& /*context*/) {
  codec.refuse("it runs a program");
}

void pass(Codec& /*codec*/, Settled& /*settled*/, FormContext& /*context*/) {}
void pass(Codec& /*codec*/, Stop& /*stop*/, FormContext& /*context*/) {}
void pass(Codec& /*codec*/, Continue& /*go_on*/, FormContext& /*context*/) {}
void pass(Codec& codec, Signal& signal, FormContext& /*context*/) {
  codec.choice(signal.name, signal_names(), "signal");
}
void pass(Codec& codec, Restart& restart, FormContext& /*context*/) {
  codec.choice(restart.with, ends_in_form(), "with");
  bool has_path = restart.path_bytes.has_value();
  codec.bits({&restart.closed_streams, &has_path});
  pass_optional(codec, has_path, restart.path_bytes, kFewestPathBytes, kMostPathBytes,
                "path_bytes");
  static const std::vector<std::string> ignored{"", "SIGPIPE"};
  codec.choice(restart.ignoring, ignored, "ignoring");
}
void pass(Codec& codec, Second& second, FormContext& /*context*/) {
  using Port = Second::Port;
  static const std::vector<Port> ports{Port::usual, Port::zero, Port::privileged};
  codec.choice(second.port, ports, "port");
  bool has_path = second.path_bytes.has_value();
  codec.bits({&has_path});
  pass_optional(codec, has_path, second.path_bytes, kFewestPathBytes, kMostPathBytes, "path_bytes");
  if (codec.reads() && has_path) second.port = Port::usual;
  pass_word(codec, second.says, words_to_say_in_form(), is_to_say, "an errno");
}
void pass(Codec& codec, Limit& limit, FormContext& /*context*/) {
  bool is_of_processes = limit.of == Limit::Of::processes;
  codec.bits({&limit.is_relative, &limit.is_lifted, &is_of_processes});
  if (is_of_processes) limit.of = Limit::Of::processes;
  if (codec.reads() && (limit.is_lifted || is_of_processes)) limit.is_relative = false;
  if (limit.is_lifted || is_of_processes) return;
  // "+5" has five digits at most.
  codec.number(limit.descriptors, limit.is_relative ? 0 : 1,
               limit.is_relative ? 99'999 : kMostCount, "descriptors");
}
void pass(Codec& codec, Output& output, FormContext& /*context*/) { codec.bits({&output.is_read}); }

void pass(Codec& codec, ServerExpect& expect, FormContext& /*context*/) {
  using Exit = ServerExpect::Exit;
  static const std::vector<Exit> exits{Exit::unsaid, Exit::declared, Exit::any};
  codec.choice(expect.exit, exits, "exit");
  bool has_limit = expect.within_ms.has_value();
  bool has_zombies = expect.zombies.has_value();
  bool has_close_wait = expect.close_wait.has_value();
  bool has_descriptors = expect.descriptors.has_value();
  bool has_growth = expect.memory_growth.has_value();
  codec.bits({&expect.leaves_nothing, &expect.is_quiet, &expect.is_listening, &has_limit,
              &has_zombies, &has_close_wait, &has_descriptors, &has_growth});
  codec.bits({&expect.is_declared_growth});
  pass_optional(codec, has_limit, expect.within_ms, 1, kMostMilliseconds, "within_ms");
  pass_optional(codec, has_zombies, expect.zombies, 0, kMostCount, "zombies");
  pass_optional(codec, has_close_wait, expect.close_wait, 0, kMostCount, "close_wait");
  pass_optional(codec, has_descriptors, expect.descriptors, 0, kMostCount, "descriptors");
  pass_optional(codec, has_growth, expect.memory_growth, 0, kMostMemoryGrowth, "memory_growth");
  if (!codec.reads()) return;
  if (expect.is_declared_growth) expect.memory_growth.reset();
  if (expect.exit == Exit::unsaid) {
    expect.within_ms.reset();
    expect.leaves_nothing = false;
  }
  if (expect == ServerExpect{}) expect.is_listening = true;
}

void pass_fault(Codec& codec, Fault& fault) {
  codec.choice(fault.call, all_fault_calls(), "call");
  codec.number(fault.nth, 1, kMostNth, "nth");
  const std::vector<std::string>& errors = errors_of(fault.call);
  const bool has_more = may_fall_short(fault.call) || may_be_spurious(fault.call);
  auto effect = static_cast<std::size_t>(std::find(errors.begin(), errors.end(), fault.error) -
                                         errors.begin());
  codec.number(effect, 0, has_more ? errors.size() : errors.size() - 1, "effect");
  if (effect < errors.size()) {
    fault.error = errors[effect];
    return;
  }
  fault.effect = may_fall_short(fault.call) ? Fault::Effect::falls_short : Fault::Effect::spurious;
  if (fault.effect == Fault::Effect::falls_short)
    codec.number(fault.octets, 1, kMostShortOctets, "at_most");
}

/// As a step: both lists stand among others, and say their length.
void pass(Codec& codec, FromHere& from_here, FormContext& /*context*/) {
  codec.items(from_here.faults, 0, kMostFaults, "faults",
              [&](Fault& fault) { pass_fault(codec, fault); });
  codec.number(from_here.schedule.seed, 0, kLargestSeed, "seed");
  codec.items(from_here.schedule.choices, 0, kMostChoices, "choices",
              [&](std::uint8_t& choice) { codec.number(choice, 0, 255, "a choice"); });
}

template <typename Variant, std::size_t... I>
Variant make_alternative(std::size_t index, std::index_sequence<I...> /*all*/) {
  Variant made;
  static_cast<void>(
      ((index == I ? (made = std::variant_alternative_t<I, Variant>{}, true) : false) || ...));
  return made;
}

/// An action of the `index`th kind, with nothing said yet.
template <typename Variant>
Variant make_action(std::size_t index) {
  return make_alternative<Variant>(index, std::make_index_sequence<std::variant_size_v<Variant>>{});
}

template <typename Variant>
void pass_action(Codec& codec, Variant& action, FormContext& context) {
  std::visit([&](auto& chosen) { pass(codec, chosen, context); }, action);
}

// One octet says what a step is: a client's action, the server's, a crowd, a crowd that is there
// already, or a repeat. Running a program is the last of the clients' actions, and left out.
constexpr std::size_t kClientKinds = std::variant_size_v<ClientAction> - 1;
constexpr std::size_t kServerKinds = std::variant_size_v<ServerAction>;
constexpr std::size_t kCrowdKind = kClientKinds + kServerKinds;
constexpr std::size_t kCrowdAgainKind = kCrowdKind + 1;
constexpr std::size_t kRepeatKind = kCrowdKind + 2;
static_assert(std::is_same_v<std::variant_alternative_t<kClientKinds, ClientAction>, Run>);

std::size_t kind_of(const Step& step) {
  return std::visit(
      Overload{[](const ClientStep& s) { return s.action.index(); },
               [](const ServerStep& s) { return kClientKinds + s.action.index(); },
               [](const CrowdStep& s) { return s.count ? kCrowdKind : kCrowdAgainKind; },
               [](const RepeatStep&) { return kRepeatKind; }},
      step.what);
}

void pass_crowd(Codec& codec, CrowdStep& crowd, bool is_new, FormContext& context) {
  pass_optional(codec, is_new, crowd.count, 1, kMostClients, "clients");
  pass_name(codec, crowd.name, context);
  std::uint64_t at_once = crowd.at_once.value_or(0);  // 0: all.
  codec.number(at_once, 0, kMostClients, "at_once");
  if (codec.reads() && at_once != 0) crowd.at_once = at_once;
  codec.items(crowd.each, 1, 1 << 12, "each", [&](ClientAction& action) {
    std::size_t kind = action.index();
    if (kind == kClientKinds) return codec.refuse("it runs a program");
    codec.number(kind, 0, kClientKinds - 1, "action");
    if (codec.reads()) action = make_action<ClientAction>(kind);
    pass_action(codec, action, context);
  });
  if (codec.reads()) crowd.pointers.assign(crowd.each.size(), "");
}

void pass_step(Codec& codec, Step& step, FormContext& context, int depth) {
  std::size_t kind = codec.reads() ? 0 : kind_of(step);
  if (!codec.reads() && std::holds_alternative<ClientStep>(step.what) && kind == kClientKinds)
    return codec.refuse("it runs a program");
  if (!codec.reads() && kind == kRepeatKind && depth >= kDeepestRepeat)
    return codec.refuse("repeats are nested too deep");
  codec.number(kind, 0, kRepeatKind, "step");
  if (codec.reads() && kind == kRepeatKind && depth >= kDeepestRepeat) kind = kClientKinds;
  pass_numbered(codec.reads(), step.note, context.step++, context.texts.notes);
  if (kind < kClientKinds) {
    if (codec.reads()) step.what = ClientStep{.action = make_action<ClientAction>(kind)};
    auto& client = std::get<ClientStep>(step.what);
    pass_name(codec, client.client, context);
    pass_action(codec, client.action, context);
  } else if (kind < kCrowdKind) {
    if (codec.reads()) step.what = ServerStep{make_action<ServerAction>(kind - kClientKinds)};
    pass_action(codec, std::get<ServerStep>(step.what).action, context);
  } else if (kind < kRepeatKind) {
    if (codec.reads()) step.what = CrowdStep{};
    pass_crowd(codec, std::get<CrowdStep>(step.what), kind == kCrowdKind, context);
  } else {
    if (codec.reads()) step.what = RepeatStep{};
    auto& repeat = std::get<RepeatStep>(step.what);
    codec.number(repeat.times, 1, kMostRepeats, "repeat");
    codec.items(repeat.steps, 1, 1 << 16, "steps",
                [&](Step& inner) { pass_step(codec, inner, context, depth + 1); });
  }
}

}  // namespace

void pass_steps(Codec& codec, std::vector<Step>& steps, FormContext& context) {
  if (!codec.reads()) {
    for (Step& step : steps) pass_step(codec, step, context, 0);
    return;
  }
  while (!codec.is_at_end()) {
    steps.emplace_back();
    pass_step(codec, steps.back(), context, 0);
  }
}

void pass_faults(Codec& codec, std::vector<Fault>& faults) {
  if (!codec.reads()) {
    for (Fault& fault : faults) pass_fault(codec, fault);
    return;
  }
  while (!codec.is_at_end() && faults.size() < kMostFaults) {
    faults.emplace_back();
    pass_fault(codec, faults.back());
  }
}

void pass_schedule(Codec& codec, Schedule& schedule) {
  codec.number(schedule.seed, 0, kLargestSeed, "seed");
  Bytes choices(schedule.choices.begin(), schedule.choices.end());
  codec.rest(choices);
  choices.resize(std::min(choices.size(), kMostChoices));
  schedule.choices.assign(choices.begin(), choices.end());
}

}  // namespace sockdrill
