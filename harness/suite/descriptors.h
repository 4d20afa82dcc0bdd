#pragma once

// Descriptors are one process's, and its runs share them: sixteen crowds of a thousand clients at a
// time would take more than there are, and the clients would not get what their scenario says
// (EMFILE, socket(2)).

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

#include "harness/plan/plan.h"

namespace sockdrill {

/// How many clients' sockets a run has open at the same time at most.
std::size_t most_clients(const Plan& plan);

/// How many descriptors a run may have open at the same time in this process, its watch included.
std::size_t descriptors_for(const Plan& plan);

/// Thread-safe.
class DescriptorPool final {
 public:
  /// A part of the pool, given back at the end. The pool outlives it.
  class Share final {
   public:
    Share(DescriptorPool& pool, std::size_t taken) : pool_(pool), taken_(taken) {}
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    [[nodiscard]] std::size_t taken() const { return taken_; }

   private:
    DescriptorPool& pool_;
    std::size_t taken_;
  };

  explicit DescriptorPool(std::size_t all) : free_(all), all_(all) {}

  /// Blocks until there are as many; who came first gets them first. Who wants more than there are
  /// at all gets all. Nothing is taken once `should_give_up`, which is asked now and then.
  Share take(std::size_t wanted, const std::function<bool()>& should_give_up);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t free_;
  std::size_t all_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t now_serving_ = 0;
};

/// Of this process: all its limit (getrlimit(2) RLIMIT_NOFILE) allows, but for what it has open in
/// any case.
DescriptorPool& descriptor_pool();

}  // namespace sockdrill
