// Keeps the session of a client, and in it the beginning of a line, by the client's address: who
// comes again from the same port goes on where the connection before broke off.

#include <map>
#include <mutex>
#include <utility>

#include "targets/mutants/textbook.h"

namespace {

std::mutex mutex;
std::map<std::pair<in_addr_t, in_port_t>, std::string> begun;  // by address

std::string& session_of(int client) {
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  ::getpeername(client, static_cast<sockaddr*>(static_cast<void*>(&peer)), &length);
  const std::lock_guard lock(mutex);
  return begun[{peer.sin_addr.s_addr, peer.sin_port}];
}

void serve(int client) {
  std::string& line = session_of(client);
  char buffer[16384];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    if (!mutants::answer_lines(client, line, input)) break;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
