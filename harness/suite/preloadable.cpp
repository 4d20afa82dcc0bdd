#include "harness/suite/preloadable.h"

#include <elf.h>
#include <sys/stat.h>

#include <fstream>
#include <string_view>

#include <fmt/format.h>

namespace sockdrill {

std::string why_not_preloadable(const std::string& program) {
  struct stat status {};
  if (program.empty() || ::stat(program.c_str(), &status) != 0) return "";
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0)
    return fmt::format("{} is setuid or setgid: nothing can be preloaded into it", program);
  std::ifstream file(program, std::ios::binary);
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) != ELFMAG)
    return "";  // a script: its interpreter is what counts
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    file.seekg(static_cast<std::streamoff>(header.e_phoff + i * header.e_phentsize));
    file.read(reinterpret_cast<char*>(&part), sizeof part);
    if (file && part.p_type == PT_INTERP) return "";
  }
  return fmt::format("{} is linked statically: its system calls cannot be simulated", program);
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
