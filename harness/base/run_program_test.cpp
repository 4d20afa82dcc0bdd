#include "harness/base/run_program.h"

#include <sys/wait.h>

#include <cerrno>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(RunProgramTest, GivesWhatItWritesAndHowItEnds) {
  const ProgramRan ran = run_program({"sh", "-c", "echo one; echo two >&2; read x || exit 3"});
  EXPECT_EQ(ran.error.value, 0);
  EXPECT_EQ(ran.out, "one\n");
  EXPECT_EQ(ran.err, "two\n");
  EXPECT_EQ(WEXITSTATUS(ran.status), 3);
  EXPECT_FALSE(ran.is_done());
  EXPECT_TRUE(run_program({"true"}).is_done());
}

TEST(RunProgramTest, SaysWhyItCouldNotBeStarted) {
  const ProgramRan ran = run_program({"/no/such/program"});
  EXPECT_EQ(ran.error.value, ENOENT);
  EXPECT_FALSE(ran.is_done());
}

}  // namespace
}  // namespace sockdrill
