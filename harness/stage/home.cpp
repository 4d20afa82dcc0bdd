#include "harness/stage/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "harness/base/deadline.h"
#include "harness/base/try.h"
#include "harness/stage/advice.h"
#include "harness/stage/agent/agent.h"
#include "harness/stage/stage.h"
#include "harness/stage/trial.h"

namespace sockdrill {
namespace {

constexpr auto kEndLimit = std::chrono::seconds(10);

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

/// The sock_diag dump of the watch walks these tables; the host's may have 262,144 buckets.
/// Namespaces that are made from here inherit the wish. Where /proc/sys is read-only, the dump is
/// slower, no more.
void wish_for_small_hash_tables() {
  static_cast<void>(write_proc("/proc/sys/net/ipv4/tcp_child_ehash_entries", "1024"));
  static_cast<void>(write_proc("/proc/sys/net/ipv4/udp_child_hash_entries", "1024"));  // Linux 6.2
}

/// Makes us root of a user namespace of our own, whoever we were. The maps name us as we were
/// before.
Result<void> enter_user_namespace() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return fail("user namespace: " + describe(last_errno()));
  }
  static_cast<void>(write_proc("/proc/self/setgroups", "deny"));
  TRY_VOID(write_proc("/proc/self/uid_map", fmt::format("0 {} 1", user)));
  TRY_VOID(write_proc("/proc/self/gid_map", fmt::format("0 {} 1", group)));
  // The change took this away, and with it debuggers and LeakSanitizer.
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  return {};
}

enum class Way { directly, as_user };

Result<OwnedFd> enter_network_namespace(Way way) {
  if (way == Way::as_user) {
    TRY_VOID(enter_user_namespace());
  } else if (::unshare(CLONE_NEWNET) != 0) {
    return fail("network namespace: " + describe(last_errno()));
  }
  wish_for_small_hash_tables();
  // For whatever of ours wants to talk to itself; a stage does not need it.
  static_cast<void>(agent::set_up_network(false));
  OwnedFd network{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!network.is_open()) return fail("/proc/thread-self/ns/net: " + describe(last_errno()));
  return network;
}

/// Everything a stage needs, tried for real. Leaves the process in another namespace.
Result<void> try_a_stage(const std::string& agent_path, Way way) {
  Home home;
  home.agent_path = agent_path;
  home.network = TRY(enter_network_namespace(way));
  home.isolated = true;
  const std::unique_ptr<Stage> stage = TRY(Stage::open(home, {}));
  if (!stage->close(Deadline::after(kEndLimit))) return fail("a stage did not end");
  return {};
}

bool has_several_threads() {
  std::error_code ignored;
  const std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
  return std::distance(begin(tasks), end(tasks)) > 1;
}

/// The way that leads to a stage: directly where we are root enough, else by a user namespace (a
/// root of a container may be allowed namespaces, and not what must be done inside). Tried in
/// children, so that we ourselves stay in the host's namespaces where stages cannot be had.
Result<Way> find_way(const std::string& agent_path) {
  std::string refusal;
  for (const Way way : {Way::directly, Way::as_user}) {
    // unshare(2): EINVAL.
    if (way == Way::as_user && has_several_threads()) {
      return fail(
          "only a process of one thread can enter a user namespace, and this one has more "
          "(ThreadSanitizer adds one)");
    }
    refusal = try_in_child([&agent_path, way] {
      const Result<void> outcome = try_a_stage(agent_path, way);
      return outcome ? std::string() : outcome.error().message;
    });
    if (refusal.empty()) return way;
  }
  return fail(refusal + namespace_advice());
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
  const Result<Way> way = find_way(home.agent_path);
  auto network = way ? enter_network_namespace(*way) : tl::unexpected<Error>(way.error());
  if (!network) {
    home.why_degraded = network.error().message;
    return home;
  }
  home.network = std::move(*network);
  home.isolated = true;
  return home;
}

}  // namespace sockdrill
