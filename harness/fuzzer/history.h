#pragma once

// The inputs before the one that shows something, should it need them: kept in memory, and written
// where a process is about to end, so without a call that allocates.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/text.h"

namespace sockdrill {

class History final {
 public:
  /// A server is started anew: what was before has no part in it.
  void clear() { added_ = 0; }
  /// An input is about to be played.
  void add(std::string_view form);
  /// The last one, once more.
  void add_again() { add(Bytes(forms_[(added_ - 1) % kKept])); }
  /// Writes the last input as `prefix`found-HASH, and it with those before it as
  /// `prefix`found-HASH.history. The first one's name; "" when there is nothing to write, or it
  /// cannot be written. Good for signal handlers.
  const char* write(const std::string& prefix);

 private:
  static constexpr std::size_t kKept = 4096;
  std::array<Bytes, kKept> forms_;  ///< a ring
  std::size_t added_ = 0;
  std::array<char, 4096> name_{};
};

/// The forms of a file that write() made, the eldest first; the last one is the input itself.
Result<std::vector<Bytes>> read_history(const std::string& file);
/// Where the inputs before `file` stand.
std::string history_file_of(const std::string& file);

}  // namespace sockdrill
