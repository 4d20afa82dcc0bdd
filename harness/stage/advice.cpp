#include "harness/stage/advice.h"

#include <unistd.h>

#include "harness/base/fd.h"

namespace sockdrill {
namespace {

bool is_set(const std::string& path, char value) {
  const auto text = read_file(path);
  return text && !text->empty() && text->front() == value;
}

}  // namespace

std::string namespace_advice() {
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

}  // namespace sockdrill
