#include "harness/watch/tasks.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(ParseSchedstatTest, ReadsThreeNumbers) {
  EXPECT_EQ(parse_schedstat("1468413 466778 17\n"),
            (SchedStat{.ran_ns = 1468413, .runnable_ns = 466778, .runs = 17}));
}

TEST(ParseSchedstatTest, AnswersNothingForAnEndedTask) {
  EXPECT_FALSE(parse_schedstat(""));
  EXPECT_FALSE(parse_schedstat("1 2"));
  EXPECT_FALSE(parse_schedstat("1 2 three"));
}

TEST(ParseTaskStatTest, ReadsStateParentAndWhatChildrenUsed) {
  const auto stat = parse_task_stat(
      "4711 (nginx) S 4710 4711 4711 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0 99 1 2\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "nginx");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 4710);
  EXPECT_EQ(stat->children_ticks, 13U + 14U);
  EXPECT_EQ(stat->start_ticks, 99U);
}

TEST(ParseTaskStatTest, IsNotFooledByTheName) {
  const auto stat =
      parse_task_stat("12 (a) R 1 (b c) T 7 12 12 0 -1 4194560 1 2 3 4 0 0 5 6 20 0 1 0 99 1 2\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) R 1 (b c");
  EXPECT_EQ(stat->state, 'T');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->children_ticks, 11U);
}

TEST(ParseTaskStatTest, AnswersNothingForGarbage) {
  EXPECT_FALSE(parse_task_stat(""));
  EXPECT_FALSE(parse_task_stat("4711 nginx S 1"));
  EXPECT_FALSE(parse_task_stat("4711 )nginx( S 1"));
  EXPECT_FALSE(parse_task_stat("4711 (nginx) S 1 2 3"));
}

TEST(ParseSyscallTest, ReadsNumberAndArguments) {
  const auto line =
      parse_syscall("232 0x4 0x7ffd02002248 0x40 0x1f4 0x0 0x8 0x7ffd02002220 0x7fa910f1b2ad\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, 232);
  EXPECT_EQ(line->arguments,
            (std::array<std::uint64_t, 6>{0x4, 0x7ffd02002248, 0x40, 0x1f4, 0x0, 0x8}));
}

TEST(ParseSyscallTest, TellsRunningFromAsleepOutsideOfACall) {
  EXPECT_FALSE(parse_syscall("running\n"));
  const auto line = parse_syscall("-1 0x7ffd02002220 0x7fa910f1b2ad\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, SyscallLine::kOutside);
}

TEST(ParseSyscallTest, AnswersNothingForGarbage) {
  EXPECT_FALSE(parse_syscall(""));
  EXPECT_FALSE(parse_syscall("232"));
  EXPECT_FALSE(parse_syscall("232 0x1 0x2"));
  EXPECT_FALSE(parse_syscall("232 1 2 3 4 5 6"));
}

TEST(ParseStatusCountTest, FindsTheWholeKey) {
  constexpr std::string_view kText =
      "Name:\tx\nnonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t150\n";
  EXPECT_EQ(parse_status_count(kText, "voluntary_ctxt_switches"), 150U);
  EXPECT_EQ(parse_status_count(kText, "voluntary"), std::nullopt);
  EXPECT_EQ(parse_status_count("", "voluntary_ctxt_switches"), std::nullopt);
}

TEST(ParseLatestPidTest, ReadsTheLastWordOfLoadavg) {
  EXPECT_EQ(parse_latest_pid("0.20 0.18 0.12 1/80 11206\n"), 11206);
  EXPECT_FALSE(parse_latest_pid(""));
  EXPECT_FALSE(parse_latest_pid("0.20 0.18 x\n"));
}

TEST(ParsePidsTest, ReadsUntilSomethingIsNoNumber) {
  EXPECT_EQ(parse_pids("12 345 6789 "), (std::vector<pid_t>{12, 345, 6789}));
  EXPECT_TRUE(parse_pids("").empty());
  EXPECT_EQ(parse_pids("12 x 13"), (std::vector<pid_t>{12}));
}

}  // namespace
}  // namespace sockdrill
