#include "harness/watch/tasks.h"

#include <algorithm>

#include "harness/watch/proc_files.h"

namespace sockdrill {
namespace {

constexpr std::string_view kBlanks = " \t\n";

/// Cuts the next blank-separated word off the front; empty at the end.
std::string_view next_word(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

template <typename Number>
std::optional<Number> next_number(std::string_view& text) {
  return number_in<Number>(next_word(text));
}

std::optional<std::uint64_t> next_hex(std::string_view& text) {
  const std::string_view word = next_word(text);
  if (!word.starts_with("0x")) return std::nullopt;
  return number_in<std::uint64_t>(word.substr(2), 16);
}

void skip_words(std::string_view& text, int count) {
  for (int i = 0; i < count; ++i) next_word(text);
}

}  // namespace

std::optional<SchedStat> parse_schedstat(std::string_view text) {
  const auto ran = next_number<std::uint64_t>(text);
  const auto runnable = next_number<std::uint64_t>(text);
  const auto runs = next_number<std::uint64_t>(text);
  if (!ran || !runnable || !runs) return std::nullopt;
  return SchedStat{.ran_ns = *ran, .runnable_ns = *runnable, .runs = *runs};
}

std::optional<TaskStat> parse_task_stat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');  // The name may hold parentheses; nothing after does.
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  TaskStat stat{.name = std::string(text.substr(open + 1, close - open - 1))};
  text.remove_prefix(close + 1);
  const std::string_view state = next_word(text);
  const auto parent = next_number<pid_t>(text);
  skip_words(text, 11);  // proc(5): from pgrp (5) to stime (15).
  const auto user = next_number<std::uint64_t>(text);
  const auto system = next_number<std::uint64_t>(text);
  skip_words(text, 4);  // From priority (18) to itrealvalue (21).
  const auto start = next_number<std::uint64_t>(text);
  if (state.size() != 1 || !parent || !user || !system || !start) return std::nullopt;
  stat.state = state.front();
  stat.parent = *parent;
  stat.children_ticks = *user + *system;
  stat.start_ticks = *start;
  return stat;
}

std::optional<SyscallLine> parse_syscall(std::string_view text) {
  const auto number = next_number<long>(text);
  if (!number) return std::nullopt;
  SyscallLine line{.number = *number};
  if (line.number == SyscallLine::kOutside) return line;
  for (std::uint64_t& argument : line.arguments) {
    const auto value = next_hex(text);
    if (!value) return std::nullopt;
    argument = *value;
  }
  return line;
}

std::optional<std::uint64_t> parse_status_count(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    std::string_view rest = line.substr(key.size() + 1);
    return next_number<std::uint64_t>(rest);
  }
  return std::nullopt;
}

std::optional<pid_t> parse_latest_pid(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t blank = text.rfind(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return number_in<pid_t>(text.substr(blank + 1));
}

std::vector<pid_t> parse_pids(std::string_view text) {
  std::vector<pid_t> pids;
  while (const auto pid = next_number<pid_t>(text)) pids.push_back(*pid);
  return pids;
}

}  // namespace sockdrill
