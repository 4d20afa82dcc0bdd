#pragma once

// What every simulated function of the C library is made of. Included by this folder's .cpp only.

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "harness/sim/libc/simulation.h"
#include "harness/sim/tasks/system_call.h"

/// A function that takes the place of the C library's own.
#define SIMULATED_CALL extern "C" __attribute__((visibility("default")))

namespace sockdrill::sim {

/// Whether the caller is a server's task: else the call is real.
[[gnu::always_inline]] inline bool is_simulated() {
  return __builtin_expect(current_task != nullptr, 1);
}

template <typename T>
long as_long(T value) {
  if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<long>(value);
  else
    return static_cast<long>(value);
}
/// call_kernel(), with errno and -1 as the C library has them.
template <typename... Arguments>
long real(long number, Arguments... arguments) {
  const long result = call_kernel(number, as_long(arguments)...);
  if (result < 0 && result > -4096) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}
/// The C library's own function of that name. It exists, for we take its place.
void* next_function(const char* name);
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(next_function(name));
}
#define REAL_FUNCTION(name) (next<decltype(name)>(#name))

/// A file for the time of the running task's call. The task holds it, not its stack: a process that
/// is killed leaves its calls without unwinding, and lets go of all files nevertheless.
class FileInUse final {
 public:
  /// nullptr: of none.
  explicit FileInUse(File* file);
  ~FileInUse();
  FileInUse(const FileInUse&) = delete;
  FileInUse& operator=(const FileInUse&) = delete;

  [[nodiscard]] File* get() const { return file_; }
  File& operator*() const { return *file_; }
  File* operator->() const { return file_; }
  explicit operator bool() const { return file_ != nullptr; }

 private:
  File* file_;
  Task* task_ = nullptr;
  std::size_t place_ = 0;
};

/// The file behind a number, if it is the simulation's to answer; empty: a real descriptor's, or
/// nobody's.
FileInUse simulated_file(int fd);
/// Whether a call on it is the real kernel's to answer: the harness's, or a real file that the
/// simulated process has under that number.
bool is_real(int fd);
/// The real descriptor behind a number: one of the three of the start, or a file's own.
int real_number(int fd);
/// A number that the simulated process does not have: EBADF if it is one of ours, else a real
/// file's.
bool may_be_real(int fd);
/// A real descriptor of the harness's, which no server can have.
bool is_ours(int fd);

/// What became of the signals that were pending.
enum class Delivered {
  unhandled,    ///< no handler ran
  restarting,   ///< only handlers with SA_RESTART
  interrupting  ///< one without
};
/// Handles what is pending for the task. Does not return when the process ends.
Delivered deliver_signals(Task& task);
/// Whether a call that must wait does so again.
inline bool goes_on(const Stop& stop, Delivered delivered) {
  if (delivered == Delivered::unhandled) return stop.outlasts_stop;
  return delivered == Delivered::restarting && stop.is_restartable;
}
/// pthread_cancel(3): ends the thread when somebody has asked for it.
void check_cancelled(Task& task);

/// For whoever looks on.
inline void tell_call(const Task& task, const CallSeen& seen) {
  const Simulation& there = *simulation();
  if (!there.on_call) return;
  const Outside outside;
  there.on_call(task, seen);
}
inline void tell_answer(const Task& task, long answer) {
  const Simulation& there = *simulation();
  if (!there.on_answer) return;
  const Outside outside;
  there.on_answer(task, answer);
}

void begin_call(Task& task, const CallSeen& seen);
inline void begin_call(Task& task, const char* name) { begin_call(task, CallSeen{.name = name}); }
inline void end_call(Task& task) {
  if (task.scheduler.kernel().has_signal(task.process, task.signals)) deliver_signals(task);
  task.call = nullptr;
}

template <typename T>
long answer_of(const Outcome<T>& outcome) {
  if (!outcome) return -outcome.error().error.value;
  if constexpr (std::is_integral_v<T>)
    return static_cast<long>(*outcome);
  else
    return 0;
}

/// Asks until there is an answer; parks the task while there is none. `ask(Call&)` is one attempt.
template <typename Ask>
auto carry_out(const CallSeen& seen, Ask&& ask) -> decltype(ask(std::declval<Call&>())) {
  using Answer = decltype(ask(std::declval<Call&>()));
  Task& task = *current_task;
  begin_call(task, seen);
  Call call;
  for (;;) {
    Answer answer = ask(call);
    if (answer || !answer.error().must_wait()) {
      tell_answer(task, answer_of(answer));
      end_call(task);
      return answer;
    }
    if (task.scheduler.kernel().has_signal(task.process, task.signals)) {
      const bool restarts = goes_on(answer.error(), deliver_signals(task));
      if constexpr (std::is_same_v<Answer, Outcome<std::size_t>>) {
        if (ends_with_a_part(call)) {
          tell_answer(task, as_long(call.done));
          end_call(task);
          return call.done;
        }
      }
      if (!restarts) {
        tell_answer(task, -EINTR);
        end_call(task);
        return refuse(EINTR);
      }
      continue;
    }
    task.scheduler.park(task, answer.error());
    check_cancelled(task);
  }
}

