// The reference (scenarios/README.md) and the schema describe the same language, and what the
// reference shows is read.

#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "harness/scenario/scenario.h"

namespace sockdrill {
namespace {

using Words = std::set<std::string>;

std::vector<std::string> reference_lines() {
  std::ifstream file(SOCKDRILL_SCENARIOS "/README.md");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// The ``` blocks of this language ("json"), and everything outside of blocks (language "-").
std::vector<std::string> parts_of(const std::string& language) {
  std::vector<std::string> parts{""};
  std::string inside = "-";
  for (const std::string& line : reference_lines()) {
    if (line.starts_with("```")) {
      inside = inside == "-" ? line.substr(3) : "-";
      if (!parts.back().empty()) parts.emplace_back();
    } else if (inside == language) {
      parts.back() += line + "\n";
    }
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

/// The words between `backticks`.
Words quoted_words(const std::string& text) {
  Words words;
  std::string word;
  bool is_quoted = false;
  for (const char c : text + "`") {
    const bool is_part =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '$';
    if (is_quoted && is_part) {
      word += c;
      continue;
    }
    if (!word.empty()) words.insert(word);
    word.clear();
    if (c == '`') is_quoted = !is_quoted;
  }
  return words;
}

void for_each_schema(const Json& schema, const std::function<void(const Json&)>& visit) {
  if (schema.is_object()) visit(schema);
  if (!schema.is_structured()) return;
  for (const Json& part : schema) for_each_schema(part, visit);
}

/// Keys and enumerated words. The names of errnos are errno(3)'s, not ours.
Words schema_words() {
  Json schema = Json::parse(scenario_schema());
  schema["definitions"].erase("errno_name");
  Words words;
  for_each_schema(schema, [&](const Json& part) {
    const Json properties = part.value("properties", Json::object());
    for (const auto& [key, value] : properties.items()) words.insert(key);
    const Json choices = part.value("enum", Json::array());
    for (const Json& word : choices) {
      if (word.is_string()) words.insert(word.get<std::string>());
    }
  });
  return words;
}

TEST(ReferenceTest, NamesEveryWordOfTheSchema) {
  Words named;
  for (const std::string& text : parts_of("-")) named.merge(quoted_words(text));
  for (const std::string& word : schema_words())
    EXPECT_TRUE(named.contains(word)) << "scenarios/README.md does not mention `" << word << "`";
}

TEST(ReferenceTest, ItsTablesNameNothingElse) {
  const Words known = schema_words();
  std::size_t rows = 0;
  for (const std::string& line : reference_lines()) {
    if (!line.starts_with("|")) continue;
    ++rows;
    for (const std::string& word : quoted_words(line.substr(1, line.find('|', 1)))) {
      const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
      EXPECT_TRUE(is_number || known.contains(word))
          << "the schema has no `" << word << "`: " << line;
    }
  }
  EXPECT_GT(rows, 50U);
}

TEST(ReferenceTest, ShowsScenariosAndStepsThatAreRead) {
  const std::vector<std::string> blocks = parts_of("json");
  EXPECT_GT(blocks.size(), 5U);
  for (const std::string& block : blocks) {
    const bool is_whole = block.find("\"steps\"") < block.find("\"client\"") &&
                          block.find("\"id\"") != std::string::npos;
    const std::string text =
        is_whole ? block
                 : R"({"id": "t/x", "level": "must", "summary": "s", "steps": [)" + block + "]}";
    Result<Document> document = parse_document(text, "README.md");
    ASSERT_TRUE(document) << to_string(document.error());
    const Result<Check> check = read_check(*std::move(document));
    EXPECT_TRUE(check) << to_string(check.error());
  }
}

TEST(SchemaTextTest, DescribesEveryKey) {
  const Json schema = Json::parse(scenario_schema());
  for_each_schema(schema, [&](const Json& part) {
    const Json properties = part.value("properties", Json::object());
    for (const auto& [key, value] : properties.items()) {
      // Empty ones, and those inside conditions, are described where "allOf" points to.
      const bool is_elsewhere = value.empty() || !part.contains("type");
      Json described = value;
      if (!value.contains("description") && value.contains("$ref"))
        described = schema[Json::json_pointer(value["$ref"].get<std::string>().substr(1))];
      EXPECT_TRUE(is_elsewhere || described.contains("description")) << key << ": " << value.dump();
    }
  });
}

}  // namespace
}  // namespace sockdrill
