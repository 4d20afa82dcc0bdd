#pragma once

// A server and its manifest: how it starts, where it listens, what it speaks, what it declares
// about itself.
//
// One manifest file may describe several targets: `variants` lists what differs ("speaks",
// "family"), and each variant is a target named `NAME:SPEAKS` or `NAME:SPEAKS:ipv6`. Pure: nothing
// is started or looked up here but the file itself.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/address.h"
#include "harness/target/dialogue.h"

namespace sockdrill {

enum class Family { ipv4, ipv6 };

struct Known {
  std::string check;  ///< a check's id, or a glob
  std::string because;
  bool operator==(const Known&) const = default;
};

/// What must find the defect of a mutant: this check, by a finding of this rule.
struct CaughtBy {
  std::string check;
  std::string rule;  ///< as findings have it: "step", "protocol", "invariant/alive" ...
  bool operator==(const CaughtBy&) const = default;
};

/// What a server says of itself. Without a declaration a policy check reports, and does not judge.
struct Declares {
  std::optional<bool> concurrent;  ///< "concurrency": "concurrent" | "iterative"
  bool polls = false;  ///< it never sleeps for long: "settled" is judged from consumed CPU
  std::string stops_on = "SIGTERM";
  std::vector<int> exit;  ///< statuses that a stop may end with; empty: 0, or killed by the signal
  std::optional<std::uint64_t> max_message;  ///< the longest request (stream) or datagram it takes
  std::optional<std::uint64_t> max_connections;
  std::optional<std::uint64_t> max_memory_growth;  ///< octets a slow client may cost
  std::optional<std::uint64_t> idle_timeout_ms;
  bool broadcasts = false;    ///< it answers requests that were sent to a broadcast address
  bool reports_port = false;  ///< started with port 0, it says which port it got
  /// In octets: what is declared, or 8 MiB.
  [[nodiscard]] std::uint64_t allowed_memory_growth() const {
    return max_memory_growth.value_or(std::uint64_t{8} << 20U);
  }
  bool operator==(const Declares&) const = default;
};

struct Target {
  std::string name;   ///< unique: "tcp-epoll-level:echo"
  std::string model;  ///< the manifest's own name: "tcp-epoll-level"
  std::string file;   ///< where it was read; "" for --exec
  std::vector<std::string>
      command;  ///< {port} {path} {tmp} {speaks} {family} {host} and {libexec} are filled in
  std::string working_directory;  ///< "" = {tmp}
  std::map<std::string, std::string> environment;
  Transport transport = Transport::tcp;
  Family family = Family::ipv4;
  std::uint16_t port = 0;  ///< fixed port; 0 = we choose and fill {port} in
  std::string path;        ///< AF_UNIX: fixed path; "" = we choose
  Dialogue speaks;
  Declares declares;
  std::vector<Known> known;
  std::vector<CaughtBy> caught_by;  ///< of mutants only: servers with one defect, made on purpose
  std::vector<Known> also;  ///< of mutants: must-checks that fail as a consequence of that defect
  /// Programs in PATH, or paths with {libexec} or {targets}, without which the target is skipped.
  std::vector<std::string> needs;
  std::string summary;
  bool operator==(const Target&) const = default;

  [[nodiscard]] const Known* known_for(const std::string& check) const;
  [[nodiscard]] bool is_mutant() const { return !caught_by.empty(); }
};

/// Targets of one manifest, in the order of its variants.
Result<std::vector<Target>> read_targets(const Document& document);
/// One concrete target (no variants): what a recording carries.
Json write_target(const Target& target);

/// What {targets} stands for: the whole path of the folder of its manifest, for a server starts in
/// a folder of its own. "": it has none.
std::string folder_of(const Target& target);
/// The same, with its folder for {targets}: so it can be written to another one.
Target with_its_folder(Target target);

/// The placeholders a command may use; anything else in braces that looks like one is an error.
std::vector<std::string> placeholder_names();
/// Of `{prot}`, which would reach the server as it stands: what was meant, in a sentence; "":
/// nothing in it is near a placeholder and none.
std::string misspelt_placeholder_in(const std::string& text);
/// `{port}` -> values["port"]. An unknown `{word}` is left as it stands.
std::string fill_in(const std::string& text, const std::map<std::string, std::string>& values);

std::string to_string(Family family);

}  // namespace sockdrill
