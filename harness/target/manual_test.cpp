// targets/manifests.md tells of everything that a manifest may hold, and its examples read.

#include <regex>

#include <gtest/gtest.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/target/target.h"

namespace sockdrill {
namespace {

std::string manual() { return read_file(SOCKDRILL_MANUAL).value(); }

std::vector<std::string> examples() {
  const std::string text = manual();
  const std::regex block("```json\n([^`]*)```");
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), block), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

/// The keys that the reader itself names when it meets one that it does not know.
std::vector<std::string> keys_named_by(const std::string& manifest) {
  const auto targets = read_targets(parse_document(manifest, "x.json").value());
  if (targets) return {};
  const std::string message = to_string(targets.error());
  std::smatch listed;
  if (!std::regex_search(message, listed, std::regex("expected ([a-z_$, ]+)"))) return {};
  const std::string words = std::regex_replace(listed[1].str(), std::regex(",| or "), " ");
  std::vector<std::string> keys;
  for (const std::string& word : split(words, ' ')) {
    if (!word.empty() && word != "$schema") keys.push_back(word);
  }
  return keys;
}

TEST(ManualTest, TellsOfEveryKey) {
  const std::string head = R"({"name": "x", "command": ["x"], )";
  const std::vector<std::string> unknown = {
      R"({"zzz": 1})",
      head + R"("listens": {"zzz": 1}, "speaks": "echo"})",
      head + R"("listens": {"transport": "tcp"}, "speaks": "echo", "declares": {"zzz": 1}})",
      head + R"("listens": {"transport": "tcp"}, "speaks": "echo", "known": [{"zzz": 1}]})",
      head + R"("listens": {"transport": "tcp"}, "variants": [{"zzz": 1}]})",
      head + R"("listens": {"transport": "tcp"}, "speaks": {"zzz": 1}})",
      head + R"("listens": {"transport": "tcp"}, "speaks": {"name": "n", "dialogue": [
          {"request": "{f}", "reply": "", "f": {"zzz": 1}}]}})"};
  const std::string text = manual();
  for (const std::string& manifest : unknown) {
    const std::vector<std::string> keys = keys_named_by(manifest);
    EXPECT_GE(keys.size(), 2U) << manifest;
    for (const std::string& key : keys) {
      const bool is_told = text.find("`" + key + "`") != std::string::npos ||
                           text.find("\"" + key + "\"") != std::string::npos;
      EXPECT_TRUE(is_told) << key;
    }
  }
}

TEST(ManualTest, TellsOfEveryPlaceholder) {
  for (const std::string& name : placeholder_names())
    EXPECT_NE(manual().find("`{" + name + "}`"), std::string::npos) << name;
}

TEST(ManualTest, HasExamplesThatRead) {
  const std::vector<std::string> all = examples();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(read_targets(parse_document(all[0], "manifest").value()));
  const Document dialogue = parse_document(all[1], "dialogue").value();
  EXPECT_TRUE(read_dialogue(Node(dialogue), Transport::tcp));
}

}  // namespace
}  // namespace sockdrill
