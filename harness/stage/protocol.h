#pragma once

// What the stage and its agent say to each other over a SOCK_SEQPACKET pair: one struct a message.
//
// Both are built together and run on one machine, so the structs cross as they are in memory. This
// header is shared with the agent, which has no C++ library: plain types and constants only.

#include <cstddef>
#include <cstdint>

namespace sockdrill::protocol {

/// Where the agent finds its end of the pair.
inline constexpr int kControlFd = 3;
/// A temp folder of a longer name would be of no use: a socket's path has 107 octets.
inline constexpr std::size_t kTextBytes = 512;

/// What was being done when the kernel said no. In the order in which the agent does it.
enum class Step : std::uint32_t {
  none,
  protocol,
  descriptors,
  private_mounts,
  hostname,
  temp_folder,
  loopback,
  ordinary_address,
  broadcast_link,
  broadcast_routes,
  subreaper,
  request,
  child,
  session,
  standard_streams,
  identity,
  working_directory,
  descriptor_limit,
  memory_limit,
  process_limit,
  low_ports,
  process_gate,
  search_path,
  interpreter,
  exec,
};

/// The first message to the agent; it waits in the socket when the agent starts.
struct SetUp {
  std::uint32_t isolated = 0;
  std::uint32_t broadcast_link = 0;
  std::uint32_t keep_run = 0;  ///< leave /run as it is: something we need lies below it
  std::uint32_t unused = 0;
  std::uint64_t soft_descriptors = 0;  ///< RLIMIT_NOFILE that started processes inherit; 0 = ours
  char temp_parent[kTextBytes] = {};   ///< degraded only: where to make the temp folder
};

enum LimitFlag : std::uint32_t {
  kLimitsDescriptors = 1,
  kLimitsMemory = 2,
  kLimitsProcesses = 4,
};

/// Every later message to the agent is one of these, but only the first starts a process; the
/// others say what the gates of processes (gate.cpp) do from here on, and have no answer.
enum class Wish : std::uint32_t { start, refuse_processes, allow_processes };

/// Four descriptors come with a wish to start: a file that holds the words (working directory,
/// argv, environment; each ends with a NUL), stdin, stdout, stderr.
struct Start {
  Wish wish = Wish::start;
  std::uint64_t words_bytes = 0;
  std::uint32_t argument_count = 0;
  std::uint32_t environment_count = 0;
  std::uint32_t limit_flags = 0;
  std::uint32_t as_ordinary_user = 0;
  std::uint32_t closed_streams = 0;  ///< nothing at 0, 1 and 2
  std::uint32_t ignored_signal = 0;  ///< 0 = none
  std::uint32_t without_low_ports = 0;
  std::uint32_t has_gate = 0;  ///< processes that it makes have to pass the agent's gate
  std::uint64_t descriptors = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t processes = 0;
};

enum class Kind : std::uint32_t {
  ready,         ///< set-up is done; text = the temp folder
  setup_failed,  ///< step and error; the agent exits
  started,  ///< pid as the agent sees it; SCM_CREDENTIALS hold it as we see it; a pidfd comes too
  start_failed,  ///< step and error
  ended,         ///< pid, status as of wait(2)
};

/// Every message from the agent. Only as much of `text` is sent as is used.
struct Report {
  Kind kind = Kind::ready;
  Step step = Step::none;
  std::int32_t error = 0;
  std::int32_t pid = 0;
  std::int32_t status = 0;
  std::uint32_t text_bytes = 0;
  char text[kTextBytes] = {};
};
inline constexpr std::size_t kReportHeadBytes = offsetof(Report, text);

}  // namespace sockdrill::protocol
