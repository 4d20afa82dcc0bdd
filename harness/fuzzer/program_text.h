#pragma once

// Where the server's own code lies, as opposed to the system's libraries and ours: for who called,
// and where it crashed.

#include <cstdint>
#include <string>
#include <vector>

namespace sockdrill {

class ProgramText final {
 public:
  ProgramText();

  [[nodiscard]] bool holds(std::uintptr_t place) const { return range_of(place) != nullptr; }
  /// Of the program itself, as opposed to libraries of its own.
  [[nodiscard]] bool is_of_program(std::uintptr_t place) const {
    const Range* const range = range_of(place);
    return range != nullptr && range->is_program;
  }
  /// The first word from `low` to `high` on a stack that is a place in the server's code: the
  /// return address of its last call, for nothing of ours lies in between that looks so. Relative
  /// to where the code was loaded, so the same in each process; 0: none near.
  [[nodiscard]] std::uintptr_t return_address_above(const void* low, const void* high) const;

 private:
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t end;
    std::uintptr_t base;
    bool is_program;
  };
  [[nodiscard]] const Range* range_of(std::uintptr_t place) const {
    for (const Range& range : ranges_) {
      if (place >= range.begin && place < range.end) return &range;
    }
    return nullptr;
  }
  std::vector<Range> ranges_;
};

/// Of this process.
const ProgramText& program_text();

/// The frames of this stack from here on, a line each ("    #0 0x5581 in function
/// (module+0x1234)"), without ours; functions of libraries that are everybody's begin with "__".
std::string describe_stack();

}  // namespace sockdrill
