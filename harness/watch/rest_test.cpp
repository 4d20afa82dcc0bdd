#include "harness/watch/rest.h"

#include <gtest/gtest.h>

#include <utility>

namespace sockdrill {
namespace {

using namespace std::chrono_literals;

Wait waits_for(WaitKind kind, Nanoseconds timeout = 0ns) {
  return Wait{.call = "epoll_wait", .kind = kind, .timeout = timeout};
}

TaskView asleep(Wait wait = waits_for(WaitKind::untimed)) {
  return TaskView{.pid = 10,
                  .tid = 11,
                  .was_off_cpu = true,
                  .runs_a = 5,
                  .state = 'S',
                  .runs_b = 5,
                  .wait = std::move(wait)};
}

TaskView in_nanosleep(Nanoseconds timeout) {
  TaskView task = asleep(
      Wait{.call = "nanosleep", .kind = WaitKind::timed, .timeout = timeout, .is_blind = true});
  task.timer_over_at = timeout;
  return task;
}

RestView view_of(TaskView task) {
  RestView view{.sockets = {}, .is_steady = true, .timer = std::nullopt};
  view.tasks.push_back(std::move(task));
  return view;
}

Rest rest_of(const RestView& view) { return decide(view).rest; }

TEST(DecideTest, SettlesWhenEveryThreadSleepsAndNothingIsUnderWay) {
  EXPECT_EQ(rest_of(view_of(asleep())), Rest::settled);
}

TEST(DecideTest, IsGoneWithoutTasks) { EXPECT_EQ(rest_of(RestView{}), Rest::gone); }

TEST(DecideTest, IsBusyWhenAThreadWasOnTheCpuAtA) {
  RestView view = view_of(asleep());
  view.tasks[0].was_off_cpu = false;
  EXPECT_EQ(rest_of(view), Rest::busy);
  EXPECT_EQ(decide(view).because, "thread 11 is running");
}

TEST(DecideTest, IsBusyWhenAThreadRanInBetween) {
  RestView view = view_of(asleep());
  view.tasks[0].runs_b = 6;
  EXPECT_EQ(rest_of(view), Rest::busy);
}

TEST(DecideTest, IsBusyWhenAThreadIsAboutToWake) {
  RestView view = view_of(asleep());
  view.tasks[0].state = 'R';
  EXPECT_EQ(rest_of(view), Rest::busy);
}

TEST(DecideTest, IsBusyInUninterruptibleSleep) {
  RestView view = view_of(asleep());
  view.tasks[0].state = 'D';
  EXPECT_EQ(rest_of(view), Rest::busy);
}

TEST(DecideTest, TakesAStoppedServerForAsleep) {
  RestView view = view_of(in_nanosleep(1ms));
  view.tasks[0].state = 'T';
  EXPECT_EQ(rest_of(view), Rest::settled);
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, IsBusyWhileBytesAreUnderWay) {
  RestView view = view_of(asleep());
  view.sockets.under_way = "1 byte under way";
  EXPECT_EQ(rest_of(view), Rest::busy);
  EXPECT_EQ(decide(view).because, "1 byte under way");
}

TEST(DecideTest, IsBlockedWhenInputStandsUnread) {
  RestView view = view_of(asleep());
  view.sockets.waiting = "12 bytes unread";
  EXPECT_EQ(rest_of(view), Rest::blocked);
  EXPECT_EQ(decide(view).because, "12 bytes unread");
}

TEST(DecideTest, IsBlockedWhenAThreadSleepsInAnOutputCall) {
  RestView view = view_of(
      asleep(Wait{.call = "write", .is_output = true, .has_descriptor = true, .descriptor = 1}));
  EXPECT_EQ(rest_of(view), Rest::blocked);
  EXPECT_EQ(decide(view).because, "thread 11 waits in write(fd 1)");
}

TEST(DecideTest, IsBusyUntilASecondDumpShowedTheSame) {
  RestView view = view_of(asleep());
  view.is_steady = false;
  EXPECT_EQ(rest_of(view), Rest::busy);
}

TEST(DecideTest, IsBusyInCloseWithLinger) {
  RestView view = view_of(asleep(Wait{.call = "close", .is_close = true}));
  EXPECT_EQ(rest_of(view), Rest::busy);
  view.sockets.waiting = "12 bytes held up by a closed window";
  EXPECT_EQ(rest_of(view), Rest::blocked);
}

TEST(DecideTest, IsBusyWhileAProcessIsMade) {
  EXPECT_EQ(rest_of(view_of(asleep(Wait{.call = "clone", .is_creation = true}))), Rest::busy);
}

TEST(DecideTest, WaitsForAQuietNetworkWhenThereAreDatagrams) {
  RestView view = view_of(asleep());
  view.sockets.has_datagrams = true;
  view.is_network_quiet = false;
  EXPECT_EQ(rest_of(view), Rest::busy);
  view.is_network_quiet = true;
  EXPECT_EQ(rest_of(view), Rest::settled);
}

TEST(DecideTest, LetsTimeSpeakWhereTheKernelDoesNotTellOfItsQueues) {
  RestView view = view_of(asleep());
  view.sockets.has_datagrams = true;
  view.held_for = 1ms;
  EXPECT_EQ(rest_of(view), Rest::busy);
  view.held_for = 11ms;
  EXPECT_EQ(rest_of(view), Rest::settled);
}

TEST(DecideTest, GivesDatagramsTimeToPassARelay) {
  RestView view = view_of(asleep());
  view.sockets.has_datagrams = true;
  view.is_network_quiet = true;
  view.has_relay = true;
  EXPECT_EQ(decide(view).because, "a packet may be under way");
  view.held_for = 11ms;
  EXPECT_EQ(rest_of(view), Rest::settled);
}

TEST(DecideTest, ResolvesADoubtByAQuietNetworkAndTime) {
  RestView view = view_of(asleep());
  view.sockets.doubt = "a reset";
  view.is_network_quiet = true;
  view.held_for = 1ms;
  EXPECT_EQ(decide(view).because, "a reset may be under way");
  view.held_for = 11ms;
  EXPECT_EQ(rest_of(view), Rest::settled);
}

TEST(DecideTest, GivesABlindSleeperTwoRoundsOrAQuarterOfASecond) {
  RestView view = view_of(in_nanosleep(1ms));
  view.tasks[0].sleeps_since = 1;
  EXPECT_EQ(rest_of(view), Rest::busy);
  EXPECT_EQ(decide(view).because, "thread 11 pauses in nanosleep(timeout 1 ms)");
  view.tasks[0].sleeps_since = 2;
  EXPECT_EQ(rest_of(view), Rest::settled);
  view.tasks[0].sleeps_since = 0;
  view.held_for = 251ms;
  EXPECT_EQ(rest_of(view), Rest::settled);
}

TEST(DecideTest, DoesNotWaitAgainForASleeperThatHasNotRunSinceTheLastRest) {
  RestView view = view_of(in_nanosleep(60s));
  view.tasks[0].is_untouched = true;
  EXPECT_EQ(rest_of(view), Rest::settled);
}

TEST(DecideTest, GivesABlindSleeperItsTimeoutWhenInputWaits) {
  RestView view = view_of(in_nanosleep(600ms));
  view.tasks[0].is_untouched = true;
  view.sockets.waiting = "12 bytes unread";
  view.held_for = 300ms;
  EXPECT_EQ(rest_of(view), Rest::busy);
  view.held_for = 601ms;
  EXPECT_EQ(rest_of(view), Rest::blocked);
}

TEST(DecideTest, DoesNotTakeAHousekeeperForAPoller) {
  RestView view = view_of(in_nanosleep(60s));
  view.sockets.waiting = "1 connection not accepted";
  view.held_for = 1001ms;
  EXPECT_EQ(rest_of(view), Rest::blocked);
}

TEST(DecideTest, IsFirmOnlyOnceHiddenTimersWereLookedFor) {
  RestView view = view_of(asleep());
  EXPECT_FALSE(decide(view).is_firm);
  view.knows_timers = true;
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, IsFirmWhenATimedWaitIsOver) {
  RestView view = view_of(asleep(waits_for(WaitKind::timed, 100ms)));
  view.knows_timers = true;
  view.tasks[0].timer_over_at = 100ms;
  view.held_for = 99ms;
  EXPECT_EQ(rest_of(view), Rest::settled);
  EXPECT_FALSE(decide(view).is_firm);
  view.held_for = 100ms;
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, DoesNotTakeALoopThatHasServedItsFirstTimersForDone) {
  RestView view = view_of(asleep(waits_for(WaitKind::timed, 20ms)));
  view.knows_timers = true;
  view.tasks[0].timer_over_at = 3ms;
  view.tasks[0].sleeps_since = 2;
  view.tasks[0].wakes_soon = true;
  view.held_for = 8ms;
  EXPECT_FALSE(decide(view).is_firm) << "the timer that matters is the second one";
  view.tasks[0].wakes_soon = false;
  EXPECT_TRUE(decide(view).is_firm) << "no timer is left";
}

TEST(DecideTest, IsFirmWhenAThreadHasTickedForASecond) {
  RestView view = view_of(asleep(waits_for(WaitKind::perhaps)));
  view.knows_timers = true;
  view.tasks[0].timer_over_at = 3s;
  view.tasks[0].sleeps_since = 2;
  view.held_for = 999ms;
  EXPECT_FALSE(decide(view).is_firm);
  view.held_for = 1s;
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, TellsASleepBetweenTwoTriesFromAWaitForEvents) {
  RestView trying = view_of(in_nanosleep(500ms));
  trying.knows_timers = true;
  trying.tasks[0].sleeps_since = 2;
  trying.held_for = 1s;
  EXPECT_TRUE(decide(trying).is_firm);
  EXPECT_TRUE(decide(trying).sleeps_blindly);
  EXPECT_FALSE(decide(view_of(asleep())).sleeps_blindly);
}

TEST(DecideTest, WaitsForNoTimerLongerThanThreeSeconds) {
  RestView view = view_of(asleep(waits_for(WaitKind::timed, 60s)));
  view.knows_timers = true;
  view.tasks[0].timer_over_at = 60s;
  view.held_for = 2999ms;
  EXPECT_FALSE(decide(view).is_firm);
  view.held_for = 3s;
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, WaitsForAHiddenTimer) {
  RestView view = view_of(asleep());
  view.knows_timers = true;
  view.timer = 500ms;
  view.held_for = 499ms;
  EXPECT_FALSE(decide(view).is_firm);
  view.held_for = 500ms;
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, IsNeverFirmWhileATimerOfTheKernelRuns) {
  RestView view = view_of(asleep());
  view.knows_timers = true;
  view.sockets.waiting = "5 bytes held up by a closed window";
  view.sockets.is_soft = true;
  EXPECT_EQ(rest_of(view), Rest::blocked);
  EXPECT_FALSE(decide(view).is_firm);
}

TEST(DecideTest, JudgesADeclaredPollerByItsCpuTime) {
  RestView view = view_of(asleep());
  view.tasks[0].was_off_cpu = false;
  view.tasks[0].state = 'R';
  view.polls = true;
  view.tasks[0].ran_since = 4ms;
  EXPECT_EQ(rest_of(view), Rest::busy);
  view.tasks[0].ran_since = 6ms;
  EXPECT_EQ(rest_of(view), Rest::settled);
  EXPECT_TRUE(decide(view).is_heuristic);
  view.knows_timers = true;
  EXPECT_FALSE(decide(view).is_firm);
  view.tasks[0].ran_since = 100ms;
  EXPECT_TRUE(decide(view).is_firm);
}

TEST(DecideTest, DoesNotJudgeAnUndeclaredPoller) {
  RestView view = view_of(asleep());
  view.tasks[0].was_off_cpu = false;
  view.tasks[0].ran_since = 10s;
  EXPECT_EQ(rest_of(view), Rest::busy);
}

}  // namespace
}  // namespace sockdrill
