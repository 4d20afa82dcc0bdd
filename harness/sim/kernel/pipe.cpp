#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/octets.h"
#include "harness/sim/kernel/pipes.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kPageSize = 4096;
constexpr std::size_t kSlots = 16;  // PIPE_DEF_BUFFERS

class PipeEnd;

/// What the two ends share. Octets stand in slots of a page each, as in fs/pipe.c: small writes are
/// put together, but a pipe may be full with less than 64 KiB in it.
struct Pipe final : Counted {
  explicit Pipe(OctetStore& store) : octets(store) {}
  struct Slot {
    std::size_t end = 0;    ///< octets that were put into its page
    std::size_t start = 0;  ///< of which so many are read
  };
  OctetQueue octets;
  std::deque<Slot> slots;
  PipeEnd* reader = nullptr;
  PipeEnd* writer = nullptr;

  [[nodiscard]] bool is_full() const { return slots.size() >= kSlots; }
  /// pipe_write(): what the last page has no room for as a whole starts a new one. How much there
  /// was room for.
  std::size_t put(Buffers buffers, std::size_t skip, std::size_t size, bool may_merge) {
    std::size_t done = 0;
    const std::size_t odd = size % kPageSize;
    if (may_merge && !slots.empty() && odd > 0 && slots.back().end + odd <= kPageSize) {
      slots.back().end += odd;
      done = odd;
    }
    while (done < size && !is_full()) {
      slots.push_back(Slot{.end = std::min(size - done, kPageSize)});
      done += slots.back().end;
    }
    octets.append(buffers, skip, done);
    return done;
  }
  void consume(std::size_t size) {
    octets.consume(size);
    while (size > 0) {
      Slot& first = slots.front();
      const std::size_t part = std::min(size, first.end - first.start);
      first.start += part;
      size -= part;
      if (first.start == first.end) slots.pop_front();
    }
  }
};

class PipeEnd final : public File {
 public:
  PipeEnd(Kernel& kernel, const Ref<Pipe>& pipe, int access, int status_flags)
      : File(kernel, FileKind::pipe, access | status_flags),
        pipe_(pipe),
        reads_(access == O_RDONLY) {
    (reads_ ? pipe->reader : pipe->writer) = this;
  }
  ~PipeEnd() override {
    (reads_ ? pipe_->reader : pipe_->writer) = nullptr;
    PipeEnd* const other = reads_ ? pipe_->writer : pipe_->reader;
    if (other != nullptr) other->queue_.wake_all(0);
  }

  Outcome<std::size_t> read(Process&, Buffers buffers, Call&) override {
    if (!reads_) return refuse(EBADF);
    const std::size_t total = size_of(buffers);
    if (total == 0) return 0;
    if (pipe_->octets.is_empty()) {
      if (pipe_->writer == nullptr) return 0;
      return again_or_wait(queue(), true);
    }
    const bool was_full = pipe_->is_full();
    const std::size_t size = std::min(total, pipe_->octets.size());
    pipe_->octets.copy_to(buffers, 0, 0, size);
    pipe_->consume(size);
    if (was_full && !pipe_->is_full() && pipe_->writer != nullptr)
      pipe_->writer->queue_.wake(EPOLLOUT | EPOLLWRNORM);
    return size;
  }

  Outcome<std::size_t> write(Process& process, Buffers buffers, Call& call) override {
    if (reads_) return refuse(EBADF);
    const std::size_t total = size_of(buffers);
    if (total == 0) return 0;
    if (pipe_->reader == nullptr) {
      if (call.done > 0) return call.done;
      process.kernel.send_pipe_signal(process);
      return refuse(EPIPE);
    }
    const std::size_t size = pipe_->put(buffers, call.done, total - call.done, call.done == 0);
    if (size > 0) {
      call.done += size;
      pipe_->reader->queue_.wake(EPOLLIN | EPOLLRDNORM);
    }
    if (call.done == total) return total;
    if (is_non_blocking() && call.done > 0) return call.done;
    return again_or_wait(queue(), true);
  }

  // pipe_poll().
  std::uint32_t poll() override {
    std::uint32_t bits = 0;
    if (reads_) {
      if (!pipe_->octets.is_empty()) bits |= EPOLLIN | EPOLLRDNORM;
      if (pipe_->writer == nullptr) bits |= EPOLLHUP;
    } else {
      if (!pipe_->is_full()) bits |= EPOLLOUT | EPOLLWRNORM;
      if (pipe_->reader == nullptr) bits |= EPOLLERR;
    }
    return bits;
  }

  Outcome<void> ioctl(unsigned long request, void* argument) override {
    if (request != FIONREAD) return File::ioctl(request, argument);
    const int answer = static_cast<int>(pipe_->octets.size());
    std::memcpy(argument, &answer, sizeof(answer));
    return {};
  }

 private:
  Ref<Pipe> pipe_;
  bool reads_;
};

}  // namespace

Outcome<void> create_pipe(Process& process, int flags, int* fds) {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return refuse(EINVAL);
  const Ref<Pipe> pipe = make_ref<Pipe>(process.kernel.octets());
  const int status = flags & O_NONBLOCK;
  const Ref<File> reader = make_ref<PipeEnd>(process.kernel, pipe, O_RDONLY, status);
  const Ref<File> writer = make_ref<PipeEnd>(process.kernel, pipe, O_WRONLY, status);
  return process.descriptors.add_two(reader, writer, (flags & O_CLOEXEC) != 0, fds);
}

}  // namespace sockdrill::sim
