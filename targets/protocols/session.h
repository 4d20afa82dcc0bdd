#pragma once

// One client's conversation: a stream handler between two fixed buffers. This is all a server model
// keeps for a client besides the descriptor.
//
//   receive into input_room(), then add_input(n) or end_input();  send from output(), then
//   drop_output(n)
//
// The buffers are the backpressure: while the client does not take its replies, output() stays
// full, the handler takes no input, input_room() becomes empty, and the model stops reading. It
// must not call recv() then: recv() with no room returns 0, which looks like the end of the stream.

#include <array>
#include <memory>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

class Session final {
 public:
  static constexpr std::size_t kBufferBytes = 16384;

  /// `handler` is not null.
  explicit Session(std::unique_ptr<StreamHandler> handler);

  /// Where to receive; empty means: do not read now.
  [[nodiscard]] std::span<char> input_room();
  void add_input(std::size_t size_bytes);
  /// The client has ended its side. Its replies are still owed.
  void end_input();

  /// What to send; empty means: nothing to send now.
  [[nodiscard]] std::string_view output() const;
  void drop_output(std::size_t size_bytes);

  [[nodiscard]] bool has_input_ended() const { return has_input_ended_; }
  /// All has been said and sent: it is on the server to close.
  [[nodiscard]] bool is_finished() const { return handler_->is_finished() && output().empty(); }

 private:
  /// A window on bytes that have come and are not yet gone. Untouched pages cost nothing, so
  /// nothing is cleared at the start.
  struct Buffer {
    [[nodiscard]] std::string_view bytes() const { return {data.data() + begin, end - begin}; }
    [[nodiscard]] std::span<char> room();
    void drop(std::size_t size_bytes);

    std::size_t begin = 0;
    std::size_t end = 0;
    std::array<char, kBufferBytes> data;
  };

  void advance();

  std::unique_ptr<StreamHandler> handler_;
  bool has_input_ended_ = false;
  Buffer input_;
  Buffer output_;
};

}  // namespace sockdrill::protocols
