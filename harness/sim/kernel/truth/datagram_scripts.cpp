#include <netinet/in.h>
#include <sys/ioctl.h>

#include <fmt/format.h>

#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {

namespace {

const std::vector<NamedScript> kDatagramScripts = {
    {"there and back",
     [](Script& s) {
       const int server = s.udp();
       s.bind(server);
       const int client = s.udp();
       s.poll("client", client);
       s.send_to("send", client, "hello", s.port_of(server));
       s.poll("server", server);
       s.inq("FIONREAD", server, FIONREAD);
       s.receive("peek", server, 2, MSG_PEEK | MSG_DONTWAIT);
       s.receive("truncated", server, 2);
       s.receive("none", server);
       s.send_to("empty", client, "", s.port_of(server));
       s.poll("server", server);
       s.inq("FIONREAD", server, FIONREAD);
       s.receive("empty", server);
       s.send_to("send", client, "12345", s.port_of(server));
       s.receive("whole length", server, 2, MSG_TRUNC | MSG_DONTWAIT);
       s.send("no address", client, "x");
       s.peer_of("getpeername", client);
       s.receive("oob", server, 2, MSG_OOB | MSG_DONTWAIT);
       s.tell("accept", s.accept(server));
       s.tell("listen", s.host.listen(server, 1));
       s.shutdown("shutdown", client, SHUT_RDWR);
     }},
    {"sizes",
     [](Script& s) {
       for (const int family : {AF_INET, AF_INET6}) {
         const char* const address = family == AF_INET ? "127.0.0.1" : "::1";
         const int server = s.udp(family);
         s.bind(server, address);
         const int client = s.udp(family);
         for (const std::size_t size : {65507U, 65508U, 65527U, 65528U, 70000U}) {
           s.send_to(fmt::format("{}", size), client, std::string(size, 'x'), s.port_of(server),
                     address);
           s.receive("came", server, 80000);
         }
       }
     }},
    {"connected and refused",
     [](Script& s) {
       const int server = s.udp();
       s.bind(server);
       const int port = s.port_of(server);
       const int client = s.udp();
       s.tell("connect", s.connect(client, port));
       s.peer_of("getpeername", client);
       s.send("send", client, "x");
       s.receive("x", server);
       s.close(server);
       s.send("into nothing", client, "x");
       s.poll("client", client);
       s.receive("told", client);
       s.receive("once", client);
       s.send("into nothing", client, "x");
       s.send("told by send", client, "x");
       s.error_of("SO_ERROR", client);
       s.send("into nothing", client, "x");
       s.error_of("SO_ERROR", client);
     }},
    {"unconnected is not told",
     [](Script& s) {
       const int server = s.udp();
       s.bind(server);
       const int port = s.port_of(server);
       s.close(server);
       const int client = s.udp();
       s.send_to("into nothing", client, "x", port);
       s.receive("none", client);
       s.error_of("SO_ERROR", client);
     }},
    {"a connected one hears only its peer",
     [](Script& s) {
       const int server = s.udp();
       s.bind(server);
       const int friendly = s.udp();
       s.bind(friendly);
       const int stranger = s.udp();
       s.bind(stranger);
       s.tell("connect", s.connect(server, s.port_of(friendly)));
       s.send_to("friend", friendly, "from a friend", s.port_of(server));
       s.send_to("stranger", stranger, "from a stranger", s.port_of(server));
       s.receive("friend", server);
       s.receive("nobody else", server);
       const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
       s.tell("dissolve", s.host.connect(server, &nobody, sizeof(nobody)));
       s.send("no address", server, "x");
       s.send_to("stranger", stranger, "from a stranger", s.port_of(server));
       s.receive("stranger", server);
     }},
    {"broadcast is for who asks",
     [](Script& s) {
       const int client = s.udp();
       s.send_to("not allowed", client, "x", 4711, "127.255.255.255");
       s.option(client, SOL_SOCKET, SO_BROADCAST, 1);
       s.send_to("allowed", client, "x", 4711, "127.255.255.255");
     }},
    {"shutdown",
     [](Script& s) {
       const int server = s.udp();
       s.bind(server);
       const int client = s.udp();
       s.connect(client, s.port_of(server));
       s.shutdown("SHUT_RD", client, SHUT_RD);
       s.poll("client", client);
       s.receive("nothing", client, 100, MSG_DONTWAIT);
       s.shutdown("SHUT_WR", client, SHUT_WR);
       s.poll("client", client);
       s.send("send", client, "x", 0);
       s.signal("signal");
     }},
    {"edge",
     [](Script& s) {
       const int server = s.udp();
       s.bind(server);
       const int client = s.udp();
       const int e = s.epoll();
       s.watch("add", e, server, EPOLLIN | EPOLLET);
       s.events("none", e);
       s.send_to("one", client, "1", s.port_of(server));
       s.send_to("two", client, "2", s.port_of(server));
       s.events("in", e);
       s.receive("one", server);
       s.events("no edge", e);
       s.send_to("three", client, "3", s.port_of(server));
       s.events("in", e);
       s.receive("two", server);
       s.receive("three", server);
       s.events("none", e);
     }},
    {"a full queue drops",
     [](Script& s) {
       const int server = s.udp();
       s.option(server, SOL_SOCKET, SO_RCVBUF, 4096);
       s.bind(server);
       const int client = s.udp();
       s.connect(client, s.port_of(server));
       s.note("sending");
       for (int i = 0; i < 100; ++i) s.host.write(client, "x", 1);
       s.host.settle();
       char octet = 0;
       int got = 0;
       s.host.fcntl_flags(server, 04000);
       while (s.host.read(server, &octet, 1) == 1) ++got;
       s.note(got > 2 && got < 30 ? "a few came" : "not a few came");
     }},
};

}  // namespace

std::vector<NamedScript> datagram_scripts() { return kDatagramScripts; }

}  // namespace sockdrill::sim
