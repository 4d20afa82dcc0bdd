#include "harness/play/real_world.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/play/client_sockets.h"
#include "harness/play/target_launch.h"

namespace sockdrill {

namespace {

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

  Sockets& sockets() override { return sockets_; }

  std::vector<Ready> wait(Nanoseconds until) override;

  Result<void> start(Instance instance, const StartOptions& options, Deadline deadline) override;
  std::optional<ExitStatus> exited(Instance instance) override;
  Listening listening(Scope scope) override;
  SysResult<void> signal(Instance instance, int number) override;
  void signal_all(int number) override {
    for (const pid_t pid : stage_->processes()) static_cast<void>(::kill(pid, number));
  }
  bool is_stopped() override { return watcher_.is_stopped(); }
  RestReport look() override;
  std::uint64_t output_read();
  Resources sample() override { return watcher_.sample(sockets_.all()); }
  std::uint64_t descriptor_limit() override {
    rlimit now{};
    static_cast<void>(::prlimit(pid_of(Instance::first), RLIMIT_NOFILE, nullptr, &now));
    return now.rlim_cur;
  }
  SysResult<void> limit_descriptors(std::uint64_t soft_limit) override {
    return stage_->set_soft_descriptor_limit(*process(Instance::first), soft_limit);
  }
  SysResult<void> reach_process_limit(bool is_reached) override {
    return stage_->reach_process_limit(is_reached);
  }
  void set_output_read(bool is_read) override {
    stage_->set_draining(*process(Instance::first), is_read);
  }
  void set_faults(const std::vector<Fault>&, const Schedule&) override {}
  std::vector<Fault> take_struck() override { return {}; }
  std::uint64_t dropped_datagrams() override;
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
  void feed_inputs();
  Result<ServerAddress> address_for(const StartOptions& options);
  /// Clients go there from now on, and whoever starts beside it.
  void lead_clients_to(const ServerAddress& server);

  std::unique_ptr<Stage> stage_;
  OwnedFd epoll_;
  const Target& target_;
  Watcher watcher_;
  ClientSockets sockets_;
  Nanoseconds began_;
  ServerAddress server_;  ///< where the first instance is told to listen, as it names it itself
  Placeholders placeholders_;
  bool has_process_limit_ = false;
  StageProcess* first_ = nullptr;
  StageProcess* second_ = nullptr;
  std::vector<std::pair<StageProcess*, Bytes>>
      programs_;  ///< with what they still have to be given
};

Result<void> RealWorld::prepare(const RealWorldOptions& options) {
  ServerAddress server{.transport = target_.transport,
                       .family = target_.family,
                       .path = path_of(target_, stage_->temp_inside())};
  if (!is_unix(target_.transport)) {
    server.port =
        TRY(stage_->free_port(target_.transport, target_.port != 0       ? target_.port
                                                 : stage_->is_isolated() ? kUsualPort
                                                                         : std::uint16_t{0}));
    if (target_.port != 0 && server.port != target_.port)
      return fail(fmt::format(
          "port {} is taken on this host, and without isolation the server cannot have it",
          target_.port));
  }
  placeholders_ = options.placeholders;
  has_process_limit_ = options.has_process_limit;
  lead_clients_to(server);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kNews}};
  if (::epoll_ctl(epoll_.raw(), EPOLL_CTL_ADD, raw(stage_->news()), &event) != 0)
    return fail("watching the stage: " + describe(last_errno()));
  return {};
}

void RealWorld::lead_clients_to(const ServerAddress& server) {
  server_ = server;
  placeholders_ = placeholders_of(target_, server, stage_->temp_inside(), std::move(placeholders_));
  ServerAddress reached = server;
  if (is_unix(target_.transport)) {
    const std::string folder = folder_of_long_path(stage_->temp_inside(), server.path);
    // The stage's root is reached the way its temporary folder is. A folder that only makes the
    // path long leads to the temporary folder itself; the way from outside would be too long.
    const std::string path =
        folder.empty() ? server.path : stage_->temp_inside() + server.path.substr(folder.size());
    reached.path = stage_->temp_outside().substr(
                       0, stage_->temp_outside().size() - stage_->temp_inside().size()) +
                   path;
  }
  sockets_.set_server(reached);
}

Result<ServerAddress> RealWorld::address_for(const StartOptions& options) {
  ServerAddress address = server_;
  if (options.port == Second::Port::zero) address.port = 0;
  if (options.port == Second::Port::privileged) address.port = kPrivilegedPort;
  if (!options.path_bytes) return address;
  address.path =
      TRY(long_path(stage_->temp_inside(), static_cast<std::size_t>(*options.path_bytes)));
  const std::string folder = folder_of_long_path(stage_->temp_inside(), address.path);
  const std::string outside = stage_->temp_outside() + folder.substr(stage_->temp_inside().size());
  if (::symlink(".", outside.c_str()) != 0 && errno != EEXIST)
    return fail(fmt::format("{}: {}", outside, describe(last_errno())));
  return address;
}

Result<void> RealWorld::start(Instance instance, const StartOptions& options, Deadline deadline) {
  const ServerAddress address = TRY(address_for(options));
  Launch launch =
      launch_of(target_, placeholders_of(target_, address, stage_->temp_inside(), placeholders_));
  launch.inheritance = options.inherits;
  launch.without_low_ports = options.port == Second::Port::privileged;
  launch.has_process_limit = has_process_limit_;
  if (instance == Instance::first) lead_clients_to(address);
  (instance == Instance::first ? first_ : second_) = TRY(stage_->start(launch, deadline));
  return {};
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
    ready.push_back(ready_of(event));
  }
  if (has_news) stage_->pump();
  if (!programs_.empty()) feed_inputs();
  return ready;
}

std::optional<ExitStatus> RealWorld::exited(Instance instance) {
  const StageProcess* running = process(instance);
  return running == nullptr ? std::nullopt : stage_->end_of(*running);
}

Listening RealWorld::listening(Scope scope) {
  const std::optional<Transport> only =
      scope == Scope::its_transport ? std::optional(server_.transport) : std::nullopt;
  return listening_at(server_, watcher_.listeners(sockets_.all(), only));
}

std::uint64_t RealWorld::dropped_datagrams() {
  return server_.transport == Transport::udp ? watcher_.dropped_datagrams() : 0;
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
    std::string command = read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
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
  Launch launch{.command = filled(command, placeholders_),
                .working_directory = stage_->temp_inside(),
                .wants_input = true};
  StageProcess* program = TRY(stage_->start(launch, Deadline::after(std::chrono::seconds(10))));
  programs_.emplace_back(program, input);
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
