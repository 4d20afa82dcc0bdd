#pragma once

// A scenario in which every key of the language stands. For the tests of reader, writer and schema.

namespace sockdrill {

inline constexpr const char* kWholeLanguage = R"json({
  "$schema": "../schema.json", "id": "t/x", "catalogue": "RST-01", "level": "must", "summary": "s",
  "source": ["RFC 862"], "catches": "c", "each_case": "fresh-server",
  "applies": {"transport": ["tcp", "udp"], "speaks": ["echo"], "concurrency": "concurrent",
              "family": "ipv6", "network": "broadcast", "declares": ["max_message"]},
  "steps": [
    {"client": "a", "connect": {"receive_buffer": 4096, "send_buffer": 9, "to": "127.0.0.3",
                                "from": {"address": "127.0.0.2", "port": "again"},
                                "outcome": ["connected", "refused"]}, "note": "n"},
    {"client": "b", "connect": {"from": {"port": 4000}, "outcome": "timeout"}},
    {"client": "d", "open": {"from": "unnamed", "broadcast": true, "receive_buffer": 1, "send_buffer": 2}},
    {"client": "a", "send": {"request": 0, "first": "half", "cut": [1, 2, 5]}},
    {"client": "a", "send": {"request": 0, "after": 3, "cut": "every-byte"}},
    {"client": "a", "send": {"join": ["PING", {"text": "x"}, {"hex": "00 ff"}, {"base64": "AAE="},
                                      {"repeat": "x", "times": 3}, {"varint": 300}, {"cstr": "z"},
                                      {"length_of": "abc", "as": "u32be"}, {"file": "f"},
                                      {"u8": 1}, {"u16be": 7}, {"u16le": 2}, {"u32be": 3}, {"u32le": 4}]}},
    {"client": "a", "send": {"pattern": "own", "bytes": 10, "until": "blocked", "meanwhile": "read",
                             "to": "broadcast", "fails": "EACCES", "urgent": true}},
    {"client": "a", "send": "text"},
    {"client": "a", "expect": {"one_of": [{"bytes": "=sent", "then": "fin"},
                                          {"reply": 0, "grade": "warn", "because": "x"}], "within_ms": 100}},
    {"client": "a", "expect": {"bytes": {"text": "x", "first": 1}, "within_ms": 100}},
    {"client": "a", "expect": {"nothing": true}},
    {"client": "a", "expect": {"served": true}},
    {"client": "a", "expect": {"message": "=sent"}},
    {"client": "a", "expect": {"datagram": "abc"}},
    {"client": "a", "expect": {"at_least": 3, "then": "open"}},
    {"client": "a", "expect": {"then": "ended"}},
    {"client": "a", "exchange": {"request": "sized", "bytes": 100, "fields": {"t": "v"}, "cut": "every-offset"}},
    {"client": "a", "exchange": {"pattern": "a", "bytes": 100, "cut": [1, 7]}},
    {"client": "a", "shutdown": "write"},
    {"client": "a", "read": {"bytes": 7}},
    {"client": "a", "drain": {}},
    {"client": "a", "close": "at-once"},
    {"client": "a", "close": {}},
    {"client": "a", "reset": {}},
    {"client": "p", "run": {"command": ["nc", "{host}", "{port}"], "input": "x", "exit": "any", "output": "=input"}},
    {"client": "p", "run": {"command": "true", "exit": 3, "output": {"hex": "00"}}},
    {"server": "settled", "note": "n"},
    {"server": "stop"},
    {"server": "continue"},
    {"server": {"signal": "SIGHUP"}},
    {"server": {"restart": {"with": "SIGKILL"}}},
    {"server": {"second": {"says": "EADDRINUSE"}}},
    {"server": {"limit": {"descriptors": "+5"}}},
    {"server": {"limit": {"descriptors": "none"}}},
    {"server": {"limit": {"descriptors": 30}}},
    {"server": {"output": "unread"}},
    {"server": {"output": "read"}},
    {"server": {"expect": {"exit": "declared", "within_ms": 2000, "left_over": "nothing", "cpu": "quiet", "memory_growth": "declared"}}},
    {"server": {"expect": {"memory_growth": 7, "zombies": 1, "close_wait": 0, "descriptors": 0, "listening": true}}},
    {"clients": 20, "named": "k", "at_once": 5, "each": [{"connect": {}}, {"exchange": {"request": 0}}], "note": "n"},
    {"clients": "k", "each": [{"close": {}}]},
    {"repeat": 3, "steps": [{"client": "a", "send": "x"}], "note": "n"}
  ]
})json";

}  // namespace sockdrill
