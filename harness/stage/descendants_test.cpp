#include "harness/stage/descendants.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "harness/base/fd.h"

namespace sockdrill {
namespace {

/// A child that sleeps until it is killed, after `work` and a byte that says so.
template <typename Work>
pid_t fork_sleeper(Work work) {
  const Pipe pipe = std::move(*make_pipe());
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    static_cast<void>(!::write(pipe.write_end.raw(), "!", 1));
    for (;;) ::pause();
  }
  char ignored = 0;
  EXPECT_EQ(::read(pipe.read_end.raw(), &ignored, 1), 1);
  return child;
}

void end(pid_t child) {
  EXPECT_EQ(::kill(child, SIGKILL), 0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(LiveDescendantsTest, FindsChildrenButNoZombies) {
  const pid_t zombie = ::fork();
  if (zombie == 0) ::_exit(0);
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(zombie), &info, WEXITED | WNOWAIT), 0);
  const pid_t sleeper = fork_sleeper([] {});
  EXPECT_EQ(live_descendants(::getpid()), std::vector<pid_t>{sleeper});
  end(sleeper);
  EXPECT_EQ(::waitpid(zombie, nullptr, 0), zombie);
}

TEST(LiveDescendantsTest, FindsGrandchildrenAfterTheirParents) {
  const pid_t sleeper = fork_sleeper([] { static_cast<void>(fork_sleeper([] {})); });
  const std::vector<pid_t> found = live_descendants(::getpid());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], sleeper);
  ::kill(found[1], SIGKILL);
  end(sleeper);
}

TEST(LiveDescendantsTest, FindsNothingBelowNobody) { EXPECT_TRUE(live_descendants(-1).empty()); }

TEST(LiveProcessesWithTest, KnowsAProcessByAWholeWord) {
  const std::string word = "SOCKDRILL_TEST_WORD=" + std::to_string(::getpid());
  const pid_t child = ::fork();
  if (child == 0) {
    std::string own = word;
    char* const environment[] = {own.data(), nullptr};
    char name[] = "sleep";
    char time[] = "1000";
    char* const arguments[] = {name, time, nullptr};
    ::execve("/bin/sleep", arguments, environment);
    ::_exit(127);
  }
  while (live_processes_with(word).empty()) ::usleep(1000);
  EXPECT_EQ(live_processes_with(word), std::vector<pid_t>{child});
  EXPECT_TRUE(live_processes_with(word + "0").empty());
  EXPECT_TRUE(live_processes_with(word.substr(1)).empty());
  end(child);
}

}  // namespace
}  // namespace sockdrill
