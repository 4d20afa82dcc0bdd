// Nothing is left: not after close(), not after a server's mischief, not after kill -9.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include "harness/base/text.h"
#include "harness/stage/descendants.h"
#include "harness/stage/stage.h"
#include "harness/stage/testing/test_stage.h"

namespace sockdrill {
namespace {

using testing_stage::actor;
using testing_stage::generous;
using testing_stage::Mode;
using testing_stage::shell;
using testing_stage::wait_for;
using testing_stage::wait_for_end;
using testing_stage::wait_for_output;

class StageTeardownTest : public testing_stage::StageTest {
 protected:
  /// A server that sends its parent, the agent, a signal.
  StageProcess& start_harmful(int signal_number) {
    Launch launch = actor({"harm-parent", std::to_string(signal_number)});
    launch.wants_input = true;
    StageProcess& process = start(launch);
    EXPECT_EQ(::write(process.input.raw(), "!", 1), 1);
    return process;
  }
};
SOCKDRILL_IN_BOTH_MODES(StageTeardownTest);
class DegradedTeardownTest : public StageTeardownTest {};
SOCKDRILL_DEGRADED_ONLY(DegradedTeardownTest);

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

// close()

TEST_P(StageTeardownTest, EndsWhatIgnoresSignals) {
  StageProcess& process =
      start(shell("trap '' TERM HUP INT; echo ready; while :; do sleep 1; done"));
  wait_for_output(stage(), process, "ready\n");
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = true, .code = SIGKILL}));
  EXPECT_FALSE(exists(process.pid));
}

TEST_P(StageTeardownTest, EndsDaemons) {
  StageProcess& process = start(actor({"daemon"}));
  wait_for_output(stage(), process, "daemon\n");
  wait_for_end(stage(), process);
  const std::vector<pid_t> daemons = stage().processes();
  EXPECT_EQ(daemons.size(), 2U);
  EXPECT_TRUE(stage().close(generous()));
  for (const pid_t pid : daemons) EXPECT_FALSE(exists(pid));
  EXPECT_TRUE(stage().processes().empty());
}

TEST_P(StageTeardownTest, EndsAFamilyThatKeepsForking) {
  StageProcess& process =
      start(shell("echo ready; f() { f & sleep 0.01; f & }; while :; do f; sleep 0.02; done"));
  wait_for_output(stage(), process, "ready\n");
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_FALSE(exists(process.pid));
}

TEST_P(StageTeardownTest, TakesInTheLastOutput) {
  StageProcess& process = start(shell("echo ready; echo last words >&2; sleep 1000"));
  stage().set_draining(process, false);
  // Its words stay in the pipe; that it sleeps shows in its child.
  while (stage().processes().size() < 2) ::usleep(1000);
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_EQ(process.err.text(), "last words\n");
}

TEST_P(StageTeardownTest, RemovesATempFolderThatResists) {
  StageProcess& process = start(shell("cd " + stage().temp_inside() +
                                      " && mkdir -p a/b/c && ln -s / a/root && echo x > a/b/c/d &&"
                                      " chmod 0 a/b/c a/b && chmod 0 . && echo done"));
  wait_for_output(stage(), process, "done\n");
  const std::string folder = stage().temp_outside();
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_TRUE(std::filesystem::exists("/bin"));
}

TEST_P(StageTeardownTest, ClosesTwiceAndRefusesToStartAfterwards) {
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_TRUE(stage().close(generous()));
  pollfd news{raw(stage().news()), POLLIN, 0};
  EXPECT_EQ(::poll(&news, 1, 0), 0) << "a closed stage has no news";
  const auto started = stage().start(shell("exit 0"), generous());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "the stage has ended");
}

TEST_P(StageTeardownTest, LeavesNoZombieAndNoDescriptorAfterTwoHundredStages) {
  static_cast<void>(output_of(shell("exit 0")));
  const int before = open_descriptors();
  for (int i = 0; i < 200; ++i) {
    auto each = open();
    Launch launch = shell(i % 2 == 0 ? "exit 0" : "sleep 1000");
    launch.wants_input = i % 3 == 0;
    testing_stage::start(*each, launch);
    static_cast<void>(each->start({.command = {"/nowhere"}}, generous()));
    // The others are closed by their destructor.
    EXPECT_TRUE(i % 5 == 0 || each->close(generous()));
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(stage().close(generous()));
  errno = 0;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// Threads

TEST_P(StageTeardownTest, OutlivesTheThreadThatOpenedIt) {
  std::unique_ptr<Stage> made;
  std::thread([&made] { made = open(); }).join();
  StageProcess& process = testing_stage::start(*made, shell("exit 3"));
  wait_for_end(*made, process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = false, .code = 3}));
}

