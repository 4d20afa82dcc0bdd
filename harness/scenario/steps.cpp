// Steps, from JSON to values.

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <csignal>

#include "harness/base/try.h"
#include "harness/scenario/words.h"

namespace sockdrill {

namespace {

constexpr std::int64_t kMostClients = 20000;
constexpr std::int64_t kMostRepeats = 100000;
const std::vector<std::string> kSignals = {"SIGHUP",  "SIGINT",   "SIGQUIT", "SIGUSR1",
                                           "SIGUSR2", "SIGPIPE",  "SIGALRM", "SIGTERM",
                                           "SIGCHLD", "SIGWINCH", "SIGKILL"};
const std::vector<std::string> kClientWords = {"connect",  "open",     "send",  "expect",
                                               "exchange", "shutdown", "close", "reset",
                                               "drain",    "read",     "run"};

Result<std::optional<std::uint32_t>> read_size(const Node& node, const std::string& key) {
  if (!node.has(key)) return std::optional<std::uint32_t>{};
  return std::optional<std::uint32_t>{
      static_cast<std::uint32_t>(TRY(node.at(key).as_integer(1, 1 << 28)))};
}

Result<From> read_from(const Node& node) {
  if (node.is_string()) {
    TRY_VOID(node.as_word({"unnamed"}));
    return From{.is_unnamed = true};
  }
  TRY_VOID(node.allow_only({"address", "port"}));
  From from;
  if (node.has("address")) from.address = TRY(node.at("address").as_string());
  if (!node.has("port")) return from;
  if (node.at("port").is_string()) {
    TRY_VOID(node.at("port").as_word({"again"}));
    from.is_same_port = true;
  } else {
    from.port = static_cast<std::uint16_t>(TRY(node.at("port").as_integer(1, 65535)));
  }
  return from;
}

Result<ClientAction> read_connect(const Node& node) {
  TRY_VOID(node.allow_only({"receive_buffer", "send_buffer", "from", "to", "outcome"}));
  Connect connect;
  connect.receive_buffer = TRY(read_size(node, "receive_buffer"));
  connect.send_buffer = TRY(read_size(node, "send_buffer"));
  if (node.has("from")) connect.from = TRY(read_from(node.at("from")));
  if (node.has("to")) connect.to = TRY(node.at("to").as_string());
  if (!node.has("outcome")) return connect;
  connect.outcome.clear();
  const Node outcome = node.at("outcome");
  if (!outcome.is_array()) {
    connect.outcome.push_back(TRY(read_word(outcome, connect_words())));
    return connect;
  }
  for (const Node& item : outcome.items())
    connect.outcome.push_back(TRY(read_word(item, connect_words())));
  if (connect.outcome.empty()) return tl::unexpected(outcome.expected("at least one outcome"));
  return connect;
}

Result<ClientAction> read_open(const Node& node) {
  TRY_VOID(node.allow_only({"receive_buffer", "send_buffer", "from", "broadcast"}));
  Open open;
  open.receive_buffer = TRY(read_size(node, "receive_buffer"));
  open.send_buffer = TRY(read_size(node, "send_buffer"));
  if (node.has("from")) open.from = TRY(read_from(node.at("from")));
  if (node.has("broadcast")) open.broadcast = TRY(node.at("broadcast").as_bool());
  return open;
}

Result<Cut> read_cut(const Node& node) {
  if (node.is_string()) {
    const std::string word = TRY(node.as_word({"every-byte", "every-offset"}));
    return Cut{.kind = word == "every-byte" ? Cut::Kind::every_byte : Cut::Kind::every_offset};
  }
  if (!node.is_array() || node.items().empty())
    return tl::unexpected(node.expected("every-byte, every-offset, or an array of rising offsets"));
  Cut cut{.kind = Cut::Kind::at};
  for (const Node& item : node.items()) {
    const std::int64_t low = cut.at.empty() ? 1 : static_cast<std::int64_t>(cut.at.back()) + 1;
    cut.at.push_back(static_cast<std::uint64_t>(TRY(item.as_integer(low, 1 << 30))));
  }
  return cut;
}

Result<std::string> read_errno(const Node& node) {
  const std::string name = TRY(node.as_string());
  if (errno_named(name).value == 0)
    return tl::unexpected(node.expected("the name of an errno, such as EMSGSIZE"));
  return name;
}

Result<ClientAction> read_send(const Node& node) {
  Send send{.payload =
                TRY(read_payload(node, {"cut", "urgent", "until", "meanwhile", "to", "fails"}))};
  if (node.has("cut")) send.cut = TRY(read_cut(node.at("cut")));
  if (send.cut.kind == Cut::Kind::every_offset)
    return tl::unexpected(node.at("cut").error(
        "every-offset repeats a whole exchange for each offset: use it in \"exchange\""));
  if (node.has("urgent")) send.urgent = TRY(node.at("urgent").as_bool());
  if (node.has("until"))
    send.until_blocked = TRY(node.at("until").as_word({"blocked"})) == "blocked";
  send.reads_meanwhile = !send.until_blocked;
  if (node.has("meanwhile"))
    send.reads_meanwhile = TRY(node.at("meanwhile").as_word({"read", "ignore"})) == "read";
  if (node.has("to")) send.to = TRY(node.at("to").as_string());
  if (node.has("fails")) send.fails = TRY(read_errno(node.at("fails")));
  return send;
}

Result<Outcome> read_outcome(const Node& node, const std::vector<std::string>& other_keys) {
  const std::vector<std::string> whats = {"bytes",    "message", "datagram", "reply",
                                          "at_least", "nothing", "served"};
  std::vector<std::string> allowed = whats;
  allowed.insert(allowed.end(), {"then", "grade", "because"});
  allowed.insert(allowed.end(), other_keys.begin(), other_keys.end());
  TRY_VOID(node.allow_only(allowed));
  Outcome outcome;
  std::string what;
  for (const std::string& word : whats) {
    if (!node.has(word)) continue;
    if (!what.empty())
      return tl::unexpected(node.at(word).error(
          fmt::format("'{}' and '{}' both say what must come: keep one", what, word)));
    what = word;
  }
  if (node.has("then")) outcome.then = TRY(read_word(node.at("then"), then_words()));
  if (node.has("grade"))
    outcome.is_warning = TRY(node.at("grade").as_word({"pass", "warn"})) == "warn";
  if (node.has("because")) outcome.because = TRY(node.at("because").as_string());
  if (what.empty()) {
    if (outcome.then == Then::unsaid)
      return tl::unexpected(
          node.expected("an outcome: one of " + join_or(whats) + ", or \"then\""));
    return outcome;
  }
  const Node value = node.at(what);
  const bool is_sent = value.is_string() && value.json() == "=sent";
  if (what == "bytes") {
    outcome.what = is_sent ? Outcome::What::sent : Outcome::What::octets;
    if (!is_sent) outcome.payload = TRY(read_payload(value, {}));
  } else if (what == "message" || what == "datagram") {
    outcome.what = Outcome::What::message;
    outcome.is_sent = is_sent;
    if (!is_sent) outcome.payload = TRY(read_payload(value, {}));
  } else if (what == "reply" || what == "at_least") {
    outcome.what = what == "reply" ? Outcome::What::reply : Outcome::What::at_least;
    outcome.number = static_cast<std::uint64_t>(TRY(value.as_integer(0, 1 << 30)));
  } else {
    if (!TRY(value.as_bool())) return tl::unexpected(value.expected("true"));
    outcome.what = what == "nothing" ? Outcome::What::nothing : Outcome::What::served;
  }
  return outcome;
}

Result<ClientAction> read_expect(const Node& node) {
  Expect expect;
  if (node.has("within_ms"))
    expect.within_ms = static_cast<std::uint64_t>(TRY(node.at("within_ms").as_integer(1, 600000)));
  if (!node.has("one_of")) {
    expect.one_of.push_back(TRY(read_outcome(node, {"within_ms", "one_of"})));
    return expect;
  }
  TRY_VOID(node.allow_only({"one_of", "within_ms"}));
  const Node set = node.at("one_of");
  if (!set.is_array() || set.items().empty())
    return tl::unexpected(set.expected("an array of outcomes, at least one"));
  for (const Node& item : set.items()) expect.one_of.push_back(TRY(read_outcome(item, {})));
  return expect;
}

Result<ClientAction> read_exchange(const Node& node) {
  ExchangeStep exchange{.payload = TRY(read_payload(node, {"cut"}))};
  if (node.has("cut")) exchange.cut = TRY(read_cut(node.at("cut")));
  return exchange;
}

Result<ClientAction> read_close(const Node& node) {
  if (node.is_string()) {
    TRY_VOID(node.as_word({"at-once"}));
    return Close{.at_once = true};
  }
  TRY_VOID(node.allow_only({}));
  return Close{};
}

Result<ClientAction> read_run(const Node& node) {
  TRY_VOID(node.allow_only({"command", "input", "exit", "output"}));
  Run run{.command = TRY(TRY(node.required("command")).as_strings())};
  if (run.command.empty())
    return tl::unexpected(node.at("command").expected("a program and its arguments"));
  if (node.has("input")) run.input = TRY(read_payload(node.at("input"), {}));
  if (node.has("exit")) {
    run.exit = std::nullopt;
    if (!node.at("exit").is_string())
      run.exit = static_cast<int>(TRY(node.at("exit").as_integer(0, 255)));
    else
      TRY_VOID(node.at("exit").as_word({"any"}));
  }
  if (!node.has("output")) return run;
  run.output_is_input = node.at("output").json() == "=input";
  if (!run.output_is_input) run.output = TRY(read_payload(node.at("output"), {}));
  return run;
}

Result<ClientAction> read_client_action(const std::string& word, const Node& node) {
  if (word == "connect") return read_connect(node);
  if (word == "open") return read_open(node);
  if (word == "send") return read_send(node);
  if (word == "expect") return read_expect(node);
  if (word == "exchange") return read_exchange(node);
  if (word == "shutdown") return Shutdown{.how = TRY(read_word(node, shutdown_words()))};
  if (word == "close") return read_close(node);
  if (word == "run") return read_run(node);
  if (word == "read") {
    TRY_VOID(node.allow_only({"bytes"}));
    return Read{.bytes = static_cast<std::uint64_t>(
                    TRY(TRY(node.required("bytes")).as_integer(1, 1 << 30)))};
  }
  TRY_VOID(node.allow_only({}));
  if (word == "reset") return Reset{};
  return Drain{};
}

/// The one key of `node` that is an action, besides `others`.
Result<std::string> find_action(const Node& node, const std::vector<std::string>& words,
                                const std::vector<std::string>& others) {
  std::vector<std::string> allowed = others;
  allowed.insert(allowed.end(), words.begin(), words.end());
  TRY_VOID(node.allow_only(allowed));
  std::string action;
  for (const auto& [key, value] : node.members()) {
    if (std::find(words.begin(), words.end(), key) == words.end()) continue;
    if (!action.empty())
      return tl::unexpected(value.error(
          fmt::format("'{}' and '{}' in one step: a step does one thing", action, key)));
    action = key;
  }
  if (action.empty())
    return tl::unexpected(node.expected("a step that does one of " + join_or(words)));
  return action;
}

Result<ServerAction> read_limit(const Node& node) {
  TRY_VOID(node.allow_only({"descriptors"}));
  const Node value = TRY(node.required("descriptors"));
  if (!value.is_string())
    return Limit{.descriptors = static_cast<std::uint64_t>(TRY(value.as_integer(1, 1 << 20)))};
  const std::string text = TRY(value.as_string());
  if (text == "none") return Limit{.is_lifted = true};
  const bool is_number =
      text.size() > 1 && text.size() < 7 && text[0] == '+' &&
      std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number)
    return tl::unexpected(value.expected(
        "a number of descriptors, \"+5\" for so many more than it holds, or \"none\""));
  return Limit{.descriptors = std::stoull(text.substr(1)), .is_relative = true};
}

Result<ServerAction> read_server_expect(const Node& node) {
  TRY_VOID(node.allow_only({"exit", "within_ms", "left_over", "cpu", "memory_growth", "zombies",
                            "close_wait", "descriptors", "listening"}));
  ServerExpect expect;
  const auto count = [&](const char* key) -> Result<std::optional<int>> {
    if (!node.has(key)) return std::optional<int>{};
    return std::optional<int>{static_cast<int>(TRY(node.at(key).as_integer(0, 1 << 20)))};
  };
  if (node.has("exit"))
    expect.exit = TRY(node.at("exit").as_word({"declared", "any"})) == "any"
                      ? ServerExpect::Exit::any
                      : ServerExpect::Exit::declared;
  if (node.has("within_ms")) {
    if (!node.has("exit"))
      return tl::unexpected(node.at("within_ms").error("\"within_ms\" goes with \"exit\""));
    expect.within_ms = static_cast<std::uint64_t>(TRY(node.at("within_ms").as_integer(1, 600000)));
  }
  if (node.has("left_over")) {
    if (!node.has("exit"))
      return tl::unexpected(node.at("left_over").error("\"left_over\" goes with \"exit\""));
    expect.leaves_nothing = TRY(node.at("left_over").as_word({"nothing"})) == "nothing";
  }
  if (node.has("cpu")) expect.is_quiet = TRY(node.at("cpu").as_word({"quiet"})) == "quiet";
  if (node.has("memory_growth")) {
    const Node growth = node.at("memory_growth");
    expect.is_declared_growth = growth.is_string();
    if (growth.is_string())
      TRY_VOID(growth.as_word({"declared"}));
    else
      expect.memory_growth =
          static_cast<std::uint64_t>(TRY(growth.as_integer(0, std::int64_t{1} << 40)));
  }
  expect.zombies = TRY(count("zombies"));
  expect.close_wait = TRY(count("close_wait"));
  expect.descriptors = TRY(count("descriptors"));
  if (node.has("listening")) {
    expect.is_listening = TRY(node.at("listening").as_bool());
    if (!expect.is_listening) return tl::unexpected(node.at("listening").expected("true"));
  }
  if (expect == ServerExpect{})
    return tl::unexpected(
        node.expected("something to expect of the server: exit, cpu, memory_growth, zombies, "
                      "close_wait, descriptors or listening"));
  return expect;
}

Result<ServerAction> read_server_action(const Node& node) {
  if (node.is_string()) {
    const std::string word = TRY(node.as_word({"settled", "stop", "continue"}));
    if (word == "settled") return Settled{};
    if (word == "stop") return Stop{};
    return Continue{};
  }
  if (!node.is_object())
    return tl::unexpected(node.expected(
        "settled, stop, continue, or an object with signal, restart, second, limit, output or "
        "expect"));
  const std::string action =
      TRY(find_action(node, {"signal", "restart", "second", "limit", "output", "expect"}, {}));
  const Node value = node.at(action);
  if (action == "signal") return Signal{.name = TRY(value.as_word(kSignals))};
  if (action == "limit") return read_limit(value);
  if (action == "output")
    return Output{.is_read = TRY(value.as_word({"read", "unread"})) == "read"};
  if (action == "expect") return read_server_expect(value);
  if (action == "restart") {
    TRY_VOID(value.allow_only({"with"}));
    return Restart{.with = value.has("with") ? TRY(value.at("with").as_word(
                                                   {"SIGTERM", "SIGINT", "SIGKILL", "declared"}))
                                             : "declared"};
  }
  TRY_VOID(value.allow_only({"says"}));
  return Second{.says = value.has("says") ? TRY(read_errno(value.at("says"))) : "EADDRINUSE"};
}

Result<void> check_name(const Node& node, const std::string& name) {
  const bool is_good =
      !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
      });
  if (!is_good)
    return tl::unexpected(node.expected("a client's name: letters, digits, '-' and '_'"));
  return {};
}

