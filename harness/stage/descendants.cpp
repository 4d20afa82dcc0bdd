#include "harness/stage/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

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

/// A file of /proc that fits into a page, with one read(2): this is asked for at every look at a
/// server. Empty when it is gone.
std::string_view read_page(const std::string& path, std::array<char, 4096>& page) {
  const OwnedFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return {};
  const ssize_t count = ::read(file.raw(), page.data(), page.size());
  return {page.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

struct Stat {
  char state = 'X';
  pid_t parent = -1;
  int threads = 0;

  /// A process whose main thread has ended looks like a zombie, and lives while others run.
  [[nodiscard]] bool is_live() const { return state != 'X' && (state != 'Z' || threads > 1); }
};

/// Of /proc/PID/stat, whose second field may hold anything in its parentheses.
Stat parse_stat(std::string_view text) {
  constexpr std::size_t kParent = 1;  // Counted from the state.
  constexpr std::size_t kThreads = 17;
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos || name_end + 2 == text.size()) return {};
  text.remove_prefix(name_end + 2);
  Stat stat{.state = text.front()};
  for (std::size_t field = 1; field <= kThreads; ++field) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return {};
    text.remove_prefix(space + 1);
    if (field != kParent && field != kThreads) continue;
    std::from_chars(text.data(), text.data() + text.size(),
                    field == kParent ? stat.parent : stat.threads);
  }
  return stat;
}

Stat stat_of(pid_t pid) {
  std::array<char, 4096> page;
  return parse_stat(read_page("/proc/" + std::to_string(pid) + "/stat", page));
}

void append_children(pid_t pid, pid_t thread, std::vector<pid_t>& into) {
  const std::string path =
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/children";
  std::array<char, 4096> page;
  std::string_view text = read_page(path, page);
  SysResult<std::string> whole;
  // Hundreds of children do not fit.
  if (text.size() > page.size() / 4) {
    whole = read_file(path);
    text = whole ? std::string_view(*whole) : std::string_view();
  }
  for (const pid_t child : numbers_in(text)) into.push_back(child);
}

void append_children_of_threads(pid_t pid, std::vector<pid_t>& into) {
  std::vector<pid_t> found;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const pid_t thread : numbered_entries(tasks)) append_children(pid, thread, found);
  // The children of a thread that ends meanwhile become another's.
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  into.insert(into.end(), found.begin(), found.end());
}

bool kernel_lists_children() {
  static const bool lists_them = ::access("/proc/thread-self/children", R_OK) == 0;
  return lists_them;
}

/// For kernels without CONFIG_PROC_CHILDREN: everybody's parent, once.
std::vector<pid_t> descendants_by_parent(pid_t root) {
  std::vector<std::pair<pid_t, pid_t>> parents;
  for (const pid_t pid : numbered_entries("/proc")) {
    const Stat stat = stat_of(pid);
    if (stat.is_live()) parents.emplace_back(stat.parent, pid);
  }
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
  std::vector<pid_t> live;
  std::vector<pid_t> found;
  append_children(root, root, found);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const pid_t pid = found[i];
    const Stat stat = stat_of(pid);
    if (!stat.is_live()) continue;
    live.push_back(pid);
    if (stat.threads == 1) {
      append_children(pid, pid, found);
    } else {
      append_children_of_threads(pid, found);
    }
  }
  return live;
}

}  // namespace

bool has_main_thread_ended(Fd stat) {
  std::array<char, 4096> page;
  const ssize_t count = ::pread(raw(stat), page.data(), page.size(), 0);
  const char state =
      parse_stat({page.data(), count > 0 ? static_cast<std::size_t>(count) : 0}).state;
  return state == 'Z' || state == 'X';
}

std::vector<pid_t> live_descendants(pid_t root) {
  return kernel_lists_children() ? descendants_by_children(root) : descendants_by_parent(root);
}

std::vector<pid_t> live_processes_with(const std::string& environment_word) {
  std::vector<pid_t> found;
  const std::string sought = environment_word + '\0';
  for (const pid_t pid : numbered_entries("/proc")) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/environ");
    if (!text || !stat_of(pid).is_live()) continue;
    const bool has_it = text->starts_with(sought) || text->find('\0' + sought) != std::string::npos;
    if (has_it) found.push_back(pid);
  }
  return found;
}

}  // namespace sockdrill
