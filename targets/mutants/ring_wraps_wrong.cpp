// Echoes out of a ring of 4096 octets, and has one octet too few behind when a piece lies across
// its end.

#include <array>

#include "targets/mutants/textbook.h"

namespace {

class Ring final {
 public:
  /// False: the client has ended, or is gone.
  bool receive(int client) {
    filled_ = ::recv(client, octets_.data() + at_, octets_.size() - at_, 0);
    return filled_ > 0;
  }
  bool send(int client) {
    const std::size_t size = static_cast<std::size_t>(filled_);
    const bool is_at_the_end = at_ + size == octets_.size();
    const std::string_view piece(octets_.data() + at_, is_at_the_end ? size - 1 : size);
    at_ = (at_ + size) % octets_.size();
    return mutants::send_all(client, piece);
  }

 private:
  std::array<char, 4096> octets_;
  std::size_t at_ = 0;
  ssize_t filled_ = 0;
};

void serve(int client) {
  Ring ring;
  while (ring.receive(client) && ring.send(client)) continue;
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
