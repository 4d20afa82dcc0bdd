#include "harness/stage/launch.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

namespace sockdrill {
namespace {

using protocol::Step;

std::string refusal(Step step, int error) {
  Launch launch{.command = {"server"}, .working_directory = "/data"};
  launch.limits.descriptors = 7;
  return explain_refusal(launch, step, Errno{error}).message;
}

TEST(ExitStatusTest, ReadsLikeASentence) {
  EXPECT_EQ(to_string(ExitStatus{false, 1, false}), "exited with status 1");
  EXPECT_EQ(to_string(ExitStatus{true, SIGPIPE, false}), "was killed by SIGPIPE (signal 13)");
  EXPECT_EQ(to_string(ExitStatus{true, SIGSEGV, true}),
            "was killed by SIGSEGV (signal 11), core dumped");
}

TEST(ExplainRefusalTest, SpeaksAsAShellDoes) {
  EXPECT_EQ(refusal(Step::search_path, ENOENT), "server: not found in PATH");
  EXPECT_EQ(refusal(Step::exec, ENOENT), "server: no such file");
  EXPECT_EQ(refusal(Step::exec, EACCES), "server: permission denied");
}

TEST(ExplainRefusalTest, NamesTheStepAndItsValue) {
  EXPECT_EQ(refusal(Step::working_directory, ENOENT),
            "server: working directory /data: ENOENT (No such file or directory)");
  EXPECT_EQ(refusal(Step::descriptor_limit, EPERM),
            "server: cannot limit descriptors to 7: EPERM (Operation not permitted)");
  EXPECT_EQ(refusal(Step::session, EPERM),
            "server: starting a session: EPERM (Operation not permitted)");
}

TEST(MakeStartRequestTest, RefusesWhatExecCannotTake) {
  EXPECT_FALSE(make_start_request({}, "A=b"));
  EXPECT_FALSE(make_start_request({.command = {""}}, "A=b"));
  EXPECT_FALSE(make_start_request({.command = {std::string("a\0b", 3)}}, "A=b"));
}

TEST(MakeStartRequestTest, CountsTheMarkerAndWhatReplaces) {
  const auto plain = make_start_request({.command = {"server"}}, "SOCKDRILL_TEST=1");
  const auto more = make_start_request(
      {.command = {"server"}, .environment = {{"SOCKDRILL_NEW", "1"}, {"PATH", "/"}}},
      "SOCKDRILL_TEST=1");
  ASSERT_TRUE(plain && more);
  EXPECT_EQ(more->start.environment_count, plain->start.environment_count + 1);
  EXPECT_EQ(plain->start.argument_count, 1U);
}

}  // namespace
}  // namespace sockdrill
