#include "harness/base/elf.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>

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

/// The beginning of this program's file, changed.
ElfStart start_of(void (*change)(Elf64_Ehdr&, std::span<Elf64_Phdr>)) {
  std::string octets = read_file(kSelf, SIZE_MAX).value();
  auto& header = *reinterpret_cast<Elf64_Ehdr*>(octets.data());
  change(header, {reinterpret_cast<Elf64_Phdr*>(octets.data() + header.e_phoff), header.e_phnum});
  octets.resize(header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr));
  const std::string file = testing::TempDir() + "elf-" + std::to_string(::getpid());
  EXPECT_TRUE(write_file(file, octets));
  const ElfStart start = start_of_elf(file);
  std::filesystem::remove(file);
  return start;
}

TEST(StartOfElfTest, TellsWhetherALoaderIsNamed) {
  EXPECT_EQ(start_of_elf(kSelf), ElfStart::interpreted);
  EXPECT_EQ(start_of([](auto&, auto) {}), ElfStart::interpreted);
  EXPECT_EQ(start_of([](auto&, auto segments) {
              for (Elf64_Phdr& segment : segments)
                if (segment.p_type == PT_INTERP) segment.p_type = PT_NULL;
            }),
            ElfStart::alone);
}

TEST(StartOfElfTest, TellsWhatIsForOtherMachines) {
  EXPECT_EQ(start_of([](auto& header, auto) { header.e_machine = EM_AARCH64; }), ElfStart::foreign);
  EXPECT_EQ(start_of([](auto& header, auto) { header.e_ident[EI_CLASS] = ELFCLASS32; }),
            ElfStart::foreign);
}

TEST(StartOfElfTest, TellsWhatIsNoProgramAtAll) {
  EXPECT_EQ(start_of_elf("/proc/self/status"), ElfStart::not_elf);
  EXPECT_EQ(start_of_elf("/nowhere"), ElfStart::not_elf);
}

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
