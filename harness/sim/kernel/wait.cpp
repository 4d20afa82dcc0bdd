#include "harness/sim/kernel/wait.h"

#include "harness/base/check.h"

namespace sockdrill::sim {

void WaitLink::attach(WaitQueue& queue, Waiter& waiter, bool is_exclusive) {
  SOCKDRILL_CHECK(queue_ == nullptr, "a link stands in one queue at a time");
  queue_ = &queue;
  waiter_ = &waiter;
  is_exclusive_ = is_exclusive;
  previous_ = queue.last_;
  next_ = nullptr;
  (queue.last_ != nullptr ? queue.last_->next_ : queue.first_) = this;
  queue.last_ = this;
}

void WaitLink::detach() {
  if (queue_ == nullptr) return;
  if (queue_->cursor_ == this) queue_->cursor_ = next_;
  (previous_ != nullptr ? previous_->next_ : queue_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : queue_->last_) = previous_;
  queue_ = nullptr;
}

WaitQueue::~WaitQueue() {
  while (first_ != nullptr) first_->detach();
}

std::size_t WaitQueue::wake_links(std::uint32_t events, bool all) {
  std::size_t woken = 0;
  bool is_taken = false;
  for (WaitLink* link = first_; link != nullptr; link = cursor_) {
    cursor_ = link->next_;
    if (link->is_exclusive_ && is_taken && !all) continue;
    if (!link->waiter_->wake(events)) continue;
    ++woken;
    is_taken = is_taken || link->is_exclusive_;
  }
  cursor_ = nullptr;
  return woken;
}

}  // namespace sockdrill::sim
