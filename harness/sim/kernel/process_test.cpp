#include "harness/sim/kernel/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>

#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProcessTest : public testing::Test {
 protected:
  Kernel kernel_;
  Process& process_ = kernel_.create_process(nullptr);
};

TEST_F(ProcessTest, AChildIsAZombieUntilItIsWaitedFor) {
  Process& child = kernel_.create_process(&process_);
  const pid_t pid = child.pid;
  Call call;
  EXPECT_TRUE(kernel_.wait_child(process_, -1, 0, call).error().must_wait());
  EXPECT_EQ(kernel_.wait_child(process_, -1, WNOHANG, call)->pid, 0);
  kernel_.exit_process(child, 3 << 8);
  const Outcome<ChildChange> change = kernel_.wait_child(process_, pid, 0, call);
  EXPECT_EQ(change->pid, pid);
  EXPECT_EQ(WEXITSTATUS(change->status), 3);
  EXPECT_EQ(kernel_.wait_child(process_, -1, 0, call).error().error, Errno{ECHILD});
}

TEST_F(ProcessTest, WhoIgnoresSigchldHasNoZombies) {
  process_.signals.actions[SIGCHLD].sa_handler = SIG_IGN;
  const pid_t pid = kernel_.create_process(&process_).pid;
  kernel_.exit_process(*kernel_.find_process(pid), 0);
  EXPECT_EQ(kernel_.find_process(pid), nullptr);
}

TEST_F(ProcessTest, AnOrphanGoesToInitAndLeavesNothing) {
  Process& child = kernel_.create_process(&process_);
  const pid_t grandchild = kernel_.create_process(&child).pid;
  kernel_.exit_process(child, 0);
  EXPECT_EQ(kernel_.find_process(grandchild)->parent, &kernel_.init());
  kernel_.exit_process(*kernel_.find_process(grandchild), 0);
  EXPECT_EQ(kernel_.find_process(grandchild), nullptr);
}

TEST_F(ProcessTest, ASignalIsPendingOnceAndTheLowestIsTakenFirst) {
  ThreadSignals thread;
  process_.signals.threads.push_back(&thread);
  for (const int number : {SIGUSR2, SIGUSR1, SIGUSR1})
    ASSERT_TRUE(kernel_.kill(kernel_.init(), process_.pid, number));
  EXPECT_TRUE(kernel_.has_signal(process_, thread));
  EXPECT_EQ(kernel_.take_signal(process_, thread)->si_signo, SIGUSR1);
  EXPECT_EQ(kernel_.take_signal(process_, thread)->si_signo, SIGUSR2);
  EXPECT_FALSE(kernel_.take_signal(process_, thread));
}

TEST_F(ProcessTest, ABlockedSignalWaitsAndAnIgnoredOneIsNoMore) {
  ThreadSignals thread;
  process_.signals.threads.push_back(&thread);
  thread.blocked = bit_of(SIGUSR1);
  process_.signals.actions[SIGUSR2].sa_handler = SIG_IGN;
  ASSERT_TRUE(kernel_.kill(kernel_.init(), process_.pid, SIGUSR1));
  ASSERT_TRUE(kernel_.kill(kernel_.init(), process_.pid, SIGUSR2));
  EXPECT_FALSE(kernel_.has_signal(process_, thread));
  thread.blocked = 0;
  EXPECT_EQ(kernel_.take_signal(process_, thread)->si_signo, SIGUSR1);
  EXPECT_FALSE(kernel_.take_signal(process_, thread));
}

TEST_F(ProcessTest, StopAndContinueAreToldToTheParent) {
  Process& child = kernel_.create_process(&process_);
  ASSERT_TRUE(kernel_.kill(process_, child.pid, SIGSTOP));
  EXPECT_TRUE(child.is_stopped);
  Call call;
  EXPECT_TRUE(WIFSTOPPED(kernel_.wait_child(process_, -1, WUNTRACED, call)->status));
  ASSERT_TRUE(kernel_.kill(process_, child.pid, SIGCONT));
  EXPECT_FALSE(child.is_stopped);
  EXPECT_TRUE(WIFCONTINUED(kernel_.wait_child(process_, -1, WCONTINUED, call)->status));
}

TEST_F(ProcessTest, AnAlarmRingsAtItsTime) {
  ThreadSignals thread;
  process_.signals.threads.push_back(&thread);
  process_.alarm.arm(seconds(3));
  EXPECT_EQ(kernel_.next_timer(), seconds(3));
  kernel_.advance_to(milliseconds(2999));
  EXPECT_FALSE(kernel_.has_signal(process_, thread));
  kernel_.advance_to(seconds(3));
  EXPECT_EQ(kernel_.take_signal(process_, thread)->si_signo, SIGALRM);
}

TEST_F(ProcessTest, KillReachesGroupsAndKnowsWhomThereIsNot) {
  ThreadSignals thread;
  Process& child = kernel_.create_process(&process_);
  child.signals.threads.push_back(&thread);
  ASSERT_TRUE(kernel_.kill(process_, -process_.group, SIGUSR1));
  EXPECT_TRUE(kernel_.has_signal(child, thread));
  EXPECT_EQ(kernel_.kill(process_, 4711, 0).error().error, Errno{ESRCH});
  EXPECT_EQ(kernel_.kill(process_, child.pid, 65).error().error, Errno{EINVAL});
}

}  // namespace
}  // namespace sockdrill::sim
