#pragma once

// The seam between a plan and whatever carries it out.
//
// The player sees only this interface; the real world (sockets in a stage) implements it, and the
// simulated one. No call blocks except wait(). Failures are values: to the player EAGAIN and
// ECONNRESET are observations.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/address.h"
#include "harness/base/deadline.h"
#include "harness/scenario/scenario.h"
#include "harness/stage/stage.h"
#include "harness/watch/watch.h"

namespace sockdrill {

enum class SocketId : int {};

struct SocketRequest {
  std::optional<std::uint32_t> receive_buffer;
  std::optional<std::uint32_t> send_buffer;
  std::string from_address;  ///< "" = whatever the kernel chooses
  std::optional<std::uint16_t> from_port;
  bool is_unnamed = false;  ///< AF_UNIX datagram: no address to answer to
  bool broadcast = false;   ///< SO_BROADCAST
};

struct ReceivedPiece {
  std::size_t size = 0;  ///< 0 on a stream: its end
  SocketAddress from;    ///< datagrams
  bool is_end =
      false;  ///< streams and seqpackets: the orderly end (a seqpacket's empty record is none)
};

struct Ready {
  SocketId socket{};
  bool readable = false;  ///< or at its end, or in error
  bool writable = false;
};

/// The first instance, or the second one that a step starts beside it.
enum class Instance { first, second };

/// How a start differs from the usual one. Nothing of it is for the next, but that a first instance
/// stays at its path.
struct StartOptions {
  Inheritance inherits;
  Second::Port port = Second::Port::usual;
  std::optional<std::uint64_t> path_bytes;  ///< AF_UNIX: another path, of so many octets
};

/// Where to look for a server's listeners at least; to look elsewhere, too, costs the real world
/// time.
enum class Scope { its_transport, everywhere };

struct Listening {
  bool is_there = false;  ///< where it should be
  std::string where;      ///< that address
  std::vector<std::string> elsewhere;
};

struct ProgramResult {
  ExitStatus status;
  Bytes output;
  Bytes errors;
};

/// Clients' sockets, of the target's transport.
class Sockets {
 public:
  virtual ~Sockets() = default;
  virtual SysResult<SocketId> open(const SocketRequest& request) = 0;
  /// To the server, or to `to`. EINPROGRESS: wait until writable, then ask error_of(). EAGAIN
  /// (AF_UNIX, full backlog): try again.
  virtual SysResult<void> connect(SocketId socket, const std::string& to) = 0;
  virtual SysResult<std::size_t> send(SocketId socket, std::string_view octets, bool urgent) = 0;
  /// One datagram to the server, or to `to` ("broadcast", "subnet-broadcast", or an address).
  virtual SysResult<std::size_t> send_to(SocketId socket, std::string_view octets,
                                         const std::string& to) = 0;
  virtual SysResult<ReceivedPiece> receive(SocketId socket, char* buffer, std::size_t size) = 0;
  virtual SysResult<void> shutdown(SocketId socket, Shutdown::How how) = 0;
  virtual void close(SocketId socket) = 0;
  /// An abortive close: RST on TCP (SO_LINGER {1,0}, socket(7)); a plain one elsewhere.
  virtual void reset(SocketId socket) = 0;
  /// SO_ERROR, which asking clears.
  virtual Errno error_of(SocketId socket) = 0;
  virtual SocketAddress local_address(SocketId socket) = 0;
  /// Whether a datagram from here is the server's: the address asked, or any address of the host
  /// when a broadcast was.
  virtual bool is_servers(const SocketAddress& from) = 0;
  /// Whether, at this rest, the server had read everything that this socket sent.
  virtual bool is_all_read(SocketId socket, const RestReport& rest) = 0;
};

class World {
 public:
  virtual ~World() = default;
  /// Time since the run began.
  virtual Nanoseconds now() = 0;

  virtual Sockets& sockets() = 0;

  /// Sleeps until a socket has become ready (edge by edge: a socket is named again only after an
  /// EAGAIN), news came from the server's processes, or the time is there. Takes in the server's
  /// output all the while.
  virtual std::vector<Ready> wait(Nanoseconds until) = 0;

  // The server.
  /// Clients go to the first instance, wherever it was told to listen. The error is for people: the
  /// command is not found, may not be executed, ...
  virtual Result<void> start(Instance instance, const StartOptions& options, Deadline deadline) = 0;
  /// Nothing while it lives. A process that has just ended is never taken for a living one: its
  /// status is waited for.
  virtual std::optional<ExitStatus> exited(Instance instance) = 0;
  virtual Listening listening(Scope scope = Scope::its_transport) = 0;
  virtual SysResult<void> signal(Instance instance, int number) = 0;
  /// SIGSTOP or SIGCONT to every process of the server, its children too. One that is born
  /// meanwhile is missed: ask again until is_stopped().
  virtual void signal_all(int number) = 0;
  virtual bool is_stopped() = 0;
  virtual RestReport look() = 0;
  virtual Resources sample() = 0;
  /// The soft limit of descriptors of the first instance.
  virtual std::uint64_t descriptor_limit() = 0;
  virtual SysResult<void> limit_descriptors(std::uint64_t soft_limit) = 0;
  /// While reached, fork(2), clone(2) and their kin fail with EAGAIN in the server. For plans that
  /// need it (Plan::needs_process_limit).
  virtual SysResult<void> reach_process_limit(bool is_reached) = 0;
  /// Whether the server's stdout and stderr are taken in; they are, unless somebody says otherwise.
  virtual void set_output_read(bool is_read) = 0;
  /// Of a UDP server: how many our kernel has thrown away so far. 0 for others.
  virtual std::uint64_t dropped_datagrams() = 0;
  virtual pid_t pid_of(Instance instance) = 0;
  /// The processes of the server that live, for "nothing left over"; each with its command.
  virtual std::vector<std::string> left_over() = 0;
  virtual std::vector<std::string> describe_tasks() = 0;
  /// What its threads wait for, and how its sockets stand.
  virtual Snapshot observe() = 0;
  virtual OutputTail output_of(Instance instance, bool errors) = 0;
  /// Kills whatever the server has left and starts afresh in the same network: for restarts.
  virtual void kill_all(Deadline deadline) = 0;

  // Faults and schedules, which only a simulated kernel knows (Scenario::needs_simulated_kernel).
  /// From here on they count, anew; none of either ends it.
  virtual void set_faults(const std::vector<Fault>& faults, const Schedule& schedule) = 0;
  /// Those that have had an effect since this was last asked, in their order.
  virtual std::vector<Fault> take_struck() = 0;

  /// A program beside the server; its number.
  virtual Result<int> start_program(const std::vector<std::string>& command,
                                    const Bytes& input) = 0;
  /// Its result, once it has ended.
  virtual std::optional<ProgramResult> program_result(int program) = 0;
};

}  // namespace sockdrill
