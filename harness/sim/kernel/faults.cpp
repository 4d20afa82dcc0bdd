#include "harness/sim/kernel/faults.h"

#include <algorithm>

namespace sockdrill::sim {

void FaultPlan::arm(const std::vector<CallFault>& faults) {
  for (OfKind& of : kinds_) {
    of.count = 0;
    of.next = 0;
    of.faults.clear();
  }
  for (const CallFault& fault : faults)
    kinds_[static_cast<std::size_t>(fault.kind)].faults.push_back(fault);
  for (OfKind& of : kinds_) std::ranges::stable_sort(of.faults, {}, &CallFault::nth);
  is_armed_ = !faults.empty();
}

const CallFault* FaultPlan::count(CallKind kind) {
  OfKind& of = kinds_[static_cast<std::size_t>(kind)];
  ++of.count;
  while (of.next < of.faults.size() && of.faults[of.next].nth < of.count) ++of.next;
  if (of.next == of.faults.size() || of.faults[of.next].nth != of.count) return nullptr;
  return &of.faults[of.next++];
}

}  // namespace sockdrill::sim
