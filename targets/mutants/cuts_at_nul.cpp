// Takes what it has received for a C string: strlen() stops at the first NUL.

#include <cstring>

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::recv(client, buffer, sizeof buffer - 1, 0);
    if (count <= 0) return;
    buffer[count] = '\0';
    if (!mutants::send_all(client, {buffer, std::strlen(buffer)})) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
