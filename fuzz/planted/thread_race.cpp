// Each client has a buffer of its own, by number; but the next number is read under one lock and
// written under the next: two that come at the same time share a buffer, and may get each other's
// octets.

#include <array>
#include <mutex>

#include "targets/mutants/textbook.h"

namespace {

std::mutex mutex;
unsigned next_number = 0;
std::array<std::array<char, 4096>, 64> buffers;

unsigned read_next() {
  const std::lock_guard lock(mutex);
  return next_number;
}

void write_next(unsigned number) {
  const std::lock_guard lock(mutex);
  next_number = number;
}

void serve(int client) {
  const unsigned mine = read_next();
  write_next(mine + 1);  // the defect: it may have changed since
  auto& buffer = buffers[mine % buffers.size()];
  for (;;) {
    const ssize_t size = ::recv(client, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    if (!mutants::send_all(client, {buffer.data(), static_cast<std::size_t>(size)})) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
