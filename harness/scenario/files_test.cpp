// Every scenario that is published reads, and says of itself what a reader of a report needs.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>

#include <gtest/gtest.h>

#include "harness/scenario/scenario.h"

namespace sockdrill {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> scenario_files() {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(SOCKDRILL_SCENARIOS)) {
    const std::string file = fs::relative(entry.path(), SOCKDRILL_SCENARIOS).string();
    if (entry.path().extension() == ".json" && file != "schema.json") files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// File -> what it defines. Files that do not read are told by a test of their own.
const std::map<std::string, Check>& published_checks() {
  static const std::map<std::string, Check> all = [] {
    std::map<std::string, Check> checks;
    for (const std::string& file : scenario_files()) {
      Result<Document> document = read_document(SOCKDRILL_SCENARIOS "/" + file);
      if (!document) continue;
      if (Result<Check> check = read_check(*std::move(document))) checks[file] = *std::move(check);
    }
    return checks;
  }();
  return all;
}

TEST(ScenarioFilesTest, AllRead) {
  EXPECT_GT(scenario_files().size(), 40U);
  for (const std::string& file : scenario_files()) {
    Result<Document> document = read_document(SOCKDRILL_SCENARIOS "/" + file);
    ASSERT_TRUE(document) << to_string(document.error());
    const Result<Check> check = read_check(*std::move(document));
    EXPECT_TRUE(check) << to_string(check.error());
  }
}

TEST(ScenarioFilesTest, HaveTheIdsOfTheirPaths) {
  for (const auto& [file, check] : published_checks()) EXPECT_EQ(check.first.id + ".json", file);
}

TEST(ScenarioFilesTest, NameTheirSchemaForEditors) {
  for (const auto& [file, check] : published_checks())
    EXPECT_EQ(check.document.root.value("$schema", ""), "../schema.json") << file;
}

TEST(ScenarioFilesTest, SayWhatTheyCheckAndWhoSaysSo) {
  for (const auto& [file, check] : published_checks()) {
    SCOPED_TRACE(file);
    const Scenario& scenario = check.first;
    ASSERT_FALSE(scenario.summary.empty());
    EXPECT_NE(std::isupper(static_cast<unsigned char>(scenario.summary[0])), 0);
    EXPECT_NE(scenario.summary.back(), '.') << "reports put summaries in the middle of a line";
    EXPECT_FALSE(scenario.source.empty());
    EXPECT_FALSE(scenario.catches.empty());
    EXPECT_TRUE(check.document.root.contains("applies"));
  }
}

TEST(ScenarioFilesTest, HaveNumbersInTheCatalogue) {
  const std::regex number("[A-Z][A-Z0-9]{1,4}-[0-9]{2}");
  for (const auto& [file, check] : published_checks())
    EXPECT_TRUE(std::regex_match(check.first.catalogue, number)) << file;
}

TEST(ScenarioFilesTest, ReadAgainAsTheyAreWritten) {
  for (const auto& [file, check] : published_checks()) {
    for (const Bindings& bindings : check.cases) {
      const Scenario scenario = read_scenario(check.document, bindings).value();
      const Document written = parse_document(write_scenario(scenario).dump(), "written").value();
      EXPECT_EQ(read_scenario(written, {}).value(), scenario) << file << " " << to_string(bindings);
    }
  }
}

}  // namespace
}  // namespace sockdrill
