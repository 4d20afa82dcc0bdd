#include "harness/sim/kernel/truth/script.h"

// How TCP connections end.

namespace sockdrill::sim {

namespace {

const std::vector<NamedScript> kTcpScripts = {
    {"half-close",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("request", c.a, "request");
       s.shutdown("SHUT_WR", c.a, SHUT_WR);
       s.peek_at("a", c.a);
       s.peek_at("b", c.b);
       s.receive("request", c.b);
       s.receive("end", c.b);
       s.receive("end again", c.b);
       s.peek_at("b after the end", c.b);
       s.send("reply", c.b, "reply");
       s.receive("reply", c.a);
       s.send("sending on", c.a, "more");
       s.send("sending on, with the signal", c.a, "more", 0);
       s.signal("signal");
       s.close(c.b);
       s.peek_at("a at the end", c.a);
       s.receive("end", c.a);
       s.error_of("SO_ERROR", c.a);
       s.shutdown("SHUT_WR again", c.a, SHUT_WR);
     }},
    {"orderly close and a send into it",
     [](Script& s) {
       const Pair c = s.connection();
       s.close(c.a);
       s.peek_at("b", c.b);
       s.send("first send", c.b, "x");
       s.peek_at("b after the reset", c.b);
       s.error_of("SO_ERROR", c.b);
       s.error_of("SO_ERROR again", c.b);
       s.send("second send", c.b, "x", 0);
       s.signal("signal");
       s.receive("receive", c.b);
       s.shutdown("shutdown", c.b, SHUT_WR);
     }},
    {"EPIPE from a reset that came in CLOSE_WAIT, told by send",
     [](Script& s) {
       const Pair c = s.connection();
       s.close(c.a);
       s.send("first send", c.b, "x");
       s.send("second send", c.b, "x", 0);
       s.signal("signal");
       s.error_of("SO_ERROR", c.b);
     }},
    {"reset while established, told by receive",
     [](Script& s) {
       const Pair c = s.connection();
       s.reset(c.a);
       s.peek_at("b", c.b);
       s.receive("again", c.b);
       s.send("send", c.b, "x", 0);
       s.signal("signal");
       s.peek_at("b", c.b);
       s.error_of("SO_ERROR", c.b);
     }},
    {"reset while established, told by send",
     [](Script& s) {
       const Pair c = s.connection();
       s.reset(c.a);
       s.send("send", c.b, "x", 0);
       s.signal("signal");
       s.send("send again", c.b, "x", 0);
       s.signal("signal again");
       s.receive("receive", c.b);
     }},
    {"reset while established, told by SO_ERROR",
     [](Script& s) {
       const Pair c = s.connection();
       s.reset(c.a);
       s.error_of("SO_ERROR", c.b);
       s.poll("poll", c.b);
       s.receive("receive", c.b);
       s.send("send", c.b, "x");
     }},
    {"reset behind octets",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("send", c.a, "octets");
       s.reset(c.a);
       s.peek_at("b", c.b);
       s.receive("octets", c.b);
       s.receive("then", c.b);
       s.receive("then", c.b);
     }},
    {"reset behind a FIN",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("send", c.a, "octets");
       s.shutdown("SHUT_WR", c.a, SHUT_WR);
       s.reset(c.a);
       s.peek_at("b", c.b);
       s.receive("octets", c.b);
       s.receive("then", c.b);
       s.error_of("SO_ERROR", c.b);
       s.send("send", c.b, "x");
     }},
    {"close with octets unread resets",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("send", c.a, "never read");
       s.close(c.b);
       s.peek_at("a", c.a);
       s.receive("receive", c.a);
     }},
    {"a reply, and a close with octets unread",
     [](Script& s) {
       const Pair c = s.connection();
       s.send("reply", c.b, "reply");
       s.send("send", c.a, "never read");
       s.close(c.b);
       s.poll("poll", c.a);
       s.receive("the reply is there", c.a);
       s.receive("then", c.a);
     }},
    {"both shut their writing",
     [](Script& s) {
       const Pair c = s.connection();
       s.shutdown("a SHUT_WR", c.a, SHUT_WR);
       s.shutdown("b SHUT_WR", c.b, SHUT_WR);
       s.peek_at("a", c.a);
       s.peek_at("b", c.b);
       s.receive("a", c.a);
       s.receive("b", c.b);
       s.send("a sends", c.a, "x");
       s.shutdown("a again", c.a, SHUT_RDWR);
       s.shutdown("b again", c.b, SHUT_RDWR);
     }},
    {"shutdown of reading",
     [](Script& s) {
       const Pair c = s.connection();
       s.shutdown("SHUT_RD", c.b, SHUT_RD);
       s.peek_at("b", c.b);
       s.receive("nothing", c.b);
       s.send("send", c.a, "late");
       s.receive("what came", c.b);
       s.receive("then", c.b);
       s.poll("a", c.a);
     }},
    {"shutdown of both, and octets come",
     [](Script& s) {
       const Pair c = s.connection();
       s.shutdown("SHUT_RDWR", c.b, SHUT_RDWR);
       s.peek_at("b", c.b);
       s.poll("a", c.a);
       s.send("send", c.a, "late");
       s.peek_at("a", c.a);
       s.send("send again", c.a, "late");
       s.receive("a", c.a);
     }},
};

}  // namespace

std::vector<NamedScript> tcp_scripts() { return kTcpScripts; }

}  // namespace sockdrill::sim
