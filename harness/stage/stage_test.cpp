#include "harness/stage/stage.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "harness/stage/agent_process.h"
#include "harness/stage/testing/test_stage.h"

namespace sockdrill {
namespace {

using testing_stage::actor;
using testing_stage::generous;
using testing_stage::shell;
using testing_stage::wait_for;
using testing_stage::wait_for_end;
using testing_stage::wait_for_output;

/// Starting processes, and what is known of them.
class StageProcessTest : public testing_stage::StageTest {
 protected:
  std::string refusal(const Launch& launch) {
    const auto started = stage().start(launch, generous());
    return started ? "it started" : started.error().message;
  }
  /// A file in the stage's temp folder.
  std::string make_file(const std::string& name, const std::string& text, mode_t mode) {
    std::ofstream(stage().temp_outside() + "/" + name) << text;
    EXPECT_EQ(::chmod((stage().temp_outside() + "/" + name).c_str(), mode), 0);
    return stage().temp_inside() + "/" + name;
  }
};
SOCKDRILL_IN_BOTH_MODES(StageProcessTest);

// How processes end

TEST_P(StageProcessTest, AProcessMayStartWithoutStandardStreams) {
  Launch launch = shell("for fd in 0 1 2; do [ ! -e /proc/$$/fd/$fd ] || exit 1; done");
  launch.inheritance.closed_streams = true;
  StageProcess& process = start(launch);
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, ExitStatus{});
}

TEST_P(StageProcessTest, AProcessMayStartWithASignalIgnored) {
  Launch launch = shell("kill -PIPE $$; exit 7");
  StageProcess& usual = start(launch);
  wait_for_end(stage(), usual);
  EXPECT_EQ(usual.exited, (ExitStatus{true, SIGPIPE, false}));
  launch.inheritance.ignored_signal = SIGPIPE;
  StageProcess& ignoring = start(launch);
  wait_for_end(stage(), ignoring);
  EXPECT_EQ(ignoring.exited, (ExitStatus{false, 7, false}));
}

TEST_P(StageProcessTest, ReportsAnExitStatus) {
  StageProcess& process = start(shell("exit 7"));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = false, .code = 7}));
}

TEST_P(StageProcessTest, ReportsADeadlySignal) {
  StageProcess& process = start(shell("kill -SEGV $$"));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = true, .code = SIGSEGV}));
}

TEST_P(StageProcessTest, ReportsEveryEndOfMany) {
  std::vector<StageProcess*> processes;
  for (int i = 0; i < 50; ++i) processes.push_back(&start(shell("exit " + std::to_string(i))));
  for (int i = 0; i < 50; ++i) {
    wait_for_end(stage(), *processes[static_cast<std::size_t>(i)]);
    EXPECT_EQ(processes[static_cast<std::size_t>(i)]->exited->code, i);
  }
}

TEST_P(StageProcessTest, SignalsOneProcess) {
  StageProcess& process = start({.command = {"sleep", "1000"}});
  EXPECT_TRUE(stage().signal(process, SIGTERM));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.exited, (ExitStatus{.was_signalled = true, .code = SIGTERM}));
  EXPECT_EQ(stage().signal(process, SIGTERM), fail(Errno{ESRCH}));
}

TEST_P(StageProcessTest, SignalsNothingOnceTheProcessIsReaped) {
  StageProcess& process = start(shell("exit 0"));
  // The agent reaps it, and we do not look at its report.
  while (::kill(process.pid, 0) == 0) ::usleep(100);
  EXPECT_EQ(stage().signal(process, SIGTERM), fail(Errno{ESRCH}));
}

TEST_P(StageProcessTest, KnowsTheEndAsSoonAsTheMainThreadHasEnded) {
  StageProcess& process = start({.command = {"cat"}, .wants_input = true});
  EXPECT_FALSE(stage().end_of(process));
  const OwnedFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
  process.input.reset();
  // It is the agent's child: whether it is reaped then, or stands there as a zombie, is chance.
  wait_until_readable(pidfd.get(), generous());
  EXPECT_EQ(stage().end_of(process), (ExitStatus{.was_signalled = false, .code = 0}));
}

TEST_P(StageProcessTest, RunsASecondProcessBesideTheFirst) {
  StageProcess& first = start({.command = {"cat"}, .wants_input = true});
  StageProcess& second = start(shell("exit 0"));
  wait_for_end(stage(), second);
  EXPECT_FALSE(first.exited);
  EXPECT_EQ(stage().processes(), std::vector<pid_t>{first.pid});
}

TEST_P(StageProcessTest, NamesAPidThatIsRealToUs) {
  StageProcess& process = start({.command = {"sleep", "1000"}});
  // The name changes a moment after exec has taken the new memory, which is when we are told.
  EXPECT_TRUE(wait_for(stage(), [&] { return testing_stage::command_of(process.pid) == "sleep"; }));
  EXPECT_EQ(stage().processes(), std::vector<pid_t>{process.pid});
}

// Streams