Result<CrowdStep> read_crowd(const Node& node) {
  TRY_VOID(node.allow_only({"clients", "named", "at_once", "each", "note"}));
  CrowdStep crowd;
  const Node clients = node.at("clients");
  if (clients.is_string()) {
    crowd.name = TRY(clients.as_string());
    if (node.has("named"))
      return tl::unexpected(node.at("named").error(
          "\"clients\" names a crowd that is there already: \"named\" is for a new one"));
  } else {
    crowd.count = static_cast<std::uint64_t>(TRY(clients.as_integer(1, kMostClients)));
    if (node.has("named")) crowd.name = TRY(node.at("named").as_string());
  }
  TRY_VOID(check_name(clients, crowd.name));
  if (node.has("at_once"))
    crowd.at_once = static_cast<std::uint64_t>(TRY(node.at("at_once").as_integer(1, kMostClients)));
  const Node each = TRY(node.required("each"));
  if (!each.is_array() || each.items().empty())
    return tl::unexpected(each.expected("an array of what each client does, at least one"));
  for (const Node& item : each.items()) {
    const std::string word = TRY(find_action(item, kClientWords, {}));
    crowd.each.push_back(TRY(read_client_action(word, item.at(word))));
    crowd.pointers.push_back(item.pointer());
  }
  return crowd;
}

