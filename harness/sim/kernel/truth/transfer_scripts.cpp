#include <sys/ioctl.h>

#include "harness/sim/kernel/truth/script.h"

// What TCP carries: octets, windows, flags of receive, the urgent octet.

namespace sockdrill::sim {

namespace {

const std::vector<NamedScript> kTransferScripts = {
    {"octets go over",
     [](Script& s) {
       const Pair c = s.connection();
       s.peek_at("a", c.a);
       s.send("send", c.a, "hello");
       s.peek_at("b", c.b);
       s.receive("part", c.b, 2);
       s.receive("rest", c.b);
       s.receive("nothing", c.b);
       s.send("nothing", c.a, "");
       s.receive("still nothing", c.b);
       s.receive("no room", c.b, 0);
       s.inq("SIOCATMARK", c.b, SIOCATMARK);
     }},
    {"a full window",
     [](Script& s) {
       const Pair c = s.connection();
       const std::size_t sent = s.fill(c.a);
       s.note(sent > 1000000 && sent < 16000000 ? "some megabytes" : "not some megabytes");
       s.poll("a is full", c.a);
       s.send("more", c.a, "x");
       const std::size_t got = s.drain(c.b);
       s.note(got == sent ? "all came" : "not all came");
       s.poll("a has room", c.a);
       s.receive("nothing more", c.b);
     }},
    {"a full window of small buffers",
     [](Script& s) {
       const Pair c = s.connection(4096, 4096);
       const std::size_t sent = s.fill(c.a, 1000);
       s.note(sent > 8000 && sent < 30000 ? "some kilobytes" : "not some kilobytes");
       s.poll("a is full", c.a);
       s.note(s.drain(c.b) == sent ? "all came" : "not all came");
       s.poll("a has room", c.a);
       s.get_option("SO_RCVBUF", c.b, SOL_SOCKET, SO_RCVBUF);
       s.get_option("SO_SNDBUF", c.a, SOL_SOCKET, SO_SNDBUF);
     }},
    {"a FIN behind a full window",
     [](Script& s) {
       const Pair c = s.connection(4096, 4096);
       const std::size_t sent = s.fill(c.a);
       s.shutdown("SHUT_WR", c.a, SHUT_WR);
       s.poll("b", c.b);
       s.note(s.drain(c.b) == sent ? "all came" : "not all came");
       s.receive("end", c.b);
     }},
    {"a close behind a full window",
     [](Script& s) {
       const Pair c = s.connection(4096, 4096);
       const std::size_t sent = s.fill(c.a);
       s.close(c.a);
       s.note(s.drain(c.b) == sent ? "all came" : "not all came");
       s.receive("end", c.b);
       s.send("send", c.b, "x");
     }},
    {"flags of receive",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("send", c.a, "0123456789");
       s.receive("peek", c.b, 4, MSG_PEEK | MSG_DONTWAIT);
       s.receive("trunc", c.b, 3, MSG_TRUNC | MSG_DONTWAIT);
       s.receive("waitall", c.b, 5, MSG_WAITALL | MSG_DONTWAIT);
       s.receive("waitall beyond", c.b, 50, MSG_WAITALL | MSG_DONTWAIT);
       s.receive("error queue", c.b, 50, MSG_ERRQUEUE | MSG_DONTWAIT);
     }},
    {"an urgent octet",
     [](Script& s) {
       const Pair c = s.connection();
       s.receive("none", c.b, 1, MSG_OOB | MSG_DONTWAIT);
       s.send("send", c.a, "abc");
       s.send("urgent", c.a, "X", MSG_OOB | MSG_NOSIGNAL);
       s.send("send", c.a, "def");
       s.peek_at("b", c.b);
       s.inq("SIOCATMARK", c.b, SIOCATMARK);
       s.receive("up to it", c.b);
       s.inq("SIOCATMARK", c.b, SIOCATMARK);
       s.inq("FIONREAD", c.b, FIONREAD);
       s.receive("it", c.b, 10, MSG_OOB | MSG_DONTWAIT);
       s.receive("it again", c.b, 10, MSG_OOB | MSG_DONTWAIT);
       s.poll("b", c.b);
       s.receive("behind it", c.b);
       s.inq("SIOCATMARK", c.b, SIOCATMARK);
     }},
    {"an urgent octet that nobody takes",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("urgent", c.a, "X", MSG_OOB | MSG_NOSIGNAL);
       s.peek_at("b", c.b);
       s.receive("nothing in the stream", c.b);
       s.poll("b", c.b);
       s.send("send", c.a, "abc");
       s.receive("abc", c.b);
       s.receive("too late", c.b, 10, MSG_OOB | MSG_DONTWAIT);
     }},
    {"urgent octets in line",
     [](Script& s) {
       const Pair c = s.connection();
       s.option(c.b, SOL_SOCKET, SO_OOBINLINE, 1);
       s.send("send", c.a, "ab");
       s.send("urgent", c.a, "X", MSG_OOB | MSG_NOSIGNAL);
       s.send("send", c.a, "cd");
       s.peek_at("b", c.b);
       s.receive("up to it", c.b);
       s.receive("from it on", c.b);
       s.receive("not this way", c.b, 1, MSG_OOB | MSG_DONTWAIT);
     }},
    {"low water",
     [](Script& s) {
       const Pair c = s.connection();
       s.option(c.b, SOL_SOCKET, SO_RCVLOWAT, 5);
       s.send("send", c.a, "abc");
       s.poll("below", c.b);
       s.receive("all the same", c.b);
       s.send("send", c.a, "abcdef");
       s.poll("above", c.b);
     }},
};

}  // namespace

std::vector<NamedScript> transfer_scripts() { return kTransferScripts; }

}  // namespace sockdrill::sim
