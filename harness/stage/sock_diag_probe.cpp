#include "harness/stage/sock_diag_probe.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace sockdrill {
namespace {

/// A dump ends with NLMSG_DONE, which holds 0, or with NLMSG_ERROR: ENOENT where the kernel has no
/// such module.
std::string read_answer(const OwnedFd& netlink) {
  alignas(nlmsghdr) std::array<char, 16384> answer{};
  const ssize_t count = ::recv(netlink.raw(), answer.data(), answer.size(), 0);
  if (count < 0) return describe(last_errno());
  nlmsghdr head{};
  std::memcpy(&head, answer.data(), sizeof head);
  if (head.nlmsg_type != NLMSG_ERROR) return "";
  int error = 0;
  std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
  return error == 0 ? "" : describe(Errno{-error});
}

template <typename Question>
std::string ask(const Stage& stage, const Question& question) {
  const auto netlink = stage.blocking_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  if (!netlink) return describe(netlink.error());
  struct {
    nlmsghdr head{};
    Question question{};
  } request;
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.question = question;
  if (::send(netlink->raw(), &request, sizeof request, 0) < 0) return describe(last_errno());
  return read_answer(*netlink);
}

}  // namespace

std::string probe_inet_diag(const Stage& stage, int protocol) {
  inet_diag_req_v2 question{};
  question.sdiag_family = AF_INET;
  question.sdiag_protocol = static_cast<std::uint8_t>(protocol);
  question.idiag_states = ~0U;
  return ask(stage, question);
}

std::string probe_unix_diag(const Stage& stage) {
  unix_diag_req question{};
  question.sdiag_family = AF_UNIX;
  question.udiag_states = ~0U;
  return ask(stage, question);
}

}  // namespace sockdrill
