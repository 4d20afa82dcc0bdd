// The gate: fork(2), clone(2) and their kin in a server wait for our word, which is that they may,
// or EAGAIN. So the limit of processes can be reached and lifted while a server runs, whoever runs
// it: RLIMIT_NPROC does not bind root, and a cgroup is seldom ours to set.
//
// It is seccomp's user notification (Linux 5.5). A caller that waits here is asleep, and can be
// interrupted by a signal until we have taken its request in, which fork(2) by itself cannot; that
// is over in some microseconds.

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "harness/stage/agent/agent.h"
#include "harness/stage/agent/kernel.h"

namespace sockdrill::agent {

using protocol::Step;

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kOurMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kOurMachine = AUDIT_ARCH_AARCH64;
#endif

/// Since Linux 5.19: once we have taken a request in, only a fatal signal ends the wait.
constexpr unsigned long kWaitKillable = 1UL << 5U;
/// The kernel's structs may grow (SECCOMP_GET_NOTIF_SIZES); these have room.
constexpr std::size_t kRequestBytes = 256;

constexpr sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
/// Skips so many statements where the value is this one.
constexpr sock_filter skip_if(long value, std::uint8_t statements) {
  return {BPF_JMP | BPF_JEQ | BPF_K, statements, 0, static_cast<std::uint32_t>(value)};
}
constexpr sock_filter answer_with(std::uint32_t answer) { return {BPF_RET | BPF_K, 0, 0, answer}; }

long install(unsigned long flags) {
  // Programs of another machine (32 bits) number their calls otherwise, and pass.
  sock_filter statements[] = {
#if defined(__x86_64__) || defined(__aarch64__)
    load(offsetof(seccomp_data, arch)),
    skip_if(kOurMachine, 1),
    answer_with(SECCOMP_RET_ALLOW),
#endif
    load(offsetof(seccomp_data, nr)),
#if defined(SYS_fork)
    skip_if(SYS_fork, 4),
    skip_if(SYS_vfork, 3),
#endif
    skip_if(SYS_clone, 2),
    skip_if(SYS_clone3, 1),
    answer_with(SECCOMP_RET_ALLOW),
    answer_with(SECCOMP_RET_USER_NOTIF),
  };
  const sock_fprog program{sizeof statements / sizeof statements[0], statements};
  return kernel::call(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &program);
}

}  // namespace

long install_gate() {
  long gate = install(kWaitKillable);
  if (gate == -EINVAL) gate = install(0);
  if (gate != -EACCES) return gate;
  // Without rights in our user namespace the kernel asks for a promise to gain none at exec.
  kernel::call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  gate = install(kWaitKillable);
  return gate == -EINVAL ? install(0) : gate;
}

long hand_over_gate(int gate, int to) {
  char nothing = 0;
  iovec part{&nothing, 1};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof gate)] = {};
  auto* header = reinterpret_cast<cmsghdr*>(ancillary);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof gate);
  __builtin_memcpy(CMSG_DATA(header), &gate, sizeof gate);
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  return kernel::call(SYS_sendmsg, to, &message, MSG_NOSIGNAL);
}

int take_gate_over(int from) {
  char nothing = 0;
  iovec part{&nothing, 1};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  if (kernel::call(SYS_recvmsg, from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0) return -1;
  const auto* header = reinterpret_cast<const cmsghdr*>(ancillary);
  if (message.msg_controllen < CMSG_LEN(sizeof(int)) || header->cmsg_type != SCM_RIGHTS) return -1;
  int gate = -1;
  __builtin_memcpy(&gate, CMSG_DATA(header), sizeof gate);
  return gate;
}

long answer_at_gate(int gate, bool refuses) {
  alignas(seccomp_notif) char request_bytes[kRequestBytes] = {};
  auto* request = reinterpret_cast<seccomp_notif*>(request_bytes);
  // ENOENT: who asked has died meanwhile.
  const long taken = kernel::call(SYS_ioctl, gate, SECCOMP_IOCTL_NOTIF_RECV, request);
  if (taken < 0) return taken;
  alignas(seccomp_notif_resp) char answer_bytes[kRequestBytes] = {};
  auto* answer = reinterpret_cast<seccomp_notif_resp*>(answer_bytes);
  answer->id = request->id;
  answer->error = refuses ? -EAGAIN : 0;
  answer->flags = refuses ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  return kernel::call(SYS_ioctl, gate, SECCOMP_IOCTL_NOTIF_SEND, answer);
}

}  // namespace sockdrill::agent
