#include "harness/sim/kernel/descriptors.h"

#include <algorithm>
#include <cerrno>

#include "harness/base/try.h"

namespace sockdrill::sim {

Outcome<Ref<File>> DescriptorTable::file(int fd) const {
  File* found = find(fd);
  if (found == nullptr) return refuse(EBADF);
  return Ref<File>(found);
}

std::size_t DescriptorTable::lowest_free(std::size_t from) const {
  std::size_t number = std::max(from, first_free_);
  while (number < entries_.size() && entries_[number].file) ++number;
  return number;
}

Outcome<int> DescriptorTable::add(Ref<File> file, bool close_on_exec, int lowest) {
  const auto from = static_cast<std::size_t>(lowest);
  const std::size_t number = lowest_free(from);
  if (number >= limit) return refuse(EMFILE);
  if (number >= entries_.size()) entries_.resize(number + 1);
  entries_[number] = Entry{std::move(file), close_on_exec};
  ++count_;
  if (from <= first_free_) first_free_ = number + 1;
  return static_cast<int>(number);
}

Outcome<void> DescriptorTable::add_two(Ref<File> first, Ref<File> second, bool close_on_exec,
                                       int* fds) {
  const int a = TRY(add(std::move(first), close_on_exec));
  const Outcome<int> b = add(std::move(second), close_on_exec);
  if (!b) {
    static_cast<void>(take(a));
    return tl::unexpected<Stop>(b.error());
  }
  fds[0] = a;
  fds[1] = *b;
  return {};
}

Outcome<void> DescriptorTable::put(int fd, Ref<File> file, bool close_on_exec) {
  const auto number = static_cast<std::size_t>(fd);
  if (fd < 0 || number >= limit) return refuse(EBADF);
  if (number >= entries_.size()) entries_.resize(number + 1);
  if (!entries_[number].file) ++count_;
  // The old file goes when the table is consistent: its end may wake others, who look here.
  const Entry old = std::exchange(entries_[number], Entry{std::move(file), close_on_exec});
  return {};
}

Outcome<void> DescriptorTable::has_room() const {
  if (lowest_free(0) >= limit) return refuse(EMFILE);
  return {};
}

Outcome<Ref<File>> DescriptorTable::take(int fd) {
  if (find(fd) == nullptr) return refuse(EBADF);
  const auto number = static_cast<std::size_t>(fd);
  Ref<File> file = std::exchange(entries_[number], Entry{}).file;
  first_free_ = std::min(first_free_, number);
  --count_;
  return file;
}

Outcome<bool> DescriptorTable::close_on_exec(int fd) const {
  if (find(fd) == nullptr) return refuse(EBADF);
  return entries_[static_cast<std::size_t>(fd)].close_on_exec;
}

Outcome<void> DescriptorTable::set_close_on_exec(int fd, bool on) {
  if (find(fd) == nullptr) return refuse(EBADF);
  entries_[static_cast<std::size_t>(fd)].close_on_exec = on;
  return {};
}

void DescriptorTable::close_marked() {
  for (int fd = 0; fd < end(); ++fd) {
    if (entries_[static_cast<std::size_t>(fd)].close_on_exec) static_cast<void>(take(fd));
  }
}

void DescriptorTable::close_all() {
  for (int fd = 0; fd < end(); ++fd) static_cast<void>(take(fd));  // EBADF: it was not open
}

}  // namespace sockdrill::sim
