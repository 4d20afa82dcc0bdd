// Keeps the thread and the buffer of each client, to tidy up in the end: the end does not come.

#include <list>
#include <system_error>
#include <vector>

#include "targets/mutants/textbook.h"

namespace {

struct Client {
  std::thread thread;
  std::vector<char> buffer = std::vector<char>(65536);
};

void serve(int client, Client& its) {
  while (::recv(client, its.buffer.data(), its.buffer.size(), 0) > 0) continue;
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  std::list<Client> clients;
  for (;;) {
    const int client = mutants::accept_client(listener);
    Client& its = clients.emplace_back();
    try {
      its.thread = std::thread([client, &its] { serve(client, its); });
    } catch (const std::system_error&) {  // No thread to be had: this client is turned away.
      ::close(client);
      clients.pop_back();
    }
  }
}