TEST_P(StageTeardownTest, RunsInManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int round = 0; round < 10; ++round) {
        auto mine = open();
        StageProcess& process = testing_stage::start(*mine, shell("exit " + std::to_string(i)));
        wait_for_end(*mine, process);
        EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = false, .code = i}));
        EXPECT_TRUE(mine->close(generous()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Mischief

TEST_P(StageTeardownTest, DoesNotMindSignalsToTheAgent) {
  StageProcess& process = start_harmful(SIGTERM);
  wait_for_output(stage(), process, "done\n");
  StageProcess& second = start(shell("exit 5"));
  wait_for_end(stage(), second);
  EXPECT_FALSE(process.exited);
}

TEST_P(DegradedTeardownTest, CleansUpItselfWhenTheServerKillsTheAgent) {
  StageProcess& process = start_harmful(SIGKILL);
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = true, .code = SIGKILL}));
  const std::string folder = stage().temp_outside();
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_P(DegradedTeardownTest, CleansUpWhenTheServerStopsTheAgent) {
  StageProcess& process = start_harmful(SIGSTOP);
  wait_for_output(stage(), process, "daemon\n");
  EXPECT_TRUE(stage().close(generous()));
  EXPECT_FALSE(exists(process.pid));
}

// kill -9

/// A harness in a process of its own, with a mark in its environment and a temp folder.
class Victim final {
 public:
  Victim(Mode mode, int round)
      : mark_("SOCKDRILL_TEST_MARK=" + std::to_string(::getpid()) + "." + std::to_string(round)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "victim-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    output_ = std::move(*make_pipe());
    spawn(mode == Mode::isolated ? "isolated" : "degraded");
    output_.write_end.reset();
  }
  ~Victim() { std::filesystem::remove_all(folder_); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  void wait_until_it_runs() {
    pollfd wait{output_.read_end.raw(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, generous().left_ms()), 1);
  }
  void kill() {
    EXPECT_EQ(::kill(pid_, SIGKILL), 0);
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it had ended before, with status " << status;
  }
  [[nodiscard]] std::vector<pid_t> left() const { return live_processes_with(mark_); }
  /// Of what is left, for the message.
  [[nodiscard]] std::string describe_left() const {
    std::string text;
    for (const pid_t pid : left()) {
      text += " " + std::to_string(pid) + " " + testing_stage::command_of(pid);
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      text += " " + entry.path().string();
    }
    return text;
  }
  /// Three times in a row: a process that execs just now has no environment to know it by.
  [[nodiscard]] bool left_nothing() const {
    for (int i = 0; i < 3; ++i) {
      if (!left().empty() || !is_folder_empty()) return false;
      ::usleep(1000);
    }
    return true;
  }

 private:
  /// But for what ThreadSanitizer's runtime has there for a moment when a program starts.
  [[nodiscard]] bool is_folder_empty() const {
    const std::filesystem::directory_iterator files(folder_);
    return std::all_of(begin(files), end(files), [](const auto& file) {
      return file.path().filename().string().starts_with("tsan.rodata.");
    });
  }
  void spawn(const std::string& mode) {
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "stage_victim";
    std::string folder = "TMPDIR=" + folder_;
    std::vector<char*> environment{mark_.data(), folder.data()};
    for (char** word = environ; *word != nullptr; ++word) {
      if (!std::string_view(*word).starts_with("TMPDIR=")) environment.push_back(*word);
    }
    environment.push_back(nullptr);
    std::string name = program;
    std::string argument = mode;
    char* arguments[] = {name.data(), argument.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output_.write_end.raw(), 1);
    EXPECT_EQ(
        ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environment.data()), 0);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  std::string mark_;
  std::string folder_;
  Pipe output_;
  pid_t pid_ = -1;
};

class KillTest : public testing::TestWithParam<Mode> {};
SOCKDRILL_IN_BOTH_MODES(KillTest);

TEST_P(KillTest, LeavesNothingWhereverItStrikes) {
  constexpr int kRounds = 60;
  std::minstd_rand random(20240229);  // NOLINT: the same moments, more or less, in every run.
  for (int round = 0; round < kRounds; ++round) {
    Victim victim(GetParam(), round);
    // Every fourth is struck while it finds out what the machine allows.
    if (round % 4 != 0) victim.wait_until_it_runs();
    ::usleep(static_cast<useconds_t>(random() % 30000));
    victim.kill();
    const Deadline deadline = generous();
    bool left_nothing = false;
    while (!(left_nothing = victim.left_nothing()) && !deadline.has_passed()) ::usleep(1000);
    ASSERT_TRUE(left_nothing) << "round " << round << ":" << victim.describe_left();
  }
}

}  // namespace
}  // namespace sockdrill
