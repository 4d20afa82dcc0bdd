#include "harness/sim/tasks/scheduler.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <string>

namespace sockdrill::sim {
namespace {

using std::chrono::milliseconds;

/// What a forked child has for itself.
int shared_variable = 0;
thread_local int own_variable = 0;

ServerMemory variable_memory() {
  return ServerMemory{
      .variables = {{reinterpret_cast<char*>(&shared_variable), sizeof shared_variable}},
      .thread_locals = {}};
}

class SchedulerTest : public ::testing::Test {
 protected:
  Kernel kernel;
  Scheduler scheduler{kernel, variable_memory()};
  Process& process = kernel.create_process(nullptr);
  std::string log;

  void say(const std::string& word) { log += word + " "; }
  static Stop wait_until(VirtualTime time) {
    return Stop{.error = {}, .more_queues = {}, .until = time};
  }
  static Stop wait_on(WaitQueue& queue) {
    return Stop{.error = {}, .queue = &queue, .more_queues = {}};
  }
};

TEST_F(SchedulerTest, TakesTurnsInOrder) {
  scheduler.start_process(process, [this] {
    Scheduler& its = scheduler;
    for (const char* name : {"one", "two"}) {
      its.start_thread(*current_task, [this, name] {
        for (int i = 0; i < 2; ++i) {
          say(name);
          scheduler.yield(*current_task);
        }
      });
    }
  });
  scheduler.run();
  EXPECT_EQ(log, "one two one two ");
  EXPECT_TRUE(scheduler.is_idle());
}

TEST_F(SchedulerTest, SleepsOnlyInVirtualTime) {
  scheduler.start_process(process, [this] {
    scheduler.park(*current_task, wait_until(std::chrono::hours(5)));
    say("awake");
  });
  scheduler.run();
  EXPECT_EQ(log, "");
  EXPECT_EQ(scheduler.next_deadline(), VirtualTime(std::chrono::hours(5)));
  scheduler.run_until(std::chrono::hours(4), {});
  EXPECT_EQ(log, "");
  scheduler.run_until(std::chrono::hours(6), {});
  EXPECT_EQ(log, "awake ");
  EXPECT_EQ(kernel.now(), VirtualTime(std::chrono::hours(6)));
}

TEST_F(SchedulerTest, WakesWhoeverIsWaitedFor) {
  WaitQueue queue;
  scheduler.start_process(process, [&] {
    scheduler.start_thread(*current_task, [&] {
      scheduler.park(*current_task, wait_on(queue));
      say("woken");
    });
    scheduler.yield(*current_task);
    say("waking");
    queue.wake();
    scheduler.yield(*current_task);
  });
  scheduler.run();
  EXPECT_EQ(log, "waking woken ");
}

TEST_F(SchedulerTest, EachThreadHasItsOwnThreadLocalsAndErrno) {
  scheduler.start_process(process, [this] {
    for (const int number : {1, 2}) {
      scheduler.start_thread(*current_task, [this, number] {
        own_variable = number;
        errno = 100 + number;
        scheduler.yield(*current_task);
        say(std::to_string(own_variable) + ":" + std::to_string(errno));
      });
    }
  });
  own_variable = 7;
  errno = 7;
  scheduler.run();
  EXPECT_EQ(log, "1:101 2:102 ");
  EXPECT_EQ(own_variable, 7);
  EXPECT_EQ(errno, 7);
}

TEST_F(SchedulerTest, AnExceptionUnderWayIsItsTasksOwn) {
  scheduler.start_process(process, [this] {
    for (const char* name : {"one", "two"}) {
      scheduler.start_thread(*current_task, [this, name] {
        try {
          throw std::string(name);
        } catch (const std::string& thrown) {
          scheduler.yield(*current_task);
          say(thrown);
          try {
            throw;
          } catch (const std::string& again) {
            say(again);
          }
        }
      });
    }
  });
  scheduler.run();
  EXPECT_EQ(log, "one one two two ");
}

TEST_F(SchedulerTest, AForkedChildHasItsOwnStackAndVariables) {
  shared_variable = 0;
  scheduler.start_process(process, [this] {
    int on_stack = 1;
    shared_variable = 10;
    const pid_t child = scheduler.fork(*current_task);
    volatile int* place = &on_stack;
    if (child == 0) {
      *place = 2;
      shared_variable = 20;
    }
    scheduler.yield(*current_task);
    say((child == 0 ? "child " : "parent ") + std::to_string(*place) + " " +
        std::to_string(shared_variable));
    if (child == 0) scheduler.end_process(current_task->process, 3 << 8);
    Call call;
    for (;;) {
      const Outcome<ChildChange> ended = kernel.wait_child(current_task->process, child, 0, call);
      if (ended) {
        say("ended " + std::to_string(ended->status >> 8));
        return;
      }
      scheduler.park(*current_task, ended.error());
    }
  });
  scheduler.run();
  EXPECT_EQ(log, "parent 1 10 child 2 20 ended 3 ");
}

TEST_F(SchedulerTest, AForkAnswersWithItsOwnChildWhoeverRunsFirst) {
  std::multiset<pid_t> children;
  std::multiset<pid_t> answers;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Process& server = kernel.create_process(nullptr);
    server.signals.actions[SIGCHLD].sa_handler = SIG_IGN;
    scheduler.set_schedule(seed, {});
    scheduler.start_process(server, [&] {
      // What a child needs is on its stack: this function ends with the task that it was given to.
      Scheduler& its = scheduler;
      std::multiset<pid_t>& of_children = children;
      std::multiset<pid_t>& of_parents = answers;
      for (int depth = 0; depth < 3; ++depth) {
        const pid_t child = its.fork(*current_task);
        (child == 0 ? of_children : of_parents)
            .insert(child == 0 ? current_task->process.pid : child);
        its.yield(*current_task);
      }
      its.end_process(current_task->process, 0);
    });
    scheduler.run();
  }
  EXPECT_EQ(children.size(), 50U * 7U);
  EXPECT_EQ(children, answers);
}

TEST_F(SchedulerTest, ATaskThatNeverWaitsLetsTheClockPass) {
  scheduler.start_process(process, [this] {
    while (kernel.now() < milliseconds(10)) scheduler.account(*current_task);
    say("done");
  });
  scheduler.run_until(milliseconds(20), {});
  EXPECT_EQ(log, "done ");
}

TEST_F(SchedulerTest, AStoppedProcessDoesNotRun) {
  scheduler.start_process(process, [this] { say("ran"); });
  process.is_stopped = true;
  scheduler.run();
  EXPECT_EQ(log, "");
  EXPECT_TRUE(scheduler.is_idle());
  process.is_stopped = false;
  scheduler.run();
  EXPECT_EQ(log, "ran ");
}

TEST(SchedulerOrderTest, ASeedGivesAnotherOrderAndTheSameOneAgain) {
  const auto order = [](std::uint64_t seed) {
    Kernel kernel;
    Scheduler scheduler(kernel, ServerMemory{});
    std::string log;
    scheduler.set_schedule(seed, {});
    scheduler.start_process(kernel.create_process(nullptr), [&] {
      for (char name = 'a'; name < 'i'; ++name)
        scheduler.start_thread(*current_task, [&log, name] { log += name; });
    });
    scheduler.run();
    return log;
  };
  EXPECT_EQ(order(0), "abcdefgh");
  EXPECT_NE(order(1), "abcdefgh");
  EXPECT_EQ(order(1), order(1));
}

TEST(SchedulerOrderTest, ChoicesSayWhoGoesOnAndWhoIsInterrupted) {
  const auto order = [](std::vector<std::uint8_t> choices) {
    Kernel kernel;
    Scheduler scheduler(kernel, ServerMemory{});
    std::string log;
    scheduler.start_process(kernel.create_process(nullptr), [&] {
      for (char name = 'a'; name < 'd'; ++name) {
        scheduler.start_thread(*current_task, [&log, &scheduler, name] {
          log += name;
          scheduler.account(*current_task);  // as any call does
          log += static_cast<char>(name - 'a' + 'A');
        });
      }
      scheduler.set_schedule(0, choices);
    });
    scheduler.run();
    return log;
  };
  EXPECT_EQ(order({}), "aAbBcC");
  EXPECT_EQ(order({2}), "cCaAbB");
  EXPECT_EQ(order({0, 1}), "abBcCA");
  EXPECT_EQ(order({0, 2, 0}), "acCbBA");
}

TEST_F(SchedulerTest, TheLastThreadEndsTheProcess) {
  scheduler.start_process(process, [this] {
    scheduler.start_thread(*current_task, [this] {
      scheduler.yield(*current_task);
      say("second");
    });
    scheduler.finish(*current_task);
  });
  const pid_t pid = process.pid;
  scheduler.run();
  EXPECT_EQ(log, "second ");
  EXPECT_EQ(kernel.find_process(pid), nullptr);
}

}  // namespace
}  // namespace sockdrill::sim
