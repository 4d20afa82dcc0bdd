#include "harness/sim/tasks/address_waits.h"

namespace sockdrill::sim {

WaitQueue& AddressWaits::queue(const void* process, const void* address) {
  std::unique_ptr<WaitQueue>& queue = queues_[Key{process, address}];
  if (queue == nullptr) queue = std::make_unique<WaitQueue>();
  return *queue;
}

std::size_t AddressWaits::wake(const void* process, const void* address, bool all) {
  if (queues_.empty()) return 0;
  const auto found = queues_.find(Key{process, address});
  if (found == queues_.end()) return 0;
  // Those who wait here stand exclusively: the first one takes it.
  return all ? found->second->wake_all() : found->second->wake();
}

void AddressWaits::forget(const void* process, const void* address) {
  const auto found = queues_.find(Key{process, address});
  if (found != queues_.end() && found->second->is_empty()) queues_.erase(found);
}

}  // namespace sockdrill::sim
