#include "harness/sim/tasks/address_waits.h"

namespace sockdrill::sim {

WaitQueue& AddressWaits::queue(const void* process, const void* address) {
  std::unique_ptr<WaitQueue>& queue = queues_[Key{process, address}];
  if (queue == nullptr) queue = std::make_unique<WaitQueue>();
  return *queue;
}

void AddressWaits::wake(const void* process, const void* address, bool all) {
  if (queues_.empty()) return;
  const auto found = queues_.find(Key{process, address});
  if (found == queues_.end()) return;
  // Those who wait here stand exclusively: the first one takes it.
  if (all)
    found->second->wake_all();
  else
    found->second->wake();
}

void AddressWaits::forget(const void* process, const void* address) {
  const auto found = queues_.find(Key{process, address});
  if (found != queues_.end() && found->second->is_empty()) queues_.erase(found);
}

}  // namespace sockdrill::sim
