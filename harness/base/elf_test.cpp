#include "harness/base/elf.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "harness/base/fd.h"

namespace sockdrill {
namespace {

// In a section and under a name that nothing else has.
[[gnu::section("sockdrill_elf"), gnu::used]] int found_by_name[3] = {1, 2, 3};
// What lies nowhere else, to find out where this program was loaded.
extern "C" const char __executable_start[];  // NOLINT: the linker's

std::uintptr_t place_in_file(const void* place) {
  return reinterpret_cast<std::uintptr_t>(place) -
         reinterpret_cast<std::uintptr_t>(__executable_start);
}

constexpr const char* kSelf = "/proc/self/exe";

TEST(SectionsInElfTest, TellsWhereASectionLiesAndHowLargeItIs) {
  const std::vector<ElfSection> sections = sections_in_elf(kSelf);
  const auto found = std::ranges::find(sections, "sockdrill_elf", &ElfSection::name);
  ASSERT_NE(found, sections.end());
  EXPECT_EQ(found->address, place_in_file(found_by_name));
  EXPECT_EQ(found->size, sizeof found_by_name);
}

TEST(AddressInElfTest, FindsASymbolThatOnlyTheFileItselfMayUse) {
  EXPECT_EQ(address_in_elf(kSelf, "_ZN9sockdrill12_GLOBAL__N_113found_by_nameE"),
            place_in_file(found_by_name));
}

TEST(AddressInElfTest, FindsNothingThatOnlyBeginsLikeASymbol) {
  EXPECT_EQ(address_in_elf(kSelf, "_ZN9sockdrill12_GLOBAL__N_113found_by_nam"), std::nullopt);
}

TEST(SymbolsInElfTest, TellsWhereAVariableLiesAndInWhichSection) {
  const std::vector<ElfSymbol> variables = symbols_in_elf(kSelf, ElfKind::variable);
  const auto found =
      std::ranges::find(variables, "_ZN9sockdrill12_GLOBAL__N_113found_by_nameE", &ElfSymbol::name);
  ASSERT_NE(found, variables.end());
  EXPECT_EQ(found->address, place_in_file(found_by_name));
  EXPECT_EQ(found->size, sizeof found_by_name);
  EXPECT_EQ(sections_in_elf(kSelf).at(found->section).name, "sockdrill_elf");
  EXPECT_EQ(std::ranges::find(variables, "main", &ElfSymbol::name), variables.end());
  const std::vector<ElfSymbol> functions = symbols_in_elf(kSelf, ElfKind::function);
  EXPECT_NE(std::ranges::find(functions, "main", &ElfSymbol::name), functions.end());
}

TEST(SectionsInElfTest, FindsNoneInWhatIsNoProgramOrBreaksOff) {
  EXPECT_TRUE(sections_in_elf("/etc/passwd").empty());
  EXPECT_TRUE(sections_in_elf("/nowhere").empty());
  const std::string whole = read_file(kSelf).value();
  const std::string file = testing::TempDir() + "half_a_program";
  ASSERT_TRUE(write_file(file, whole.substr(0, whole.size() / 2)).has_value());
  EXPECT_TRUE(sections_in_elf(file).empty());
  EXPECT_TRUE(symbols_in_elf(file, ElfKind::variable).empty());
  EXPECT_EQ(address_in_elf(file, "main"), std::nullopt);
}

}  // namespace
}  // namespace sockdrill
