#include <algorithm>
#include <cerrno>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/readiness.h"

namespace sockdrill::sim {

namespace {

/// On the call's queues.
tl::unexpected<Stop> wait_for_several(const Call& call) {
  return tl::unexpected<Stop>(
      Stop{.error = {}, .more_queues = call.queues, .until = call.until, .is_restartable = false});
}

// fs/select.c, POLLIN_SET and its kin.
constexpr std::uint32_t kReadable = EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t kWritable = EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR;
constexpr std::uint32_t kExceptional = EPOLLPRI;

/// The sets as the kernel sees them: arrays of bits, of which FD_SETSIZE are only the usual number.
class BitArray final {
 public:
  explicit BitArray(fd_set* set) : words_(set != nullptr ? set->fds_bits : nullptr) {}
  [[nodiscard]] bool has(int fd) const {
    return words_ != nullptr && (words_[fd / kWord] >> (fd % kWord) & 1) != 0;
  }
  void set(int fd, bool on) {
    if (words_ == nullptr) return;
    const auto bit = static_cast<long>(1UL << (fd % kWord));
    words_[fd / kWord] = on ? words_[fd / kWord] | bit : words_[fd / kWord] & ~bit;
  }

 private:
  static constexpr int kWord = 8 * sizeof(long);
  long* words_;
};

}  // namespace

Outcome<int> poll(Process& process, std::span<pollfd> fds, Timeout timeout, Call& call) {
  if (fds.size() > process.descriptors.limit) return refuse(EINVAL);
  const VirtualTime now = process.kernel.now();
  call.begin(now, timeout);
  int count = 0;
  for (pollfd& each : fds) {
    each.revents = 0;
    if (each.fd < 0) continue;
    File* const file = process.descriptors.find(each.fd);
    const std::uint32_t asked = static_cast<std::uint16_t>(each.events) | POLLERR | POLLHUP;
    each.revents = static_cast<short>(file == nullptr ? std::uint32_t{POLLNVAL}
                                                      : file->poll_by(process) & asked);
    if (each.revents != 0) ++count;
  }
  if (count > 0 || now >= call.until) return count;
  call.queues.clear();
  for (const pollfd& each : fds) {
    if (each.fd >= 0) call.queues.push_back(&process.descriptors.find(each.fd)->queue());
  }
  return wait_for_several(call);
}

Outcome<int> select(Process& process, int count, const SelectSets& sets, Timeout timeout,
                    Call& call) {
  if (count < 0) return refuse(EINVAL);
  // Beyond the table nothing is open, and Linux does not look there.
  count = std::min(count, std::max(process.descriptors.end(), 64));
  const VirtualTime now = process.kernel.now();
  call.begin(now, timeout);
  BitArray readable(sets.readable);
  BitArray writable(sets.writable);
  BitArray exceptional(sets.exceptional);
  struct Found {
    int fd;
    std::uint32_t bits;
  };
  std::vector<Found> found;
  int ready = 0;
  for (int fd = 0; fd < count; ++fd) {
    const std::uint32_t asked = (readable.has(fd) ? kReadable : 0) |
                                (writable.has(fd) ? kWritable : 0) |
                                (exceptional.has(fd) ? kExceptional : 0);
    if (asked == 0) continue;
    File* const file = process.descriptors.find(fd);
    if (file == nullptr) return refuse(EBADF);
    const std::uint32_t bits = file->poll_by(process);
    found.push_back(Found{fd, bits});
    ready += (readable.has(fd) && (bits & kReadable) != 0 ? 1 : 0) +
             (writable.has(fd) && (bits & kWritable) != 0 ? 1 : 0) +
             (exceptional.has(fd) && (bits & kExceptional) != 0 ? 1 : 0);
  }
  if (ready == 0 && now < call.until) {
    call.queues.clear();
    for (const Found& each : found)
      call.queues.push_back(&process.descriptors.find(each.fd)->queue());
    return wait_for_several(call);
  }
  for (const Found& each : found) {
    readable.set(each.fd, readable.has(each.fd) && (each.bits & kReadable) != 0);
    writable.set(each.fd, writable.has(each.fd) && (each.bits & kWritable) != 0);
    exceptional.set(each.fd, exceptional.has(each.fd) && (each.bits & kExceptional) != 0);
  }
  return ready;
}

}  // namespace sockdrill::sim
