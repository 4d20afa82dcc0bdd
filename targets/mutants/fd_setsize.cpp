// Waits in select() for all its clients, and does not look whether their descriptors fit its set of
// 1024.

#include <sys/select.h>

#include <algorithm>
#include <vector>

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  std::vector<int> clients;
  for (;;) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(listener, &readable);
    int highest = listener;
    for (const int client : clients) {
      FD_SET(client, &readable);
      highest = std::max(highest, client);
    }
    if (::select(highest + 1, &readable, nullptr, nullptr, nullptr) < 0) continue;
    std::erase_if(clients, [&](int client) {
      char buffer[16384];
      if (!FD_ISSET(client, &readable) || !mutants::receive(client, buffer).empty()) return false;
      ::close(client);
      return true;
    });
    const int client = FD_ISSET(listener, &readable) ? mutants::try_accept(listener) : -1;
    if (client >= 0) clients.push_back(client);
  }
}
