// Calls on any descriptor: read(2), write(2), close(2), dup(2), fcntl(2), ioctl(2), fstat(2).

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdarg>
#include <vector>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// A call on what is no file of the simulation's.
template <typename... Arguments>
long real_call(long number, int fd, Arguments... arguments) {
  if (!may_be_real(fd)) return fail_with(EBADF);
  return real(number, real_number(fd), arguments...);
}

ssize_t read_file(int fd, const FileInUse& file, Buffers buffers) {
  Process& process = current_task->process;
  if ((file->status_flags() & O_ACCMODE) == O_WRONLY) return fail_with(EBADF);
  check_writable(buffers);
  Strike hit;
  if (file->kind() == FileKind::socket)
    hit = strike(CallKind::receive, file.get(), size_of(buffers));
  if (hit.error != 0) return fail_with(hit.error);
  const ShorterBuffers part(buffers, hit.at_most);
  return static_cast<ssize_t>(
      give(carry_out(CallSeen{"read", fd, size_of(buffers)},
                     [&](Call& call) { return file->read(process, part.get(), call); })));
}

ssize_t write_file(int fd, const FileInUse& file, Buffers buffers) {
  Process& process = current_task->process;
  if ((file->status_flags() & O_ACCMODE) == O_RDONLY) return fail_with(EBADF);
  check_readable(buffers);
  Strike hit;
  if (file->kind() == FileKind::socket) hit = strike(CallKind::send, file.get(), size_of(buffers));
  if (hit.error != 0) return fail_with(hit.error);
  const ShorterBuffers part(buffers, hit.at_most);
  return static_cast<ssize_t>(
      give(carry_out(CallSeen{"write", fd, size_of(buffers)},
                     [&](Call& call) { return file->write(process, part.get(), call); })));
}

/// A real file at a number of the simulated process: for dup2(2) of /dev/null onto 0, 1 and 2.
int adopt_real(int fd, int to) {
  Process& process = current_task->process;
  const long copy = call_kernel(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kFirstRealNumber);
  if (copy < 0) return fail_with(static_cast<int>(-copy));
  // stdio inside the C library writes to the real number.
  if (to < 3) call_kernel(SYS_dup3, fd, to, 0);
  const Outcome<void> put = process.descriptors.put(
      to, make_ref<OutsideFile>(process.kernel, static_cast<int>(copy)), false);
  return put ? to : give(put);
}

int duplicate_to(int fd, int to, bool close_on_exec) {
  Process& process = current_task->process;
  if (process.descriptors.find(fd) == nullptr && may_be_real(fd) &&
      call_kernel(SYS_fcntl, fd, F_GETFD) >= 0)
    return adopt_real(fd, to);
  const int result = give(carry_out(
      "dup2", [&](Call&) { return process.kernel.duplicate_to(process, fd, to, close_on_exec); }));
  const FileInUse file(process.descriptors.find(to));
  if (result >= 0 && to < 3 && file->kind() == FileKind::outside)
    call_kernel(SYS_dup3, static_cast<OutsideFile*>(file.get())->real(), to, 0);
  return result;
}

int control(const FileInUse& file, int fd, int command, long argument) {
  Process& process = current_task->process;
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      return give(process.kernel.duplicate(process, fd, static_cast<int>(argument),
                                           command == F_DUPFD_CLOEXEC));
    case F_GETFD: {
      const Outcome<bool> on = process.descriptors.close_on_exec(fd);
      return on ? (*on ? FD_CLOEXEC : 0) : fail_with(on.error().error.value);
    }
    case F_SETFD:
      return give(process.descriptors.set_close_on_exec(fd, (argument & FD_CLOEXEC) != 0));
    case F_GETFL:
      return file->status_flags();
    case F_SETFL:
      file->set_status_flags(static_cast<int>(argument));
      return 0;
    case F_GETOWN:
      return file->owner;
    case F_SETOWN:
      file->owner = static_cast<pid_t>(argument);
      return 0;
    default:
      return fail_with(EINVAL);
  }
}

int any_control(int fd, int command, long argument) {
  if (is_simulated()) {
    const FileInUse file(current_task->process.descriptors.find(fd));
    const bool is_ours =
        file && (file->kind() != FileKind::outside || command == F_DUPFD ||
                 command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD);
    if (is_ours) {
      Task& task = *current_task;
      begin_call(task, "fcntl");
      const int result = control(file, fd, command, argument);
      end_call(task);
      return result;
    }
  }
  return static_cast<int>(real_call(SYS_fcntl, fd, command, argument));
}

