#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <initializer_list>

#include "harness/stage/agent/agent.h"
#include "harness/stage/agent/kernel.h"

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
    __builtin_memcpy(bytes_ + NLMSG_ALIGN(header()->nlmsg_len), data, size);
    header()->nlmsg_len = static_cast<std::uint32_t>(NLMSG_ALIGN(header()->nlmsg_len) + size);
  }
  void attribute(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&head, sizeof head);
    if (size > 0) append(data, size);
  }
  void address(std::uint16_t type, std::uint32_t host_order) {
    const std::uint32_t network_order = __builtin_bswap32(host_order);
    attribute(type, &network_order, sizeof network_order);
  }
  void text(std::uint16_t type, const char* value) { attribute(type, value, length_of(value) + 1); }
  /// Returns where the nest begins, for end_nest().
  std::size_t begin_nest(std::uint16_t type) {
    const std::size_t start = NLMSG_ALIGN(header()->nlmsg_len);
    attribute(type, nullptr, 0);
    return start;
  }
  void end_nest(std::size_t start) {
    const auto length = static_cast<std::uint16_t>(header()->nlmsg_len - start);
    __builtin_memcpy(bytes_ + start, &length, sizeof length);
  }
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_); }

 private:
  alignas(nlmsghdr) char bytes_[512] = {};
};

/// Sends one request and waits for its answer: 0 or a negative errno. rtnetlink answers at once.
long ask(int netlink, Request& request) {
  const long sent = kernel::write(netlink, request.header(), request.header()->nlmsg_len);
  if (sent < 0) return sent;
  alignas(nlmsghdr) char answer[1024];
  const long count = kernel::read(netlink, answer, sizeof answer);
  if (count < static_cast<long>(NLMSG_LENGTH(sizeof(int)))) return count < 0 ? count : -EPROTO;
  if (reinterpret_cast<const nlmsghdr*>(answer)->nlmsg_type != NLMSG_ERROR) return -EPROTO;
  int error = 0;
  __builtin_memcpy(&error, answer + NLMSG_HDRLEN, sizeof error);
  return error;
}

long bring_up(int netlink, int index) {
  ifinfomsg body{};
  body.ifi_index = index;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  Request request(RTM_NEWLINK, 0, body);
  return ask(netlink, request);
}

long add_address(int netlink, int index, std::uint32_t address, std::uint8_t prefix,
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

long add_route(int netlink, int index, std::uint32_t destination, std::uint8_t prefix) {
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

long add_link(int netlink, const char* kind) {
  ifinfomsg body{};
  body.ifi_index = kLink;
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body);
  request.text(IFLA_IFNAME, kLinkName);
  const std::size_t info = request.begin_nest(IFLA_LINKINFO);
  request.text(IFLA_INFO_KIND, kind);
  if (is_same(kind, "veth")) {
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
  const int file = kernel::open("/proc/sys/net/ipv6/conf/eth0/accept_dad", O_WRONLY);
  if (file < 0) return;
  kernel::write(file, "0", 1);
  kernel::close(file);
}

Outcome set_up_broadcast(int netlink) {
  long result = -ENOTSUP;
  for (const char* kind : {"bridge", "dummy", "veth"}) {
    if (result < 0) result = add_link(netlink, kind);
  }
  if (result < 0) return outcome_of(Step::broadcast_link, result);
  skip_duplicate_detection();
  result = bring_up(netlink, kLink);
  if (result == 0) result = add_address(netlink, kLink, kLinkAddress, 24, kLinkBroadcast);
  if (result < 0) return outcome_of(Step::broadcast_link, result);
  bring_up(netlink, kLinkPeer);  // Only a veth has one.
  // Without a route to it, 255.255.255.255 is ENETUNREACH before SO_BROADCAST is looked at.
  result = add_route(netlink, kLink, kEverybody, 32);
  if (result == 0) result = add_route(netlink, kLink, kMulticast, 4);
  return outcome_of(Step::broadcast_routes, result);
}

Outcome set_up_links(int netlink, bool wants_broadcast_link) {
  long result = bring_up(netlink, kLoopback);
  if (result < 0) return outcome_of(Step::loopback, result);
  result = add_address(netlink, kLoopback, kOrdinary, 32, 0);
  if (result < 0) return outcome_of(Step::ordinary_address, result);
  return wants_broadcast_link ? set_up_broadcast(netlink) : Outcome{};
}

int open_netlink() {
  return static_cast<int>(
      kernel::call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

}  // namespace

long try_link(const char* kind) {
  const int netlink = open_netlink();
  if (netlink < 0) return netlink;
  const long result = add_link(netlink, kind);
  kernel::close(netlink);
  return result;
}

Outcome set_up_network(bool wants_broadcast_link) {
  const int netlink = open_netlink();
  if (netlink < 0) return outcome_of(Step::loopback, netlink);
  const Outcome outcome = set_up_links(netlink, wants_broadcast_link);
  kernel::close(netlink);
  return outcome;
}

}  // namespace sockdrill::agent
