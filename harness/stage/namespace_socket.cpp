#include "harness/stage/namespace_socket.h"

#include <sched.h>
#include <sys/socket.h>

#include "harness/base/check.h"

namespace sockdrill {

SysResult<OwnedFd> socket_in(Fd network, Fd home, int domain, int type, int protocol) {
  if (network != kNoFd && ::setns(raw(network), CLONE_NEWNET) != 0) return fail(last_errno());
  OwnedFd made{::socket(domain, type | SOCK_CLOEXEC, protocol)};
  const Errno error = last_errno();
  if (network != kNoFd) {
    SOCKDRILL_CHECK(::setns(raw(home), CLONE_NEWNET) == 0, "the way home is open");
  }
  if (!made.is_open()) return fail(error);
  return made;
}

}  // namespace sockdrill
