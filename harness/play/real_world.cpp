#include "harness/play/real_world.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/play/client_sockets.h"

namespace sockdrill {

namespace {

constexpr std::uint16_t kUsualPort = 7777;
constexpr std::uint64_t kNews =
    0;  // epoll data of the stage's own descriptors; client sockets begin at 1

class RealWorld final : public World {
 public:
  RealWorld(std::unique_ptr<Stage> stage, OwnedFd epoll, const Target& target, Watcher watcher)
      : stage_(std::move(stage)),
        epoll_(std::move(epoll)),
        target_(target),
        watcher_(std::move(watcher)),
        sockets_(*stage_, epoll_.get()),
        began_(monotonic_now()) {}

  ~RealWorld() override {
    static_cast<void>(stage_->close(Deadline::after(std::chrono::seconds(5))));
  }

  Result<void> prepare(const RealWorldOptions& options);

  Nanoseconds now() override { return monotonic_now() - began_; }

  SysResult<SocketId> open(const SocketRequest& request) override { return sockets_.open(request); }
  SysResult<void> connect(SocketId socket, const std::string& to) override {
    return sockets_.connect(socket, to);
  }
  SysResult<std::size_t> send(SocketId socket, std::string_view octets, bool urgent) override {
    return sockets_.send(socket, octets, urgent);
  }
  SysResult<std::size_t> send_to(SocketId socket, std::string_view octets,
                                 const std::string& to) override {
    return sockets_.send_to(socket, octets, to);
  }
  SysResult<ReceivedPiece> receive(SocketId socket, char* buffer, std::size_t size) override {
    return sockets_.receive(socket, buffer, size);
  }
  SysResult<void> shutdown(SocketId socket, Shutdown::How how) override {
    return sockets_.shutdown(socket, how);
  }
  void close(SocketId socket) override { sockets_.close(socket, false); }
  void reset(SocketId socket) override { sockets_.close(socket, true); }
  Errno error_of(SocketId socket) override { return sockets_.error_of(socket); }
  SocketAddress local_address(SocketId socket) override { return sockets_.local_address(socket); }
  bool is_servers(const SocketAddress& from) override { return sockets_.is_servers(from); }

  std::vector<Ready> wait(Nanoseconds until) override;

  Result<void> start(Instance instance, Deadline deadline) override;
  std::optional<ExitStatus> exited(Instance instance) override;
  Listening listening() override;
  SysResult<void> signal(Instance instance, int number) override;
  void signal_all(int number) override {
    for (const pid_t pid : stage_->processes()) static_cast<void>(::kill(pid, number));
  }
  bool is_stopped() override { return watcher_.is_stopped(); }
  RestReport look() override;
  std::uint64_t output_read();
  bool is_all_read(SocketId socket, const RestReport& rest) override {
    return sockets_.is_all_read(socket, rest);
  }
  Resources sample() override { return watcher_.sample(sockets_.all()); }
  SysResult<void> limit_descriptors(std::uint64_t soft_limit) override {
    return stage_->set_soft_descriptor_limit(*process(Instance::first), soft_limit);
  }
  void set_output_read(bool is_read) override {
    stage_->set_draining(*process(Instance::first), is_read);
    watch_descriptors();
  }
  std::uint64_t dropped_datagrams() override { return watcher_.dropped_datagrams(); }
  pid_t pid_of(Instance instance) override {
    return process(instance) != nullptr ? process(instance)->pid : -1;
  }
  std::vector<std::string> left_over() override;
  std::vector<std::string> describe_tasks() override { return watcher_.describe_tasks(); }
  Snapshot observe() override { return watcher_.observe(); }
  OutputTail output_of(Instance instance, bool errors) override;
  void kill_all(Deadline deadline) override;
  Result<int> start_program(const std::vector<std::string>& command, const Bytes& input) override;
  std::optional<ProgramResult> program_result(int program) override;

 private:
  [[nodiscard]] StageProcess* process(Instance instance) const {
    return instance == Instance::first ? first_ : second_;
  }
  [[nodiscard]] std::vector<std::string> filled(const std::vector<std::string>& words) const;
  void watch_descriptors();
  void feed_inputs();

