#pragma once

// What a program's file holds beside what is loaded of it: the names of its sections and symbols.
// Of ELF files for 64-bit machines of this octet order; any other file has none.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockdrill {

struct ElfSection {
  std::string name;
  std::uint64_t address = 0;  ///< relative to where the file is loaded; 0: it is not loaded
  std::uint64_t size = 0;
};

/// In the file's order.
std::vector<ElfSection> sections_in_elf(const std::string& file);

struct ElfSymbol {
  std::string name;  ///< as linkers have it: C++'s are mangled
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::size_t section = 0;  ///< its place in sections_in_elf()
};
enum class ElfKind { variable, function };

/// All of that kind that the file's own table of symbols has; none when the names were stripped.
/// Variables of threads are left out: they have no address.
std::vector<ElfSymbol> symbols_in_elf(const std::string& file, ElfKind kind);

/// Where a symbol of the file's own table lies, relative to where the file is loaded; those that
/// nobody else may use are there, too. Nothing: there is none of that name, or all names were
/// stripped.
std::optional<std::uint64_t> address_in_elf(const std::string& file, std::string_view symbol);

}  // namespace sockdrill
