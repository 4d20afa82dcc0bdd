#include "harness/suite/jobs.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Check check(const std::string& id, const std::string& transport) {
  const std::string text = R"({"id": ")" + id + R"(", "summary": "A", "level": "must",
      "applies": {"transport": ")" +
                           transport + R"("}, "steps": [{"server": {"signal": "SIGUSR1"}}]})";
  return read_check(parse_document(text, "x.json").value()).value();
}

Target target(const std::string& name, const std::string& transport) {
  const std::string text = R"({"name": ")" + name +
                           R"(", "command": ["x"], "speaks": "echo", "listens": {"transport": ")" +
                           transport + "\"}}";
  return read_targets(parse_document(text, "t.json").value()).value().at(0);
}

class JobsTest : public ::testing::Test {
 protected:
  JobsTest() {
    for (int i = 0; i < 7; ++i) {
      checks_.push_back(check("t/tcp-" + std::to_string(i), "tcp"));
      checks_.push_back(check("u/udp-" + std::to_string(i), "udp"));
    }
    for (int i = 0; i < 5; ++i)
      targets_.push_back(target("t" + std::to_string(i), i % 2 == 0 ? "tcp" : "udp"));
  }
  std::vector<Check> checks_;
  std::vector<Target> targets_;
};

TEST_F(JobsTest, EveryPairIsInExactlyOneShardAndTheWorkIsEven) {
  for (const unsigned shards : {1U, 2U, 3U, 5U, 100U}) {
    std::map<std::pair<const Check*, const Target*>, int> seen;
    std::vector<std::size_t> played;
    for (unsigned shard = 1; shard <= shards; ++shard) {
      played.push_back(0);
      for (const Job& job :
           jobs_of(checks_, targets_, SuiteOptions{.shard = shard, .shards = shards})) {
        ++seen[{job.check, job.target}];
        if (!why_not(job.check->first, *job.target)) ++played.back();
      }
    }
    EXPECT_EQ(seen.size(), checks_.size() * targets_.size());
    for (const auto& [pair, times] : seen) EXPECT_EQ(times, 1);
    const auto [least, most] = std::minmax_element(played.begin(), played.end());
    EXPECT_LE(*most - *least, 1U) << shards;
  }
}

}  // namespace
}  // namespace sockdrill
