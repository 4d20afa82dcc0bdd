#pragma once

// What the client of a dialogue must hear, told from what it sends.
//
// Requests of the dialogue are recognised in the client's octets, however they are cut, and each is
// owed its reply, in their order. What is no request of the dialogue's a server may answer as it
// likes: from there on nothing is known of this conversation. An echo is none: whatever is sent
// comes back.

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "harness/target/dialogue.h"

namespace sockdrill {

class Conversation final {
 public:
  /// The client has connected. `dialogue` outlives this.
  Conversation(const Dialogue& dialogue, Transport transport);

  /// Some octets of a stream, or one message.
  void note_sent(std::string_view octets);
  /// The same of what came; why that is not what had to come, once. `may_be_missing`: whole replies
  /// may have been lost.
  std::optional<std::string> note_received(std::string_view octets, bool may_be_missing);
  /// The replies that must still come. None when nobody can say: a server may keep them back while
  /// it has the beginning of another request, and may end a conversation that goes on for long.
  [[nodiscard]] std::size_t owed() const {
    return is_known_ && unanswered_.empty() && asked_ <= kLong ? owed_.size() : 0;
  }
  /// Something happened to this client that the dialogue says nothing about.
  void give_up() { is_known_ = false; }

 private:
  struct Reply {
    const Template* parts;
    FieldValues values;
  };
  void owe(const Exchange& exchange, FieldValues values);
  std::optional<std::string> take_message(std::string_view message, bool may_be_missing);
  std::optional<std::string> take_stream(bool may_be_missing);
  std::optional<std::string> complain(std::string what);

  static constexpr std::size_t kLong = 32;  ///< requests

  const Dialogue* dialogue_;
  std::size_t asked_ = 0;
  bool has_messages_;
  bool is_known_ = true;
  bool is_over_ = false;  ///< after what is owed the server closes, and reads no more
  Bytes unanswered_;      ///< the beginning of a request
  Bytes heard_;           ///< the beginning of a reply
  std::deque<Reply> owed_;
};

}  // namespace sockdrill
