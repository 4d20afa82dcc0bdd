#include "harness/sim/kernel/epoll.h"

#include <algorithm>
#include <cerrno>

#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {

namespace {

/// What is no event but tells how to watch. EPOLLWAKEUP means nothing here.
constexpr std::uint32_t kManners = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
constexpr std::uint32_t kAlways = EPOLLERR | EPOLLHUP;
constexpr int kMostEvents = 0x7fffffff / static_cast<int>(sizeof(epoll_event));

}  // namespace

EpollItem::EpollItem(EpollFile& epoll, File& file, int fd, const epoll_event& event)
    : epoll_(epoll), file_(file), fd_(fd), event_(event), next_of_file_(file.watches_) {
  file.watches_ = this;
  link_.attach(file.queue(), *this, (event.events & EPOLLEXCLUSIVE) != 0);
}

EpollItem::~EpollItem() {
  EpollItem** place = &file_.watches_;
  while (*place != this) place = &(*place)->next_of_file_;
  *place = next_of_file_;
}

void EpollItem::forget(File& file) {
  while (file.watches_ != nullptr) file.watches_->epoll_.erase(*file.watches_);
}

bool EpollItem::wake(std::uint32_t events) {
  if ((event_.events & ~kManners) == 0) return false;  // one-shot, and shot
  if (events != 0 && (events & event_.events) == 0) return false;
  epoll_.list(*this);
  epoll_.announce();
  return true;
}

EpollFile::~EpollFile() {
  for (EpollItem* item : by_fd_) {
    while (item != nullptr) {
      EpollItem* const next = item->next_of_fd_;
      unlist(*item);
      delete item;
      item = next;
    }
  }
}

EpollItem* EpollFile::find_item(const File& file, int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  EpollItem* item = index < by_fd_.size() ? by_fd_[index] : nullptr;
  while (item != nullptr && &item->file() != &file) item = item->next_of_fd_;
  return item;
}

const EpollItem* EpollFile::find(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return index < by_fd_.size() ? by_fd_[index] : nullptr;
}

const EpollItem* EpollFile::find_unready() const {
  for (const EpollItem* item : by_fd_) {
    for (; item != nullptr; item = item->next_of_fd_) {
      const std::uint32_t asked = item->event().events;
      const bool is_meant = (asked & EPOLLIN) != 0 && (asked & EPOLLONESHOT) == 0 &&
                            item->file().kind() == FileKind::socket;
      if (is_meant && (item->file().poll() & EPOLLIN) == 0) return item;
    }
  }
  return nullptr;
}

bool EpollFile::leads_to(const EpollFile& other) const {
  if (this == &other) return true;
  for (const EpollItem* item : by_fd_) {
    for (; item != nullptr; item = item->next_of_fd_) {
      if (item->file().kind() == FileKind::epoll &&
          static_cast<const EpollFile&>(item->file()).leads_to(other))
        return true;
    }
  }
  return false;
}

void EpollFile::list(EpollItem& item) {
  if (item.is_listed_) return;
  item.is_listed_ = true;
  item.previous_ready_ = last_ready_;
  item.next_ready_ = nullptr;
  (last_ready_ != nullptr ? last_ready_->next_ready_ : first_ready_) = &item;
  last_ready_ = &item;
  ++ready_count_;
}

void EpollFile::unlist(EpollItem& item) {
  if (!item.is_listed_) return;
  item.is_listed_ = false;
  (item.previous_ready_ != nullptr ? item.previous_ready_->next_ready_ : first_ready_) =
      item.next_ready_;
  (item.next_ready_ != nullptr ? item.next_ready_->previous_ready_ : last_ready_) =
      item.previous_ready_;
  --ready_count_;
}

void EpollFile::announce() {
  waiting_.wake(EPOLLIN);
  if (!queue_.is_empty()) queue_.wake(EPOLLIN | EPOLLRDNORM);
}

void EpollFile::erase(EpollItem& item) {
  unlist(item);
  EpollItem** place = &by_fd_[static_cast<std::size_t>(item.fd())];
  while (*place != &item) place = &(*place)->next_of_fd_;
  *place = item.next_of_fd_;
  delete &item;
}

Outcome<void> EpollFile::add(File& file, int fd, const epoll_event& event) {
  if (find_item(file, fd) != nullptr) return refuse(EEXIST);
  epoll_event full = event;
  full.events |= kAlways;
  const auto index = static_cast<std::size_t>(fd);
  if (index >= by_fd_.size()) by_fd_.resize(index + 1);
  auto* item = new EpollItem(*this, file, fd, full);
  item->next_of_fd_ = by_fd_[index];
  by_fd_[index] = item;
  if (item->ready_bits() != 0) {
    list(*item);
    announce();
  }
  return {};
}