TEST_P(StageProcessTest, KeepsOutputAndErrorsApart) {
  StageProcess& process = start(shell("echo out; echo err >&2"));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.text(), "out\n");
  EXPECT_EQ(process.err.text(), "err\n");
}

TEST_P(StageProcessTest, FeedsStandardInput) {
  StageProcess& process = start({.command = {"cat"}, .wants_input = true});
  ASSERT_EQ(::write(process.input.raw(), "hello", 5), 5);
  process.input.reset();
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.text(), "hello");
}

TEST_P(StageProcessTest, GivesNoInputUnlessWished) {
  EXPECT_EQ(output_of({.command = {"cat"}}), "");
}

TEST_P(StageProcessTest, TakesInAFloodAndHasAllOfItAtTheEnd) {
  constexpr std::uint64_t kBytes = 1000000;
  StageProcess& process = start(actor({"flood", std::to_string(kBytes)}));
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.total(), kBytes);
  EXPECT_LT(process.out.text().size(), 2 * OutputTail::kKept + 100);
}

TEST_P(StageProcessTest, LeavesOutputAloneWhenToldTo) {
  StageProcess& process = start({.command = {"cat"}, .wants_input = true});
  stage().set_draining(process, false);
  ASSERT_EQ(::write(process.input.raw(), "hello", 5), 5);
  process.input.reset();
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.total(), 0U);
  stage().set_draining(process, true);
  stage().pump();
  EXPECT_EQ(process.out.text(), "hello");
}

TEST_P(StageProcessTest, BlocksAWriterThatIsNotDrained) {
  StageProcess& process = start(actor({"flood", "1000000"}));
  stage().set_draining(process, false);
  stage().pump();
  EXPECT_FALSE(process.exited);
  stage().set_draining(process, true);
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.total(), 1000000U);
}

// What a process starts with

TEST_P(StageProcessTest, LeaksNoDescriptor) {
  const int leaky = ::dup(0);  // Without close-on-exec, as other people's libraries do.
  auto second = open();
  StageProcess& process = testing_stage::start(*second, actor({"descriptors"}));
  wait_for_end(*second, process);
  EXPECT_EQ(process.out.text(), "0 1 2 ");
  ::close(leaky);
}

