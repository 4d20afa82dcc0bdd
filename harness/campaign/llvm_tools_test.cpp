#include "harness/campaign/llvm_tools.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "harness/base/fd.h"

namespace sockdrill {
namespace {

/// A folder with such programs in it.
std::string folder_of_tools(const std::string& name, const std::vector<std::string>& programs) {
  const std::string folder = testing::TempDir() + "llvm_tools_" + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const std::string& program : programs) {
    const std::string file = folder + "/" + program;
    EXPECT_TRUE(write_file(file, "#!/bin/sh\necho 'it is too old' >&2\nexit 3\n"));
    ::chmod(file.c_str(), 0755);
  }
  return folder;
}

TEST(FindLlvmToolsTest, TakesTheUnversionedAndThenTheLatest) {
  const std::string folder =
      folder_of_tools("all", {"llvm-profdata-9", "llvm-cov-9", "llvm-profdata-14", "llvm-cov-14",
                              "llvm-cxxfilt-14", "llvm-profdata", "llvm-cov"});
  const std::vector<LlvmTools> expected{
      {folder + "/llvm-profdata", folder + "/llvm-cov", ""},
      {folder + "/llvm-profdata-14", folder + "/llvm-cov-14", folder + "/llvm-cxxfilt-14"},
      {folder + "/llvm-profdata-9", folder + "/llvm-cov-9", ""}};
  EXPECT_EQ(find_llvm_tools("/nowhere:" + folder), expected);
}

TEST(FindLlvmToolsTest, PassesOverWhatIsNotWhole) {
  const std::string folder =
      folder_of_tools("half", {"llvm-profdata-14", "llvm-profdata.old", "llvm-cov.old"});
  EXPECT_EQ(find_llvm_tools(folder), std::vector<LlvmTools>{});
}

TEST(MergeCountsTest, TellsWhatTheToolSaysLast) {
  const std::string folder = folder_of_tools("old", {"llvm-profdata", "llvm-cov"});
  const std::vector<LlvmTools> tools = find_llvm_tools(folder);
  ASSERT_EQ(tools.size(), 1U);
  const Result<void> merged = merge_counts(tools[0], {"raw"}, folder + "/profile");
  ASSERT_FALSE(merged);
  EXPECT_EQ(to_string(merged.error()), folder + "/llvm-profdata: it is too old");
}

}  // namespace
}  // namespace sockdrill
