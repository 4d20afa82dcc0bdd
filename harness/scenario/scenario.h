#pragma once

// The language: the JSON script of a check as plain values.
//
// A scenario file with `parameters` is a template of scenarios: each combination of values is a
// *case*, and read_scenario() gives the scenario of one case, in which nothing is left open.
// scenarios/README.md is the reference, scenarios/schema.json the published schema; tests hold both
// against this reader.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harness/base/address.h"
#include "harness/base/result.h"
#include "harness/base/text.h"
#include "harness/document/document.h"
#include "harness/scenario/faults.h"

namespace sockdrill {

enum class Level { must, should, policy };

/// Where a message is taken apart: half of it, or after so many octets.
struct Point {
  bool is_half = false;
  std::uint64_t octets = 0;
  bool operator==(const Point&) const = default;
};

struct Payload {
  enum class Kind {
    text,
    hex,
    base64,
    file,
    repeat,
    pattern,
    request,
    join,
    integer,
    varint,
    cstr,
    length_of
  };
  Kind kind = Kind::text;
  Bytes bytes;       ///< text, hex and base64 (decoded), cstr (without its NUL)
  std::string name;  ///< file: path; pattern: whose ("own": the client's); integer and length_of:
                     ///< the form, "u16be"
  std::uint64_t number =
      0;  ///< pattern: octets; repeat: times; request: index; integer, varint: the value
  bool is_sized =
      false;  ///< request "sized": `number` is the length of the field with the most room
  std::vector<Payload> parts;                           ///< repeat, length_of: one; join: all
  std::vector<std::pair<std::string, Payload>> fields;  ///< request: values given instead of drawn
  std::optional<Point> first;                           ///< only up to here
  std::optional<Point> after;                           ///< only from here
  bool operator==(const Payload&) const = default;
};

struct Cut {
  enum class Kind { none, every_byte, every_offset, at };
  Kind kind = Kind::none;
  std::vector<std::uint64_t> at;  ///< offsets, rising
  bool operator==(const Cut&) const = default;
};

/// How a connection, or a wait, ended. Closing is data, never just "closed".
enum class Then {
  unsaid,  ///< the outcome says nothing about it
  open,    ///< the connection is still open once the server is at rest
  fin,     ///< orderly end of stream
  reset,   ///< ECONNRESET (or EPIPE)
  ended    ///< fin or reset
};

struct Outcome {
  enum class What {
    unsaid,    ///< only `then` matters; octets before it are skipped
    nothing,   ///< no octet comes, and no timer of the server can still change that
    sent,      ///< exactly what this client sent since its last expectation ("=sent")
    octets,    ///< exactly these
    message,   ///< one datagram or record of exactly these octets ("=sent": the one sent first
               ///< since)
    reply,     ///< the dialogue's reply to request n
    at_least,  ///< so many octets, of any value
    served     ///< what the client sent has been taken and read (for servers that never answer)
  };
  What what = What::unsaid;
  Payload payload;           ///< octets, message
  bool is_sent = false;      ///< message: "=sent"
  std::uint64_t number = 0;  ///< reply: the request's index; at_least: octets
  Then then = Then::unsaid;
  bool is_warning = false;  ///< "grade": "warn"
  std::string because;      ///< the clause that allows it
  bool operator==(const Outcome&) const = default;
};

/// How connect() itself ends.
enum class ConnectOutcome { connected, refused, reset, timeout };

struct From {
  std::string address;
  std::optional<std::uint16_t> port;
  bool is_same_port = false;  ///< "again": the port of this client's connection before
  bool is_unnamed = false;    ///< AF_UNIX: no address to answer to
  bool operator==(const From&) const = default;
};

// What a client does.
struct Connect {
  std::optional<std::uint32_t> receive_buffer;
  std::optional<std::uint32_t> send_buffer;
  From from;
  std::string to;  ///< another address of the server than the usual one
  std::vector<ConnectOutcome> outcome{ConnectOutcome::connected};
  bool operator==(const Connect&) const = default;
};
struct Open {  ///< a datagram socket, not connected; sends without it open one with nothing special
  std::optional<std::uint32_t> receive_buffer;
  std::optional<std::uint32_t> send_buffer;
  From from;
  bool broadcast = false;  ///< SO_BROADCAST
  bool operator==(const Open&) const = default;
};
struct Send {
  Payload payload;
  Cut cut;
  bool urgent = false;         ///< MSG_OOB
  bool until_blocked = false;  ///< only as much as gets out before the server takes no more
  bool reads_meanwhile =
      true;        ///< takes replies in while its own octets do not get out, as sane clients do
  std::string to;  ///< datagrams: another destination ("broadcast", "subnet-broadcast", an address)
  std::string fails;  ///< the errno that our own kernel must answer with ("EMSGSIZE")
  bool operator==(const Send&) const = default;
};
struct Expect {
  std::vector<Outcome> one_of;
  std::optional<std::uint64_t> within_ms;
  bool operator==(const Expect&) const = default;
};
struct ExchangeStep {  ///< a request and its reply
  Payload payload;
  Cut cut;
  bool operator==(const ExchangeStep&) const = default;
};
struct Shutdown {
  enum class How { write, read, both };
  How how = How::write;
  bool operator==(const Shutdown&) const = default;
};
struct Close {
  bool at_once = false;  ///< close(2) as it is; otherwise half-close, read to the end, close
  bool operator==(const Close&) const = default;
};
struct Reset {
  bool operator==(const Reset&) const = default;
};
struct Drain {  ///< reads to the end of the stream (datagrams: until the server is at rest),
                ///< whatever comes
  bool operator==(const Drain&) const = default;
};
struct Read {  ///< reads exactly so many octets, then stops reading
  std::uint64_t bytes = 0;
  bool operator==(const Read&) const = default;
};
struct Run {  ///< a real program inside the stage
  std::vector<std::string> command;
  Payload input;
  std::optional<int> exit = 0;
  std::optional<Payload> output;
  bool output_is_input = false;  ///< "=sent"
  bool operator==(const Run&) const = default;
};
using ClientAction = std::variant<Connect, Open, Send, Expect, ExchangeStep, Shutdown, Close, Reset,
                                  Drain, Read, Run>;
/// The word of the language: "connect", "send" ...
std::string word_of(const ClientAction& action);

// What happens to the server.
struct Settled {
  bool operator==(const Settled&) const = default;
};
struct Stop {  ///< SIGSTOP, and every thread has stopped
  bool operator==(const Stop&) const = default;
};
struct Continue {  ///< SIGCONT
  bool operator==(const Continue&) const = default;
};
struct Signal {
  std::string name;
  bool operator==(const Signal&) const = default;
};
struct Restart {
  std::string with = "declared";
  bool closed_streams = false;  ///< "streams": "closed": it starts with nothing at 0, 1 and 2
  std::string ignoring;         ///< the signal that is ignored when it starts; "" for none
  std::optional<std::uint64_t> path_bytes;  ///< AF_UNIX: at another path, of so many octets
  bool operator==(const Restart&) const = default;
};
struct Second {  ///< a second instance of the same command, beside the first
  enum class Port {
    usual,      ///< the first one's
    zero,       ///< any: it may listen, at a port that it names
    privileged  ///< one below 1024, without the capability that it takes
  };
  Port port = Port::usual;
  std::optional<std::uint64_t> path_bytes;  ///< AF_UNIX: another path than the first one's
  std::string says = "EADDRINUSE";  ///< its output must name this errno, or its text; "anything"
  bool operator==(const Second&) const = default;
};
struct Limit {  ///< a limit of the running server
  enum class Of {
    descriptors,  ///< the soft limit of their number
    processes     ///< reached: it gets no process and no thread more
  };
  Of of = Of::descriptors;
  std::uint64_t descriptors = 0;
  bool is_relative = false;  ///< "+5": so many more than it holds
  bool is_lifted = false;    ///< "none": back to what it was
  bool operator==(const Limit&) const = default;
};
struct Output {  ///< whether anybody reads what the running server writes to stdout and stderr
  bool is_read = false;
  bool operator==(const Output&) const = default;
};
struct ServerExpect {
  enum class Exit { unsaid, declared, any };
  Exit exit = Exit::unsaid;                ///< it ends, and how
  std::optional<std::uint64_t> within_ms;  ///< of exit
  bool leaves_nothing = false;  ///< "left_over": "nothing": no process of it outlives its exit
  bool is_quiet = false;        ///< "cpu": "quiet"
  std::optional<std::uint64_t> memory_growth;  ///< at most so many octets more than at the start
  bool is_declared_growth = false;             ///< "memory_growth": "declared"
  std::optional<int> zombies;                  ///< at most
  std::optional<int> close_wait;               ///< at most
  std::optional<int> descriptors;              ///< at most so many more than at the start
  bool is_listening = false;
  bool operator==(const ServerExpect&) const = default;
};
struct FromHere {  ///< instead of what the kernel did so far; calls are counted anew
  std::vector<Fault> faults;
  Schedule schedule;
  bool operator==(const FromHere&) const = default;
};
using ServerAction = std::variant<Settled, Stop, Continue, Signal, Restart, Second, Limit, Output,
                                  ServerExpect, FromHere>;
std::string word_of(const ServerAction& action);

// Steps.
struct Step;
struct ClientStep {
  std::string client;
  ClientAction action;
  bool operator==(const ClientStep&) const = default;
};
struct ServerStep {
  ServerAction action;
  bool operator==(const ServerStep&) const = default;
};
struct CrowdStep {
  std::optional<std::uint64_t>
      count;               ///< a new crowd of so many; without it, the crowd of that name again
  std::string name = "c";  ///< its clients are c1, c2 ...
  std::optional<std::uint64_t> at_once;  ///< how many play at a time; all of them when not said
  std::vector<ClientAction> each;
  std::vector<std::string> pointers;  ///< where each action stands; parallel to `each`
  bool operator==(const CrowdStep& other) const {
    return count == other.count && name == other.name && at_once == other.at_once &&
           each == other.each;
  }
};
struct RepeatStep {
  std::uint64_t times = 1;
  std::vector<Step> steps;
  bool operator==(const RepeatStep&) const;
};
struct Step {
  std::variant<ClientStep, ServerStep, CrowdStep, RepeatStep> what;
  std::string note;
  std::string pointer;  ///< where it stands in the file; no part of its value
  bool operator==(const Step& other) const { return what == other.what && note == other.note; }
};

/// Which targets a check is for. Empty lists mean any.
struct Applies {
  std::vector<Transport> transport;
  std::vector<std::string> speaks;    ///< protocols by name; "dialogue": any persistent request and
                                      ///< reply; "persistent"; "any"
  std::optional<bool> concurrent;     ///< the server serves several clients at a time
  bool is_ipv6 = false;               ///< "family": "ipv6": the server listens on IPv6
  bool broadcast_link = false;        ///< needs a network with a broadcast address
  bool broadcasts = false;            ///< the server declares that it answers broadcast requests
  std::vector<std::string> declares;  ///< declarations that must be there ("max_message")
  bool operator==(const Applies&) const = default;
};

struct Scenario {
  std::string id;
  std::string catalogue;  ///< its number in the catalogue, "RST-01"
  Level level = Level::must;
  std::string summary;
  std::vector<std::string> source;  ///< clauses: RFC sections, man pages
  std::string catches;
  Applies applies;
  bool fresh_server_each_case = false;
  std::vector<Step> steps;
  std::vector<Fault> faults;  ///< what the kernel does to the server's calls, from the first step
  Schedule schedule;          ///< of the server's threads
  bool operator==(const Scenario&) const = default;
  /// Its faults or its schedule, or those of a step, are beyond what can be asked of a real kernel.
  [[nodiscard]] bool needs_simulated_kernel() const;
};

/// Parameter name -> value, as JSON. Empty for a file without parameters.
using Bindings = std::map<std::string, Json>;

/// Whether an action of the server's in these steps, repeated ones too, is such a one.
bool has_server_action(const std::vector<Step>& steps,
                       const std::function<bool(const ServerAction&)>& is_wanted);

/// What a file defines: all its cases, in order.
struct Check {
  Document document;
  Scenario first;  ///< the scenario of the first case: id, level, source ... are the same in all
  std::vector<Bindings> cases;  ///< at least one
};

Result<Check> read_check(Document document);
Result<Scenario> read_scenario(const Document& document, const Bindings& bindings);
/// read_scenario(write_scenario(s)) == s, for every scenario.
Json write_scenario(const Scenario& scenario);
/// The same as a file for people: a step a line.
std::string write_scenario_file(const Scenario& scenario);
/// "size=512, how=fin"; "" for no parameters.
std::string to_string(const Bindings& bindings);
std::string to_string(Level level);
std::string to_string(Then then);

Result<Payload> read_payload(const Node& node, const std::vector<std::string>& other_keys);
Json write_payload(const Payload& payload);
/// The text of the published schema, scenarios/schema.json, as built in.
const std::string& scenario_schema();

}  // namespace sockdrill