  std::unique_ptr<Stage> stage_;
  OwnedFd epoll_;
  const Target& target_;
  Watcher watcher_;
  ClientSockets sockets_;
  Nanoseconds began_;
  std::map<std::string, std::string> values_;
  std::string path_inside_;
  StageProcess* first_ = nullptr;
  StageProcess* second_ = nullptr;
  std::vector<Fd> watched_;
  std::vector<std::pair<StageProcess*, Bytes>>
      programs_;  ///< with what they still have to be given
};

Result<void> RealWorld::prepare(const RealWorldOptions& options) {
  ServerAddress server{.transport = target_.transport, .family = target_.family};
  values_ = options.placeholders;
  if (is_unix(target_.transport)) {
    path_inside_ = target_.path.empty() ? stage_->temp_inside() + "/server.sock"
                                        : fill_in(target_.path, {{"tmp", stage_->temp_inside()}});
    // The stage's root is reached the way its temporary folder is.
    const std::string root = stage_->temp_outside().substr(
        0, stage_->temp_outside().size() - stage_->temp_inside().size());
    server.path = root + path_inside_;
  } else {
    server.port =
        TRY(stage_->free_port(target_.transport, target_.port != 0 ? target_.port : kUsualPort));
    if (target_.port != 0 && server.port != target_.port)
      return fail(fmt::format(
          "port {} is taken on this host, and without isolation the server cannot have it",
          target_.port));
  }
  values_["port"] = fmt::format("{}", server.port);
  values_["path"] = path_inside_;
  values_["tmp"] = stage_->temp_inside();
  values_["speaks"] = target_.speaks.name;
  values_["family"] = to_string(target_.family);
  values_["host"] = target_.family == Family::ipv6 ? "::1" : "127.0.0.1";
  sockets_.set_server(server);
  watch_descriptors();
  return {};
}

std::vector<std::string> RealWorld::filled(const std::vector<std::string>& words) const {
  std::vector<std::string> out;
  for (const std::string& word : words) out.push_back(fill_in(word, values_));
  return out;
}

Result<void> RealWorld::start(Instance instance, Deadline deadline) {
  Launch launch{.command = filled(target_.command)};
  launch.working_directory = target_.working_directory.empty()
                                 ? stage_->temp_inside()
                                 : fill_in(target_.working_directory, values_);
  launch.environment["TMPDIR"] = stage_->temp_inside();
  for (const auto& [name, value] : target_.environment)
    launch.environment[name] = fill_in(value, values_);
  (instance == Instance::first ? first_ : second_) = TRY(stage_->start(launch, deadline));
  watch_descriptors();
  return {};
}

/// The stage's descriptors come and go with its processes; all of them say "news".
void RealWorld::watch_descriptors() {
  const std::vector<Fd> now = stage_->descriptors();
  for (const Fd fd : watched_) {
    if (std::find(now.begin(), now.end(), fd) == now.end())
      static_cast<void>(::epoll_ctl(epoll_.raw(), EPOLL_CTL_DEL, raw(fd), nullptr));
  }
  for (const Fd fd : now) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kNews}};
    static_cast<void>(
        ::epoll_ctl(epoll_.raw(), EPOLL_CTL_ADD, raw(fd), &event));  // EEXIST: watched already
  }
  watched_ = now;
}

std::vector<Ready> RealWorld::wait(Nanoseconds until) {
  const Nanoseconds left = std::max(Nanoseconds{0}, until - now());
  const timespec timeout{.tv_sec = static_cast<time_t>(left.count() / 1000000000),
                         .tv_nsec = static_cast<long>(left.count() % 1000000000)};
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_pwait2(epoll_.raw(), events.data(), static_cast<int>(events.size()),
                                   &timeout, nullptr);
  std::vector<Ready> ready;
  bool has_news = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kNews) {
      has_news = true;
      continue;
    }
    const bool is_over = (event.events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
    ready.push_back(Ready{.socket = SocketId{static_cast<int>(event.data.u64)},
                          .readable = is_over || (event.events & EPOLLIN) != 0,
                          .writable = is_over || (event.events & EPOLLOUT) != 0});
  }
  if (has_news) {
    stage_->pump();
    watch_descriptors();
  }
  if (!programs_.empty()) feed_inputs();
  return ready;
}

/// Z or X, or not there at all: it has ended, and the agent's news of it is on the way.
bool has_ended(pid_t pid) {
  const SysResult<std::string> stat = read_small_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return true;
  const std::size_t name_end =
      stat->rfind(')');  // proc(5): the name may hold anything but is in parentheses
  return name_end == std::string::npos || name_end + 2 >= stat->size() ||
         (*stat)[name_end + 2] == 'Z' || (*stat)[name_end + 2] == 'X';
}

std::optional<ExitStatus> RealWorld::exited(Instance instance) {
  stage_->pump();
  const StageProcess* running = process(instance);
  if (running == nullptr) return std::nullopt;
  const Deadline deadline = Deadline::after(std::chrono::seconds(5));
  while (!running->exited && has_ended(running->pid) && !deadline.has_passed()) {
    std::vector<pollfd> news;
    for (const Fd fd : stage_->descriptors())
      news.push_back(pollfd{.fd = raw(fd), .events = POLLIN, .revents = 0});
    static_cast<void>(::poll(news.data(), news.size(), 10));
    stage_->pump();
  }
  return running->exited;
}

