#include "harness/stage/stage.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>

#include "harness/stage/testing/test_stage.h"

namespace sockdrill {
namespace {

using testing_stage::generous;
using testing_stage::home_for;
using testing_stage::Mode;
using testing_stage::shell;
using testing_stage::wait_for;
using testing_stage::wait_for_end;

/// What holds with and without namespaces.
class StageTest : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    if (!home().why_degraded.empty() && GetParam() == Mode::isolated) {
      GTEST_SKIP() << home().why_degraded;
    }
    auto opened = Stage::open(home(), {});
    ASSERT_TRUE(opened) << to_string(opened.error());
    stage_ = std::move(*opened);
  }
  const Home& home() { return home_for(GetParam()); }
  Stage& stage() { return *stage_; }
  StageProcess& start(const Launch& launch) { return testing_stage::start(stage(), launch); }
  std::string refusal(const Launch& launch) {
    const auto started = stage().start(launch, generous());
    return started ? "it started" : started.error().message;
  }

 private:
  std::unique_ptr<Stage> stage_;
};

INSTANTIATE_TEST_SUITE_P(Mode, StageTest, testing::Values(Mode::isolated, Mode::degraded),
                         [](const auto& mode) { return testing_stage::name_of(mode.param); });

TEST_P(StageTest, ReportsAnExitStatus) {
  StageProcess& process = start(shell("exit 7"));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = false, .code = 7}));
}

TEST_P(StageTest, ReportsADeadlySignal) {
  StageProcess& process = start(shell("kill -SEGV $$"));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = true, .code = SIGSEGV}));
}

TEST_P(StageTest, KeepsOutputAndErrorsApart) {
  StageProcess& process = start(shell("echo out; echo err >&2"));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.text(), "out\n");
  EXPECT_EQ(process.err.text(), "err\n");
}

TEST_P(StageTest, SignalsOneProcess) {
  StageProcess& process = start({.command = {"sleep", "1000"}});
  EXPECT_TRUE(stage().signal(process, SIGTERM));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = true, .code = SIGTERM}));
  EXPECT_EQ(stage().signal(process, SIGTERM), fail(Errno{ESRCH}));
}

TEST_P(StageTest, NamesAPidThatIsRealToUs) {
  StageProcess& process = start({.command = {"sleep", "1000"}});
  // The name changes a moment after exec has taken the new memory, which is when we are told.
  EXPECT_TRUE(wait_for(stage(), [&] { return testing_stage::command_of(process.pid) == "sleep"; }));
  EXPECT_EQ(stage().processes(), std::vector<pid_t>{process.pid});
}

TEST_P(StageTest, FeedsStandardInput) {
  Launch launch{.command = {"cat"}};
  launch.wants_input = true;
  StageProcess& process = start(launch);
  ASSERT_EQ(::write(process.input.raw(), "hello", 5), 5);
  process.input.reset();
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.text(), "hello");
}

TEST_P(StageTest, GivesNoInputUnlessWished) {
  StageProcess& process = start({.command = {"cat"}});
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, ExitStatus{});
}

TEST_P(StageTest, SaysWhatIsNotInThePath) {
  EXPECT_EQ(refusal({.command = {"no-such-server"}}), "no-such-server: not found in PATH");
}

TEST_P(StageTest, SearchesThePathOfTheLaunch) {
  EXPECT_EQ(refusal({.command = {"sh"}, .environment = {{"PATH", "/nowhere"}}}),
            "sh: not found in PATH");
}

TEST_P(StageTest, SaysThatAFileIsNotExecutable) {
  EXPECT_EQ(refusal({.command = {"/etc/passwd"}}), "/etc/passwd: permission denied");
}

TEST_P(StageTest, ClosesInTime) {
  start(shell("trap '' TERM HUP INT; sleep 1000 & sleep 1000"));
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_TRUE(stage().processes().empty());
}

}  // namespace
}  // namespace sockdrill
