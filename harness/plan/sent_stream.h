#pragma once

// What a client has sent on a stream, and what an echo of it may be.
//
// An urgent octet (MSG_OOB) is no part of the stream unless the server asks for that with
// SO_OOBINLINE: recv() passes it over, or gives it apart from the rest (tcp(7), RFC 6093 3.2). A
// server cannot be blamed for either, so an echo may have such an octet or lack it.

#include <cstdint>
#include <vector>

#include "harness/scenario/content.h"

namespace sockdrill {

class SentStream final {
 public:
  /// `ends_urgent`: the last of these octets was urgent.
  void append(const Content& octets, bool ends_urgent = false);

  /// All of it, urgent or not.
  [[nodiscard]] const Content& octets() const { return octets_; }
  [[nodiscard]] std::uint64_t size() const { return octets_.size(); }
  [[nodiscard]] bool empty() const { return octets_.empty(); }
  [[nodiscard]] bool has_urgent() const { return !urgent_.empty(); }
  [[nodiscard]] bool ends_urgent() const { return has_urgent() && urgent_.back() + 1 == size(); }

  /// The echo that agrees longest with what came; of several, one that came as a whole, then the
  /// longest. All of the octets when none is urgent.
  [[nodiscard]] Content echo_nearest_to(const Content& received) const;
  /// `received` is the whole echo, and used up: what may still come is any urgent octet that ends
  /// the stream and that it lacks.
  [[nodiscard]] SentStream after_echo(const Content& received) const;

 private:
  /// A choice of which urgent octets an echo lacks, and how well it fits what came.
  struct Form {
    std::vector<std::uint64_t> left_out;  ///< offsets in octets_, ascending
    std::uint64_t agreed = 0;             ///< octets of what came
    bool is_whole = false;                ///< and no octet of it is missing
  };
  [[nodiscard]] Form nearest_form(const Content& received) const;

  Content octets_;
  std::vector<std::uint64_t> urgent_;  ///< offsets, ascending
};

}  // namespace sockdrill
