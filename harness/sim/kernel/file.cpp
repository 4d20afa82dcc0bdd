#include "harness/sim/kernel/file.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/sim/kernel/epoll.h"
#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {

namespace {

/// Calls `copy(place, offset, size)` for each run of octets from number `skip` on, `size` in all.
template <typename Copy>
std::size_t for_each_run(Buffers buffers, std::size_t skip, std::size_t size, Copy copy) {
  std::size_t done = 0;
  for (const iovec& buffer : buffers) {
    if (done == size) break;
    if (skip >= buffer.iov_len) {
      skip -= buffer.iov_len;
      continue;
    }
    const std::size_t run = std::min(buffer.iov_len - skip, size - done);
    copy(static_cast<char*>(buffer.iov_base) + skip, done, run);
    done += run;
    skip = 0;
  }
  return done;
}

}  // namespace

std::size_t scatter(Buffers buffers, std::size_t skip, const char* octets, std::size_t size) {
  return for_each_run(buffers, skip, size, [&](char* place, std::size_t offset, std::size_t run) {
    std::memcpy(place, octets + offset, run);
  });
}

std::size_t gather(Buffers buffers, std::size_t skip, char* octets, std::size_t size) {
  return for_each_run(buffers, skip, size, [&](char* place, std::size_t offset, std::size_t run) {
    std::memcpy(octets + offset, place, run);
  });
}

File::File(Kernel& kernel, FileKind kind, int status_flags)
    : kernel_(kernel), kind_(kind), status_flags_(status_flags), inode_(kernel.next_inode()) {}

File::~File() { EpollItem::forget(*this); }

void File::set_status_flags(int flags) {
  constexpr int kChangeable = O_NONBLOCK | O_APPEND | O_ASYNC;
  status_flags_ = (status_flags_ & ~kChangeable) | (flags & kChangeable);
}

Outcome<std::size_t> File::read(Process&, Buffers, Call&) { return refuse(EINVAL); }
Outcome<std::size_t> File::write(Process&, Buffers, Call&) { return refuse(EINVAL); }

Outcome<void> File::ioctl(unsigned long request, void* argument) {
  if (request != FIONBIO) return refuse(ENOTTY);
  const int on = *static_cast<const int*>(argument);
  set_status_flags(on != 0 ? status_flags_ | O_NONBLOCK : status_flags_ & ~O_NONBLOCK);
  return {};
}

tl::unexpected<Stop> File::again_or_wait(WaitQueue& queue, bool is_exclusive) const {
  return is_non_blocking() ? refuse(EAGAIN) : wait_on(queue, is_exclusive);
}

std::uint32_t File::poll_by(const Process&) { return poll(); }

Outcome<void> File::wait_for_close(Call&) { return {}; }

std::uint32_t OutsideFile::poll() { return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM; }

}  // namespace sockdrill::sim
