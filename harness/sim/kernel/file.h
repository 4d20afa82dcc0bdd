#pragma once

// An open file description (open(2)): what descriptors refer to, and what dup(2) and fork(2) share.
//
// It lives as long as a descriptor, a call under way or a message on the way (SCM_RIGHTS) names it;
// the last to go closes it, as in Linux. Those who make calls keep a Ref<File> for the time of a
// call, so that another thread's close(2) does not pull it away.

#include <fcntl.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "harness/sim/kernel/ref.h"
#include "harness/sim/kernel/wait.h"

namespace sockdrill::sim {

class Kernel;
class Process;
class Socket;
class EpollItem;

using Buffers = std::span<const iovec>;
/// Octets in all of them.
inline std::size_t size_of(Buffers buffers) {
  std::size_t total = 0;
  for (const iovec& buffer : buffers) total += buffer.iov_len;
  return total;
}
/// Copies into the buffers, from their octet number `skip` on; how many fitted.
std::size_t scatter(Buffers buffers, std::size_t skip, const char* octets, std::size_t size);
/// Copies out of the buffers, from their octet number `skip` on; how many there were.
std::size_t gather(Buffers buffers, std::size_t skip, char* octets, std::size_t size);

enum class FileKind { socket, pipe, epoll, event, timer, signal, outside };

class File : public Counted {
 public:
  File(Kernel& kernel, FileKind kind, int status_flags);
  ~File() override;

  [[nodiscard]] FileKind kind() const { return kind_; }
  [[nodiscard]] Kernel& kernel() const { return kernel_; }
  /// As st_ino of fstat(2): no two of a kernel have the same.
  [[nodiscard]] std::uint64_t inode() const { return inode_; }

  /// O_ACCMODE and what F_SETFL changes: O_NONBLOCK, O_APPEND, O_ASYNC.
  [[nodiscard]] int status_flags() const { return status_flags_; }
  void set_status_flags(int flags);
  [[nodiscard]] bool is_non_blocking() const { return (status_flags_ & O_NONBLOCK) != 0; }

  /// read(2), readv(2); write(2), writev(2). EINVAL where a kind knows none.
  virtual Outcome<std::size_t> read(Process& process, Buffers buffers, Call& call);
  virtual Outcome<std::size_t> write(Process& process, Buffers buffers, Call& call);
  /// The bits of poll(2) that hold now (EPOLLIN ...). Asking for EPOLLOUT arms the wake-up that
  /// comes when there is room again, as in Linux.
  virtual std::uint32_t poll() = 0;
  /// The same for that process: a signalfd(2) tells everybody who has it of his own signals.
  virtual std::uint32_t poll_by(const Process& process);
  /// Where changes of poll() are told.
  WaitQueue& queue() { return queue_; }
  /// FIONREAD, SIOCATMARK, TIOCOUTQ, FIONBIO. ENOTTY for what it does not know.
  virtual Outcome<void> ioctl(unsigned long request, void* argument);
  /// nullptr: not one.
  virtual Socket* as_socket() { return nullptr; }
  /// What close(2) waits for when this was the last reference (SO_LINGER). The default: nothing.
  virtual Outcome<void> wait_for_close(Call& call);
  /// F_SETOWN: whom SIGURG goes to. 0: nobody.
  pid_t owner = 0;

 protected:
  /// EAGAIN when it is non-blocking, else "must wait".
  [[nodiscard]] tl::unexpected<Stop> again_or_wait(WaitQueue& queue,
                                                   bool is_exclusive = false) const;

  WaitQueue queue_;

 private:
  friend class EpollItem;
  Kernel& kernel_;
  FileKind kind_;
  int status_flags_;
  std::uint64_t inode_;
  EpollItem* watches_ = nullptr;  ///< of all epolls that watch this one
};

/// A descriptor of the real process (0, 1, 2) that the simulated process has at its start. Reading
/// and writing it is the caller's business.
class OutsideFile : public File {
 public:
  OutsideFile(Kernel& kernel, int real) : File(kernel, FileKind::outside, O_RDWR), real_(real) {}
  [[nodiscard]] int real() const { return real_; }
  std::uint32_t poll() override;

 private:
  int real_;
};

}  // namespace sockdrill::sim
