#include "harness/sim/tasks/scheduler.h"

#include <algorithm>
#include <utility>

#include "harness/base/check.h"

namespace sockdrill::sim {

namespace {

/// So many switches without anybody waiting for time: tasks that keep waking each other.
constexpr int kSwitchesAtAStretch = 100'000;

}  // namespace

Scheduler::Scheduler(Kernel& kernel, ServerMemory memory)
    : kernel_(kernel), images_(std::move(memory)) {}

Scheduler::~Scheduler() {
  for (const auto& task : tasks_) task->process.observer = nullptr;
}

Task& Scheduler::add(Process& process, Space& space, pid_t id, std::function<void()> body) {
  tasks_.push_back(std::make_unique<Task>(*this, process, id, space));
  Task& task = *tasks_.back();
  task.body_ = std::move(body);
  task.thread_local_octets_ = images_.memory().thread_locals;
  process.observer = this;
  return task;
}

Task* Scheduler::start_process(Process& process, std::function<void()> body) {
  Space* space = spaces_.take_own();
  if (space == nullptr) return nullptr;
  Task& task = add(process, *space, process.pid, std::move(body));
  task.is_first = true;
  task.context_ = make_context(space->top, begin, &task);
  make_ready(task);
  return &task;
}

Task* Scheduler::start_thread(Task& from, std::function<void()> body) {
  Space* space = nullptr;
  {
    const Outside outside;
    space = spaces_.take_thread([&] { return may_share_pointer(); });
  }
  if (space == nullptr) return nullptr;
  Task& task = add(from.process, *space, kernel_.next_pid(), std::move(body));
  task.signals.blocked = from.signals.blocked;
  task.context_ = make_context(space->top, begin, &task);
  make_ready(task);
  return &task;
}

bool Scheduler::is_idle() const {
  return std::ranges::none_of(ready_, [](const Task* task) { return !task->process.is_stopped; });
}

void Scheduler::make_ready(Task& task) {
  task.state_ = Task::State::runnable;
  ready_.push_back(&task);
}

void Scheduler::set_schedule(std::uint64_t seed, std::vector<std::uint8_t> choices) {
  random_ = seed;
  choices_ = std::move(choices);
  next_choice_ = 0;
  is_scheduled_ = seed != 0 || !choices_.empty();
}

std::size_t Scheduler::choose(std::size_t count) {
  if (count < 2) return 0;
  if (next_choice_ < choices_.size()) return choices_[next_choice_++] % count;
  if (random_ == 0) return 0;
  random_ ^= random_ << 13U;  // xorshift64
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  return random_ % count;
}

/// 0 lets the task go on. Under a seed it mostly does, or nothing would ever get anywhere.
void Scheduler::offer_scheduled(Task& task) {
  const bool is_drawn = next_choice_ >= choices_.size();
  const std::size_t chosen = choose(is_drawn ? 4 * ready_.size() : ready_.size() + 1);
  if (chosen == 0 || chosen > ready_.size() || ready_[chosen - 1]->process.is_stopped) return;
  chosen_ = ready_[chosen - 1];
  yield(task);
}

Task* Scheduler::take_ready() {
  if (ready_.empty()) return nullptr;
  if (Task* const chosen = std::exchange(chosen_, nullptr); chosen != nullptr) {
    std::erase(ready_, chosen);
    return chosen;
  }
  const std::size_t start = is_scheduled_ ? choose(ready_.size()) : 0;
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    const std::size_t place = (start + i) % ready_.size();
    Task* task = ready_[place];
    if (task->process.is_stopped) continue;
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(place));
    return task;
  }
  return nullptr;
}

void Scheduler::run() {
  SOCKDRILL_CHECK(current_task == nullptr, "tasks are run by the harness");
  for (int i = 0; i < kSwitchesAtAStretch; ++i) {
    Task* task = take_ready();
    if (task == nullptr) return;
    switch_to(*task);
    carry_out_request(*task);
  }
}

void Scheduler::carry_out_request(Task& task) {
  const Request request = std::exchange(request_, Request::none);
  if (request == Request::fork) carry_out_fork(task);
  if (request == Request::end_thread) after_thread(task);
  if (request == Request::end_process) {
    Process& process = task.process;
    release(task);
    end_process(process, exit_status_);
  }
}

void Scheduler::after_thread(Task& task) {
  // A process whose threads are all gone has ended, whichever went last (pthread_exit(3)).
  Process& process = task.process;
  const bool is_last = std::ranges::none_of(tasks_, [&](const auto& other) {
    return &other->process == &process && other->state_ != Task::State::finished;
  });
  if (is_last) return end_process(process, 0);
  if (task.is_detached) release(task);
}

void Scheduler::park(Task& task, const Stop& stop) {
  if (stop.until <= kernel_.now()) return yield(task);
  ++task.sleeps;
  const std::size_t wanted = stop.more_queues.size() + (stop.queue != nullptr ? 1 : 0);
  while (task.links_.size() < wanted) task.links_.emplace_back();
  auto link = task.links_.begin();
  if (stop.queue != nullptr) (link++)->attach(*stop.queue, task, stop.is_exclusive);
  for (WaitQueue* queue : stop.more_queues) (link++)->attach(*queue, task, stop.is_exclusive);
  if (stop.until != kNever) add_sleeper(task, stop.until);
  task.was_woken_ = false;
  task.state_ = Task::State::parked;
  leave(task);
  task.is_interrupted_ = false;
  // Only now: who looks on tells by it one that was made to wait from one that waits.
  task.calls_at_a_stretch = 0;
  for (auto used = task.links_.begin(); used != link; ++used) used->detach();
  remove_sleeper(task);
}

void Scheduler::yield(Task& task) {
  make_ready(task);
  leave(task);
}

