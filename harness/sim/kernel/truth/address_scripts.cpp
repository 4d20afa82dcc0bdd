#include <netinet/in.h>

#include <fmt/format.h>

#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {

namespace {

struct Wish {
  const char* address;
  bool reuse_address = false;
  bool reuse_port = false;
  bool only_ipv6 = false;
};

int family_of(const char* address) {
  return std::string(address).find(':') == std::string::npos ? AF_INET : AF_INET6;
}

int wish_socket(Script& s, int type, const Wish& wish) {
  const int fd = static_cast<int>(s.host.socket(family_of(wish.address), type, 0));
  s.option(fd, SOL_SOCKET, SO_REUSEADDR, wish.reuse_address ? 1 : 0);
  s.option(fd, SOL_SOCKET, SO_REUSEPORT, wish.reuse_port ? 1 : 0);
  if (family_of(wish.address) == AF_INET6)
    s.option(fd, IPPROTO_IPV6, IPV6_V6ONLY, wish.only_ipv6 ? 1 : 0);
  return fd;
}

/// Every pair of these, the second bound to the first one's port.
const std::vector<Wish> kWishes = {
    {"0.0.0.0"},
    {"127.0.0.1"},
    {"127.0.0.2"},
    {"::"},
    {"::", false, false, true},
    {"::1"},
    {"0.0.0.0", true},
    {"127.0.0.1", true},
    {"::", true},
    {"0.0.0.0", false, true},
    {"::", false, true},
    {"127.0.0.1", true, true},
};

void play_pairs(Script& s, int type, bool first_listens, bool second_listens) {
  for (const Wish& first : kWishes) {
    for (const Wish& second : kWishes) {
      const int one = wish_socket(s, type, first);
      s.bind(one, first.address);
      if (first_listens) s.host.listen(one, 1);
      const int two = wish_socket(s, type, second);
      const long bound = s.bind(two, second.address, s.port_of(one));
      const auto words = [](const Wish& wish) {
        return fmt::format("{}{}{}{}", wish.address, wish.reuse_address ? " reuse" : "",
                           wish.reuse_port ? " share" : "", wish.only_ipv6 ? " v6only" : "");
      };
      s.tell(fmt::format("{} then {}", words(first), words(second)), bound);
      if (second_listens && bound == 0) s.tell("listen", s.host.listen(two, 1));
      s.host.close(one);
      s.host.close(two);
    }
  }
}

const std::vector<NamedScript> kAddressScripts = {
    {"who may bind: TCP", [](Script& s) { play_pairs(s, SOCK_STREAM, false, true); }},
    {"who may bind: TCP, beside a listener",
     [](Script& s) { play_pairs(s, SOCK_STREAM, true, true); }},
    {"who may bind: UDP", [](Script& s) { play_pairs(s, SOCK_DGRAM, false, false); }},
    {"TIME_WAIT",
     [](Script& s) {
       for (const bool first_reuses : {false, true}) {
         for (const bool server_closes_first : {true, false}) {
           for (const bool second_reuses : {false, true}) {
             const Wish wish{"127.0.0.1", first_reuses};
             const int listening = wish_socket(s, SOCK_STREAM, wish);
             s.bind(listening);
             s.host.listen(listening, 5);
             const int port = s.port_of(listening);
             const auto [client, accepted] = s.connect_to(listening);
             s.close(server_closes_first ? accepted : client);
             s.close(listening);
             const int early = wish_socket(s, SOCK_STREAM, Wish{"127.0.0.1", second_reuses});
             s.tell("while one is open", s.bind(early, "127.0.0.1", port));
             s.host.close(early);
             s.close(server_closes_first ? client : accepted);
             const int next = wish_socket(s, SOCK_STREAM, Wish{"127.0.0.1", second_reuses});
             s.tell(fmt::format("first reuses {}, server closes first {}, second reuses {}",
                                first_reuses, server_closes_first, second_reuses),
                    s.bind(next, "127.0.0.1", port));
             s.tell("listen", s.host.listen(next, 1));
             s.host.close(next);
           }
         }
       }
     }},
    {"a reset leaves no TIME_WAIT",
     [](Script& s) {
       const int listening = s.listener();
       const int port = s.port_of(listening);
       const auto [client, accepted] = s.connect_to(listening);
       s.close(listening);
       s.reset(accepted);
       s.tell("bind", s.bind(s.tcp(), "127.0.0.1", port));
     }},
    {"SO_REUSEADDR that comes after bind",
     [](Script& s) {
       const int listening = s.listener();
       const int port = s.port_of(listening);
       const auto [client, accepted] = s.connect_to(listening);
       s.close(accepted);
       s.close(client);
       s.close(listening);
       const int next = s.tcp();
       s.tell("bind", s.bind(next, "127.0.0.1", port));
       s.option(next, SOL_SOCKET, SO_REUSEADDR, 1);
       s.tell("bind", s.bind(next, "127.0.0.1", port));
     }},
    {"errors of bind",
     [](Script& s) {
       const int fd = s.tcp();
       s.tell("not ours", s.bind(fd, "8.8.8.8"));
       s.tell("ours", s.bind(fd));
       s.tell("twice", s.bind(fd));
       const int six = s.tcp(AF_INET6);
       s.tell("wrong family", s.bind(six, "127.0.0.1"));
       const sockaddr_in short_one{};
       s.tell("short",
              s.host.bind(s.tcp(),
                          static_cast<const sockaddr*>(static_cast<const void*>(&short_one)), 4));
     }},
    {"dual stack",
     [](Script& s) {
       const int six = s.tcp(AF_INET6);
       s.bind(six, "::");
       s.host.listen(six, 5);
       const int client = s.tcp();
       s.tell("over IPv4", s.connect(client, s.port_of(six)));
       sockaddr_in6 from{};
       socklen_t length = sizeof(from);
       s.tell_sort("accept", s.host.accept4(six, static_cast<sockaddr*>(static_cast<void*>(&from)),
                                            &length, 0));
       s.tell("family", from.sin6_family);
       s.tell("mapped", IN6_IS_ADDR_V4MAPPED(&from.sin6_addr) ? 1 : 0);
       const int client6 = s.tcp(AF_INET6);
       s.tell("over IPv6", s.connect(client6, s.port_of(six), "::1"));
       const int mapped = s.tcp(AF_INET6);
       s.tell("mapped", s.connect(mapped, s.port_of(six), "::ffff:127.0.0.1"));
       const int only = s.tcp(AF_INET6);
       s.option(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
       s.bind(only, "::");
       s.host.listen(only, 5);
       s.tell("IPv6 only", s.connect(s.tcp(), s.port_of(only)));
       s.tell("any address is this host", s.connect(s.tcp(), s.port_of(six), "0.0.0.0"));
       s.tell("any address is this host", s.connect(s.tcp(AF_INET6), s.port_of(six), "::"));
     }},
    {"the more exact listener wins",
     [](Script& s) {
       const int wide = s.tcp();
       s.option(wide, SOL_SOCKET, SO_REUSEPORT, 1);
       s.bind(wide, "0.0.0.0");
       s.host.listen(wide, 5);
       const int exact = s.tcp();
       s.option(exact, SOL_SOCKET, SO_REUSEPORT, 1);
       s.tell("bind", s.bind(exact, "127.0.0.2", s.port_of(wide)));
       s.host.listen(exact, 5);
       s.connect(s.tcp(), s.port_of(wide), "127.0.0.2");
       s.poll("wide", wide);
       s.poll("exact", exact);
       s.connect(s.tcp(), s.port_of(wide), "127.0.0.1");
       s.poll("wide", wide);
     }},
    {"a datagram finds the youngest of those who share",
     [](Script& s) {
       const int first = wish_socket(s, SOCK_DGRAM, Wish{"127.0.0.1", true});
       s.bind(first);
       const int second = wish_socket(s, SOCK_DGRAM, Wish{"127.0.0.1", true});
       s.tell("bind", s.bind(second, "127.0.0.1", s.port_of(first)));
       s.send_to("send", s.udp(), "x", s.port_of(first));
       s.poll("first", first);
       s.poll("second", second);
     }},
};

}  // namespace

std::vector<NamedScript> address_scripts() { return kAddressScripts; }

}  // namespace sockdrill::sim
