// Every error of recv() becomes an exception, and nobody catches it: the first reset ends all.

#include "targets/mutants/textbook.h"

namespace {

std::size_t receive_or_throw(int client, char* buffer, std::size_t size) {
  const ssize_t count = ::recv(client, buffer, size, 0);
  if (count < 0) throw std::system_error(errno, std::generic_category(), "recv");
  return static_cast<std::size_t>(count);
}

void serve(int client) {
  char buffer[16384];
  while (const std::size_t count = receive_or_throw(client, buffer, sizeof buffer)) {
    if (!mutants::send_all(client, {buffer, count})) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
