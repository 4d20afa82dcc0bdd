// The program in this process: its variables, and what becomes of its crashes.

#include <elf.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>

#include "harness/base/elf.h"
#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

bool is_one_of(std::string_view path, std::initializer_list<std::string_view> libraries) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::ranges::any_of(libraries,
                             [&](std::string_view one) { return name.starts_with(one); });
}

bool is_sanitizers_library(std::string_view path) {
  return is_one_of(path, {"libclang_rt", "libasan", "libubsan"});
}

/// Whose state is everybody's: the C library (malloc!), the C++ library, sanitizers, and us.
bool is_common(std::string_view path) {
  return is_sanitizers_library(path) ||
         is_one_of(path, {"ld-linux", "libc.so", "libc-", "libpthread", "libdl.", "libm.", "libm-",
                          "librt.", "libstdc++", "libgcc_s", "libc++", "libsockdrill", "libfmt",
                          "libjemalloc", "libtcmalloc", "linux-vdso", "libresolv"});
}

bool is_containing = false;

bool holds(const dl_phdr_info& info, const void* address) {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  for (unsigned i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info.dlpi_phdr[i];
    const std::uintptr_t begin = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && place >= begin && place < begin + header.p_memsz) return true;
  }
  return false;
}

/// The first one has no name.
bool is_program(const dl_phdr_info& info) { return *info.dlpi_name == '\0'; }

}  // namespace

bool is_of_server(const dl_phdr_info& info) {
  if (holds(info, &is_containing)) return false;  // ourselves
  return is_program(info) || !is_common(info.dlpi_name);
}

std::string file_of(const dl_phdr_info& info) {
  return is_program(info) ? "/proc/self/exe" : info.dlpi_name;
}

namespace {

/// What the compiler counts in for whoever looks at a program as a whole (SanitizerCoverage, line
/// coverage): it goes on over a child of fork(2) and a server that is started anew.
bool is_counted_in(const ElfSection& section) {
  return section.address != 0 && section.size != 0 &&
         (section.name.starts_with("__sancov_") || section.name.starts_with("__llvm_prf_"));
}

/// Octets of a file, relative to where it is loaded.
struct Stretch {
  std::uint64_t begin = UINT64_MAX;
  std::uint64_t end = 0;
};

/// A sanitizer that is linked into the program has its allocator in there, and other state that is
/// everybody's. By its namespaces, and its names for the C library's functions. What lies between
/// two of its variables in a section is its own, too: linkers keep the parts of an archive
/// together.
bool is_of_sanitizer(std::string_view mangled) {
  return mangled.find("6__asan") != mangled.npos || mangled.find("6__lsan") != mangled.npos ||
         mangled.find("7__ubsan") != mangled.npos ||
         mangled.find("11__sanitizer") != mangled.npos ||
         mangled.find("14__interception") != mangled.npos || mangled.starts_with("__interceptor_");
}

/// What is nobody's own, in ascending order.
std::vector<Stretch> common_stretches(const std::string& file) {
  std::vector<Stretch> common;
  for (const ElfSection& section : sections_in_elf(file)) {
    if (is_counted_in(section))
      common.push_back({.begin = section.address, .end = section.address + section.size});
  }
  std::map<std::size_t, Stretch> of_sanitizer;
  for (const ElfSymbol& variable : symbols_in_elf(file, ElfKind::variable)) {
    if (!is_of_sanitizer(variable.name)) continue;
    Stretch& stretch = of_sanitizer[variable.section];
    stretch.begin = std::min(stretch.begin, variable.address);
    stretch.end = std::max(stretch.end, variable.address + variable.size);
  }
  for (const auto& [section, stretch] : of_sanitizer) common.push_back(stretch);
  std::ranges::sort(common, {}, &Stretch::begin);
  return common;
}

/// From `begin` to `end`, but for what is nobody's own.
void add_variables(ServerMemory& memory, std::uintptr_t begin, std::uintptr_t end,
                   const dl_phdr_info& info, const std::vector<Stretch>& common) {
  const auto add = [&](std::uintptr_t from, std::uintptr_t to) {
    if (from < to) memory.variables.emplace_back(reinterpret_cast<char*>(from), to - from);
  };
  for (const Stretch& stretch : common) {
    const std::uintptr_t from = info.dlpi_addr + stretch.begin;
    if (from < begin || from >= end) continue;
    add(begin, from);
    begin = info.dlpi_addr + stretch.end;
  }
  add(begin, end);
}

int add_object(dl_phdr_info* info, std::size_t /*size*/, void* argument) {
  auto& memory = *static_cast<ServerMemory*>(argument);
  if (!is_of_server(*info)) return 0;
  const std::span<const ElfW(Phdr)> headers{info->dlpi_phdr, info->dlpi_phnum};
  std::uintptr_t constant_begin = 0;
  std::uintptr_t constant_end = 0;  // relocated, then made read-only
  for (const ElfW(Phdr) & header : headers) {
    if (header.p_type != PT_GNU_RELRO) continue;
    constant_begin = info->dlpi_addr + header.p_vaddr;
    constant_end = constant_begin + header.p_memsz;
  }
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::vector<Stretch> common = common_stretches(file_of(*info));
  for (const ElfW(Phdr) & header : headers) {
    if (header.p_type == PT_LOAD && (header.p_flags & PF_W) != 0) {
      std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
      const std::uintptr_t end = begin + header.p_memsz;
      if (begin >= constant_begin / page * page && begin < constant_end)
        begin = constant_end / page * page;
      add_variables(memory, begin, end, *info, common);
    }
    if (header.p_type == PT_TLS && is_program(*info) && info->dlpi_tls_data != nullptr) {
      const auto* place = static_cast<const char*>(info->dlpi_tls_data);
      memory.below_pointer = reinterpret_cast<const char*>(thread_pointer()) - place;
      const auto* image = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
      memory.thread_locals.assign(image, image + header.p_filesz);
      memory.thread_locals.resize(header.p_memsz);
    }
  }
  return 0;
}

}  // namespace

