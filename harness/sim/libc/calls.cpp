#include "harness/sim/libc/calls.h"

#include <dlfcn.h>

#include <algorithm>

#include "harness/base/check.h"

extern "C" {
[[gnu::weak]] void* __asan_region_is_poisoned(void* begin, std::size_t size);
[[gnu::weak]] void __asan_report_store_n(void* address, std::size_t size);
[[gnu::weak]] void __asan_report_load_n(void* address, std::size_t size);
}

namespace sockdrill::sim {

namespace {

/// Where a buffer stops being the caller's; nullptr: nowhere. Piece by piece, for a size that is
/// wrong by gigabytes is found out in the first of them, and all would take seconds.
void* end_of_own(const iovec& buffer) {
  constexpr std::size_t kPiece = std::size_t{1} << 16U;
  constexpr std::size_t kMostTransferred = 0x7ffff000;  // read(2)
  char* const begin = static_cast<char*>(buffer.iov_base);
  const std::size_t size = std::min(buffer.iov_len, kMostTransferred);
  for (std::size_t at = 0; at < size; at += kPiece) {
    void* const found = __asan_region_is_poisoned(begin + at, std::min(kPiece, size - at));
    if (found != nullptr) return found;
  }
  return nullptr;
}

}  // namespace

void* next_function(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  SOCKDRILL_CHECK(found != nullptr, name);
  return found;
}

FileInUse::FileInUse(File* file) : file_(file) {
  if (file == nullptr) return;
  task_ = current_task;
  place_ = task_->files_in_use.size();
  task_->files_in_use.emplace_back(file);
}

FileInUse::~FileInUse() {
  // In a child of fork(2) that goes on in the middle of a call the file is its parent's to hold; a
  // jump out of a handler has left others behind.
  if (file_ == nullptr || task_ != current_task) return;
  std::vector<Ref<File>>& all = task_->files_in_use;
  while (all.size() > place_) all.pop_back();
}

FileInUse simulated_file(int fd) {
  if (!is_simulated()) return FileInUse(nullptr);
  File* file = current_task->process.descriptors.find(fd);
  return FileInUse(file == nullptr || file->kind() == FileKind::outside ? nullptr : file);
}

bool is_real(int fd) {
  if (!is_simulated()) return true;
  const File* const file = current_task->process.descriptors.find(fd);
  return file != nullptr && file->kind() == FileKind::outside;
}

int real_number(int fd) {
  if (is_simulated()) {
    File* file = current_task->process.descriptors.find(fd);
    if (file != nullptr && file->kind() == FileKind::outside)
      return static_cast<OutsideFile*>(file)->real();
  }
  return fd;
}

bool may_be_real(int fd) {
  if (!is_simulated()) return true;
  const File* file = current_task->process.descriptors.find(fd);
  // Numbers below the reserved ones are the simulation's, open or not.
  return file != nullptr ? file->kind() == FileKind::outside
                         : fd >= kFirstRealNumber && !is_ours(fd);
}

void begin_call(Task& task, const CallSeen& seen) {
  task.call = seen.name;
  tell_call(task, seen);
  task.scheduler.account(task);
  task.process.signals.current = &task.signals;
  check_cancelled(task);
}

int refuse_call(const std::string& what, int error) {
  if (Simulation* there = simulation(); there != nullptr) there->note_not_simulated(what);
  return fail_with(error);
}

ShorterBuffers::ShorterBuffers(Buffers all, std::size_t at_most)
    : all_(all), is_shorter_(at_most != SIZE_MAX) {
  if (!is_shorter_) return;
  for (const iovec& buffer : all) {
    const std::size_t size = std::min(buffer.iov_len, at_most);
    at_most -= size;
    if (size > 0) shorter_.push_back({.iov_base = buffer.iov_base, .iov_len = size});
  }
}

void check_writable(Buffers buffers) {
  if (__asan_report_store_n == nullptr) return;
  for (const iovec& buffer : buffers) {
    if (void* const end = end_of_own(buffer); end != nullptr)
      __asan_report_store_n(end, buffer.iov_len);
  }
}

void check_readable(Buffers buffers) {
  if (__asan_report_load_n == nullptr) return;
  for (const iovec& buffer : buffers) {
    if (void* const end = end_of_own(buffer); end != nullptr)
      __asan_report_load_n(end, buffer.iov_len);
  }
}

}  // namespace sockdrill::sim
