#include "harness/stage/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

#include "harness/base/fd.h"

namespace sockdrill {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using OpenDir = std::unique_ptr<DIR, DirCloser>;

/// The names of a folder that are numbers: pids or tids.
std::vector<pid_t> numbered_entries(const std::string& path) {
  std::vector<pid_t> numbers;
  const OpenDir dir{::opendir(path.c_str())};
  if (!dir) return numbers;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name{entry->d_name};
    pid_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

std::vector<pid_t> numbers_in(std::string_view text) {
  std::vector<pid_t> numbers;
  const char* next = text.data();
  const char* const end = next + text.size();
  while (next != end) {
    pid_t number = 0;
    const auto parsed = std::from_chars(next, end, number);
    if (parsed.ec == std::errc{}) numbers.push_back(number);
    next = parsed.ptr == next ? next + 1 : parsed.ptr;
  }
  return numbers;
}

/// State and parent from /proc/PID/stat, whose second field may hold anything in its parentheses.
struct Stat {
  char state = '?';
  pid_t parent = -1;
};

Stat stat_of(pid_t pid) {
  const auto text = read_small_file("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return {};
  const std::size_t after_name = text->rfind(')');
  if (after_name == std::string::npos || after_name + 4 >= text->size()) return {};
  Stat stat{.state = (*text)[after_name + 2]};
  std::from_chars(text->data() + after_name + 4, text->data() + text->size(), stat.parent);
  return stat;
}

bool is_live(pid_t pid) {
  const char state = stat_of(pid).state;
  return state != '?' && state != 'Z' && state != 'X';
}

void append_children(pid_t pid, std::vector<pid_t>& into) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const pid_t thread : numbered_entries(tasks)) {
    const auto text = read_small_file(tasks + "/" + std::to_string(thread) + "/children");
    if (!text) continue;
    for (const pid_t child : numbers_in(*text)) into.push_back(child);
  }
}

bool kernel_lists_children() {
  static const bool lists_them = ::access("/proc/thread-self/children", R_OK) == 0;
  return lists_them;
}

/// For kernels without CONFIG_PROC_CHILDREN: everybody's parent, once.
std::vector<pid_t> descendants_by_parent(pid_t root) {
  std::vector<std::pair<pid_t, pid_t>> parents;
  for (const pid_t pid : numbered_entries("/proc")) parents.emplace_back(stat_of(pid).parent, pid);
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& [parent, pid] : parents) {
      if (parent == found[i]) found.push_back(pid);
    }
  }
  found.erase(found.begin());
  return found;
}

std::vector<pid_t> descendants_by_children(pid_t root) {
  std::vector<pid_t> found;
  append_children(root, found);
  for (std::size_t i = 0; i < found.size(); ++i) append_children(found[i], found);
  return found;
}

}  // namespace

std::vector<pid_t> live_descendants(pid_t root) {
  std::vector<pid_t> found =
      kernel_lists_children() ? descendants_by_children(root) : descendants_by_parent(root);
  std::erase_if(found, [](pid_t pid) { return !is_live(pid); });
  return found;
}

std::vector<pid_t> live_processes_with(const std::string& environment_word) {
  std::vector<pid_t> found;
  const std::string sought = environment_word + '\0';
  for (const pid_t pid : numbered_entries("/proc")) {
    const auto text = read_small_file("/proc/" + std::to_string(pid) + "/environ");
    if (!text || !is_live(pid)) continue;
    const bool has_it = text->starts_with(sought) || text->find('\0' + sought) != std::string::npos;
    if (has_it) found.push_back(pid);
  }
  return found;
}

}  // namespace sockdrill
