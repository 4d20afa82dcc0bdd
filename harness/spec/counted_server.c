// A server whose lines are counted (fuzz_spec.cpp): echoes, in a process of its own for each client.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_listener(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0) {
    perror("cannot listen");  // never
  }
  listen(listener, 128);  // once a start
  return listener;
}

static void serve(int client) {
  char buffer[4096];
  ssize_t count = 0;
  while ((count = recv(client, buffer, sizeof buffer, 0)) > 0) {
    for (ssize_t sent = 0; sent < count;) {
      const ssize_t more = send(client, buffer + sent, (size_t)(count - sent), MSG_NOSIGNAL);
      if (more < 0) return;
      sent += more;  // in a child
    }
  }
}

int main(int count, char** words) {
  signal(SIGCHLD, SIG_IGN);
  const int listener = open_listener(count > 1 ? atoi(words[1]) : 0);
  for (;;) {
    const int client = accept(listener, NULL, NULL);
    if (client >= 0 && fork() == 0) {
      serve(client);
      _exit(0);
    }
    if (client >= 0) close(client);
  }
}