void Scheduler::preempt(Task& task) {
  park(task, Stop{.error = {}, .more_queues = {}, .until = kernel_.now() + kQuantumTime});
}

pid_t Scheduler::fork(Task& task) {
  request_ = Request::fork;
  leave(task);
  Task& myself = *current_task;
  return std::exchange(myself.is_new_child_, false) ? 0 : myself.forked_;
}

void Scheduler::carry_out_fork(Task& parent) {
  Process& process = kernel_.create_process(&parent.process);
  parent.forked_ = process.pid;
  images_.fork(process);
  Task& child = add(process, *parent.space_, process.pid, nullptr);
  child.is_first = true;
  child.is_new_child_ = true;
  child.context_ = parent.context_;
  child.bits_ = parent.bits_;
  child.has_kept_bits_ = true;
  child.call = parent.call;
  child.signals.blocked = parent.signals.blocked;
  keep_stack(child);
  keep_thread_locals(parent, child);
  make_ready(parent);
  make_ready(child);
}

void Scheduler::finish(Task& task) {
  task.state_ = Task::State::finished;
  request_ = Request::end_thread;
  task.finished_queue.wake_all();
  leave(task);
  SOCKDRILL_CHECK(false, "a task that is over does not go on");
}

void Scheduler::release(Task& task) {
  std::erase(ready_, &task);
  if (chosen_ == &task) chosen_ = nullptr;
  remove_sleeper(task);
  calls_of_finished_[&task.process] += task.calls;
  Space& space = *task.space_;
  if (space.resident == &task) space.resident = nullptr;
  if (space.block->resident == &task) space.block->resident = nullptr;
  if (--space.users == 0) spaces_.give_back(space);
  const auto found =
      std::ranges::find_if(tasks_, [&](const auto& other) { return other.get() == &task; });
  tasks_.erase(found);
}

void Scheduler::release_all(Process& process, const Task* but) {
  std::vector<Task*> all;
  for (const auto& task : tasks_) {
    if (&task->process == &process && task.get() != but) all.push_back(task.get());
  }
  for (Task* task : all) release(*task);
}

void Scheduler::end_process(Process& process, int status) {
  Task* myself = current_task;
  release_all(process, myself);
  if (myself != nullptr && &myself->process == &process) {
    // It must leave its stack first.
    myself->state_ = Task::State::finished;
    request_ = Request::end_process;
    exit_status_ = status;
    leave(*myself);
  }
  images_.forget(process);
  calls_of_finished_.erase(&process);
  kernel_.exit_process(process, status);
}

void Scheduler::add_sleeper(Task& task, VirtualTime until) {
  task.until_ = until;
  task.place_among_sleepers_ = sleepers_.size();
  sleepers_.push_back(&task);
}

void Scheduler::remove_sleeper(Task& task) {
  if (std::exchange(task.until_, kNever) == kNever) return;
  Task* last = sleepers_.back();
  sleepers_[task.place_among_sleepers_] = last;
  last->place_among_sleepers_ = task.place_among_sleepers_;
  sleepers_.pop_back();
}

VirtualTime Scheduler::next_deadline() const {
  VirtualTime next = kNever;
  for (const Task* task : sleepers_) {
    // One that was woken and has not run since is not waiting for the time.
    if (task->state_ == Task::State::parked) next = std::min(next, task->until_);
  }
  return next;
}

void Scheduler::wake_due() {
  std::vector<Task*> due;
  for (Task* task : sleepers_) {
    if (task->state_ == Task::State::parked && task->until_ <= kernel_.now()) due.push_back(task);
  }
  // The earliest first; of one time, the eldest.
  std::ranges::sort(due, [](const Task* a, const Task* b) {
    return std::pair(a->until_, a->id) < std::pair(b->until_, b->id);
  });
  for (Task* task : due) make_ready(*task);
}

void Scheduler::run_until(VirtualTime time, const std::function<bool()>& should_stop) {
  for (;;) {
    run();
    if (should_stop && should_stop()) return;
    VirtualTime next = std::min(kernel_.next_timer(), next_deadline());
    if (!is_idle()) next = std::min(next, kernel_.now() + kQuantumTime);
    if (next > time) {
      if (kernel_.now() < time) kernel_.advance_to(time);
      return;
    }
    kernel_.advance_to(std::max(next, kernel_.now()));
    wake_due();
  }
}

std::vector<const Task*> Scheduler::tasks_of(const Process& process) const {
  std::vector<const Task*> found;
  for (const auto& task : tasks_) {
    if (&task->process == &process) found.push_back(task.get());
  }
  return found;
}

Nanoseconds Scheduler::processor_time(const Process& process) const {
  std::uint64_t calls = 0;
  for (const auto& task : tasks_) {
    if (&task->process == &process) calls += task->calls;
  }
  if (const auto gone = calls_of_finished_.find(&process); gone != calls_of_finished_.end())
    calls += gone->second;
  return kQuantumTime / kQuantum * static_cast<std::int64_t>(calls);
}

void Scheduler::forget_specific(unsigned key) {
  for (const auto& task : tasks_) {
    if (key < task->specifics.size()) task->specifics[key] = nullptr;
  }
}

Task* Scheduler::find(const Process& process, ThreadPointer thread) const {
  for (const auto& task : tasks_) {
    if (&task->process == &process && task->identity() == thread) return task.get();
  }
  return nullptr;
}

void Scheduler::signalled(Process& process, ThreadSignals* thread) {
  for (const auto& task : tasks_) {
    if (&task->process != &process) continue;
    // Each asks whether there is something for it; the eldest comes first, as in Linux.
    if (thread == nullptr || thread == &task->signals) task->interrupt();
  }
}

}  // namespace sockdrill::sim
