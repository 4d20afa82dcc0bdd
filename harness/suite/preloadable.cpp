#include "harness/suite/preloadable.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "harness/base/elf.h"

namespace sockdrill {

std::string why_not_preloadable(const std::string& program) {
  struct stat status {};
  if (program.empty() || ::stat(program.c_str(), &status) != 0) return "";
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0)
    return fmt::format("{} is setuid or setgid: nothing can be preloaded into it", program);
  switch (start_of_elf(program)) {
    case ElfStart::foreign:
      return fmt::format("{} is not a program for x86-64: its system calls cannot be simulated",
                         program);
    case ElfStart::alone:
      return fmt::format("{} is linked statically: its system calls cannot be simulated", program);
    case ElfStart::not_elf:  // a script: its interpreter is what counts
    case ElfStart::interpreted:
      break;
  }
  return "";
}

void preload(const std::string& library, std::map<std::string, std::string>& environment) {
  environment["LD_PRELOAD"] = library;
  const auto add = [&](const char* variable, const char* options) {
    std::string& value = environment[variable];
    value = value.empty() ? options : value + ":" + options;
  };
  // A shared runtime comes after our library. The simulation's stacks are not looked through for
  // leaks, which are looked for by growth; what was freed and is kept costs time with each input; a
  // report ends the process, as a crash does.
  add("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=8:verify_asan_link_order=0");
  add("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1");
}

}  // namespace sockdrill
