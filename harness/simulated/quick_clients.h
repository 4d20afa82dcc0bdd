#pragma once

// Clients of one input: what they do, without a recording, and what of their replies must hold.
// Internal to simulated/.

#include <list>
#include <string>
#include <unordered_map>

#include "harness/plan/plan.h"
#include "harness/simulated/quick_server.h"
#include "harness/target/conversation.h"

namespace sockdrill {

struct QuickClient {
  std::string name;
  SocketId socket{};
  bool is_open = false;
  std::uint64_t came_as = 0;  ///< so many had come before: in this order they leave
  bool has_shut_down = false;
  bool has_ended = false;  ///< it read the end, or an error
  bool is_lost = false;    ///< an error
  bool is_comparable = true;
  std::optional<std::uint16_t> last_port;
  // Of an echo's client: what has not come back yet.
  Bytes sent;
  std::list<Bytes> messages;
  std::optional<Conversation> conversation;  ///< of any other dialogue's
  std::uint64_t received = 0;
};

class QuickClients final {
 public:
  /// All outlive this.
  QuickClients(SimulatedClients& sockets, const Target& target, sim::Kernel& kernel,
               QuickServer& server, QuickVerdict& verdict, const QuickPlayerOptions& options);

  /// A step of a client's.
  void act(const std::string& name, const PlannedAction& action);
  QuickClient& of(const std::string& name);
  [[nodiscard]] bool is_anybody_there() const;
  /// What comes, as long as the server has anything more to send.
  void read(QuickClient& client, std::uint64_t most);
  /// They say that they have no more to say, and leave (join() in fuzz/join.h does the same).
  void finish_all();
  /// An input begins. Of the datagrams that the kernel throws away, those before are no excuse.
  void begin() {
    dropped_before_ = kernel_.network().dropped_datagrams;
    octets_sent_ = 0;
  }
  /// By all of them, since then.
  [[nodiscard]] std::uint64_t octets_sent() const { return octets_sent_; }

 private:
  void open(QuickClient& client, const SocketRequest& request);
  void connect(QuickClient& client, const Connect& connect);
  void send(QuickClient& client, const PlannedSend& send);
  bool send_part(QuickClient& client, const PlannedSend& send, std::string_view octets);
  void note_sent(QuickClient& client, std::string_view octets);
  void receive(QuickClient& client, std::uint64_t most);
  void tell(const QuickClient& client, ClientOutcome outcome, std::string_view octets = {}) const;
  void take_in(QuickClient& client, std::string_view octets);
  void take_in_echo(QuickClient& client, std::string_view octets);
  [[nodiscard]] bool may_be_missing() const;
  void end_output(QuickClient& client);
  void close(QuickClient& client, bool is_abrupt);
  void look_for_loss(const QuickClient& client);
  void look_for_owed(const QuickClient& client);
  [[nodiscard]] bool has_dropped() const {
    return kernel_.network().dropped_datagrams != dropped_before_;
  }

  SimulatedClients& sockets_;
  const Target& target_;
  sim::Kernel& kernel_;
  QuickServer& server_;
  QuickVerdict& verdict_;
  const QuickPlayerOptions& options_;
  bool is_echo_;
  bool has_messages_;
  std::uint64_t dropped_before_ = 0;
  std::uint64_t octets_sent_ = 0;
  std::string buffer_;
  std::unordered_map<std::string, QuickClient> clients_;
  std::uint64_t came_ = 0;
};

}  // namespace sockdrill
