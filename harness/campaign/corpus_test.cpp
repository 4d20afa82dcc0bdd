#include "harness/campaign/corpus.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sockdrill {
namespace {

TEST(CorpusTest, WhatEndsEachProcessIsPutAsideAndTakenBack) {
  const std::string place = testing::TempDir() + "corpus_test_aside";
  std::filesystem::remove_all(place);
  const CampaignFolder folder = CampaignFolder::open(place).value();
  for (const auto& [file, octets] :
       {std::pair(folder.seeds() + "/a", "crashes"), std::pair(folder.seeds() + "/b", "does not"),
        std::pair(folder.inputs() + "/c", "crashes"),
        std::pair(folder.found() + "/found-1", "crashes")})
    ASSERT_TRUE(write_file(file, octets).has_value());
  put_aside(folder.found() + "/found-1", folder);
  EXPECT_EQ(files_in(folder.seeds()), std::vector{folder.seeds() + "/b"});
  EXPECT_TRUE(files_in(folder.inputs()).empty());
  EXPECT_EQ(files_in(folder.known()).size(), 2U);
  take_back(folder);
  EXPECT_EQ(files_in(folder.seeds()).size(), 3U);
  EXPECT_TRUE(files_in(folder.known()).empty());
}

}  // namespace
}  // namespace sockdrill
