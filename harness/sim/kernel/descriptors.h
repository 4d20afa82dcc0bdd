#pragma once

// A process' table of descriptors: the lowest free number first, close-on-exec, RLIMIT_NOFILE.
// A copy of it, as fork(2) makes one, names the same open file descriptions.

#include <vector>

#include "harness/sim/kernel/file.h"

namespace sockdrill::sim {

class DescriptorTable final {
 public:
  /// RLIMIT_NOFILE, soft: no number at or above it is given out (open ones stay).
  std::size_t limit = 1024;

  /// nullptr: EBADF.
  [[nodiscard]] File* find(int fd) const {
    const auto index = static_cast<std::size_t>(fd);  // a negative one becomes huge
    return index < entries_.size() ? entries_[index].file.get() : nullptr;
  }
  /// EBADF.
  [[nodiscard]] Outcome<Ref<File>> file(int fd) const;
  /// The lowest free number that is at least `lowest`. EMFILE.
  Outcome<int> add(Ref<File> file, bool close_on_exec, int lowest = 0);
  /// Two of a kind, or none: pipe2(2), socketpair(2).
  Outcome<void> add_two(Ref<File> first, Ref<File> second, bool close_on_exec, int* fds);
  /// At that very number, which is free or is closed silently (dup2(2)). EBADF beyond the limit.
  Outcome<void> put(int fd, Ref<File> file, bool close_on_exec);
  /// EMFILE when the next add() would fail. accept(2) asks before it takes a connection.
  [[nodiscard]] Outcome<void> has_room() const;
  /// The file that the number referred to. Dropping it is what closes it.
  Outcome<Ref<File>> take(int fd);
  Outcome<bool> close_on_exec(int fd) const;
  Outcome<void> set_close_on_exec(int fd, bool on);
  /// For execve(2).
  void close_marked();
  void close_all();

  [[nodiscard]] std::size_t count() const { return count_; }
  /// One more than the highest open number.
  [[nodiscard]] int end() const { return static_cast<int>(entries_.size()); }

 private:
  struct Entry {
    Ref<File> file;
    bool close_on_exec = false;
  };
  [[nodiscard]] std::size_t lowest_free(std::size_t from) const;

  std::vector<Entry> entries_;
  std::size_t first_free_ = 0;  ///< nothing below is free
  std::size_t count_ = 0;
};

}  // namespace sockdrill::sim
