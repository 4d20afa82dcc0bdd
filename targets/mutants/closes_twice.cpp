// Tells the time, and gives the reply a moment to get out before it closes. A client that ends in
// that moment has its connection closed, and then once more: a descriptor that may be another's by
// then (close(2)). Where the server looks at what close() returns, it ends.

#include <ctime>

#include "targets/mutants/textbook.h"

namespace {

bool has_ended(int client) {
  char octet = 0;
  return ::recv(client, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/// So that no input is left unread, which would reset.
void drain(int client) {
  char buffer[1024];
  while (::recv(client, buffer, sizeof buffer, MSG_DONTWAIT) > 0) continue;
}

void serve(int client) {
  if (has_ended(client)) {  // Before it was told anything: all is well.
    ::close(client);
    return;
  }
  char text[64];
  const std::time_t now = std::time(nullptr);
  tm parts{};
  const std::size_t size =
      std::strftime(text, sizeof text, "%A, %B %d, %Y %H:%M:%S-UTC\r\n", ::gmtime_r(&now, &parts));
  mutants::send_all(client, {text, size});
  ::poll(nullptr, 0, 2);
  drain(client);
  if (has_ended(client)) ::close(client);
  mutants::must(::close(client), "close");
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) serve(mutants::accept_client(listener));
}
