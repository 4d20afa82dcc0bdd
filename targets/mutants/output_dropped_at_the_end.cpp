// Queues what the client does not take yet, and throws the queue away with the connection when the
// client half-closes.

#include "targets/mutants/textbook.h"

namespace {

constexpr std::size_t kMostPending = std::size_t{1} << 20U;
constexpr int kSendBuffer = 16384;  // Little in the kernel, so that the queue is ours.

void serve(int client) {
  mutants::must(::setsockopt(client, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer),
                "setsockopt");
  std::string pending;
  char buffer[16384];
  for (;;) {
    const int in = pending.size() < kMostPending ? POLLIN : 0;
    const int out = pending.empty() ? 0 : POLLOUT;
    pollfd polled{.fd = client, .events = static_cast<short>(in | out), .revents = 0};
    if (::poll(&polled, 1, -1) < 0) continue;
    if ((polled.revents & POLLIN) != 0 || (polled.revents & (POLLERR | POLLHUP)) != 0) {
      const std::string_view input = mutants::receive(client, buffer);
      if (input.empty()) return;
      pending += input;
    }
    if ((polled.revents & POLLOUT) == 0) continue;
    const ssize_t sent =
        ::send(client, pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent > 0) pending.erase(0, static_cast<std::size_t>(sent));
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