TEST_P(StageProcessTest, StartsWithDefaultSignalsInASessionOfItsOwn) {
  struct sigaction before {};
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  auto second = open();
  StageProcess& process = testing_stage::start(*second, actor({"signals"}));
  wait_for_end(*second, process);
  EXPECT_EQ(process.out.text(), "session own\n");
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_P(StageProcessTest, DiesBeforeUsWhenMemoryIsShort) {
  EXPECT_EQ(output_of(shell("cat /proc/self/oom_score_adj")), "1000\n");
}

TEST_P(StageProcessTest, AddsToOurEnvironmentAndReplacesInIt) {
  ::setenv("SOCKDRILL_TEST_A", "ours", 1);
  ::setenv("SOCKDRILL_TEST_B", "ours", 1);
  Launch launch = shell("echo $SOCKDRILL_TEST_A $SOCKDRILL_TEST_B $SOCKDRILL_TEST_C");
  launch.environment = {{"SOCKDRILL_TEST_B", "theirs"}, {"SOCKDRILL_TEST_C", "theirs"}};
  EXPECT_EQ(output_of(launch), "ours theirs theirs\n");
}

TEST_P(StageProcessTest, TakesAnEnvironmentOfAMegabyte) {
  Launch launch = shell("echo ${#BIG0} ${#BIG9}");
  for (int i = 0; i < 10; ++i) {
    launch.environment["BIG" + std::to_string(i)] = std::string(100000, 'x');
  }
  EXPECT_EQ(output_of(launch), "100000 100000\n");
}

TEST_P(StageProcessTest, StartsWithItsLimits) {
  Launch launch = actor({"limits"});
  launch.limits = {.descriptors = 64, .memory_bytes = 1 << 30, .processes = 1000};
  EXPECT_EQ(output_of(launch), "64/64\n1073741824/1073741824\n1000/1000\n");
}

TEST_P(StageProcessTest, IsRefusedMemoryBeyondItsLimit) {
  Launch launch = actor({"memory", "100000000"});
  EXPECT_EQ(output_of(launch), "taken\n");
  launch.limits.memory_bytes = 50000000;
  EXPECT_EQ(output_of(launch), "refused\n");
}

TEST_P(StageProcessTest, RunsOutOfDescriptorsWhileItRunsAndRecovers) {
  Launch launch = actor({"open-on-demand"});
  launch.wants_input = true;
  StageProcess& process = start(launch);
  const auto ask = [&](const std::string& answer) {
    ASSERT_EQ(::write(process.input.raw(), "?", 1), 1);
    wait_for_output(stage(), process, answer);
  };
  ask("opened\n");
  ASSERT_TRUE(stage().set_soft_descriptor_limit(process, 4));
  ask("opened\nrefused\n");
  ASSERT_TRUE(stage().set_soft_descriptor_limit(process, 64));
  ask("opened\nrefused\nopened\n");
}

TEST_P(StageProcessTest, GetsNoProcessWhileItsLimitIsReached) {
  if (!why_no_process_limit().empty()) GTEST_SKIP() << why_no_process_limit();
  Launch launch = actor({"fork-on-demand"});
  launch.wants_input = true;
  launch.has_process_limit = true;
  StageProcess& process = start(launch);
  const auto ask = [&](const std::string& answer) {
    ASSERT_EQ(::write(process.input.raw(), "?", 1), 1);
    wait_for_output(stage(), process, answer);
  };
  ask("born\n");
  ASSERT_TRUE(stage().reach_process_limit(true));
  ask("born\nrefused\n");
  EXPECT_EQ(output_of(shell("(echo others are not concerned)")), "others are not concerned\n");
  ask("born\nrefused\nrefused\n");
  ASSERT_TRUE(stage().reach_process_limit(false));
  ask("born\nrefused\nrefused\nborn\n");
}

TEST_P(StageProcessTest, PassesItsLimitOfProcessesOn) {
  if (!why_no_process_limit().empty()) GTEST_SKIP() << why_no_process_limit();
  Launch launch = shell("(echo child; read line; (:); echo unreachable); echo over");
  launch.wants_input = true;
  launch.has_process_limit = true;
  StageProcess& process = start(launch);
  wait_for_output(stage(), process, "child\n");
  ASSERT_TRUE(stage().reach_process_limit(true));
  ASSERT_EQ(::write(process.input.raw(), "\n", 1), 1);
  wait_for_end(stage(), process);
  EXPECT_EQ(process.out.text(), "child\nover\n");
}

TEST_P(StageProcessTest, HasNoRightToLowPortsWhereItIsTakenAway) {
  if (!has_low_ports(home())) GTEST_SKIP() << "they are everybody's here";
  Launch launch = actor({"bind", "1023"});
  launch.without_low_ports = true;
  EXPECT_EQ(output_of(launch), "EACCES\n");
}

// What cannot be started

TEST_P(StageProcessTest, SaysWhatIsNotInThePath) {
  EXPECT_EQ(refusal({.command = {"no-such-server"}}), "no-such-server: not found in PATH");
}

TEST_P(StageProcessTest, SearchesThePathOfTheLaunch) {
  EXPECT_EQ(refusal({.command = {"sh"}, .environment = {{"PATH", "/nowhere:"}}}),
            "sh: not found in PATH");
}

TEST_P(StageProcessTest, SearchesAnEmptyEntryOfThePathInTheWorkingDirectory) {
  make_file("server", "#!/bin/sh\necho it runs\n", 0755);
  Launch launch{.command = {"server"}, .working_directory = stage().temp_inside()};
  launch.environment = {{"PATH", "/nowhere:"}};
  EXPECT_EQ(output_of(launch), "it runs\n");
}

TEST_P(StageProcessTest, StartsRelativePathsInTheWorkingDirectory) {
  make_file("server", "#!/bin/sh\npwd\n", 0755);
  const Launch launch{.command = {"./server"}, .working_directory = stage().temp_inside()};
  EXPECT_EQ(output_of(launch), stage().temp_inside() + "\n");
}

TEST_P(StageProcessTest, SaysThatAFileIsNotExecutable) {
  EXPECT_EQ(refusal({.command = {"/etc/passwd"}}), "/etc/passwd: permission denied");
}

TEST_P(StageProcessTest, SaysThatAFileIsNoProgram) {
  const std::string path = make_file("server", "echo no first line\n", 0755);
  EXPECT_EQ(refusal({.command = {path}}),
            path + ": neither a program of this machine nor a script with a #! line");
}

TEST_P(StageProcessTest, SaysThatAnInterpreterIsMissing) {
  const std::string path = make_file("server", "#!/no/such/python\n", 0755);
  EXPECT_EQ(refusal({.command = {path}}),
            path + ": the interpreter or loader that it names does not exist");
}

TEST_P(StageProcessTest, SaysThatTheWorkingDirectoryIsMissing) {
  EXPECT_EQ(refusal({.command = {"true"}, .working_directory = "/nowhere"}),
            "true: working directory /nowhere: ENOENT (No such file or directory)");
}

TEST_P(StageProcessTest, StartsTheNextAfterARefusal) {
  EXPECT_EQ(refusal({.command = {"/nowhere"}}), "/nowhere: no such file");
  EXPECT_EQ(output_of(shell("echo fine")), "fine\n");
}

TEST_P(StageProcessTest, GivesUpAtTheDeadline) {
  // Stopped from outside, the agent answers nothing.
  ASSERT_EQ(::kill(stage().agent(), SIGSTOP), 0);
  const auto started =
      stage().start(shell("exit 0"), Deadline::after(std::chrono::milliseconds(20)));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "the stage's agent did not answer in time");
  EXPECT_TRUE(stage().close(generous()));
}

}  // namespace
}  // namespace sockdrill
