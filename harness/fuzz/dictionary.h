#pragma once

// The words of a dialogue, for fuzzers that know nothing of it.

#include <string>
#include <vector>

#include "harness/target/dialogue.h"

namespace sockdrill {

/// Literals of requests and replies, whole and line by line, values that fields may take, the
/// terminator, and numbers at which lengths overflow. Sorted, each once, never empty.
std::vector<Bytes> dictionary_of(const Dialogue& dialogue);

/// In the form that libFuzzer and AFL read: a quoted word a line. Longer words than `most` are left
/// out: libFuzzer takes 64 octets.
std::string write_dictionary(const std::vector<Bytes>& words, std::size_t most = 64);

}  // namespace sockdrill
