#pragma once

// What a program's file says: how it is started, and the names of its sections and symbols. Of ELF
// files for 64-bit machines of this octet order; any other file has no names.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockdrill {

/// How the kernel starts a program (elf(5)).
enum class ElfStart {
  not_elf,      ///< a script, say, or not to be read
  foreign,      ///< of another kind of machine than this program, or for 32 bits
  alone,        ///< linked statically: nothing can be loaded beside it
  interpreted,  ///< by the loader that it names (ld.so(8))
};
ElfStart start_of_elf(const std::string& file);

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
/// A thread's variables have no address: it is one relative to where those of the file begin.
enum class ElfKind { variable, function, thread_variable };

/// All of that kind that the file's own table of symbols has; none when the names were stripped.
std::vector<ElfSymbol> symbols_in_elf(const std::string& file, ElfKind kind);

/// Where a symbol of the file's own table lies, relative to where the file is loaded; those that
/// nobody else may use are there, too. Nothing: there is none of that name, or all names were
/// stripped.
std::optional<std::uint64_t> address_in_elf(const std::string& file, std::string_view symbol);

}  // namespace sockdrill
