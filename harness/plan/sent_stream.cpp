#include "harness/plan/sent_stream.h"

#include <algorithm>
#include <tuple>

namespace sockdrill {

void SentStream::append(const Content& octets, bool ends_urgent) {
  octets_.append(octets);
  if (ends_urgent && !octets.empty()) urgent_.push_back(octets_.size() - 1);
}

SentStream::Form SentStream::nearest_form(const Content& received) const {
  Form best;
  const auto consider = [&](const Form& form) {
    const auto worth = [](const Form& f) {
      return std::tuple(f.agreed, f.is_whole, -static_cast<std::ptrdiff_t>(f.left_out.size()));
    };
    if (worth(form) > worth(best)) best = form;
  };
  // All forms that fit up to the octet at `from`, no two of a length: from there on, those of one
  // length are alike.
  std::vector<Form> fitting(1);
  std::uint64_t from = 0;
  for (std::size_t i = 0; i <= urgent_.size() && !fitting.empty(); ++i) {
    const bool is_last = i == urgent_.size();
    const std::uint64_t to = is_last ? octets_.size() : urgent_[i];
    const Content piece = octets_.slice(from, to - from);
    std::vector<Form> next;
    for (Form& form : fitting) {
      form.agreed += agreement(piece, received.slice(form.agreed, piece.size()), 0);
      const bool fits = form.agreed + form.left_out.size() == to;
      form.is_whole = is_last && fits;
      if (is_last || !fits) {
        consider(form);
        continue;
      }
      Form without = form;
      without.left_out.push_back(to);
      // The octet itself stands at the beginning of the next piece.
      if (received.copy(form.agreed, 1) == octets_.copy(to, 1)) {
        form.agreed += 1;
        const bool is_there = !next.empty() && next.back().left_out.size() == form.left_out.size();
        if (!is_there) next.push_back(std::move(form));
      } else {
        consider(form);
      }
      next.push_back(std::move(without));
    }
    fitting = std::move(next);
    from = to + 1;
  }
  return best;
}

Content SentStream::echo_nearest_to(const Content& received) const {
  if (urgent_.empty()) return octets_;
  Content echo;
  std::uint64_t from = 0;
  for (const std::uint64_t left_out : nearest_form(received).left_out) {
    echo.append(octets_.slice(from, left_out - from));
    from = left_out + 1;
  }
  echo.append(octets_.slice(from, octets_.size() - from));
  return echo;
}

SentStream SentStream::after_echo(const Content& received) const {
  if (urgent_.empty()) return {};
  const std::vector<std::uint64_t> left_out = nearest_form(received).left_out;
  std::uint64_t from = octets_.size();
  for (auto last = left_out.rbegin(); last != left_out.rend() && *last + 1 == from; ++last)
    from = *last;
  SentStream after;
  for (; from < octets_.size(); ++from) after.append(octets_.slice(from, 1), true);
  return after;
}

}  // namespace sockdrill
