// Messages behind a length of 32 bits: whether there is room is asked of the length and the header
// together, which wrap.

#include <arpa/inet.h>

#include <cstring>

#include "targets/mutants/textbook.h"

namespace {

constexpr std::uint32_t kRoom = 1024;
constexpr std::uint32_t kHeader = 4;

/// False: the client is gone.
bool receive_all(int client, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(client, to, size, 0);
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

void serve(int client) {
  std::string message(kRoom, '\0');
  for (;;) {
    std::uint32_t length = 0;
    if (!receive_all(client, reinterpret_cast<char*>(&length), kHeader)) return;
    length = ntohl(length);
    if (length + kHeader > kRoom) return;  // the defect
    std::memcpy(message.data(), &length, kHeader);
    if (!receive_all(client, message.data() + kHeader, length)) return;
    const std::uint32_t header = htonl(length);
    std::memcpy(message.data(), &header, kHeader);
    if (!mutants::send_all(client, {message.data(), kHeader + length})) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_in_turn(mutants::open_listener(words[1]), serve); }
