#include <csignal>
#include <ctime>

#include "harness/stage/agent/agent.h"
#include "harness/stage/agent/kernel.h"

namespace sockdrill::agent {
namespace {

constexpr int kFolderItself = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr int kDeepest = 256;

/// Pids found in one walk. Those beyond the limit are found by the next: the walk is repeated until
/// no child is left.
struct PidList {
  static constexpr std::size_t kMost = 4096;
  pid_t pids[kMost];
  std::size_t count = 0;
  void add(pid_t pid) {
    if (pid > 0 && count < kMost) pids[count++] = pid;
  }
};

/// The numbers of a file that holds nothing but numbers.
void add_numbers(const char* path, PidList& list) {
  const int file = kernel::open(path, O_RDONLY);
  if (file < 0) return;
  char text[4096];
  pid_t number = 0;
  for (long count = 0; (count = kernel::read(file, text, sizeof text)) > 0;) {
    for (long i = 0; i < count; ++i) {
      const bool is_digit = text[i] >= '0' && text[i] <= '9';
      if (!is_digit) list.add(number);
      number = is_digit ? number * 10 + (text[i] - '0') : 0;
    }
  }
  kernel::close(file);
}

void add_children(pid_t pid, PidList& list) {
  char path[64];
  Writer(path, sizeof path).text("/proc/").number(static_cast<unsigned long>(pid)).text("/task");
  const int tasks = kernel::open(path, kFolderItself);
  if (tasks < 0) return;
  for_each_entry(tasks, [pid, &list](const char* thread, unsigned char) {
    char children[96];
    Writer(children, sizeof children)
        .text("/proc/")
        .number(static_cast<unsigned long>(pid))
        .text("/task/")
        .text(thread)
        .text("/children");
    add_numbers(children, list);
  });
  kernel::close(tasks);
}

/// From /proc/PID/stat: "PID (NAME) STATE PARENT ...", and a name may hold anything.
pid_t parent_of(const char* pid) {
  char path[64];
  Writer(path, sizeof path).text("/proc/").text(pid).text("/stat");
  const int file = kernel::open(path, O_RDONLY);
  if (file < 0) return 0;
  char text[512];
  const long count = kernel::read(file, text, sizeof text);
  kernel::close(file);
  long at = count - 1;
  while (at > 0 && text[at] != ')') --at;
  pid_t parent = 0;
  for (at += 4; at < count && text[at] >= '0' && text[at] <= '9'; ++at) {
    parent = parent * 10 + (text[at] - '0');
  }
  return parent;
}

/// For kernels that do not list children: everybody whose parent we are.
void add_children_by_parent(pid_t we, PidList& list) {
  const int proc = kernel::open("/proc", kFolderItself);
  if (proc < 0) return;
  for_each_entry(proc, [we, &list](const char* name, unsigned char) {
    const pid_t pid = number_in(name);
    if (pid > 0 && parent_of(name) == we) list.add(pid);
  });
  kernel::close(proc);
}

void remove_content(int folder, int depth) {
  for_each_entry(folder, [folder, depth](const char* name, unsigned char) {
    const long removed = kernel::call(SYS_unlinkat, folder, name, 0);
    if (removed != -EISDIR && removed != -EPERM) return;
    kernel::call(SYS_fchmodat, folder, name, 0700);
    const int below =
        static_cast<int>(kernel::call(SYS_openat, folder, name, kFolderItself | O_CLOEXEC));
    if (below >= 0 && depth < kDeepest) remove_content(below, depth + 1);
    if (below >= 0) kernel::close(below);
    kernel::call(SYS_unlinkat, folder, name, AT_REMOVEDIR);
  });
}

}  // namespace

void kill_descendants() {
  static PidList list;
  const auto we = static_cast<pid_t>(kernel::call(SYS_getpid));
  for (;;) {
    list.count = 0;
    add_children(we, list);
    if (list.count == 0) add_children_by_parent(we, list);
    for (std::size_t i = 0; i < list.count; ++i) {
      add_children(list.pids[i], list);
      kernel::kill(list.pids[i], SIGKILL);
    }
    // Orphans of what we kill become our children. So when wait(2) knows no child, none is left.
    bool has_reaped = false;
    pid_t reaped = 0;
    while ((reaped = kernel::reap_one(nullptr)) > 0) has_reaped = true;
    if (reaped == -ECHILD) return;
    const timespec pause{0, 200000};
    if (!has_reaped) kernel::call(SYS_nanosleep, &pause, nullptr);
  }
}

void remove_tree(const char* path) {
  // A server may have taken away even our own right to look into it.
  kernel::call(SYS_fchmodat, AT_FDCWD, path, 0700);
  const int folder = kernel::open(path, kFolderItself);
  if (folder >= 0) {
    // Reading a folder while removing from it may skip entries on some file systems.
    for (int i = 0; i < 3; ++i) {
      kernel::call(SYS_lseek, folder, 0, 0);
      remove_content(folder, 0);
    }
    kernel::close(folder);
  }
  kernel::call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

}  // namespace sockdrill::agent
