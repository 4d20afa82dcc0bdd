#include "harness/sim/tasks/memory_image.h"

#include "harness/sim/tasks/copy_octets.h"

namespace sockdrill::sim {

MemoryImages::Octets MemoryImages::copy() const {
  std::size_t size = 0;
  for (const auto& part : memory_.variables) size += part.size();
  Octets octets(size);
  char* to = octets.data();
  for (const auto& part : memory_.variables) {
    copy_octets(to, part.data(), part.size());
    to += part.size();
  }
  return octets;
}

void MemoryImages::put(const Octets& octets) {
  const char* from = octets.data();
  for (const auto& part : memory_.variables) {
    copy_octets(part.data(), from, part.size());
    from += part.size();
  }
}

void MemoryImages::bring_in(const Process& process) {
  if (present_ == &process) return;
  const auto found = away_.find(&process);
  if (found == away_.end()) {  // The first one, or one that has not been told of: what is there.
    if (present_ == nullptr) present_ = &process;
    return;
  }
  if (present_ != nullptr) away_[present_] = copy();
  put(found->second);
  away_.erase(found);
  present_ = &process;
}

void MemoryImages::fork(const Process& child) { away_[&child] = copy(); }

void MemoryImages::keep_pristine() { pristine_ = copy(); }

void MemoryImages::start_pristine(const Process& process) {
  if (!pristine_.empty()) away_[&process] = pristine_;
}

void MemoryImages::forget(const Process& process) {
  away_.erase(&process);
  if (present_ == &process) present_ = nullptr;
}

}  // namespace sockdrill::sim
