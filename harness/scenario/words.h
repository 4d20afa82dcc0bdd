#pragma once

// The words of the language that stand for enumerators, in one place for the reader and the writer.
// Internal to scenario/.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/scenario.h"

namespace sockdrill {

template <typename T>
using Words = std::vector<std::pair<T, std::string>>;

const Words<Level>& level_words();
const Words<Then>& then_words();
const Words<ConnectOutcome>& connect_words();
const Words<Shutdown::How>& shutdown_words();

template <typename T>
std::vector<std::string> names_of(const Words<T>& words) {
  std::vector<std::string> names;
  for (const auto& [value, name] : words) names.push_back(name);
  return names;
}
template <typename T>
std::string name_in(const Words<T>& words, T value) {
  const auto found =
      std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.first == value; });
  return found == words.end() ? "?" : found->second;
}
/// One of the words; the error lists them.
template <typename T>
Result<T> read_word(const Node& node, const Words<T>& words) {
  const Result<std::string> word = node.as_word(names_of(words));
  if (!word) return tl::unexpected(word.error());
  return std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.second == *word; })
      ->first;
}

inline constexpr std::size_t kLongestParameter = 32;
/// The name behind "$name"; nothing for any other text ("$5\r\n" and "$$name" are text).
std::optional<std::string> parameter_in(const std::string& text);

Result<std::vector<Step>> read_steps(const Node& node);
Json write_steps(const std::vector<Step>& steps);
Result<Applies> read_applies(const Node& node);
Json write_applies(const Applies& applies);

}  // namespace sockdrill
