#pragma once

// What clients do, as coroutines. One Clients object serves all clients of a case; each of them
// does one thing at a time.

#include <map>
#include <string>

#include "harness/plan/expectation.h"
#include "harness/play/scene.h"

namespace sockdrill {

/// What usually comes at once is not worth a look at the server.
inline constexpr Nanoseconds kBeforeFirstLook = std::chrono::milliseconds(1);

struct Client {
  std::string name;
  std::optional<SocketId> socket;
  bool is_connected = false;
  bool has_shut_down = false;
  std::uint64_t sent_total = 0;  ///< octets, on this connection
  std::uint64_t received_total = 0;
  SentSoFar sent;  ///< since the last expectation that was met
  Heard heard;     ///< received and not yet used up
  std::optional<std::uint16_t> last_port;
};

class Clients final {
 public:
  explicit Clients(const Scene& scene) : scene_(scene) {}

  /// Carries out one client's step, with its step_began and step_ended.
  Task<void> act(const PlannedStep& step);
  /// The orderly end of every client that is still open: half-close, read to the end, close.
  Task<void> finish_all();
  /// Forgets all clients; their sockets are closed as they are.
  void drop_all();

 private:
  Task<std::string> connect(Client& client, const Connect& connect, int step);
  Task<std::string> send(Client& client, const PlannedSend& send, int step);
  Task<std::string> send_messages(Client& client, const PlannedSend& send, int step);
  Task<std::string> send_piece(Client& client, const PlannedSend& send, std::uint64_t begin,
                               std::uint64_t end, int step);
  Task<std::string> expect(Client& client, const PlannedExpect& expect, int step);
  Task<std::string> read(Client& client, std::uint64_t octets, int step);
  /// Reads to the end, or until `budget` octets came.
  Task<std::string> drain(Client& client, std::uint64_t budget, int step);
  Task<std::string> close(Client& client, const Close& close, int step);
  Task<std::string> run(Client& client, const PlannedRun& run, int step);
  Task<std::string> settle(int step);
  std::string open(Client& client, const SocketRequest& request, int step);
  std::string shut_down(Client& client, Shutdown::How how, int step);
  std::string reset(Client& client, int step);

  /// Takes in what is there, at most `most` octets; true once nothing more is there for now, or the
  /// end was seen.
  bool receive(Client& client, std::uint64_t most, int step);
  void note_received(Client& client, std::string_view octets, const SocketAddress& from, int step);
  void note_end(Client& client, End end, Errno error, int step);
  [[nodiscard]] bool boundaries() const { return keeps_boundaries(scene_.plan.target.transport); }

  Scene scene_;
  std::map<std::string, Client> clients_;
  std::string buffer_ = std::string(std::size_t{256} * 1024, '\0');
};

}  // namespace sockdrill
