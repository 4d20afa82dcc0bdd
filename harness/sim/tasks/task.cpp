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
  if (state_ != State::parked) return false;
  scheduler.make_ready(*this);
  return true;
}

}  // namespace sockdrill::sim
