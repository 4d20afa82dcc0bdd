#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/pipes.h"

namespace sockdrill::sim {

namespace {

constexpr std::uint32_t kIn = EPOLLIN;
constexpr std::uint32_t kOut = EPOLLOUT;

// eventfd(2).

class EventFile final : public File {
 public:
  EventFile(Kernel& kernel, std::uint64_t initial, int status_flags, bool is_semaphore)
      : File(kernel, FileKind::event, O_RDWR | status_flags),
        count_(initial),
        is_semaphore_(is_semaphore) {}

  Outcome<std::size_t> read(Process&, Buffers buffers, Call&) override {
    if (size_of(buffers) < sizeof(count_)) return refuse(EINVAL);
    if (count_ == 0) return again_or_wait(queue());
    const std::uint64_t given = is_semaphore_ ? 1 : count_;
    count_ -= given;
    scatter(buffers, 0, static_cast<const char*>(static_cast<const void*>(&given)), sizeof(given));
    queue_.wake(EPOLLOUT);
    return sizeof(given);
  }

  Outcome<std::size_t> write(Process&, Buffers buffers, Call&) override {
    if (size_of(buffers) < sizeof(count_)) return refuse(EINVAL);
    std::uint64_t more = 0;
    gather(buffers, 0, static_cast<char*>(static_cast<void*>(&more)), sizeof(more));
    if (more == UINT64_MAX) return refuse(EINVAL);
    if (more > kMost - count_) return again_or_wait(queue());
    count_ += more;
    queue_.wake(EPOLLIN);
    return sizeof(more);
  }

  std::uint32_t poll() override { return (count_ > 0 ? kIn : 0) | (count_ < kMost ? kOut : 0); }

 private:
  static constexpr std::uint64_t kMost = UINT64_MAX - 1;

  std::uint64_t count_;
  bool is_semaphore_;
};

// timerfd_create(2).

class TimerFile final : public File {
 public:
  TimerFile(Kernel& kernel, int clock, int status_flags)
      : File(kernel, FileKind::timer, O_RDWR | status_flags),
        clock_(clock),
        timer_(
            kernel.timers(), [this] { expire(); }, TimerKind::program) {}

  Outcome<std::size_t> read(Process&, Buffers buffers, Call&) override {
    if (size_of(buffers) < sizeof(expired_)) return refuse(EINVAL);
    if (expired_ == 0) return again_or_wait(queue());
    const std::uint64_t given = std::exchange(expired_, 0);
    scatter(buffers, 0, static_cast<const char*>(static_cast<const void*>(&given)), sizeof(given));
    return sizeof(given);
  }

  std::uint32_t poll() override { return expired_ > 0 ? kIn : 0; }

  void set(int flags, const itimerspec& value) {
    const Nanoseconds now = kernel().now();
    const Nanoseconds first = nanoseconds_of(value.it_value);
    expired_ = 0;
    every_ = nanoseconds_of(value.it_interval);
    timer_.disarm();
    if (first == Nanoseconds{0}) return;
    const bool is_absolute = (flags & TFD_TIMER_ABSTIME) != 0;
    const Nanoseconds offset = clock_ == CLOCK_REALTIME ? kernel().boot_time() : Nanoseconds{0};
    const Nanoseconds at = is_absolute ? first - offset : now + first;
    if (at > now) {
      timer_.arm(at);
      return;
    }
    // It has passed, perhaps several times over.
    expired_ = 1;
    if (every_ > Nanoseconds{0}) {
      expired_ += static_cast<std::uint64_t>((now - at) / every_);
      timer_.arm(at + every_ * static_cast<std::int64_t>(expired_));
    }
    queue_.wake(EPOLLIN);
  }

  [[nodiscard]] itimerspec get() const {
    itimerspec value{};
    value.it_interval = timespec_of(every_);
    if (const auto at = timer_.at(); at) value.it_value = timespec_of(*at - kernel().now());
    return value;
  }

 private:
  void expire() {
    ++expired_;
    if (every_ > Nanoseconds{0}) timer_.arm(kernel().now() + every_);
    queue_.wake(EPOLLIN);
  }

  int clock_;
  std::uint64_t expired_ = 0;
  Nanoseconds every_{0};
  Timer timer_;
};

Outcome<TimerFile*> timer_file(const Process& process, int fd) {
  File* const file = process.descriptors.find(fd);
  if (file == nullptr) return refuse(EBADF);
  if (file->kind() != FileKind::timer) return refuse(EINVAL);
  return static_cast<TimerFile*>(file);
}

// signalfd(2).

class SignalFile final : public File {
 public:
  SignalFile(Process& process, SignalBits mask, int status_flags)
      : File(process.kernel, FileKind::signal, O_RDWR | status_flags),
        mask_(mask),
        forward_(*this) {
    link_.attach(process.kernel.any_signal(), forward_);
  }