int describe(const File& file, struct stat* status) {
  *status = {};
  status->st_ino = file.inode();
  status->st_nlink = 1;
  status->st_blksize = 4096;
  switch (file.kind()) {
    case FileKind::socket:
      status->st_mode = S_IFSOCK | 0777;
      break;
    case FileKind::pipe:
      status->st_mode = S_IFIFO | 0600;
      break;
    default:
      status->st_mode = 0600;
      break;
  }
  return 0;
}

}  // namespace
}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL ssize_t read(int fd, void* buffer, std::size_t size) {
  const FileInUse file = simulated_file(fd);
  if (!file) return real_call(SYS_read, fd, buffer, size);
  const iovec one{.iov_base = buffer, .iov_len = size};
  return read_file(fd, file, {&one, 1});
}

SIMULATED_CALL ssize_t __read_chk(int fd, void* buffer, std::size_t size, std::size_t room) {
  if (size > room) ::abort();
  return read(fd, buffer, size);
}

SIMULATED_CALL ssize_t write(int fd, const void* buffer, std::size_t size) {
  const FileInUse file = simulated_file(fd);
  if (!file) return real_call(SYS_write, fd, buffer, size);
  const iovec one{.iov_base = const_cast<void*>(buffer), .iov_len = size};
  return write_file(fd, file, {&one, 1});
}

SIMULATED_CALL ssize_t readv(int fd, const iovec* buffers, int count) {
  const FileInUse file = simulated_file(fd);
  if (!file) return real_call(SYS_readv, fd, buffers, count);
  if (count < 0 || count > IOV_MAX) return fail_with(EINVAL);
  return read_file(fd, file, {buffers, static_cast<std::size_t>(count)});
}

SIMULATED_CALL ssize_t writev(int fd, const iovec* buffers, int count) {
  const FileInUse file = simulated_file(fd);
  if (!file) return real_call(SYS_writev, fd, buffers, count);
  if (count < 0 || count > IOV_MAX) return fail_with(EINVAL);
  return write_file(fd, file, {buffers, static_cast<std::size_t>(count)});
}

SIMULATED_CALL int close(int fd) {
  if (!is_simulated()) return static_cast<int>(real(SYS_close, fd));
  Process& process = current_task->process;
  if (process.descriptors.find(fd) == nullptr) return static_cast<int>(real_call(SYS_close, fd));
  return give(carry_out(CallSeen{.name = "close", .descriptor = fd},
                        [&](Call& call) { return process.kernel.close(process, fd, call); }));
}

SIMULATED_CALL int close_range(unsigned first, unsigned last, int flags) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_close_range, first, last, flags));
  if (first > last) return fail_with(EINVAL);
  const DescriptorTable& table = current_task->process.descriptors;
  const auto end = static_cast<unsigned>(table.end());
  for (unsigned fd = first; fd < end && fd <= last; ++fd) {
    if (table.find(static_cast<int>(fd)) == nullptr) continue;
    if ((flags & 4 /* CLOSE_RANGE_CLOEXEC */) != 0)
      any_control(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
    else
      close(static_cast<int>(fd));
  }
  return 0;
}

SIMULATED_CALL void closefrom(int first) noexcept {
  close_range(static_cast<unsigned>(std::max(first, 0)), UINT_MAX, 0);
}

SIMULATED_CALL int dup(int fd) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_dup, fd));
  Process& process = current_task->process;
  if (process.descriptors.find(fd) == nullptr) return static_cast<int>(real_call(SYS_dup, fd));
  return give(carry_out_open(
      "dup", [&](Call&) { return process.kernel.duplicate(process, fd, 0, false); }));
}

SIMULATED_CALL int dup2(int fd, int to) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_dup2, fd, to));
  if (fd == to)
    return current_task->process.descriptors.find(fd) != nullptr ? to : fail_with(EBADF);
  return duplicate_to(fd, to, false);
}

SIMULATED_CALL int dup3(int fd, int to, int flags) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_dup3, fd, to, flags));
  if (fd == to || (flags & ~O_CLOEXEC) != 0) return fail_with(EINVAL);
  return duplicate_to(fd, to, (flags & O_CLOEXEC) != 0);
}

