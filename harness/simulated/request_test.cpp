#include "harness/simulated/request.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(SimulationRequestTest, ComesBackAsItWas) {
  SimulationRequest request{.port = 7777, .path = "/tmp/a"};
  request.head.scenario = Json{{"id", "x/y"}};
  request.head.seed = 5;
  const Result<SimulationRequest> read = read_request(write_request(request), "f");
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->port, request.port);
  EXPECT_EQ(read->path, request.path);
  EXPECT_EQ(read->head, request.head);
}

TEST(SimulationResultTest, ComesBackAsItWas) {
  SimulationResult result{.was_started = true, .why_not = "splice"};
  result.recording.scenario = Json{{"id", "x/y"}};
  result.recording.events.push_back(Event{.kind = Kind::note, .text = "hello"});
  const Result<SimulationResult> read = read_result(write_result(result), "f");
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->recording, result.recording);
  EXPECT_TRUE(read->was_started);
  EXPECT_EQ(read->why_not, "splice");
}

TEST(SimulationResultTest, RefusesWhatIsNone) {
  EXPECT_FALSE(read_result("", "f"));
  EXPECT_FALSE(read_result("[]\n", "f"));
}

}  // namespace
}  // namespace sockdrill
