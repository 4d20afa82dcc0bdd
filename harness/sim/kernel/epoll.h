#pragma once

// epoll(7), as fs/eventpoll.c does it: an item a watched file, a list of items that may be ready.

#include <sys/epoll.h>

#include <vector>

#include "harness/sim/kernel/readiness.h"

namespace sockdrill::sim {

class EpollFile;

/// One registration. It hears the file's queue, and goes when the file or the epoll does.
class EpollItem final : public Waiter {
 public:
  EpollItem(EpollFile& epoll, File& file, int fd, const epoll_event& event);
  ~EpollItem() override;
  EpollItem(const EpollItem&) = delete;
  EpollItem& operator=(const EpollItem&) = delete;

  bool wake(std::uint32_t events) override;
  /// All registrations of a file that is about to go.
  static void forget(File& file);

  [[nodiscard]] File& file() const { return file_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const epoll_event& event() const { return event_; }

 private:
  friend class EpollFile;
  /// The bits that hold now and were asked for.
  [[nodiscard]] std::uint32_t ready_bits() const { return file_.poll() & event_.events; }
  [[nodiscard]] std::uint32_t ready_bits_for(const Process& process) const {
    return file_.poll_by(process) & event_.events;
  }

  EpollFile& epoll_;
  File& file_;
  int fd_;
  epoll_event event_;
  WaitLink link_;
  EpollItem* next_of_file_ = nullptr;
  EpollItem* next_of_fd_ = nullptr;
  // Of the ready list.
  bool is_listed_ = false;
  EpollItem* previous_ready_ = nullptr;
  EpollItem* next_ready_ = nullptr;
};

class EpollFile final : public File {
 public:
  explicit EpollFile(Kernel& kernel) : File(kernel, FileKind::epoll, O_RDWR) {}
  ~EpollFile() override;

  Outcome<void> add(File& file, int fd, const epoll_event& event);
  Outcome<void> modify(File& file, int fd, const epoll_event& event);
  Outcome<void> remove(File& file, int fd);
  /// How many were put into `events`; 0: none is ready for that process.
  int collect(const Process& process, std::span<epoll_event> events);
  /// Whether anything on the list is really ready; takes off what is not.
  std::uint32_t poll() override;
  /// Whether collect() has anything to look at.
  [[nodiscard]] bool has_listed() const { return first_ready_ != nullptr; }
  /// Where epoll_wait(2) waits. Not queue(): that is for those who watch this file.
  WaitQueue& waiting() { return waiting_; }

  /// The registration of that descriptor number, if any: for reports.
  [[nodiscard]] const EpollItem* find(int fd) const;
  /// A registration for EPOLLIN of a socket that has nothing to read; nullptr: none. Never a
  /// one-shot one.
  [[nodiscard]] const EpollItem* find_unready() const;
  /// Whether watching this would lead back to `other`.
  [[nodiscard]] bool leads_to(const EpollFile& other) const;

 private:
  friend class EpollItem;
  [[nodiscard]] EpollItem* find_item(const File& file, int fd) const;
  void list(EpollItem& item);
  void unlist(EpollItem& item);
  void announce();
  void erase(EpollItem& item);

  std::vector<EpollItem*> by_fd_;  ///< owned; several of one number hang together
  EpollItem* first_ready_ = nullptr;
  EpollItem* last_ready_ = nullptr;
  std::size_t ready_count_ = 0;
  WaitQueue waiting_;
};

}  // namespace sockdrill::sim
