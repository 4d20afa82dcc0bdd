#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/stage/agent/agent.h"

namespace sockdrill::agent {

using protocol::Step;

namespace {

/// Resolvable everywhere without DNS, so that a server which looks up its own name gets an answer.
constexpr char kHostname[] = "localhost";
constexpr char kTempName[] = "/sockdrill";

bool exists(const char* path) { return ::access(path, F_OK) == 0; }

bool mount_tmpfs(const char* where, const char* options) {
  return ::mount("tmpfs", where, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

bool make_temp_below(const char* parent, TempFolder& temp) {
  std::strcpy(temp.path, parent);
  std::strcat(temp.path, kTempName);
  // Servers that drop privileges must be able to write here; nobody else can see it.
  return ::mkdir(temp.path, 0777) == 0 && ::chmod(temp.path, 01777) == 0;
}

/// NixOS runs everything from /run/current-system: hiding it would hide the server.
bool must_keep_run(const protocol::SetUp& wishes) {
  return wishes.keep_run != 0 || exists("/run/current-system");
}

/// Servers expect their folder in /run, and only their folder: its content would lead them to the
/// sockets of the host's services.
void copy_folders(int from, int to) {
  DIR* entries = ::fdopendir(from);
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries)) {
    struct stat info {};
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    if (::fstatat(from, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (::mkdirat(to, entry->d_name, 0700) != 0) continue;
    static_cast<void>(::fchownat(to, entry->d_name, info.st_uid, info.st_gid, 0));
    static_cast<void>(::fchmodat(to, entry->d_name, info.st_mode & 07777, 0));
  }
  static_cast<void>(::closedir(entries));
}

bool make_private_run() {
  const int before = ::open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (before < 0) return false;
  if (!mount_tmpfs("/run", "mode=0755,size=1g")) {
    static_cast<void>(::close(before));
    return false;
  }
  const int after = ::open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  copy_folders(before, after);
  static_cast<void>(::close(after));
  return true;
}

Outcome make_temp_folder(const protocol::SetUp& wishes, TempFolder& temp) {
  const bool has_run = !must_keep_run(wishes) && make_private_run();
  const bool has_shm = mount_tmpfs("/dev/shm", "mode=1777,size=1g");
  if (has_run && make_temp_below("/run", temp)) return {};
  if (has_shm && make_temp_below("/dev/shm", temp)) return {};
  // The last resort hides programs that live in /tmp; a machine without /run and /dev/shm is rare.
  if (mount_tmpfs("/tmp", "mode=1777,size=1g") && make_temp_below("/tmp", temp)) return {};
  return failure(Step::temp_folder);
}

}  // namespace

Outcome failure(Step step) { return Outcome{step, errno}; }

Outcome set_up_isolated(const protocol::SetUp& wishes, TempFolder& temp) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return failure(Step::private_mounts);
  }
  // Containers with a masked /proc refuse this. The outer /proc then stays: /proc/self still works.
  static_cast<void>(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr));
  if (const Outcome outcome = make_temp_folder(wishes, temp); outcome.failed()) return outcome;
  if (::sethostname(kHostname, sizeof kHostname - 1) != 0) return failure(Step::hostname);
  return set_up_network(wishes.broadcast_link != 0);
}

Outcome set_up_degraded(const protocol::SetUp& wishes, TempFolder& temp) {
  // Orphans of the server come to us instead of to the machine's init.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return failure(Step::subreaper);
  // A server that stops its parent cannot keep us from cleaning up after the stage has died: when
  // our parent goes, this wakes us. (It also comes when merely a thread of it ends: harmless.)
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0));
  static_cast<void>(::setsid());
  const char name[] = "/sockdrill-XXXXXX";
  if (std::strlen(wishes.temp_parent) + sizeof name > sizeof temp.path) {
    errno = ENAMETOOLONG;
    return failure(Step::temp_folder);
  }
  std::strcpy(temp.path, wishes.temp_parent);
  std::strcat(temp.path, name);
  if (::mkdtemp(temp.path) == nullptr) return failure(Step::temp_folder);
  return {};
}

}  // namespace sockdrill::agent
