#include "harness/sim/tasks/task.h"

#include <algorithm>

#include "harness/sim/tasks/scheduler.h"

namespace sockdrill::sim {

thread_local constinit Task* current_task [[gnu::tls_model("initial-exec")]] = nullptr;

Task::Task(Scheduler& its_scheduler, Process& its_process, pid_t its_id, Space& space)
    : scheduler(its_scheduler), process(its_process), id(its_id), space_(&space) {
  ++space.users;
  process.signals.threads.push_back(&signals);
}

Task::~Task() {
  std::erase(process.signals.threads, &signals);
  if (process.signals.current == &signals) process.signals.current = nullptr;
}

bool Task::wake(std::uint32_t /*events*/) {
  // One that a signal made look takes what it waits for all the same.
  const bool only_looks = is_interrupted_ && !was_woken_;
  if (state_ != State::parked && !only_looks) return false;
  was_woken_ = true;
  if (state_ == State::parked) scheduler.make_ready(*this);
  return true;
}

void Task::interrupt() {
  if (state_ != State::parked) return;
  is_interrupted_ = true;
  scheduler.make_ready(*this);
}

}  // namespace sockdrill::sim
