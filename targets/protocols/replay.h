#pragma once

// For tests: plays an input against a handler as a server would, in pieces and with a limited room.

#include <algorithm>
#include <string>
#include <vector>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

struct Cut {
  std::size_t piece_bytes = 0;  // What one recv() brings.
  std::size_t room_bytes = 0;   // What the reply buffer has free each time.
};

struct Replayed {
  std::string output;
  std::size_t consumed = 0;
  bool is_finished = false;
  bool operator==(const Replayed&) const = default;
};

/// Offers everything that has come by now until nothing moves any more, piece after piece, then the
/// end if `ends`. Stops when the handler is finished or `output_limit` is reached.
inline Replayed replay(StreamHandler& handler, std::string_view input, Cut cut, bool ends = true,
                       std::size_t output_limit = 1 << 20) {
  Replayed result;
  std::vector<char> room(cut.room_bytes);
  std::size_t arrived = 0;
  while (!handler.is_finished() && result.output.size() < output_limit) {
    const bool has_ended = ends && arrived == input.size();
    const Progress progress =
        handler.advance(input.substr(result.consumed, arrived - result.consumed), has_ended, room);
    result.consumed += progress.consumed;
    result.output.append(room.data(), progress.produced);
    if (progress != Progress{} || handler.is_finished()) continue;
    if (arrived == input.size()) break;
    arrived = std::min(input.size(), arrived + cut.piece_bytes);
  }
  result.is_finished = handler.is_finished();
  return result;
}

inline std::string reply_to(StreamHandler&& handler, std::string_view input) {
  return replay(handler, input, {.piece_bytes = 1 << 20, .room_bytes = 1 << 16}).output;
}

/// A position-dependent text, so that a lost or doubled byte shows; it has every byte value in it.
inline std::string pattern(std::size_t size_bytes) {
  std::string text(size_bytes, '\0');
  for (std::size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

}  // namespace sockdrill::protocols
