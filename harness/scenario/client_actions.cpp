// What a client does, from JSON to values.

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/scenario/actions.h"
#include "harness/scenario/bounds.h"
#include "harness/scenario/words.h"

namespace sockdrill {

namespace {

Result<std::optional<std::uint32_t>> read_size(const Node& node, const std::string& key) {
  if (!node.has(key)) return std::optional<std::uint32_t>{};
  return std::optional<std::uint32_t>{
      static_cast<std::uint32_t>(TRY(node.at(key).as_integer(1, kMostBuffer)))};
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
    cut.at.push_back(static_cast<std::uint64_t>(TRY(item.as_integer(low, kMostOctets))));
  }
  return cut;
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
    outcome.number = static_cast<std::uint64_t>(TRY(value.as_integer(0, kMostOctets)));
  } else {
    if (!TRY(value.as_bool())) return tl::unexpected(value.expected("true"));
    outcome.what = what == "nothing" ? Outcome::What::nothing : Outcome::What::served;
  }
  return outcome;
}

Result<ClientAction> read_expect(const Node& node) {
  Expect expect;
  if (node.has("within_ms"))
    expect.within_ms =
        static_cast<std::uint64_t>(TRY(node.at("within_ms").as_integer(1, kMostMilliseconds)));
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

}  // namespace

const std::vector<std::string>& client_words() {
  static const std::vector<std::string> words{"connect",  "open",     "send",  "expect",
                                              "exchange", "shutdown", "close", "reset",
                                              "drain",    "read",     "run"};
  return words;
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
                    TRY(TRY(node.required("bytes")).as_integer(1, kMostOctets)))};
  }
  TRY_VOID(node.allow_only({}));
  if (word == "reset") return Reset{};
  return Drain{};
}

}  // namespace sockdrill