template <typename Ask>
auto carry_out(const char* name, Ask&& ask) -> decltype(ask(std::declval<Call&>())) {
  return carry_out(CallSeen{.name = name}, std::forward<Ask>(ask));
}

/// What a fault does to a call that begins.
struct Strike {
  bool has_effect = false;
  int error = 0;  ///< it fails with that; 0: it does not
  std::size_t at_most = SIZE_MAX;
  bool is_spurious = false;
};
Strike strike_armed(CallKind kind, File* file, std::size_t size, int message_flags);
/// One call of that kind. `file`: what it is for, where there is such a thing; `size`: the octets
/// it wants to move.
inline Strike strike(CallKind kind, File* file = nullptr, std::size_t size = 0,
                     int message_flags = 0) {
  if (!current_task->scheduler.kernel().faults.is_armed()) return {};
  return strike_armed(kind, file, size, message_flags);
}

/// carry_out() of a call that makes a descriptor.
template <typename Ask>
auto carry_out_open(const char* name, Ask&& ask) -> decltype(ask(std::declval<Call&>())) {
  if (const int error = strike(CallKind::open).error; error != 0) return refuse(error);
  return carry_out(name, std::forward<Ask>(ask));
}

/// `use(File&, Call&)` as one call on a descriptor that is the simulation's; EBADF.
template <typename Use>
auto carry_out_on(const char* name, int fd, Use use, std::size_t octets = SIZE_MAX)
    -> decltype(use(std::declval<File&>(), std::declval<Call&>())) {
  const FileInUse file(current_task->process.descriptors.find(fd));
  const CallSeen seen{.name = name, .descriptor = fd, .octets = octets};
  return carry_out(seen, [&](Call& call) -> decltype(use(std::declval<File&>(), call)) {
    if (!file) return refuse(EBADF);
    return use(*file, call);
  });
}

/// The mask for the time of one call; nullptr: as it is.
class MaskDuring final {
 public:
  explicit MaskDuring(const sigset_t* mask) : task_(*current_task), before_(task_.signals.blocked) {
    if (mask != nullptr) task_.signals.blocked = bits_of(*mask) & ~kNeverBlocked;
  }
  ~MaskDuring() {
    task_.signals.blocked = before_;
    // What the old mask lets through.
    end_call(task_);
  }
  MaskDuring(const MaskDuring&) = delete;
  MaskDuring& operator=(const MaskDuring&) = delete;

 private:
  Task& task_;
  SignalBits before_;
};

/// errno and -1, or the value (0 where there is none).
template <typename T>
T give(const Outcome<T>& outcome) {
  if (outcome) return *outcome;
  errno = outcome.error().error.value;
  return static_cast<T>(-1);
}
inline int give(const Outcome<void>& outcome) {
  if (outcome) return 0;
  errno = outcome.error().error.value;
  return -1;
}
inline int fail_with(int error) {
  errno = error;
  return -1;
}

/// futex(2), for syscall(2).
long simulated_futex(int* word, int operation, int value, const timespec* timeout);

/// For what is not simulated: remembered and named, and the server is told `error`.
int refuse_call(const std::string& what, int error = ENOSYS);

/// The whole buffers that the caller says it has, although less may come: AddressSanitizer sees a
/// wrong size at once.
void check_writable(Buffers buffers);
void check_readable(Buffers buffers);

/// The first octets of buffers: all of them, as a rule.
class ShorterBuffers final {
 public:
  ShorterBuffers(Buffers all, std::size_t at_most);
  [[nodiscard]] Buffers get() const { return is_shorter_ ? Buffers(shorter_) : all_; }
  void put_into(msghdr& message) const {
    message.msg_iov = const_cast<iovec*>(get().data());
    message.msg_iovlen = get().size();
  }

 private:
  Buffers all_;
  bool is_shorter_;
  std::vector<iovec> shorter_;
};

/// For the harness's own questions, which are many; not before the loader is done.
void find_real_clock();

/// A point on one of the clocks, as time of the kernel's.
VirtualTime time_on(clockid_t clock, const timespec& time);
Nanoseconds now_on(clockid_t clock);

/// The one that pthread_self(3) calls so, of the calling process. nullptr: none.
Task* find_thread(pthread_t thread);
/// pthread_key_create(3): the running thread's values are destroyed, again and again while
/// destructors set new ones.
void destroy_specifics();
/// Before threads share a thread pointer: what a sanitizer has under its keys is the real thread's,
/// and it goes on being told that.
void find_keys_of_sanitizer();
/// The end of a thread and of a process, as the C library has it.
[[noreturn]] void end_thread(Task& task);
[[noreturn]] void end_with_handlers(int status);
/// Whether code at that address is a sanitizer's runtime, in a library or linked into the program;
/// of a program without names nobody knows.
bool is_called_by_sanitizer(const void* caller);
/// For whoever looks on: the task has crashed here.
void tell_of_crash(const Task& task, int signal,
                   std::optional<std::uintptr_t> address = std::nullopt);
/// Of a process that a signal ends.
[[noreturn]] void die_of(Task& task, int signal);

}  // namespace sockdrill::sim
