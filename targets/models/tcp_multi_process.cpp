// A process a connection: the parent accepts and forks, the child talks to one client as if there
// were no other, and ends.
//
// A connection costs a process: page tables, a kernel stack and the pages that the child writes to,
// some hundred KiB in all, and a fork (tens of microseconds and more, growing with the parent's
// memory). In return the code is that of the iterative server, a crash hits one client, and the
// kernel shares out the processors.
//
// Easy to get wrong: waiting for one child a SIGCHLD (several ends are one signal); fork()
// returning -1 and that number handed to kill(), where it means everybody; keeping the client's
// descriptor open in the parent, so that no client ever sees FIN; leaving the listener open in the
// children, so that the port stays taken when the parent dies; children that outlive their parent.

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <new>
#include <span>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

constexpr std::size_t kMaxChildren = 16384;  // More clients wait in the backlog.
constexpr int kGraceMs = 1000;               // From SIGTERM to SIGKILL.

short wanted_events(protocols::Session& session) {
  const int in = session.input_room().empty() ? 0 : POLLIN;
  const int out = session.output().empty() ? 0 : POLLOUT;
  return static_cast<short>(in | out);
}

/// True when everything is said; false when the client is lost or the server is to stop.
bool converse(int client, protocols::Session& session, int stop) {
  while (true) {
    if (send_some(client, session) == Io::lost) return false;
    if (session.is_finished()) return true;
    if (wait_for(client, wanted_events(session), stop) == Woken::stopped) return false;
    if (receive_some(client, session) == Io::lost) return false;
  }
}

void serve(int client, protocols::Protocol protocol, int stop) {
  auto handler = make_stream_handler(protocol, unix_seconds());
  if (handler == nullptr) return;
  protocols::Session session(std::move(handler));
  if (!converse(client, session, stop)) return reset_if_unfinished(client, session);
  if (!begin_lingering_close(client, session)) return;
  const std::int64_t deadline_ms = now_ms() + kLingerMs;
  while (wait_for(client, POLLIN, stop, deadline_ms) == Woken::ready) {
    if (discard_some(client) == Io::lost) return;
  }
}

/// Readable when children have ended.
OwnedFd open_child_fd() {
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGCHLD);
  // Whoever started us may ignore SIGCHLD, and then there would be nothing to wait for.
  if (::signal(SIGCHLD, SIG_DFL) == SIG_ERR) return {};
  if (::sigprocmask(SIG_BLOCK, &ends, nullptr) != 0) return {};
  return OwnedFd{::signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC)};
}

class Server final {
 public:
  Server(OwnedFd& listener, const OwnedFd& ends, const OwnedFd& stop, protocols::Protocol protocol,
         std::span<pid_t> pids)
      : listener_(listener),
        ends_(ends.get()),
        stop_(stop.get()),
        protocol_(protocol),
        pids_(pids) {}

  void run();
  /// Takes the children along.
  void stop_children();

 private:
  void accept_client_and_fork();
  void start_child(OwnedFd client);
  [[noreturn]] void be_child(OwnedFd client, pid_t parent);
  void reap();
  void forget(pid_t pid);
  void signal_children(int signal) const;

  OwnedFd& listener_;
  const int ends_;
  const int stop_;
  const protocols::Protocol protocol_;
  const std::span<pid_t> pids_;
  std::size_t children_ = 0;          // The first of pids_ are alive.
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

void Server::run() {
  while (true) {
    const bool is_paused = accept_again_at_ > now_ms();
    const bool may_accept = !is_paused && children_ < pids_.size();
    std::array polled{
        pollfd{.fd = may_accept ? listener_.get() : -1, .events = POLLIN, .revents = 0},
        pollfd{.fd = ends_, .events = POLLIN, .revents = 0},
        pollfd{.fd = stop_, .events = POLLIN, .revents = 0}};
    if (::poll(polled.data(), polled.size(), timeout_until(is_paused ? accept_again_at_ : kNever)) <
        0) {
      recover_from_wait_error();
      continue;
    }
    if (polled[2].revents != 0) return;
    if (polled[1].revents != 0) reap();
    if (polled[0].revents != 0) accept_client_and_fork();
  }
}

void Server::accept_client_and_fork() {
  AcceptResult accepted = accept_client(listener_.get());
  if (accepted.outcome == Accepting::starved) accept_again_at_ = now_ms() + kAcceptPauseMs;
  if (accepted.outcome == Accepting::accepted) start_child(std::move(accepted.client));
}

void Server::start_child(OwnedFd client) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) be_child(std::move(client), parent);
  // No process to be had: this client is turned away, those that are served go on. In either case
  // the parent's copy of the descriptor closes here.
  if (pid > 0) pids_[children_++] = pid;
}

void Server::be_child(OwnedFd client, pid_t parent) {
  listener_ = OwnedFd{};  // Else the port stays taken as long as this client stays.
  // A parent that is killed cannot tell us; the kernel can, unless it happened before we asked.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() == parent) serve(client.get(), protocol_, stop_);
  ::_exit(0);  // Not exit(): what was registered to run at the end is the parent's.
}

void Server::reap() {
  signalfd_siginfo info{};
  // Several ends may be one signal, so it says only that there is something to wait for.
  [[maybe_unused]] const ssize_t size = ::read(ends_, &info, sizeof info);
  for (pid_t pid = 0; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;) forget(pid);
}

void Server::forget(pid_t pid) {
  const auto alive = pids_.first(children_);
  const auto found = std::ranges::find(alive, pid);
  if (found == alive.end()) return;
  *found = alive.back();
  --children_;
  accept_again_at_ = 0;
}

void Server::signal_children(int signal) const {
  for (const pid_t pid : pids_.first(children_)) ::kill(pid, signal);
}

void Server::stop_children() {
  listener_ = OwnedFd{};  // New clients are refused from here on.
  signal_children(SIGTERM);
  const std::int64_t deadline_ms = now_ms() + kGraceMs;
  reap();
  while (children_ > 0 && wait_for(ends_, POLLIN, -1, deadline_ms) == Woken::ready) reap();
  signal_children(SIGKILL);  // A child that is stopped (SIGSTOP) obeys nothing else.
  for (const pid_t pid : pids_.first(children_)) ::waitpid(pid, nullptr, 0);
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const OwnedFd ends = open_child_fd();
  if (!ends.is_open()) return fail("signalfd");
  const std::unique_ptr<pid_t[]> pids(new (std::nothrow) pid_t[kMaxChildren]);
  if (pids == nullptr) return fail("new");
  OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  announce(name_of(listener.get()));
  Server server(listener, ends, stop, options.protocol, {pids.get(), kMaxChildren});
  server.run();
  server.stop_children();
  return 0;
}
