#pragma once

namespace sockdrill {

/// One function out of several lambdas, for std::visit.
template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

}  // namespace sockdrill