void tell_of_crash(const Task& task, int number, std::optional<std::uintptr_t> address) {
  const Simulation* there = simulation();
  if (there == nullptr || !there->on_crash) return;
  const Outside outside;
  there->on_crash(task, number, address);
}

namespace {

/// A crash on a task ends its process; one of ours is as fatal as ever.
void on_crash(int number, siginfo_t* info, void* /*context*/) {
  Task* task = current_task;
  if (task == nullptr) {
    struct sigaction fatal {};
    fatal.sa_handler = SIG_DFL;
    REAL_FUNCTION(sigaction)(number, &fatal, nullptr);
    return;  // and again
  }
  // We leave the handler for ever, by a switch of stacks: the mask must be as before.
  std::uint64_t mask = bit_of(number);
  call_kernel(SYS_rt_sigprocmask, SIG_UNBLOCK, as_long(&mask), 0, sizeof mask);
  // Of an address that cannot be one the processor says no more.
  const bool has_address =
      number == SIGSEGV && (info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR);
  tell_of_crash(
      *task, number,
      has_address ? std::optional(reinterpret_cast<std::uintptr_t>(info->si_addr)) : std::nullopt);
  die_of(*task, number);
}

}  // namespace

ServerMemory memory_of_program() {
  ServerMemory memory;
  ::dl_iterate_phdr(add_object, &memory);
  memory.has_thread_locals = [] { return false; };  // but what find_system_locals() sees
  // Either the program's own copy, which is in there already, or the C library's.
  auto* const environment = reinterpret_cast<char*>(&environ);
  const bool is_there = std::ranges::any_of(memory.variables, [&](const std::span<char>& part) {
    return environment >= part.data() && environment < part.data() + part.size();
  });
  if (!is_there) memory.variables.emplace_back(environment, sizeof environ);
  return memory;
}

bool is_called_by_sanitizer(const void* caller) {
  struct Search {
    const void* caller;
    bool is_in_program = false;
    std::uintptr_t base = 0;
    bool is_sanitizer = false;
  } search{.caller = caller};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* argument) {
        auto& found = *static_cast<Search*>(argument);
        if (!holds(*info, found.caller)) return 0;
        found.is_in_program = is_program(*info);
        found.base = info->dlpi_addr;
        found.is_sanitizer = is_sanitizers_library(info->dlpi_name);
        return 1;
      },
      &search);
  if (!search.is_in_program) return search.is_sanitizer;
  static const std::vector<Stretch> functions = [] {
    std::vector<Stretch> all;
    for (const ElfSymbol& function : symbols_in_elf("/proc/self/exe", ElfKind::function)) {
      if (is_of_sanitizer(function.name))
        all.push_back({.begin = function.address, .end = function.address + function.size});
    }
    return all;
  }();
  const std::uint64_t place = reinterpret_cast<std::uintptr_t>(caller) - search.base;
  return std::ranges::any_of(
      functions, [&](const Stretch& one) { return place >= one.begin && place < one.end; });
}

bool contains_crashes() { return is_containing; }

void contain_crashes() {
  is_containing = true;
  // A stack of its own, for the crash may be that of an exhausted stack. One for all threads will
  // do: only one real thread ever runs.
  static std::array<char, 65536> stack;
  const stack_t own{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  call_kernel(SYS_sigaltstack, as_long(&own), 0);
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP})
    REAL_FUNCTION(sigaction)(number, &action, nullptr);
}

}  // namespace sockdrill::sim
