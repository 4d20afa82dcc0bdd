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

}  // namespace sockdrill
