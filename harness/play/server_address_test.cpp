#include "harness/play/server_address.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(LongPathTest, HasTheLengthThatIsAskedFor) {
  for (const std::size_t bytes : {64U, 107U, 108U, 255U}) {
    const std::string path = long_path("/run/sockdrill", bytes).value();
    EXPECT_EQ(path.size(), bytes);
    EXPECT_TRUE(path.starts_with(folder_of_long_path("/run/sockdrill", path) + "/"));
  }
}
TEST(LongPathTest, NamesAFileInItsFolderAlsoWhereItIsCutOff) {
  const std::string path = long_path("/run/sockdrill", 109).value();
  EXPECT_GT(path.substr(0, 107).rfind('/'), std::string("/run/sockdrill").size());
}
TEST(LongPathTest, RefusesWhatDoesNotFit) {
  EXPECT_EQ(long_path("/a/long/temporary/folder", 50).error().message,
            "no path below /a/long/temporary/folder has 50 octets");
}
TEST(LongPathTest, KnowsItsOwnOnly) {
  EXPECT_EQ(folder_of_long_path("/run/sockdrill", "/run/sockdrill/server.sock"), "");
  EXPECT_EQ(folder_of_long_path("/run/sockdrill", "/elsewhere/ddd/server-with-a-long-path.sock"),
            "");
}

}  // namespace
}  // namespace sockdrill
