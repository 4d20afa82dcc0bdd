// Every scenario that is published reads, and says of itself what a reader of a report needs.

#include <algorithm>
#include <filesystem>
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

class ScenarioFileTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    Result<Document> document = read_document(SOCKDRILL_SCENARIOS "/" + GetParam());
    ASSERT_TRUE(document) << to_string(document.error());
    Result<Check> check = read_check(*std::move(document));
    ASSERT_TRUE(check) << to_string(check.error());
    check_ = *std::move(check);
  }
  Check check_;
};

TEST_P(ScenarioFileTest, HasTheIdOfItsPath) { EXPECT_EQ(check_.first.id + ".json", GetParam()); }

TEST_P(ScenarioFileTest, NamesItsSchemaForEditors) {
  EXPECT_EQ(check_.document.root.value("$schema", ""), "../schema.json");
}

TEST_P(ScenarioFileTest, SaysWhatItChecksAndWhoSaysSo) {
  const Scenario& scenario = check_.first;
  EXPECT_FALSE(scenario.summary.empty());
  EXPECT_TRUE(std::isupper(static_cast<unsigned char>(scenario.summary[0])) != 0);
  EXPECT_NE(scenario.summary.back(), '.') << "reports put summaries in the middle of a line";
  EXPECT_FALSE(scenario.source.empty());
  EXPECT_FALSE(scenario.catches.empty());
  EXPECT_NE(check_.document.root.count("applies"), 0U);
}

TEST_P(ScenarioFileTest, HasANumberInTheCatalogue) {
  EXPECT_TRUE(std::regex_match(check_.first.catalogue, std::regex("[A-Z]{2,5}-[0-9]{2}")))
      << check_.first.catalogue;
}

TEST_P(ScenarioFileTest, ReadsAgainAsItIsWritten) {
  for (const Bindings& bindings : check_.cases) {
    const Scenario scenario = read_scenario(check_.document, bindings).value();
    const Document written = parse_document(write_scenario(scenario).dump(), "written").value();
    EXPECT_EQ(read_scenario(written, {}).value(), scenario) << to_string(bindings);
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& file) {
  std::string name = file.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioFileTest, testing::ValuesIn(scenario_files()), test_name);

}  // namespace
}  // namespace sockdrill
