#include <sys/mount.h>
#include <sys/prctl.h>

#include <csignal>

#include "harness/stage/agent/agent.h"
#include "harness/stage/agent/kernel.h"

namespace sockdrill::agent {

using protocol::Step;

namespace {

/// Resolvable everywhere without DNS, so that a server which looks up its own name gets an answer.
constexpr char kHostname[] = "localhost";
constexpr char kTempName[] = "/sockdrill";
using TempPath = char[protocol::kTextBytes];
constexpr int kFolder = O_RDONLY | O_DIRECTORY;

long mount(const char* what, const char* where, unsigned long flags, const char* options) {
  return kernel::call(SYS_mount, what, where, what, flags, options);
}

long mount_tmpfs(const char* where, const char* options) {
  return mount("tmpfs", where, MS_NOSUID | MS_NODEV, options);
}

/// Servers that drop privileges must be able to write here; nobody else can see it.
long make_temp_below(const char* parent, TempPath& temp) {
  Writer(temp, sizeof temp).text(parent).text(kTempName);
  return kernel::call(SYS_mkdirat, AT_FDCWD, temp, 01777);
}

/// NixOS runs everything from /run/current-system: hiding it would hide the server.
bool must_keep_run(const protocol::SetUp& wishes) {
  return wishes.keep_run != 0 || kernel::exists("/run/current-system");
}

void copy_folder(int from, int to, const char* name) {
  struct statx info {};
  if (kernel::call(SYS_statx, from, name, AT_SYMLINK_NOFOLLOW, STATX_MODE | STATX_UID | STATX_GID,
                   &info) < 0) {
    return;
  }
  if (kernel::call(SYS_mkdirat, to, name, info.stx_mode & 01777) < 0) return;
  if ((info.stx_uid | info.stx_gid) != 0) {
    kernel::call(SYS_fchownat, to, name, info.stx_uid, info.stx_gid, 0);
    kernel::call(SYS_fchmodat, to, name, info.stx_mode & 07777);
  }
}

/// Servers expect their folder in /run, and only their folder: its content would lead them to the
/// sockets of the host's services.
long make_private_run() {
  const int before = kernel::open("/run", kFolder);
  if (before < 0) return before;
  const long mounted = mount_tmpfs("/run", "mode=0755,size=1g");
  if (mounted == 0) {
    const int after = kernel::open("/run", kFolder);
    for_each_entry(before, [before, after](const char* name, unsigned char type) {
      if (type == DT_DIR && name[0] != '.') copy_folder(before, after, name);
    });
    kernel::close(after);
  }
  kernel::close(before);
  return mounted;
}

Outcome make_temp_folder(const protocol::SetUp& wishes, TempPath& temp) {
  const bool has_run = !must_keep_run(wishes) && make_private_run() == 0;
  const bool has_shm = mount_tmpfs("/dev/shm", "mode=1777,size=1g") == 0;
  if (has_run && make_temp_below("/run", temp) == 0) return {};
  if (has_shm && make_temp_below("/dev/shm", temp) == 0) return {};
  // The last resort hides programs that live in /tmp; a machine without /run and /dev/shm is rare.
  const long mounted = mount_tmpfs("/tmp", "mode=1777,size=1g");
  return outcome_of(Step::temp_folder, mounted < 0 ? mounted : make_temp_below("/tmp", temp));
}

}  // namespace

Outcome set_up_isolated(const protocol::SetUp& wishes, TempPath& temp) {
  Outcome outcome =
      outcome_of(Step::private_mounts, mount(nullptr, "/", MS_REC | MS_PRIVATE, nullptr));
  if (outcome.failed()) return outcome;
  // Containers with a masked /proc refuse this. The outer /proc then stays: /proc/self still works.
  mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  // Modes as given; what we start shall have the umask that we were given.
  const long umask = kernel::call(SYS_umask, 0);
  outcome = make_temp_folder(wishes, temp);
  kernel::call(SYS_umask, umask);
  if (outcome.failed()) return outcome;
  outcome =
      outcome_of(Step::hostname, kernel::call(SYS_sethostname, kHostname, sizeof kHostname - 1));
  if (outcome.failed()) return outcome;
  return set_up_network(wishes.broadcast_link != 0);
}

/// As mkdtemp(3).
Outcome make_unique_folder(const char* parent, TempPath& temp) {
  constexpr int kTries = 100;
  long result = 0;
  for (int i = 0; i < kTries; ++i) {
    std::uint64_t random = 0;
    kernel::call(SYS_getrandom, &random, sizeof random, 0);
    Writer path(temp, sizeof temp);
    path.text(parent).text("/sockdrill-").number(random);
    if (path.is_full()) return {Step::temp_folder, ENAMETOOLONG};
    result = kernel::call(SYS_mkdirat, AT_FDCWD, temp, 0700);
    if (result != -EEXIST) break;
  }
  return outcome_of(Step::temp_folder, result);
}

Outcome set_up_degraded(const protocol::SetUp& wishes, TempPath& temp) {
  // Orphans of the server come to us instead of to the machine's init.
  const Outcome outcome = outcome_of(Step::subreaper, kernel::prctl(PR_SET_CHILD_SUBREAPER, 1));
  if (outcome.failed()) return outcome;
  // A server that stops its parent cannot keep us from cleaning up after the stage has died: when
  // our parent goes, this wakes us. (It also comes when merely a thread of it ends: harmless.)
  kernel::prctl(PR_SET_PDEATHSIG, SIGCONT);
  kernel::call(SYS_setsid);
  return make_unique_folder(wishes.temp_parent, temp);
}

}  // namespace sockdrill::agent