SIMULATED_CALL int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const long argument = va_arg(rest, long);
  va_end(rest);
  return any_control(fd, command, argument);
}

SIMULATED_CALL int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

namespace sockdrill::sim {
namespace {

/// netdevice(7): what the machine's interfaces are, any socket of the real one tells.
bool asks_for_interfaces(unsigned long request) {
  return request == SIOCGIFNAME || request == SIOCGIFCONF || request == SIOCGIFFLAGS ||
         request == SIOCGIFADDR || request == SIOCGIFBRDADDR || request == SIOCGIFNETMASK ||
         request == SIOCGIFMTU || request == SIOCGIFINDEX || request == SIOCGIFHWADDR;
}

int ask_for_interfaces(unsigned long request, void* argument) {
  const long socket = call_kernel(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return fail_with(static_cast<int>(-socket));
  const long result = real(SYS_ioctl, socket, request, argument);
  call_kernel(SYS_close, socket);
  return static_cast<int>(result);
}

}  // namespace
}  // namespace sockdrill::sim

SIMULATED_CALL int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  const FileInUse file = simulated_file(fd);
  if (!file) return static_cast<int>(real_call(SYS_ioctl, fd, request, argument));
  if (file->kind() == FileKind::socket && asks_for_interfaces(request))
    return ask_for_interfaces(request, argument);
  if (request == FIOCLEX || request == FIONCLEX)
    return any_control(fd, F_SETFD, request == FIOCLEX ? FD_CLOEXEC : 0);
  return give(carry_out(CallSeen{.name = "ioctl", .descriptor = fd},
                        [&](Call&) { return file->ioctl(request, argument); }));
}

SIMULATED_CALL int fstat(int fd, struct stat* status) noexcept {
  const FileInUse file = simulated_file(fd);
  return file ? describe(*file, status) : static_cast<int>(real_call(SYS_fstat, fd, status));
}

SIMULATED_CALL int fstat64(int fd, struct stat64* status) noexcept {
  return fstat(fd, reinterpret_cast<struct stat*>(status));  // the same layout on x86-64
}

SIMULATED_CALL int __fxstat(int, int fd, struct stat* status) { return fstat(fd, status); }
SIMULATED_CALL int __fxstat64(int, int fd, struct stat* status) { return fstat(fd, status); }

SIMULATED_CALL int isatty(int fd) noexcept {
  if (simulated_file(fd)) {
    errno = ENOTTY;
    return 0;
  }
  std::array<char, 64> settings{};  // struct termios of the kernel
  return real_call(SYS_ioctl, fd, TCGETS, settings.data()) == 0 ? 1 : 0;
}

SIMULATED_CALL off_t lseek(int fd, off_t offset, int whence) noexcept {
  if (simulated_file(fd)) return fail_with(ESPIPE);
  return real_call(SYS_lseek, fd, offset, whence);
}

SIMULATED_CALL off64_t lseek64(int fd, off64_t offset, int whence) noexcept {
  return lseek(fd, offset, whence);
}

SIMULATED_CALL ssize_t sendfile(int out, int in, off_t* offset, std::size_t count) noexcept {
  if (!simulated_file(out)) {
    if (simulated_file(in)) return fail_with(EINVAL);
    return real_call(SYS_sendfile, out, real_number(in), offset, count);
  }
  std::vector<char> octets(std::min<std::size_t>(count, 65536));
  const long got = offset != nullptr
                       ? real_call(SYS_pread64, in, octets.data(), octets.size(), *offset)
                       : real_call(SYS_read, in, octets.data(), octets.size());
  if (got <= 0) return got;
  const ssize_t sent = write(out, octets.data(), static_cast<std::size_t>(got));
  const off_t advance = std::max<ssize_t>(sent, 0);
  if (offset != nullptr)
    *offset += advance;
  else if (advance < got)
    call_kernel(SYS_lseek, in, advance - got, SEEK_CUR);
  return sent;
}

SIMULATED_CALL ssize_t sendfile64(int out, int in, off64_t* offset, std::size_t count) noexcept {
  return sendfile(out, in, offset, count);
}

SIMULATED_CALL ssize_t splice(int in, off64_t* in_offset, int out, off64_t* out_offset,
                              std::size_t count, unsigned flags) {
  if (simulated_file(in) || simulated_file(out)) return refuse_call("splice", EINVAL);
  return real(SYS_splice, in, in_offset, out, out_offset, count, flags);
}
