#include "harness/fuzzer/program_text.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "harness/base/elf.h"
#include "harness/sim/libc/simulation.h"

namespace sockdrill {

namespace {

constexpr std::ptrdiff_t kWordsLookedAt = 400;
constexpr int kMostFrames = 24;

std::string demangled(const char* name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  if (text == nullptr) return name;
  std::string readable = text;
  std::free(text);
  return readable;
}

/// The program's functions, by what lies behind each: those too that it keeps to itself, unless
/// their names were stripped.
std::map<std::uint64_t, ElfSymbol> functions_of_program() {
  std::map<std::uint64_t, ElfSymbol> functions;
  for (ElfSymbol& function : symbols_in_elf("/proc/self/exe", ElfKind::function))
    functions.emplace(function.address + function.size, std::move(function));
  return functions;
}
/// Read once, in good time: a crash may have left a heap in which nothing can be read any more.
const std::map<std::uint64_t, ElfSymbol>& program_functions() {
  static const std::map<std::uint64_t, ElfSymbol> functions = functions_of_program();
  return functions;
}

/// "": it has no name there.
std::string function_of_program(std::uint64_t place) {
  const auto function = program_functions().upper_bound(place);
  const bool holds = function != program_functions().end() && place >= function->second.address;
  return holds ? demangled(function->second.name.c_str()) : "";
}

/// "": a frame of ours.
std::string describe_frame(std::size_t number, void* place) {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  Dl_info info{};
  if (::dladdr(place, &info) == 0 || info.dli_fname == nullptr)
    return fmt::format("    #{} {:#x}\n", number, address);
  const std::string_view path = info.dli_fname;
  const std::string_view module = path.substr(path.rfind('/') + 1);
  if (module.starts_with("libsockdrill-")) return {};
  const std::uint64_t offset = address - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  std::string name = info.dli_sname == nullptr ? "" : demangled(info.dli_sname);
  if (const std::string own = function_of_program(offset);
      !own.empty() && program_text().is_of_program(address))
    name = own;
  if (name.empty()) name = fmt::format("{}+{:#x}", module, offset);
  return fmt::format("    #{} {:#x} in {}{} ({}+{:#x})\n", number, address,
                     program_text().holds(address) ? "" : "__", name, module, offset);
}

}  // namespace

ProgramText::ProgramText() {
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* argument) {
        if (!sim::is_of_server(*info)) return 0;
        auto& ranges = *static_cast<std::vector<Range>*>(argument);
        for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          const bool is_program = *info->dlpi_name == '\0';
          ranges.push_back({begin, begin + header.p_memsz, info->dlpi_addr, is_program});
        }
        return 0;
      },
      &ranges_);
  static_cast<void>(program_functions());
}

std::uintptr_t ProgramText::return_address_above(const void* low, const void* high) const {
  const auto* word = reinterpret_cast<const std::uintptr_t*>(reinterpret_cast<std::uintptr_t>(low) &
                                                             ~(sizeof(std::uintptr_t) - 1));
  const auto* const end = std::min(word + kWordsLookedAt, static_cast<const std::uintptr_t*>(high));
  for (; word < end; ++word) {
    if (const Range* const range = range_of(*word); range != nullptr) return *word - range->base;
  }
  return 0;
}

const ProgramText& program_text() {
  static const ProgramText text;
  return text;
}

std::string describe_stack() {
  std::array<void*, kMostFrames> frames{};
  const int count = ::backtrace(frames.data(), kMostFrames);
  std::string text;
  // What reports it is no part of it: from the first frame of the server's on, and the one that it
  // called.
  int first = 0;
  while (first < count && !program_text().holds(reinterpret_cast<std::uintptr_t>(
                              frames[static_cast<std::size_t>(first)])))
    ++first;
  if (first == count) first = 0;
  for (int i = first; i < count; ++i)
    text +=
        describe_frame(static_cast<std::size_t>(i - first), frames[static_cast<std::size_t>(i)]);
  return text;
}

}  // namespace sockdrill
