#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/stage/agent/agent.h"

namespace sockdrill::agent {
namespace {

constexpr std::size_t kPidsAtOnce = 4096;

/// Pids found in one walk. Those beyond the limit are found by the next: the walk is repeated until
/// no child is left.
struct PidList {
  pid_t pids[kPidsAtOnce];
  std::size_t count = 0;
  void add(pid_t pid) {
    if (count < kPidsAtOnce) pids[count++] = pid;
  }
};

/// Writes "/proc/PID/task" or "/proc/PID/task/TID/children".
void name_task_file(char* path, pid_t pid, pid_t thread) {
  const auto put_number = [&path](pid_t number) {
    char digits[16];
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    while (count > 0) *path++ = digits[--count];
  };
  const auto put_text = [&path](const char* text) {
    while (*text != '\0') *path++ = *text++;
  };
  put_text("/proc/");
  put_number(pid);
  put_text("/task");
  if (thread > 0) {
    put_text("/");
    put_number(thread);
    put_text("/children");
  }
  *path = '\0';
}

void add_numbers(int file, PidList& list) {
  char text[4096];
  pid_t number = 0;
  for (;;) {
    const ssize_t count = ::read(file, text, sizeof text);
    if (count <= 0) return;
    for (ssize_t i = 0; i < count; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        number = number * 10 + (text[i] - '0');
      } else {
        if (number > 0) list.add(number);
        number = 0;
      }
    }
  }
}

pid_t number_of(const char* name) {
  pid_t number = 0;
  for (; *name >= '0' && *name <= '9'; ++name) number = number * 10 + (*name - '0');
  return *name == '\0' ? number : 0;
}

void add_children(pid_t pid, PidList& list) {
  char path[64];
  name_task_file(path, pid, 0);
  DIR* tasks = ::opendir(path);
  if (tasks == nullptr) return;
  while (const dirent* entry = ::readdir(tasks)) {
    const pid_t thread = number_of(entry->d_name);
    if (thread <= 0) continue;
    name_task_file(path, pid, thread);
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    add_numbers(file, list);
    static_cast<void>(::close(file));
  }
  static_cast<void>(::closedir(tasks));
}

/// Removes what `folder` holds; closes it.
void remove_content(int folder, int depth) {
  constexpr int kDeepest = 256;
  DIR* entries = ::fdopendir(folder);
  if (entries == nullptr) {
    static_cast<void>(::close(folder));
    return;
  }
  while (const dirent* entry = ::readdir(entries)) {
    const char* name = entry->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    if (::unlinkat(folder, name, 0) == 0 || (errno != EISDIR && errno != EPERM)) continue;
    static_cast<void>(::fchmodat(folder, name, 0700, 0));
    const int below = ::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below >= 0 && depth < kDeepest) remove_content(below, depth + 1);
    static_cast<void>(::unlinkat(folder, name, AT_REMOVEDIR));
  }
  static_cast<void>(::closedir(entries));
}

}  // namespace

void kill_descendants() {
  static PidList list;
  for (;;) {
    list.count = 0;
    add_children(::getpid(), list);
    for (std::size_t i = 0; i < list.count; ++i) {
      add_children(list.pids[i], list);
      static_cast<void>(::kill(list.pids[i], SIGKILL));
    }
    // Orphans of what we kill become our children. So when wait(2) knows no child, none is left.
    bool has_reaped = false;
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG)) > 0) has_reaped = true;
    if (reaped < 0 && errno == ECHILD) return;
    const timespec pause{0, 200000};
    if (!has_reaped) static_cast<void>(::nanosleep(&pause, nullptr));
  }
}

void remove_tree(const char* path) {
  // A server may have taken away even our own right to look into it.
  static_cast<void>(::chmod(path, 0700));
  const int folder = ::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder >= 0) remove_content(folder, 0);
  static_cast<void>(::rmdir(path));
}

}  // namespace sockdrill::agent
