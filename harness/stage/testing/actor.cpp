// stage_actor: plays the server in the tests and the benchmark of the stage. The first argument
// says what to do. Static and plain, so that launching it measures the launch and nothing else.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

void say(const char* text) { static_cast<void>(!::write(1, text, std::strlen(text))); }

int give_up(const char* what) {
  std::perror(what);
  return 1;
}

sockaddr_in ip(const char* address, int port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, address, &made.sin_addr);
  return made;
}

/// Greets every connection with one byte.
int greet(int listener) {
  if (::listen(listener, 16) != 0) return give_up("listen");
  say("ready\n");
  for (;;) {
    const int connection = ::accept(listener, nullptr, nullptr);
    if (connection < 0) continue;
    static_cast<void>(!::write(connection, "x", 1));
    ::close(connection);
  }
}

int serve_tcp(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = ip("0.0.0.0", port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return give_up("bind");
  }
  return greet(listener);
}

int serve_unix(const char* path) {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return give_up("bind");
  }
  return greet(listener);
}

/// Says every datagram that comes to the wildcard address.
int hear_udp(int port) {
  const int hearer = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in address = ip("0.0.0.0", port);
  if (::bind(hearer, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return give_up("bind");
  }
  say("ready\n");
  for (;;) {
    char text[256];
    const ssize_t count = ::recv(hearer, text, sizeof text, 0);
    if (count > 0) static_cast<void>(!::write(1, text, static_cast<std::size_t>(count)));
  }
}

int flood(long bytes) {
  char piece[1000];
  std::memset(piece, '.', sizeof piece);
  for (long left = bytes; left > 0;) {
    const std::size_t wanted = left < 1000 ? static_cast<std::size_t>(left) : sizeof piece;
    const ssize_t count = ::write(1, piece, wanted);
    if (count < 0) return give_up("write");
    left -= count;
  }
  return 0;
}

/// Two generations away from its starter, in a session of its own, deaf to everything that can be
/// ignored, with a reaper of its own above it.
int become_daemon() {
  if (::fork() != 0) return 0;
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (::fork() != 0) {
    while (::wait(nullptr) > 0) continue;
    ::pause();
  }
  ::setsid();
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_IGN);
  say("daemon\n");
  for (;;) ::pause();
}

int print_limits() {
  for (const auto resource : {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_NPROC}) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    std::printf("%ld/%ld\n", static_cast<long>(limit.rlim_cur), static_cast<long>(limit.rlim_max));
  }
  return 0;
}

/// Whether so many bytes can be had.
int take_memory(long bytes) {
  void* taken = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  say(taken == MAP_FAILED ? "refused\n" : "taken\n");
  return 0;
}

/// Opens /dev/null at each byte of stdin and says whether it could.
int open_on_demand() {
  char ignored = 0;
  while (::read(0, &ignored, 1) == 1) say(::dup(1) < 0 ? "refused\n" : "opened\n");
  return 0;
}

/// A process, or a thread's share of one, on demand.
int fork_on_demand() {
  char ignored = 0;
  while (::read(0, &ignored, 1) == 1) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    if (child > 0) ::waitpid(child, nullptr, 0);
    say(child > 0 ? "born\n" : errno == EAGAIN ? "refused\n" : "failed\n");
  }
  return 0;
}

/// "bound", or why not.
int bind_port(int port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int bound = ::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  say(bound == 0 ? "bound\n" : errno == EACCES ? "EACCES\n" : "failed\n");
  return 0;
}

/// The descriptors that are open here, e.g. "0 1 2".
int print_descriptors() {
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) std::printf("%d ", fd);
  }
  return 0;
}

/// Blocked and ignored signals.
int print_signals() {
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    if (::sigismember(&blocked, number) == 1) std::printf("blocked %d\n", number);
    if (action.sa_handler == SIG_IGN) std::printf("ignored %d\n", number);
  }
  std::printf("session %s\n", ::getsid(0) == ::getpid() ? "own" : "foreign");
  return 0;
}

/// What a server that means harm does to whoever started it, after leaving a daemon behind. At a
/// byte on stdin, so that its start is over.
int harm_parent(int number) {
  char ignored = 0;
  if (::read(0, &ignored, 1) != 1) return give_up("read");
  const pid_t parent = ::getppid();
  if (::fork() == 0) return become_daemon();
  ::kill(parent, number);
  say("done\n");
  for (;;) ::pause();
}

}  // namespace

int main(int count, char** arguments) {
  const auto is = [&](const char* word) { return std::strcmp(arguments[1], word) == 0; };
  const auto number = [&] { return count > 2 ? std::atol(arguments[2]) : 0; };
  if (count < 2) return 2;
  if (is("serve-tcp")) return serve_tcp(static_cast<int>(number()));
  if (is("serve-unix")) return serve_unix(arguments[2]);
  if (is("hear-udp")) return hear_udp(static_cast<int>(number()));
  if (is("flood")) return flood(number());
  if (is("daemon")) return become_daemon();
  if (is("limits")) return print_limits();
  if (is("memory")) return take_memory(number());
  if (is("open-on-demand")) return open_on_demand();
  if (is("fork-on-demand")) return fork_on_demand();
  if (is("bind")) return bind_port(static_cast<int>(number()));
  if (is("descriptors")) return print_descriptors();
  if (is("signals")) return print_signals();
  if (is("harm-parent")) return harm_parent(static_cast<int>(number()));
  return 2;
}
