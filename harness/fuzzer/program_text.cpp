#include "harness/fuzzer/program_text.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

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

std::string describe_frame(std::size_t number, void* place) {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  Dl_info info{};
  if (::dladdr(place, &info) == 0 || info.dli_fname == nullptr)
    return fmt::format("    #{} {:#x}\n", number, address);
  const std::string_view path = info.dli_fname;
  const std::string_view module = path.substr(path.rfind('/') + 1);
  const std::string name =
      info.dli_sname == nullptr
          ? fmt::format("{}+{:#x}", module,
                        address - reinterpret_cast<std::uintptr_t>(info.dli_fbase))
          : demangled(info.dli_sname);
  return fmt::format("    #{} {:#x} in {}{} ({}+{:#x})\n", number, address,
                     program_text().holds(address) ? "" : "__", name, module,
                     address - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
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
          ranges.push_back({begin, begin + header.p_memsz, info->dlpi_addr});
        }
        return 0;
      },
      &ranges_);
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
