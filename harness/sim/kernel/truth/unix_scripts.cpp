#include <fcntl.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {

namespace {

SocketAddress abstract_name(const char* name) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::strncpy(un.sun_path + 1, name, sizeof(un.sun_path) - 2);
  SocketAddress address;
  std::memcpy(&address.storage, &un, sizeof(un));
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + std::strlen(name));
  return address;
}

const sockaddr* raw_unix(const sockaddr_un& un) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&un));
}

long bind_name(Script& s, int fd, const char* name) {
  const SocketAddress address = abstract_name(name);
  return s.host.bind(fd, address.get(), address.length);
}

long connect_name(Script& s, int fd, const char* name) {
  const SocketAddress address = abstract_name(name);
  return s.host.connect(fd, address.get(), address.length);
}

long send_to_name(Script& s, int fd, const char* octets, const char* name) {
  SocketAddress address = abstract_name(name);
  iovec part{.iov_base = const_cast<char*>(octets), .iov_len = std::strlen(octets)};
  msghdr message{};
  message.msg_name = address.get();
  message.msg_namelen = address.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return s.host.sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int unix_socket(Script& s, int type, int flags = SOCK_NONBLOCK) {
  return static_cast<int>(s.host.socket(AF_UNIX, type | flags, 0));
}

/// What every kind with connections does when its peer goes.
void play_ends(Script& s, int type) {
  {
    const Pair p = s.pair(type);
    s.send("send", p.a, "hello");
    s.look_at("b", p.b);
    s.receive("part", p.b, 2);
    s.receive("rest", p.b);
    s.receive("none", p.b);
    s.send("empty", p.a, "");
    s.look_at("b", p.b);
    s.receive("empty", p.b);
  }
  {
    const Pair p = s.pair(type);
    s.send("last words", p.a, "last words");
    s.close(p.a);
    s.look_at("b", p.b);
    s.send("into nothing", p.b, "x", 0);
    s.signal("signal");
    s.receive("last words", p.b);
    s.receive("end", p.b);
    s.error_of("SO_ERROR", p.b);
  }
  {
    const Pair p = s.pair(type);
    s.send("never read", p.b, "never read");
    s.close(p.a);
    s.look_at("b", p.b);
    s.receive("reset", p.b);
    s.receive("then", p.b);
    s.send("send", p.b, "x");
  }
  {
    const Pair p = s.pair(type);
    s.send("never read", p.b, "never read");
    s.close(p.a);
    s.send("told by send?", p.b, "x", 0);
    s.signal("signal");
    s.error_of("SO_ERROR", p.b);
  }
  {
    const Pair p = s.pair(type);
    s.shutdown("SHUT_WR", p.a, SHUT_WR);
    s.look_at("a", p.a);
    s.look_at("b", p.b);
    s.receive("end", p.b);
    s.send("a", p.a, "x", 0);
    s.signal("signal");
    s.send("b", p.b, "x");
    s.receive("a", p.a);
    s.shutdown("SHUT_RD", p.b, SHUT_RD);
    s.look_at("a", p.a);
    s.look_at("b", p.b);
  }
  {
    const Pair p = s.pair(type);
    s.shutdown("SHUT_RD", p.a, SHUT_RD);
    s.send("b", p.b, "x", 0);
    s.signal("signal");
    s.receive("a", p.a);
    s.look_at("b", p.b);
  }
}

void play_edges(Script& s, int type) {
  const Pair p = s.pair(type);
  const int e = s.epoll();
  s.watch("add", e, p.b, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  s.events("out", e);
  s.events("none", e);
  s.send("send", p.a, "x");
  s.events("in", e);
  s.send("send", p.a, "y");
  s.events("in", e);
  s.receive("x", p.b, 1);
  s.events("none", e);
  s.receive("y", p.b, 1);
  s.send("b sends", p.b, "z");
  s.events("none", e);
  s.receive("a reads", p.a);
  s.events("room", e);
  s.close(p.a);
  s.events("end", e);
  s.events("once", e);
}

void play_connecting(Script& s, int type) {
  const char* const name =
      type == SOCK_STREAM ? "sockdrill-truth-stream" : "sockdrill-truth-packet";
  const int listening = unix_socket(s, type);
  s.tell("listen unbound", s.host.listen(listening, 1));
  s.tell("bind", bind_name(s, listening, name));
  s.tell("bind twice", bind_name(s, listening, "other"));
  const int second = unix_socket(s, type);
  s.tell("in use", bind_name(s, second, name));
  s.tell("not listening", connect_name(s, second, name));
  s.poll("unlistening", listening);
  s.tell("accept", s.accept(listening));
  s.tell("listen", s.host.listen(listening, 0));
  s.poll("listening", listening);
  s.tell("accept", s.accept(listening));
  s.poll("unconnected", second);
  s.receive("unconnected", second);
  s.send("unconnected", second, "x", 0);
  s.signal("signal");
  s.tell("connect", connect_name(s, second, name));
  s.tell("connect twice", connect_name(s, second, name));
  const int third = unix_socket(s, type);
  s.tell("full", connect_name(s, third, name));
  s.send("before accept", second, "early");
  s.poll("listening", listening);
  sockaddr_un from{};
  socklen_t length = sizeof(from);
  const int accepted = static_cast<int>(s.host.accept4(
      listening, static_cast<sockaddr*>(static_cast<void*>(&from)), &length, SOCK_NONBLOCK));
  s.tell("length of its name", length);
  s.receive("early", accepted);
  s.tell("room", connect_name(s, third, name));
  s.close(listening);
  s.look_at("never accepted", third);
  s.receive("never accepted", third);
  s.receive("then", third);
  const int fourth = unix_socket(s, type);
  s.tell("gone", connect_name(s, fourth, name));
  const int other = unix_socket(s, type == SOCK_STREAM ? SOCK_SEQPACKET : SOCK_STREAM);
  s.tell("name is free", bind_name(s, other, name));
  s.host.listen(other, 1);
  s.tell("another type", connect_name(s, fourth, name));
}

const std::vector<NamedScript> kUnixScripts = {
    {"stream: ends", [](Script& s) { play_ends(s, SOCK_STREAM); }},
    {"seqpacket: ends", [](Script& s) { play_ends(s, SOCK_SEQPACKET); }},
    {"dgram: ends", [](Script& s) { play_ends(s, SOCK_DGRAM); }},
    {"stream: edges", [](Script& s) { play_edges(s, SOCK_STREAM); }},
    {"seqpacket: edges", [](Script& s) { play_edges(s, SOCK_SEQPACKET); }},
    {"dgram: edges", [](Script& s) { play_edges(s, SOCK_DGRAM); }},
    {"stream: connecting", [](Script& s) { play_connecting(s, SOCK_STREAM); }},
    {"seqpacket: connecting", [](Script& s) { play_connecting(s, SOCK_SEQPACKET); }},
    {"full buffers",
     [](Script& s) {
       for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
         for (const std::size_t piece : {1U, 100U, 1000U, 5000U, 65536U}) {
           const Pair p = s.pair(type);
           s.tell("fits", static_cast<long>(s.fill(p.a, piece)));
           s.poll("full", p.a);
           s.receive("a bit", p.b, 1);
           s.poll("a bit of room?", p.a);
           s.drain(p.b);
           s.poll("room", p.a);
         }
       }
     }},
    {"records",
     [](Script& s) {
       const Pair p = s.pair(SOCK_SEQPACKET);
       s.send("one", p.a, "one");
       s.send("two", p.a, "two", MSG_EOR | MSG_NOSIGNAL);
       s.send("three", p.a, "three");
       s.receive("peek", p.b, 2, MSG_PEEK | MSG_DONTWAIT);
       s.receive("one, cut", p.b, 2);
       s.receive("two, its length", p.b, 1, MSG_TRUNC | MSG_DONTWAIT);
       s.receive("three", p.b);
       s.send("too large", p.a, std::string(300000, 'x'));
     }},
    {"stream: merging and flags",
     [](Script& s) {
       const Pair p = s.pair();
       s.send("one", p.a, "one");
       s.send("two", p.a, "two");
       s.receive("peek", p.b, 100, MSG_PEEK | MSG_DONTWAIT);
       s.receive("both", p.b);
       s.receive("waitall", p.b, 10, MSG_WAITALL | MSG_DONTWAIT);
       s.send("three", p.a, "three");
       s.receive("waitall", p.b, 10, MSG_WAITALL | MSG_DONTWAIT);
       s.receive("no room", p.b, 0);
     }},
    {"datagrams by name",
     [](Script& s) {
       const int server = unix_socket(s, SOCK_DGRAM);
       s.tell("bind", bind_name(s, server, "sockdrill-truth-server"));
       const int client = unix_socket(s, SOCK_DGRAM);
       s.tell("nobody there", send_to_name(s, client, "x", "sockdrill-truth-nobody"));
       s.send("no address", client, "x");
       s.tell("send", send_to_name(s, client, "hello", "sockdrill-truth-server"));
       s.receive("from an unnamed one", server);
       s.tell("connect", connect_name(s, client, "sockdrill-truth-server"));
       s.peer_of("getpeername", client);
       long sent = 0;
       while (send_to_name(s, client, "x", "sockdrill-truth-server") == 1) ++sent;
       s.tell("in the queue", sent);
       s.tell("full", send_to_name(s, client, "x", "sockdrill-truth-server"));
       s.poll("full", client);
       const int e = s.epoll();
       s.watch("add", e, client, EPOLLOUT | EPOLLET);
       s.events("full", e);
       s.receive("one", server);
       s.poll("room", client);
       s.events("room", e);
       s.close(server);
       s.poll("gone", client);
       s.send("gone", client, "x");
       s.send("and forgotten", client, "x");
       s.peer_of("getpeername", client);
     }},
    {"datagrams: a connected one hears only its peer",
     [](Script& s) {
       const int server = unix_socket(s, SOCK_DGRAM);
       bind_name(s, server, "sockdrill-truth-server");
       const int friendly = unix_socket(s, SOCK_DGRAM);
       bind_name(s, friendly, "sockdrill-truth-friend");
       s.tell("connect", connect_name(s, server, "sockdrill-truth-friend"));
       const int stranger = unix_socket(s, SOCK_DGRAM);
       s.tell("stranger", send_to_name(s, stranger, "x", "sockdrill-truth-server"));
       s.tell("stranger connects", connect_name(s, stranger, "sockdrill-truth-server"));
       s.tell("friend", send_to_name(s, friendly, "x", "sockdrill-truth-server"));
       s.receive("x", server);
     }},
    {"errors of names",
     [](Script& s) {
       const int fd = unix_socket(s, SOCK_STREAM);
       sockaddr_un un{};
       un.sun_family = AF_UNIX;
       s.tell("autobind", s.host.bind(fd, raw_unix(un), sizeof(sa_family_t)));
       sockaddr_un name{};
       socklen_t length = sizeof(name);
       s.host.getsockname(fd, static_cast<sockaddr*>(static_cast<void*>(&name)), &length);
       s.tell("its length", length);
       const int other = unix_socket(s, SOCK_STREAM);
       length = sizeof(name);
       s.host.getsockname(other, static_cast<sockaddr*>(static_cast<void*>(&name)), &length);
       s.tell("unnamed", length);
       un.sun_family = AF_INET;
       s.tell("family", s.host.bind(other, raw_unix(un), sizeof(un)));
       un.sun_family = AF_UNIX;
       std::strcpy(un.sun_path, "/no/such/place");
       s.tell("no such path", s.host.connect(other, raw_unix(un), sizeof(un)));
       s.tell("no address", s.host.connect(other, raw_unix(un), sizeof(sa_family_t)));
       s.tell("listen of a datagram socket", s.host.listen(unix_socket(s, SOCK_DGRAM), 1));
     }},
    {"descriptors in messages",
     [](Script& s) {
       const Pair p = s.pair();
       int fds[2] = {-1, -1};
       s.host.pipe2(fds, O_NONBLOCK);
       char octet = 'x';
       iovec part{.iov_base = &octet, .iov_len = 1};
       alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
       msghdr message{};
       message.msg_iov = &part;
       message.msg_iovlen = 1;
       message.msg_control = control;
       message.msg_controllen = sizeof(control);
       cmsghdr* header = CMSG_FIRSTHDR(&message);
       header->cmsg_level = SOL_SOCKET;
       header->cmsg_type = SCM_RIGHTS;
       header->cmsg_len = CMSG_LEN(sizeof(int));
       std::memcpy(CMSG_DATA(header), &fds[1], sizeof(int));
       s.tell("send", s.host.sendmsg(p.a, &message, 0));
       s.host.close(fds[1]);
       s.poll("the writer lives in the message", fds[0]);
       message.msg_controllen = sizeof(control);
       s.tell("receive", s.host.recvmsg(p.b, &message, MSG_DONTWAIT));
       s.tell("control", static_cast<long>(message.msg_controllen));
       int passed = -1;
       std::memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
       s.tell("write", s.host.write(passed, "x", 1));
       s.poll("reader", fds[0]);
       s.host.close(passed);
       s.poll("reader", fds[0]);
     }},
};

}  // namespace

std::vector<NamedScript> unix_scripts() { return kUnixScripts; }

}  // namespace sockdrill::sim
