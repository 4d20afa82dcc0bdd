#pragma once

// The scenario of a session: each connection is a client, and what was seen is what is done and
// expected, in the order in which it was seen.
//
// Pure, and bounded: what it holds fits into one file that read_document() takes. Timing is
// dropped; what is kept is what came before what:
// - what the server had answered, to whomever, stands before the next thing that any client did;
// - where a client did something that was not answered before the next thing was done, a rest of
//   the server stands between the two, so that each piece is one read when it is played.

#include <optional>
#include <string>
#include <vector>

#include "harness/record/session.h"
#include "harness/scenario/scenario.h"
#include "harness/target/dialogue.h"

namespace sockdrill {

/// A longer answer is kept by its length only.
inline constexpr std::size_t kLongestAnswer = std::size_t{256} << 10U;

class SessionScript final {
 public:
  /// `greeting`: what the server says first. Whoever plays a scenario waits for it in `connect`, so
  /// it is left out of what is expected.
  SessionScript(Transport transport, Template greeting);

  /// Ignored once it is full.
  void add(const SessionEvent& event);
  /// No more fits into a file.
  [[nodiscard]] bool is_full() const { return is_full_; }
  [[nodiscard]] std::size_t clients() const { return conversations_.size(); }
  /// Answers of which only the length was kept.
  [[nodiscard]] std::size_t shortened() const { return shortened_; }

  /// The whole so far, with the answers that nothing has followed yet. `speaks`: the protocols that
  /// it is for, "" for any.
  [[nodiscard]] Scenario scenario(const std::string& id, const std::string& speaks) const;

 private:
  struct Conversation {
    Bytes answer;              ///< since the client's last step
    std::uint64_t length = 0;  ///< of the answer, whether it was kept or not
    bool is_greeting_due = false;
    bool has_client_ended = false;
    bool has_server_ended = false;
    bool is_over = false;
  };

  Conversation& conversation_at(std::size_t connection);
  bool has_room_for(const SessionEvent& event);
  void hear(std::size_t connection, const Bytes& octets);
  void act(std::size_t connection, ClientAction action);
  void end_client(std::size_t connection);
  void end_server(std::size_t connection, Then then);
  void expect_answers(std::size_t acting);  ///< before that connection's client does something
  void expect_answer(std::size_t connection, Then then);
  void take_greeting(Conversation& conversation) const;
  void add_step(std::size_t connection, ClientAction action);

  Transport transport_;
  Template greeting_;
  std::vector<Conversation> conversations_;
  std::vector<Step> steps_;
  std::optional<std::size_t> unanswered_;  ///< whose last step may still be on its way
  std::size_t text_size_ = 0;
  std::size_t shortened_ = 0;
  bool is_full_ = false;
};

/// Text where people can read it: UTF-8 without control characters other than CR, LF and TAB.
/// Hexadecimal otherwise.
Payload payload_of(const Bytes& octets);

/// "recorded/login-2" for ".../Login 2.json".
std::string recorded_id(const std::string& file);

}  // namespace sockdrill
