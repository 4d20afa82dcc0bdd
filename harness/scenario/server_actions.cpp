// What is done to the server and expected of it, from JSON to values.

#include <algorithm>

#include "harness/base/try.h"
#include "harness/scenario/actions.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

Result<ServerAction> read_limit(const Node& node) {
  TRY_VOID(node.allow_only({"descriptors", "processes"}));
  if (node.has("processes")) {
    if (node.has("descriptors"))
      return tl::unexpected(node.error("one limit a step: \"descriptors\" or \"processes\""));
    const bool is_lifted = TRY(node.at("processes").as_word({"reached", "none"})) == "none";
    return Limit{.of = Limit::Of::processes, .is_lifted = is_lifted};
  }
  if (!node.has("descriptors"))
    return tl::unexpected(node.expected("a limit: descriptors or processes"));
  const Node value = node.at("descriptors");
  if (!value.is_string())
    return Limit{.descriptors = static_cast<std::uint64_t>(TRY(value.as_integer(1, kMostCount)))};
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

Result<std::optional<std::uint64_t>> read_path_bytes(const Node& node) {
  if (!node.has("path_bytes")) return std::optional<std::uint64_t>{};
  return std::optional<std::uint64_t>{static_cast<std::uint64_t>(
      TRY(node.at("path_bytes").as_integer(kFewestPathBytes, kMostPathBytes)))};
}

/// "says": the errno that a second instance must name, or "anything"; by default what bind(2)
/// answers where it was told to listen. Paths that are too long never get that far.
Result<std::string> read_says(const Node& node, const Second& second) {
  if (node.has("says")) {
    const Node says = node.at("says");
    if (says.is_string() && TRY(says.as_string()) == "anything") return std::string("anything");
    return read_errno(says);
  }
  if (second.path_bytes || second.port == Second::Port::zero) return std::string("anything");
  return std::string(second.port == Second::Port::privileged ? "EACCES" : "EADDRINUSE");
}

Result<ServerAction> read_second(const Node& node) {
  TRY_VOID(node.allow_only({"port", "path_bytes", "says"}));
  Second second;
  second.path_bytes = TRY(read_path_bytes(node));
  if (node.has("port")) {
    if (second.path_bytes)
      return tl::unexpected(node.at("port").error("a server has a port or a path, not both"));
    second.port = TRY(node.at("port").as_word({"zero", "privileged"})) == "zero"
                      ? Second::Port::zero
                      : Second::Port::privileged;
  }
  second.says = TRY(read_says(node, second));
  return second;
}

Result<ServerAction> read_restart(const Node& node) {
  TRY_VOID(node.allow_only({"with", "streams", "ignoring", "path_bytes"}));
  Restart restart;
  restart.path_bytes = TRY(read_path_bytes(node));
  if (node.has("with"))
    restart.with = TRY(node.at("with").as_word({"SIGTERM", "SIGINT", "SIGKILL", "declared"}));
  if (node.has("streams"))
    restart.closed_streams = TRY(node.at("streams").as_word({"closed"})) == "closed";
  if (node.has("ignoring")) restart.ignoring = TRY(node.at("ignoring").as_word({"SIGPIPE"}));
  return restart;
}

Result<ServerAction> read_server_expect(const Node& node) {
  TRY_VOID(node.allow_only({"exit", "within_ms", "left_over", "cpu", "memory_growth", "zombies",
                            "close_wait", "descriptors", "listening"}));
  ServerExpect expect;
  const auto count = [&](const char* key) -> Result<std::optional<int>> {
    if (!node.has(key)) return std::optional<int>{};
    return std::optional<int>{static_cast<int>(TRY(node.at(key).as_integer(0, kMostCount)))};
  };
  if (node.has("exit"))
    expect.exit = TRY(node.at("exit").as_word({"declared", "any"})) == "any"
                      ? ServerExpect::Exit::any
                      : ServerExpect::Exit::declared;
  if (node.has("within_ms")) {
    if (!node.has("exit"))
      return tl::unexpected(node.at("within_ms").error("\"within_ms\" goes with \"exit\""));
    expect.within_ms =
        static_cast<std::uint64_t>(TRY(node.at("within_ms").as_integer(1, kMostMilliseconds)));
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
          static_cast<std::uint64_t>(TRY(growth.as_integer(0, kMostMemoryGrowth)));
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

Result<ServerAction> read_from_here(const Node& node) {
  TRY_VOID(node.allow_only({"faults", "schedule"}));
  FromHere from_here;
  if (node.has("faults")) from_here.faults = TRY(read_faults(node.at("faults")));
  if (node.has("schedule")) from_here.schedule = TRY(read_schedule(node.at("schedule")));
  return from_here;
}

}  // namespace

Result<ServerAction> read_server_action(const Node& node) {
  if (node.is_string()) {
    const std::string word = TRY(node.as_word({"settled", "stop", "continue"}));
    if (word == "settled") return Settled{};
    if (word == "stop") return Stop{};
    return Continue{};
  }
  if (!node.is_object())
    return tl::unexpected(node.expected(
        "settled, stop, continue, or an object with signal, restart, second, limit, output, "
        "expect or from_here"));
  const std::string action = TRY(find_action(
      node, {"signal", "restart", "second", "limit", "output", "expect", "from_here"}, {}));
  const Node value = node.at(action);
  if (action == "signal") return Signal{.name = TRY(value.as_word(signal_names()))};
  if (action == "limit") return read_limit(value);
  if (action == "output")
    return Output{.is_read = TRY(value.as_word({"read", "unread"})) == "read"};
  if (action == "expect") return read_server_expect(value);
  if (action == "restart") return read_restart(value);
  if (action == "from_here") return read_from_here(value);
  return read_second(value);
}

}  // namespace sockdrill
