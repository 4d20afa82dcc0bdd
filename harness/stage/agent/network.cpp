#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/stage/agent/agent.h"

namespace sockdrill::agent {

using protocol::Step;

namespace {

constexpr int kLoopback = 1;  ///< its index in every fresh network namespace
constexpr int kLink = 100;    ///< above the tunnels that some kernels put into each namespace
constexpr int kLinkPeer = 101;
constexpr char kLinkName[] = "eth0";

constexpr std::uint32_t kOrdinary = 0xC0000281;       // 192.0.2.129
constexpr std::uint32_t kLinkAddress = 0xC0000201;    // 192.0.2.1
constexpr std::uint32_t kLinkBroadcast = 0xC00002FF;  // 192.0.2.255
constexpr std::uint32_t kEverybody = 0xFFFFFFFF;      // 255.255.255.255
constexpr std::uint32_t kMulticast = 0xE0000000;      // 224.0.0.0

/// One request to rtnetlink, built in place.
class Request {
 public:
  template <typename Body>
  Request(std::uint16_t type, std::uint16_t flags, const Body& body) {
    header()->nlmsg_type = type;
    header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header()->nlmsg_len = NLMSG_LENGTH(0);
    append(&body, sizeof body);
  }
  void append(const void* data, std::size_t size) {
    std::memcpy(bytes_ + NLMSG_ALIGN(header()->nlmsg_len), data, size);
    header()->nlmsg_len = static_cast<std::uint32_t>(NLMSG_ALIGN(header()->nlmsg_len) + size);
  }
  void attribute(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&head, sizeof head);
    if (size > 0) append(data, size);
  }
  void address(std::uint16_t type, std::uint32_t host_order) {
    const std::uint32_t network_order = htonl(host_order);
    attribute(type, &network_order, sizeof network_order);
  }
  void text(std::uint16_t type, const char* value) {
    attribute(type, value, std::strlen(value) + 1);
  }
  /// Returns where the nest begins, for end_nest().
  std::size_t begin_nest(std::uint16_t type) {
    const std::size_t start = NLMSG_ALIGN(header()->nlmsg_len);
    attribute(type, nullptr, 0);
    return start;
  }
  void end_nest(std::size_t start) {
    const auto length = static_cast<std::uint16_t>(NLMSG_ALIGN(header()->nlmsg_len) - start);
    std::memcpy(bytes_ + start, &length, sizeof length);
  }
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_); }

 private:
  alignas(nlmsghdr) char bytes_[512] = {};
};

/// Sends one request and waits for its answer: 0 or an errno. rtnetlink answers at once.
int ask(int netlink, Request& request) {
  if (::send(netlink, request.header(), request.header()->nlmsg_len, 0) < 0) return errno;
  alignas(nlmsghdr) char answer[1024];
  if (::recv(netlink, answer, sizeof answer, 0) < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(int)))) {
    return EPROTO;
  }
  const auto* head = reinterpret_cast<const nlmsghdr*>(answer);
  if (head->nlmsg_type != NLMSG_ERROR) return EPROTO;
  int error = 0;
  std::memcpy(&error, answer + NLMSG_HDRLEN, sizeof error);
  return -error;
}

int bring_up(int netlink, int index) {
  ifinfomsg body{};
  body.ifi_index = index;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  Request request(RTM_NEWLINK, 0, body);
  return ask(netlink, request);
}

int add_address(int netlink, int index, std::uint32_t address, std::uint8_t prefix,
                std::uint32_t broadcast) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = prefix;
  body.ifa_index = static_cast<std::uint32_t>(index);
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  request.address(IFA_LOCAL, address);
  request.address(IFA_ADDRESS, address);
  if (broadcast != 0) request.address(IFA_BROADCAST, broadcast);
  return ask(netlink, request);
}

int add_route(int netlink, int index, std::uint32_t destination, std::uint8_t prefix) {
  rtmsg body{};
  body.rtm_family = AF_INET;
  body.rtm_dst_len = prefix;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body);
  request.address(RTA_DST, destination);
  request.attribute(RTA_OIF, &index, sizeof index);
  return ask(netlink, request);
}

int add_link(int netlink, const char* kind) {
  ifinfomsg body{};
  body.ifi_index = kLink;
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body);
  request.text(IFLA_IFNAME, kLinkName);
  const std::size_t info = request.begin_nest(IFLA_LINKINFO);
  request.text(IFLA_INFO_KIND, kind);
  if (std::strcmp(kind, "veth") == 0) {
    const std::size_t data = request.begin_nest(IFLA_INFO_DATA);
    const std::size_t peer = request.begin_nest(VETH_INFO_PEER);
    ifinfomsg peer_body{};
    peer_body.ifi_index = kLinkPeer;
    request.append(&peer_body, sizeof peer_body);
    request.end_nest(peer);
    request.end_nest(data);
  }
  request.end_nest(info);
  return ask(netlink, request);
}

/// Without duplicate address detection, so that IPv6 works at once. A read-only /proc/sys is no
/// harm: the address is then usable a second later.
void skip_duplicate_detection() {
  const int file = ::open("/proc/sys/net/ipv6/conf/eth0/accept_dad", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  static_cast<void>(::write(file, "0", 1));
  static_cast<void>(::close(file));
}

Outcome fail_with(Step step, int error) {
  errno = error;
  return failure(step);
}

Outcome set_up_broadcast(int netlink) {
  int error = 0;
  for (const char* kind : {"bridge", "dummy", "veth"}) {
    error = add_link(netlink, kind);
    if (error == 0) break;
  }
  if (error != 0) return fail_with(Step::broadcast_link, error);
  skip_duplicate_detection();
  error = bring_up(netlink, kLink);
  if (error == 0) error = add_address(netlink, kLink, kLinkAddress, 24, kLinkBroadcast);
  if (error != 0) return fail_with(Step::broadcast_link, error);
  static_cast<void>(bring_up(netlink, kLinkPeer));  // Only a veth has one.
  // Without a route to it, 255.255.255.255 is ENETUNREACH before SO_BROADCAST is looked at.
  error = add_route(netlink, kLink, kEverybody, 32);
  if (error == 0) error = add_route(netlink, kLink, kMulticast, 4);
  if (error != 0) return fail_with(Step::broadcast_routes, error);
  return {};
}

Outcome set_up_links(int netlink, bool wants_broadcast_link) {
  if (const int error = bring_up(netlink, kLoopback)) return fail_with(Step::loopback, error);
  if (const int error = add_address(netlink, kLoopback, kOrdinary, 32, 0)) {
    return fail_with(Step::ordinary_address, error);
  }
  if (wants_broadcast_link) return set_up_broadcast(netlink);
  return {};
}

}  // namespace

Outcome set_up_network(bool wants_broadcast_link) {
  const int netlink = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (netlink < 0) return failure(Step::loopback);
  const Outcome outcome = set_up_links(netlink, wants_broadcast_link);
  static_cast<void>(::close(netlink));
  return outcome;
}

}  // namespace sockdrill::agent