Listening RealWorld::listening() {
  Listening found;
  const std::uint16_t port = static_cast<std::uint16_t>(std::stoi(values_["port"]));
  for (const Listener& listener : watcher_.listeners(sockets_.all())) {
    const std::string address =
        fmt::format("{} {}", to_string(listener.transport), to_string(listener.address));
    const bool is_place = is_unix(target_.transport) ? to_string(listener.address) == path_inside_
                                                     : listener.address.port() == port;
    const bool is_family = target_.family == Family::ipv4 || is_unix(target_.transport) ||
                           listener.address.family() == AF_INET6;
    if (listener.transport == target_.transport && is_place && is_family) {
      found.is_there = true;
      found.where = address;
    } else {
      found.elsewhere.push_back(address);
    }
  }
  return found;
}

SysResult<void> RealWorld::signal(Instance instance, int number) {
  const StageProcess* running = process(instance);
  if (running == nullptr) return fail(Errno{ESRCH});
  return stage_->signal(*running, number);
}

/// Octets that the server has written, as far as we have read them.
std::uint64_t RealWorld::output_read() {
  stage_->pump();
  std::uint64_t total = 0;
  for (const StageProcess* instance : {first_, second_}) {
    if (instance != nullptr) total += instance->out.total() + instance->err.total();
  }
  return total;
}

RestReport RealWorld::look() {
  const std::uint64_t before = output_read();
  RestReport report = watcher_.look(sockets_.all());
  // A thread that slept in a write to our pipe goes on now that we have read from it.
  if (report.rest != Rest::gone && report.rest != Rest::busy && output_read() != before)
    return RestReport{.because = "the server was writing its output"};
  if (report.rest == Rest::settled) sockets_.forget_closed();
  return report;
}

std::vector<std::string> RealWorld::left_over() {
  std::vector<std::string> found;
  for (const pid_t pid : stage_->processes()) {
    std::string command = read_small_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
    std::replace(command.begin(), command.end(), '\0', ' ');
    if (command.empty()) continue;  // a zombie that its parent, gone by now, left to the agent
    found.push_back(fmt::format("{} ({})", pid, command.substr(0, 80)));
  }
  return found;
}

OutputTail RealWorld::output_of(Instance instance, bool errors) {
  stage_->pump();
  const StageProcess* running = process(instance);
  if (running == nullptr) return {};
  return errors ? running->err : running->out;
}

void RealWorld::kill_all(Deadline deadline) {
  for (;;) {
    const std::vector<pid_t> left = stage_->processes();
    if (left.empty() || deadline.has_passed()) break;
    for (const pid_t pid : left) static_cast<void>(::kill(pid, SIGKILL));
    static_cast<void>(wait(now() + std::chrono::milliseconds(1)));
    stage_->pump();
  }
}

Result<int> RealWorld::start_program(const std::vector<std::string>& command, const Bytes& input) {
  Launch launch{
      .command = filled(command), .working_directory = stage_->temp_inside(), .wants_input = true};
  StageProcess* program = TRY(stage_->start(launch, Deadline::after(std::chrono::seconds(10))));
  programs_.emplace_back(program, input);
  watch_descriptors();
  feed_inputs();
  return static_cast<int>(programs_.size() - 1);
}

void RealWorld::feed_inputs() {
  for (auto& [program, input] : programs_) {
    if (!program->input.is_open()) continue;
    if (!input.empty()) {
      const ssize_t written = ::write(program->input.raw(), input.data(), input.size());
      if (written < 0 && errno != EAGAIN) input.clear();
      if (written > 0) input.erase(0, static_cast<std::size_t>(written));
    }
    if (input.empty()) program->input.reset();
  }
}

std::optional<ProgramResult> RealWorld::program_result(int program) {
  stage_->pump();
  const StageProcess* running = programs_.at(static_cast<std::size_t>(program)).first;
  if (!running->exited) return std::nullopt;
  return ProgramResult{
      .status = *running->exited, .output = running->out.text(), .errors = running->err.text()};
}

}  // namespace

Result<std::unique_ptr<World>> make_real_world(const Home& home, const Target& target,
                                               const RealWorldOptions& options) {
  std::unique_ptr<Stage> stage =
      TRY(Stage::open(home, StageOptions{.broadcast_link = options.broadcast_link}));
  SysResult<OwnedFd> diag = stage->blocking_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  if (!diag)
    return fail(fmt::format("no sock_diag socket in the stage: {}", describe(diag.error())));
  OwnedFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll.is_open()) return fail(fmt::format("epoll_create1: {}", describe(last_errno())));
  Stage* borrowed = stage.get();
  Watcher watcher(
      std::move(*diag), stage->agent(), [borrowed] { return borrowed->processes(); },
      WatchOptions{.isolated = home.isolated, .polls = target.declares.polls});
  auto world =
      std::make_unique<RealWorld>(std::move(stage), std::move(epoll), target, std::move(watcher));
  TRY_VOID(world->prepare(options));
  return world;
}

}  // namespace sockdrill