Outcome<void> EpollFile::modify(File& file, int fd, const epoll_event& event) {
  EpollItem* item = find_item(file, fd);
  if (item == nullptr) return refuse(ENOENT);
  if (((event.events | item->event_.events) & EPOLLEXCLUSIVE) != 0) return refuse(EINVAL);
  item->event_ = event;
  item->event_.events |= kAlways;
  if (item->ready_bits() != 0) {
    list(*item);
    announce();
  }
  return {};
}

Outcome<void> EpollFile::remove(File& file, int fd) {
  EpollItem* item = find_item(file, fd);
  if (item == nullptr) return refuse(ENOENT);
  erase(*item);
  return {};
}

int EpollFile::collect(const Process& process, std::span<epoll_event> events) {
  std::size_t given = 0;
  for (std::size_t left = ready_count_; left > 0 && given < events.size(); --left) {
    EpollItem& item = *first_ready_;
    unlist(item);
    const std::uint32_t bits = item.ready_bits_for(process);
    if (bits == 0) continue;
    events[given++] = epoll_event{.events = bits, .data = item.event_.data};
    if ((item.event_.events & EPOLLONESHOT) != 0) {
      item.event_.events &= kManners;
    } else if ((item.event_.events & EPOLLET) == 0) {
      list(item);  // level: at the end, and looked at again next time
    }
  }
  // What is left is for another thread that waits.
  if (given > 0 && first_ready_ != nullptr) waiting_.wake(EPOLLIN);
  return static_cast<int>(given);
}

std::uint32_t EpollFile::poll() {
  while (first_ready_ != nullptr) {
    if (first_ready_->ready_bits() != 0) return EPOLLIN | EPOLLRDNORM;
    unlist(*first_ready_);
  }
  return 0;
}

Outcome<int> create_epoll(Process& process, int flags) {
  if ((flags & ~EPOLL_CLOEXEC) != 0) return refuse(EINVAL);
  return process.descriptors.add(make_ref<EpollFile>(process.kernel), (flags & EPOLL_CLOEXEC) != 0);
}

Outcome<void> control_epoll(Process& process, int epoll, int operation, int fd,
                            const epoll_event* event) {
  File* const instance = process.descriptors.find(epoll);
  File* const watched = process.descriptors.find(fd);
  if (instance == nullptr || watched == nullptr) return refuse(EBADF);
  if (instance == watched || instance->kind() != FileKind::epoll) return refuse(EINVAL);
  auto& file = static_cast<EpollFile&>(*instance);
  if (operation == EPOLL_CTL_DEL) return file.remove(*watched, fd);
  if (event == nullptr) return refuse(EFAULT);
  if ((event->events & EPOLLEXCLUSIVE) != 0) {
    constexpr std::uint32_t kWithExclusive =
        EPOLLIN | EPOLLOUT | kAlways | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
    if (operation == EPOLL_CTL_MOD || watched->kind() == FileKind::epoll ||
        (event->events & ~kWithExclusive) != 0)
      return refuse(EINVAL);
  }
  if (operation == EPOLL_CTL_ADD) {
    if (watched->kind() == FileKind::epoll && static_cast<EpollFile*>(watched)->leads_to(file))
      return refuse(ELOOP);
    return file.add(*watched, fd, *event);
  }
  if (operation == EPOLL_CTL_MOD) return file.modify(*watched, fd, *event);
  return refuse(EINVAL);
}

Outcome<int> wait_epoll(Process& process, File& file, std::span<epoll_event> events,
                        Timeout timeout, Call& call) {
  if (file.kind() != FileKind::epoll || events.empty() || events.size() > kMostEvents)
    return refuse(EINVAL);
  auto& epoll = static_cast<EpollFile&>(file);
  const VirtualTime now = file.kernel().now();
  call.begin(now, timeout);
  if (const int count = epoll.collect(process, events); count > 0) return count;
  if (now >= call.until) return 0;
  return tl::unexpected<Stop>(Stop{.error = {},
                                   .queue = &epoll.waiting(),
                                   .more_queues = {},
                                   .until = call.until,
                                   .is_exclusive = true,
                                   .is_restartable = false,
                                   .outlasts_stop = false});
}

}  // namespace sockdrill::sim