  void set_mask(SignalBits mask) {
    mask_ = mask;
    queue_.wake_all(EPOLLIN);
  }

  Outcome<std::size_t> read(Process& process, Buffers buffers, Call&) override {
    const std::size_t total = size_of(buffers);
    if (total < sizeof(signalfd_siginfo)) return refuse(EINVAL);
    std::size_t done = 0;
    while (done + sizeof(signalfd_siginfo) <= total) {
      const std::optional<siginfo_t> taken = take(process);
      if (!taken) break;
      const signalfd_siginfo info = describe(*taken);
      done += scatter(buffers, done, static_cast<const char*>(static_cast<const void*>(&info)),
                      sizeof(info));
    }
    if (done > 0) return done;
    return again_or_wait(process.signal_queue);
  }

  /// Whoever asks.
  std::uint32_t poll() override {
    const auto& all = kernel().processes();
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& each) { return poll_by(*each) != 0; })
               ? kIn
               : 0;
  }

  std::uint32_t poll_by(const Process& process) override {
    SignalBits pending = process.signals.pending.bits();
    if (process.signals.current != nullptr) pending |= process.signals.current->pending.bits();
    return (pending & mask_) != 0 ? kIn : 0;
  }

 private:
  class Forward final : public Waiter {
   public:
    explicit Forward(SignalFile& file) : file_(file) {}
    bool wake(std::uint32_t) override {
      file_.queue_.wake(EPOLLIN);
      return true;
    }

   private:
    SignalFile& file_;
  };

  [[nodiscard]] std::optional<siginfo_t> take(Process& process) const {
    ThreadSignals* const thread = process.signals.current;
    std::optional<siginfo_t> info;
    if (thread != nullptr) info = thread->pending.take(~mask_);
    return info ? info : process.signals.pending.take(~mask_);
  }

  static signalfd_siginfo describe(const siginfo_t& info) {
    signalfd_siginfo out{};
    out.ssi_signo = static_cast<std::uint32_t>(info.si_signo);
    out.ssi_code = info.si_code;
    out.ssi_pid = static_cast<std::uint32_t>(info.si_pid);
    out.ssi_uid = info.si_uid;
    if (info.si_signo == SIGCHLD) out.ssi_status = info.si_status;
    return out;
  }

  SignalBits mask_;
  Forward forward_;
  WaitLink link_;
};

}  // namespace

Outcome<int> create_event(Process& process, unsigned initial, int flags) {
  if ((flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) != 0) return refuse(EINVAL);
  return process.descriptors.add(make_ref<EventFile>(process.kernel, initial, flags & O_NONBLOCK,
                                                     (flags & EFD_SEMAPHORE) != 0),
                                 (flags & EFD_CLOEXEC) != 0);
}

Outcome<int> create_timer(Process& process, int clock, int flags) {
  if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0) return refuse(EINVAL);
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)
    return refuse(EINVAL);
  return process.descriptors.add(make_ref<TimerFile>(process.kernel, clock, flags & O_NONBLOCK),
                                 (flags & TFD_CLOEXEC) != 0);
}

Outcome<void> set_timer(Process& process, int fd, int flags, const itimerspec& value,
                        itimerspec* old) {
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0 || !is_valid(value.it_value) ||
      !is_valid(value.it_interval))
    return refuse(EINVAL);
  TimerFile* const file = TRY(timer_file(process, fd));
  if (old != nullptr) *old = file->get();
  file->set(flags, value);
  return {};
}

Outcome<itimerspec> get_timer(Process& process, int fd) {
  return TRY(timer_file(process, fd))->get();
}

Outcome<int> create_signal_file(Process& process, int fd, SignalBits mask, int flags) {
  if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) != 0) return refuse(EINVAL);
  mask &= ~kNeverBlocked;
  if (fd == -1)
    return process.descriptors.add(make_ref<SignalFile>(process, mask, flags & O_NONBLOCK),
                                   (flags & SFD_CLOEXEC) != 0);
  File* const file = process.descriptors.find(fd);
  if (file == nullptr) return refuse(EBADF);
  if (file->kind() != FileKind::signal) return refuse(EINVAL);
  static_cast<SignalFile*>(file)->set_mask(mask);
  return fd;
}

}  // namespace sockdrill::sim
