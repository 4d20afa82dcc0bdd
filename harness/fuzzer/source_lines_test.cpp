#include "harness/fuzzer/source_lines.h"

#include <dlfcn.h>

#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sockdrill {
namespace {

const std::string kSelf = std::filesystem::read_symlink("/proc/self/exe");

TEST(SourceLinesTest, AFrameOfTheProgramHasItsLine) {
  Dl_info info{};
  const auto here = reinterpret_cast<std::uintptr_t>(&with_source_lines);
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(here), &info), 0);
  const auto offset = here - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  const std::string frame =
      fmt::format("    #0 {:#x} in with_source_lines (exe+{:#x})", here, offset);
  const std::string told = with_source_lines(frame + "\nmore\n", "exe", kSelf);
  EXPECT_TRUE(told.starts_with(frame + " "));
  EXPECT_NE(told.find("source_lines.cpp:"), std::string::npos);
  EXPECT_TRUE(told.ends_with("\nmore\n"));
}

TEST(SourceLinesTest, AllElseStaysAsItIs) {
  const std::string stack = "    #0 0x1234 in __libc (libc.so.6+0x34)\n    #1 0x2345 in exe+0x0\n";
  EXPECT_EQ(with_source_lines(stack, "exe", kSelf), stack);
  EXPECT_EQ(with_source_lines("", "exe", kSelf), "");
  const std::string nowhere = "    #0 0x1 in f (exe+0x1)\n";
  EXPECT_EQ(with_source_lines(nowhere, "exe", kSelf), nowhere);
}

}  // namespace
}  // namespace sockdrill
