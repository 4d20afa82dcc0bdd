#include <netinet/in.h>
#include <netinet/tcp.h>

#include "harness/sim/kernel/truth/script.h"

// How TCP connections begin, and what sockets say that have none.

namespace sockdrill::sim {

namespace {

const std::vector<NamedScript> kOpeningScripts = {
    {"not connected",
     [](Script& s) {
       const int fd = s.tcp();
       s.peek_at("socket", fd);
       s.send("send", fd, "x", 0);
       s.signal("signal");
       s.receive("receive", fd);
       s.shutdown("shutdown", fd, SHUT_RDWR);
       s.tell("accept", s.accept(fd));
       s.poll("after shutdown", fd);
     }},
    {"listening",
     [](Script& s) {
       const int fd = s.listener();
       s.poll("poll", fd);
       s.select("select", fd);
       s.send("send", fd, "x");
       s.receive("receive", fd);
       s.tell("accept", s.accept(fd));
       s.get_option("SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
       const int client = s.tcp();
       s.tell("connect", s.connect(client, s.port_of(fd)));
       s.poll("poll", fd);
       s.tell("connect again", s.connect(client, s.port_of(fd)));
       s.tell("listen on a connected one", s.host.listen(client, 1));
       s.shutdown("shut it", fd, SHUT_RD);
       s.poll("poll of the listener", fd);
       s.poll("poll of the client", client);
       s.receive("client", client);
       s.tell("accept", s.accept(fd));
     }},
    {"refused",
     [](Script& s) {
       const int port = s.deaf_port();
       const int fd = s.tcp();
       s.tell("connect", s.connect(fd, port));
       s.peek_at("after", fd);
       s.error_of("SO_ERROR", fd);
       const int other = s.tcp(AF_INET, SOCK_NONBLOCK);
       s.tell("non-blocking", s.connect(other, port));
       s.poll("poll", other);
       s.select("select", other);
       s.error_of("SO_ERROR", other);
       s.poll("poll", other);
       s.send("send", other, "x");
       s.receive("receive", other);
     }},
    {"refused, and asked by a second connect",
     [](Script& s) {
       const int port = s.deaf_port();
       const int fd = s.tcp(AF_INET, SOCK_NONBLOCK);
       s.tell("connect", s.connect(fd, port));
       s.tell("connect", s.connect(fd, port));
       s.tell("connect", s.connect(fd, port));
     }},
    {"non-blocking connect",
     [](Script& s) {
       const int listening = s.listener();
       const int fd = s.tcp(AF_INET, SOCK_NONBLOCK);
       const int port = s.port_of(listening);
       s.tell("connect", s.connect(fd, port));
       s.poll("poll", fd);
       s.error_of("SO_ERROR", fd);
       s.tell("again", s.connect(fd, port));
       s.tell("and again", s.connect(fd, port));
       s.tell_sort("accept", s.accept(listening));
     }},
    {"a full backlog",
     [](Script& s) {
       const int listening = s.listener(1);
       const int port = s.port_of(listening);
       std::vector<int> clients;
       for (int i = 0; i < 3; ++i) {
         clients.push_back(s.tcp(AF_INET, SOCK_NONBLOCK));
         s.tell("connect", s.connect(clients.back(), port));
         s.poll("poll", clients.back());
       }
       s.tell_sort("accept", s.accept(listening));
       s.tell_sort("accept", s.accept(listening));
       s.tell_sort("accept", s.accept(listening));
       s.poll("the third", clients[2]);
       s.send("the third sends", clients[2], "x");
     }},
    {"a client that resets before it is accepted",
     [](Script& s) {
       const int listening = s.listener();
       const int client = s.tcp();
       s.tell("connect", s.connect(client, s.port_of(listening)));
       s.send("send", client, "x");
       s.reset(client);
       s.poll("listener", listening);
       sockaddr_in from{};
       socklen_t length = sizeof(from);
       const long fd = s.tell_sort(
           "accept", s.host.accept4(listening, static_cast<sockaddr*>(static_cast<void*>(&from)),
                                    &length, 0));
       s.tell("length of the name", length);
       s.peek_at("accepted", static_cast<int>(fd));
       s.receive("x", static_cast<int>(fd));
       s.receive("then", static_cast<int>(fd));
     }},
    {"a listener that closes with connections waiting",
     [](Script& s) {
       const int listening = s.listener();
       const int client = s.tcp();
       s.connect(client, s.port_of(listening));
       s.close(listening);
       s.peek_at("client", client);
     }},
    {"connecting to nobody ends a connection",
     [](Script& s) {
       const Pair c = s.connection();
       const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
       s.tell("AF_UNSPEC", s.host.connect(c.a, &nobody, sizeof(nobody)));
       s.host.settle();
       s.poll("a", c.a);
       s.error_of("SO_ERROR", c.a);
       s.receive("b", c.b);
       s.send("a sends", c.a, "x");
     }},
    {"options",
     [](Script& s) {
       const int fd = s.tcp();
       for (const int name : {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_REUSEADDR, SO_KEEPALIVE, SO_ERROR,
                              SO_ACCEPTCONN, SO_BROADCAST, SO_OOBINLINE, SO_RCVLOWAT, SO_SNDLOWAT})
         s.get_option("SOL_SOCKET " + std::to_string(name), fd, SOL_SOCKET, name);
       for (const int name : {TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT})
         s.get_option("IPPROTO_TCP " + std::to_string(name), fd, IPPROTO_TCP, name);
       s.option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
       s.get_option("TCP_NODELAY", fd, IPPROTO_TCP, TCP_NODELAY);
       for (const int size : {1, 1000, 5000, 100000}) {
         s.option(fd, SOL_SOCKET, SO_RCVBUF, size);
         s.option(fd, SOL_SOCKET, SO_SNDBUF, size);
         s.get_option("SO_RCVBUF", fd, SOL_SOCKET, SO_RCVBUF);
         s.get_option("SO_SNDBUF", fd, SOL_SOCKET, SO_SNDBUF);
       }
       int one = 1;
       s.tell("SO_ERROR", s.host.setsockopt(fd, SOL_SOCKET, SO_ERROR, &one, sizeof(one)));
       s.tell("SO_TYPE", s.host.setsockopt(fd, SOL_SOCKET, SO_TYPE, &one, sizeof(one)));
       s.tell("short", s.host.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 1));
       s.tell("unknown level", s.host.setsockopt(fd, 4711, 1, &one, sizeof(one)));
     }},
};

}  // namespace

std::vector<NamedScript> opening_scripts() { return kOpeningScripts; }

}  // namespace sockdrill::sim
