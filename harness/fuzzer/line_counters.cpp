#include "harness/fuzzer/line_counters.h"

#include <link.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/elf.h"
#include "harness/base/fd.h"
#include "harness/sim/libc/simulation.h"

namespace sockdrill {

namespace {

struct Loaded {
  std::string file;
  std::uintptr_t base;
};

std::vector<Loaded> objects_of_server() {
  std::vector<Loaded> objects;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* argument) {
        if (!sim::is_of_server(*info)) return 0;
        static_cast<std::vector<Loaded>*>(argument)->push_back(
            {sim::file_of(*info), info->dlpi_addr});
        return 0;
      },
      &objects);
  return objects;
}

bool has_section(const std::vector<ElfSection>& sections, std::string_view name) {
  return std::ranges::find(sections, name, &ElfSection::name) != sections.end();
}

/// A function that the program keeps to itself; nullptr: its names were stripped.
template <typename Function>
Function* function_in(const Loaded& object, std::string_view name) {
  const std::optional<std::uint64_t> address = address_in_elf(object.file, name);
  return address ? reinterpret_cast<Function*>(object.base + *address) : nullptr;
}

/// One that others find, too: /proc/self/exe is another one for each of them.
std::string file_name_for_others(const std::string& file) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(file, error);
  return error ? file : whole.string();
}

constexpr const char* kHowToBuild =
    "build it with clang and -fprofile-instr-generate -fcoverage-mapping, for compiling and "
    "linking";

/// Of servers none of whose parts counts anything for us.
std::string why_nothing_counts(const std::vector<Loaded>& objects) {
  const bool has_gcovs = std::ranges::any_of(objects, [](const Loaded& object) {
    return address_in_elf(object.file, "__gcov_init") ||
           address_in_elf(object.file, "__llvm_gcov_init");
  });
  if (has_gcovs)
    return fmt::format(
        "the server was built for gcov (--coverage), whose counters lie among its variables, and "
        "start anew with them: {} instead",
        kHowToBuild);
  return fmt::format("the server does not count its lines: {}", kHowToBuild);
}

}  // namespace

Result<LineCounters> LineCounters::find() {
  LineCounters counters;
  const std::vector<Loaded> loaded = objects_of_server();
  for (const Loaded& object : loaded) {
    const std::vector<ElfSection> sections = sections_in_elf(object.file);
    if (!has_section(sections, "__llvm_prf_cnts")) continue;
    const std::string file = file_name_for_others(object.file);
    if (!has_section(sections, "__llvm_covmap"))
      return fail(
          fmt::format("{} counts, but not lines: it was built without -fcoverage-mapping", file));
    const Object found{
        .file = file,
        .set_file_name = function_in<void(const char*)>(object, "__llvm_profile_set_filename"),
        .write_file = function_in<int()>(object, "__llvm_profile_write_file")};
    if (found.set_file_name == nullptr || found.write_file == nullptr)
      return fail(fmt::format(
          "{} counts its lines, but its symbols were stripped, and __llvm_profile_write_file with "
          "them: do not strip it",
          file));
    counters.objects_.push_back(found);
  }
  if (counters.objects_.empty()) return fail(why_nothing_counts(loaded));
  return counters;
}

Result<void> LineCounters::write(const std::string& prefix) const {
  std::string names;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    const Object& object = objects_[i];
    const std::string file = fmt::format("{}{}.profraw", prefix, i);
    // It appends to what is there.
    std::error_code error;
    std::filesystem::remove(file, error);
    object.set_file_name(file.c_str());
    const bool is_written = object.write_file() == 0;
    // Where what it writes at the process' end, by itself, does no harm.
    object.set_file_name("/dev/null");
    if (!is_written) return fail("the server's counters could not be written", file);
    names += object.file + "\n";
  }
  if (const auto written = write_file(prefix + "objects", names); !written)
    return fail(describe(written.error()), prefix + "objects");
  return {};
}

}  // namespace sockdrill