Result<RepeatStep> read_repeat(const Node& node) {
  TRY_VOID(node.allow_only({"repeat", "steps", "note"}));
  RepeatStep repeat{
      .times = static_cast<std::uint64_t>(TRY(node.at("repeat").as_integer(1, kMostRepeats)))};
  repeat.steps = TRY(read_steps(TRY(node.required("steps"))));
  return repeat;
}

Result<Step> read_step(const Node& node) {
  static const std::vector<std::string> actors = {"client", "server", "clients", "repeat"};
  if (!node.is_object())
    return tl::unexpected(node.expected("a step: an object with one of " + join_or(actors)));
  const auto actor =
      std::find_if(actors.begin(), actors.end(), [&](const std::string& a) { return node.has(a); });
  Step step{.pointer = node.pointer()};
  if (node.has("note")) step.note = TRY(node.at("note").as_string());
  if (actor == actors.end()) {
    const std::string first = node.json().empty() ? "" : node.members()[0].first;
    return tl::unexpected(
        node.error(fmt::format("this step has no actor: expected one of the keys {}{}",
                               join_or(actors), did_you_mean(first, actors))));
  }
  if (*actor == "clients") {
    step.what = TRY(read_crowd(node));
  } else if (*actor == "repeat") {
    step.what = TRY(read_repeat(node));
  } else if (*actor == "server") {
    TRY_VOID(node.allow_only({"server", "note"}));
    step.what = ServerStep{.action = TRY(read_server_action(node.at("server")))};
  } else {
    const std::string name = TRY(node.at("client").as_string());
    TRY_VOID(check_name(node.at("client"), name));
    const std::string word = TRY(find_action(node, kClientWords, {"client", "note"}));
    step.what = ClientStep{.client = name, .action = TRY(read_client_action(word, node.at(word)))};
  }
  return step;
}

}  // namespace

Result<std::vector<Step>> read_steps(const Node& node) {
  if (!node.is_array() || node.items().empty())
    return tl::unexpected(node.expected("an array of steps, at least one"));
  std::vector<Step> steps;
  for (const Node& item : node.items()) steps.push_back(TRY(read_step(item)));
  return steps;
}

bool RepeatStep::operator==(const RepeatStep& other) const {
  return times == other.times && steps == other.steps;
}

}  // namespace sockdrill
