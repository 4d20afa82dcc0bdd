#include "harness/suite/select.h"

#include <filesystem>
#include <map>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

/// The build tree's: a test's binary stands in tests/, as the command stands in bin/.
Installation installation() { return find_installation().value(); }

std::vector<std::string> names_of(const std::vector<Target>& targets) {
  std::vector<std::string> names;
  for (const Target& target : targets) names.push_back(target.name);
  return names;
}

TEST(SelectTest, AManifestIsTheFileOfItsName) {
  // One that is not would be found by a glob and not by its name.
  const std::vector<Target> targets = all_targets(installation()).value();
  EXPECT_GT(targets.size(), 100U);
  std::map<std::string, std::string> file_of;
  for (const Target& target : targets) {
    EXPECT_EQ(std::filesystem::path(target.file).stem(), target.model);
    EXPECT_EQ(file_of.emplace(target.model, target.file).first->second, target.file);
  }
}

TEST(SelectTest, ANameTakesWhatAGlobTakes) {
  for (const std::string name : {"tcp-epoll-level", "tcp-epoll-level:echo", "redis"}) {
    const std::vector<Target> by_name = select_targets(installation(), {name}).value();
    const std::string glob =
        name.find(':') == std::string::npos ? name + "*" : name.substr(0, 19) + "?";
    EXPECT_EQ(names_of(by_name), names_of(select_targets(installation(), {glob}).value())) << name;
    EXPECT_FALSE(by_name.empty());
  }
  const std::vector<Check> by_name =
      select_checks(installation(), {"lifecycle/one-client-after-another"}).value();
  ASSERT_EQ(by_name.size(), 1U);
  EXPECT_EQ(by_name[0].first.id, "lifecycle/one-client-after-another");
}

TEST(SelectTest, ANameThatNobodyHasIsAnErrorWithTheNearestOne) {
  const auto target = select_targets(installation(), {"tcp-epol-level"});
  ASSERT_FALSE(target);
  EXPECT_NE(target.error().message.find("did you mean 'tcp-epoll-level'"), std::string::npos);
  const auto check = select_checks(installation(), {"lifecycle/../lifecycle/many-clients"});
  EXPECT_FALSE(check) << "a path that is written as a name";
}

}  // namespace
}  // namespace sockdrill
