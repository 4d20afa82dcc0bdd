#include <fcntl.h>

#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {

namespace {

constexpr std::uint32_t kAll = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI;

const std::vector<NamedScript> kReadinessScripts = {
    {"level",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN);
       s.events("none", e);
       s.send("send", c.a, "x");
       s.events("in", e);
       s.events("still", e);
       s.receive("x", c.b);
       s.events("none", e);
       s.watch("modify", e, c.b, EPOLLOUT, EPOLL_CTL_MOD);
       s.events("out", e);
       s.shutdown("SHUT_WR", c.a, SHUT_WR);
       s.watch("modify", e, c.b, kAll, EPOLL_CTL_MOD);
       s.events("end", e);
       s.watch("remove", e, c.b, 0, EPOLL_CTL_DEL);
       s.events("none", e);
     }},
    {"edge",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, kAll | EPOLLET);
       s.events("out", e);
       s.events("none", e);
       s.send("send", c.a, "x");
       s.events("in", e);
       s.events("no new edge", e);
       s.send("send", c.a, "y");
       s.events("a new edge", e);
       s.receive("part", c.b, 1);
       s.events("reading makes none", e);
       s.receive("rest", c.b);
       s.receive("again", c.b);
       s.events("none", e);
       s.send("reply", c.b, "reply");
       s.events("sending makes none", e);
       s.shutdown("SHUT_WR", c.a, SHUT_WR);
       s.events("end", e);
       s.events("once", e);
     }},
    {"edge of a reset",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, kAll | EPOLLET);
       s.events("out", e);
       s.reset(c.a);
       s.events("reset", e);
       s.events("once", e);
       s.receive("receive", c.b);
       s.events("none", e);
     }},
    {"edge of room",
     [](Script& s) {
       const Pair c = s.connection(4096, 4096);
       const int e = s.epoll();
       s.watch("add", e, c.a, EPOLLOUT | EPOLLET);
       s.events("out", e);
       s.fill(c.a);
       s.events("full", e);
       s.drain(c.b);
       s.events("room", e);
       s.events("once", e);
     }},
    {"modifying makes a new edge",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN | EPOLLET);
       s.send("send", c.a, "x");
       s.events("in", e);
       s.events("none", e);
       s.watch("modify", e, c.b, EPOLLIN | EPOLLET, EPOLL_CTL_MOD);
       s.events("in again", e);
     }},
    {"one-shot",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN | EPOLLONESHOT);
       s.send("send", c.a, "x");
       s.events("in", e);
       s.send("send", c.a, "y");
       s.events("shot", e);
       s.reset(c.a);
       s.events("not even a reset", e);
       s.watch("modify", e, c.b, EPOLLIN | EPOLLONESHOT, EPOLL_CTL_MOD);
       s.events("in", e);
     }},
    {"level goes round",
     [](Script& s) {
       const Pair one = s.connection();
       const Pair two = s.connection();
       const int e = s.epoll();
       s.watch("add", e, one.b, EPOLLIN);
       s.watch("add", e, two.b, EPOLLIN);
       s.send("send", one.a, "x");
       s.send("send", two.a, "y");
       s.events("both", e);
       s.events("one", e, 1);
       s.receive("x", one.b);
       s.events("the other", e);
     }},
    {"errors of epoll",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN);
       s.watch("twice", e, c.b, EPOLLIN);
       s.watch("modify what is not there", e, c.a, EPOLLIN, EPOLL_CTL_MOD);
       s.watch("remove what is not there", e, c.a, EPOLLIN, EPOLL_CTL_DEL);
       s.watch("closed", e, 999, EPOLLIN);
       s.watch("itself", e, e, EPOLLIN);
       s.watch("not an epoll", c.a, c.b, EPOLLIN);
       s.watch("operation", e, c.a, EPOLLIN, 17);
       s.watch("exclusive with one-shot", e, c.a, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT);
       s.watch("exclusive", e, c.a, EPOLLIN | EPOLLEXCLUSIVE);
       s.watch("exclusive modified", e, c.a, EPOLLIN, EPOLL_CTL_MOD);
       epoll_event none{};
       s.tell("no room", s.host.epoll_wait(e, &none, 0));
       s.tell("not an epoll", s.host.epoll_wait(c.a, &none, 1));
       s.tell("closed", s.host.epoll_wait(999, &none, 1));
     }},
    {"a closed descriptor leaves the epoll",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN);
       s.send("send", c.a, "x");
       s.close(c.b);
       s.events("none", e);
     }},
    {"a duplicate keeps it in the epoll",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN);
       s.host.dup2(c.b, 200);
       s.close(c.b);
       s.send("send", c.a, "x");
       s.events("in", e);
       s.watch("its number is gone", e, c.b, EPOLLIN, EPOLL_CTL_DEL);
     }},
    {"an epoll in an epoll",
     [](Script& s) {
       const Pair c = s.connection();
       const int inner = s.epoll();
       const int outer = s.epoll();
       s.watch("add", inner, c.b, EPOLLIN);
       s.watch("add", outer, inner, EPOLLIN);
       s.events("none", outer);
       s.poll("none", inner);
       s.send("send", c.a, "x");
       s.events("outer", outer);
       s.poll("inner", inner);
       s.events("inner", inner);
       s.receive("x", c.b);
       s.events("outer", outer);
       s.watch("a circle", inner, outer, EPOLLIN);
     }},
    {"listener, edge",
     [](Script& s) {
       const int listening = s.listener();
       const int e = s.epoll();
       s.watch("add", e, listening, EPOLLIN | EPOLLET);
       s.events("none", e);
       s.connect(s.tcp(), s.port_of(listening));
       s.connect(s.tcp(), s.port_of(listening));
       s.events("in", e);
       s.tell_sort("accept", s.accept(listening));
       s.events("none", e);
       s.tell_sort("accept", s.accept(listening));
       s.tell("accept", s.accept(listening));
       s.connect(s.tcp(), s.port_of(listening));
       s.events("in", e);
     }},
    {"connecting, watched",
     [](Script& s) {
       const int listening = s.listener();
       const int fd = s.tcp(AF_INET, SOCK_NONBLOCK);
       const int e = s.epoll();
       s.watch("add", e, fd, kAll | EPOLLET);
       s.events("unconnected", e);
       s.tell("connect", s.connect(fd, s.port_of(listening)));
       s.events("connected", e);
       s.events("once", e);
     }},
    {"refused, watched",
     [](Script& s) {
       const int port = s.deaf_port();
       const int fd = s.tcp(AF_INET, SOCK_NONBLOCK);
       const int e = s.epoll();
       s.tell("connect", s.connect(fd, port));
       s.watch("add", e, fd, EPOLLOUT);
       s.events("refused", e);
       s.error_of("SO_ERROR", fd);
       s.events("then", e);
     }},
    {"poll of what is not open",
     [](Script& s) {
       pollfd fds[3] = {{.fd = 999, .events = POLLIN, .revents = 77},
                        {.fd = -1, .events = POLLIN, .revents = 77},
                        {.fd = s.tcp(), .events = 0, .revents = 77}};
       s.tell("poll", s.host.poll(fds, 3));
       for (const pollfd& each : fds) s.tell("revents", each.revents);
       s.select("select", 900);
     }},
    {"urgent, watched",
     [](Script& s) {
       const Pair c = s.connection();
       const int e = s.epoll();
       s.watch("add", e, c.b, EPOLLIN | EPOLLPRI | EPOLLET);
       s.send("urgent", c.a, "X", MSG_OOB | MSG_NOSIGNAL);
       s.events("pri", e);
       s.send("send", c.a, "abc");
       s.events("in", e);
     }},
};

}  // namespace

std::vector<NamedScript> readiness_scripts() { return kReadinessScripts; }

}  // namespace sockdrill::sim
