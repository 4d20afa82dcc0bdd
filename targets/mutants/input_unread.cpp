// Tells the time and closes without a look at what the client has sent: unread input turns the FIN
// into a reset, which can take the reply with it.

#include <ctime>

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  char text[64];
  const std::time_t now = std::time(nullptr);
  tm parts{};
  const std::size_t size =
      std::strftime(text, sizeof text, "%A, %B %d, %Y %H:%M:%S-UTC\r\n", ::gmtime_r(&now, &parts));
  mutants::send_all(client, {text, size});
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
