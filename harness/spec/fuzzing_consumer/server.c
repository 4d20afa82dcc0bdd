// The server of a user: echoes to one client after another.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_listener(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0 ||
      listen(listener, 128) != 0) {
    perror("cannot listen");
    exit(1);
  }
  return listener;
}

#ifdef BROKEN
// Once somebody has said "patience", "wait" is waited for, and that for ever.
static void wait_if_asked(const char* words, ssize_t count) {
  static int has_patience = 0;
  if (count == 8 && memcmp(words, "patience", 8) == 0) has_patience = 1;
  if (!has_patience || count != 4 || memcmp(words, "wait", 4) != 0) return;
  for (;;) continue;
}
#endif

// 0, or the error that ended it.
static int serve(int client) {
  char buffer[16384];
  ssize_t count = 0;
  while ((count = recv(client, buffer, sizeof buffer, 0)) != 0) {
    if (count < 0 && errno != EINTR) return errno;
#ifdef BROKEN
    wait_if_asked(buffer, count);
#endif
    for (ssize_t sent = 0; sent < count;) {
      const ssize_t more = send(client, buffer + sent, (size_t)(count - sent), MSG_NOSIGNAL);
      if (more < 0 && errno != EINTR) return errno;
      if (more > 0) sent += more;
    }
  }
  return 0;
}

int main(int count, char** words) {
  const int listener = open_listener(count > 1 ? atoi(words[1]) : 0);
  for (;;) {
    const int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    const int error = serve(client);
#ifdef BROKEN
    if (error != 0) continue;
#else
    (void)error;
#endif
    close(client);
  }
}
