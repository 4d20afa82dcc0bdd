#include "harness/stage/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "harness/base/deadline.h"
#include "harness/base/try.h"
#include "harness/stage/stage.h"

namespace sockdrill {
namespace {

constexpr auto kProbeLimit = std::chrono::seconds(30);

Result<std::string> find_agent() {
  std::string folder;
  if (const char* chosen = std::getenv("SOCKDRILL_LIBEXEC"); chosen != nullptr && *chosen != '\0') {
    folder = chosen;
  } else {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return fail("/proc/self/exe: " + error.message());
    folder = (self.parent_path().parent_path() / "libexec/sockdrill").string();
  }
  const std::string path = folder + "/sockdrill-agent";
  if (::access(path.c_str(), X_OK) != 0) {
    return fail(
        fmt::format("{}: {}; it belongs to this program (SOCKDRILL_LIBEXEC names the folder "
                    "if it was moved)",
                    path, describe(last_errno())));
  }
  return path;
}

Result<void> write_proc(const std::string& path, const std::string& text) {
  const OwnedFd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file.is_open() || ::write(file.raw(), text.data(), text.size()) < 0) {
    return fail(fmt::format("{}: {}", path, describe(last_errno())));
  }
  return {};
}

/// The sock_diag dump of the watch walks this table; the host's has 262,144 buckets. Namespaces
/// that are made from here inherit the wish. Where /proc/sys is read-only, the dump is slower, no
/// more.
void wish_for_small_hash_tables() {
  static_cast<void>(write_proc("/proc/sys/net/ipv4/tcp_child_ehash_entries", "1024"));
}

/// Makes us root of a user namespace of our own, whoever we were.
Result<void> enter_user_namespace() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return fail("user namespace: " + describe(last_errno()));
  }
  static_cast<void>(write_proc("/proc/self/setgroups", "deny"));
  TRY_VOID(write_proc("/proc/self/uid_map", fmt::format("0 {} 1", user)));
  TRY_VOID(write_proc("/proc/self/gid_map", fmt::format("0 {} 1", group)));
  return {};
}

Result<OwnedFd> enter_network_namespace() {
  if (::unshare(CLONE_NEWNET) != 0) TRY_VOID(enter_user_namespace());
  wish_for_small_hash_tables();
  OwnedFd network{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!network.is_open()) return fail("/proc/thread-self/ns/net: " + describe(last_errno()));
  return network;
}

/// Everything a stage needs, tried for real. Leaves the process in another namespace.
Result<void> try_a_stage(Home& home) {
  home.network = TRY(enter_network_namespace());
  home.isolated = true;
  const std::unique_ptr<Stage> stage = TRY(Stage::open(home, {}));
  if (!stage->close(Deadline::after(kProbeLimit))) return fail("a stage did not end");
  return {};
}

std::string read_to_end(Fd fd, Deadline deadline) {
  std::string text;
  std::array<char, 1024> chunk{};
  for (;;) {
    pollfd wait{raw(fd), POLLIN, 0};
    if (::poll(&wait, 1, deadline.left_ms()) == 0) return "the trial took too long";
    const ssize_t count = ::read(raw(fd), chunk.data(), chunk.size());
    if (count == 0) return text;
    if (count > 0) text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

/// Tries in a child, so that we ourselves stay in the host's namespaces where a stage cannot be
/// had. Empty when all went well; otherwise what the kernel said. One thread only: it forks.
std::string probe_isolation(const std::string& agent_path) {
  SysResult<Pipe> pipe = make_pipe();
  if (!pipe) return "pipe: " + describe(pipe.error());
  const pid_t child = ::fork();
  if (child < 0) return "fork: " + describe(last_errno());
  if (child == 0) {
    Home trial;
    trial.agent_path = agent_path;
    const Result<void> outcome = try_a_stage(trial);
    const std::string text = outcome ? "" : outcome.error().message;
    static_cast<void>(!::write(pipe->write_end.raw(), text.data(), text.size()));
    ::_exit(outcome ? 0 : 1);
  }
  pipe->write_end.reset();
  std::string text = read_to_end(pipe->read_end.get(), Deadline::after(kProbeLimit));
  static_cast<void>(::kill(child, SIGKILL));
  int status = 0;
  static_cast<void>(::waitpid(child, &status, 0));
  if (text.empty() && status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
    return "the trial crashed";
  }
  return text;
}

bool is_set(const std::string& path, char value) {
  const auto text = read_small_file(path);
  return text && !text->empty() && text->front() == value;
}

/// What a person can do about it.
std::string advice() {
  if (is_set("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1')) {
    return "; AppArmor restricts user namespaces here: allow them to this program with a profile "
           "that says 'userns,', or run sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  }
  if (is_set("/proc/sys/kernel/unprivileged_userns_clone", '0')) {
    return "; run sysctl -w kernel.unprivileged_userns_clone=1";
  }
  if (is_set("/proc/sys/user/max_user_namespaces", '0')) {
    return "; run sysctl -w user.max_user_namespaces=10000";
  }
  if (::access("/.dockerenv", F_OK) == 0 || ::access("/run/.containerenv", F_OK) == 0) {
    return "; in a container: run it with --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
           "--security-opt apparmor=unconfined";
  }
  return "";
}

std::uint64_t soft_descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

Result<Home> enter_home(bool wants_isolation) {
  Home home;
  home.agent_path = TRY(find_agent());
  home.soft_descriptors = soft_descriptor_limit();
  if (!wants_isolation) {
    home.why_degraded = "isolation was not wanted";
    return home;
  }
  const std::string refusal = probe_isolation(home.agent_path);
  if (!refusal.empty()) {
    home.why_degraded = refusal + advice();
    return home;
  }
  auto network = enter_network_namespace();
  if (!network) {
    home.why_degraded = network.error().message + advice();
    return home;
  }
  home.network = std::move(*network);
  home.isolated = true;
  return home;
}

}  // namespace sockdrill
