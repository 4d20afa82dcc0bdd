#include "harness/simulated/simulated_world.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

#include "harness/simulated/kernel_faults.h"
#include "harness/simulated/server_view.h"
#include "harness/simulated/simulated_clients.h"
#include "harness/stage/launch.h"

namespace sockdrill {

namespace {

/// What the server writes to a real file, as far as we have read it.
class OutputFile final {
 public:
  explicit OutputFile(int fd) : fd_(fd) {}
  void read() {
    std::array<char, 65536> octets{};
    while (fd_ >= 0) {
      const ssize_t size = ::pread(fd_, octets.data(), octets.size(), at_);
      if (size <= 0) break;
      at_ += size;
      current_->append(std::string_view(octets.data(), static_cast<std::size_t>(size)));
    }
  }
  /// From now on what comes is this instance's: both write to the same file, one at a time as good
  /// as always.
  void divide(Instance next) {
    read();
    current_ = next == Instance::first ? &first_ : &second_;
    *current_ = {};
  }
  /// What came before stays what it is.
  void return_to_first() {
    read();
    current_ = &first_;
  }
  [[nodiscard]] const OutputTail& of(Instance instance) const {
    return instance == Instance::first ? first_ : second_;
  }

 private:
  int fd_;
  off_t at_ = 0;
  OutputTail first_;
  OutputTail second_;
  OutputTail* current_ = &first_;
};

class SimulatedWorld final : public World {
 public:
  SimulatedWorld(sim::Simulation& simulation, const Target& target,
                 const SimulatedWorldOptions& options)
      : simulation_(simulation),
        kernel_(simulation.kernel()),
        clients_process_(kernel_.create_process(nullptr)),
        clients_(clients_process_, ServerAddress{.transport = target.transport,
                                                 .family = target.family,
                                                 .port = options.port,
                                                 .path = options.path}),
        view_(simulation.scheduler(), clients_process_, clients_),
        output_(options.output_fd),
        errors_(options.errors_fd),
        began_(kernel_.now()) {
    clients_process_.command = "clients";
    kernel_.network().has_broadcast_link = options.broadcast_link;
    kernel_.faults.on_strike = [this](const sim::CallFault& fault) {
      struck_.push_back(faults_[fault.id]);
    };
    kernel_.on_exit = [this](const sim::Process& process, int status) {
      for (Server& server : servers_) {
        if (server.pid == process.pid && !server.status) {
          server.status = exit_status_of(status);
          if (&server == &servers_[1]) {
            for (OutputFile* file : {&output_, &errors_}) file->return_to_first();
          }
          has_news_ = true;
        }
      }
    };
  }
  ~SimulatedWorld() override {
    kill_all(Deadline::after(Nanoseconds{0}));
    kernel_.on_exit = nullptr;
    kernel_.faults.on_strike = nullptr;
    kernel_.faults.arm({});
    kernel_.is_process_limit_reached = false;
  }

  Nanoseconds now() override { return kernel_.now() - began_; }

  Sockets& sockets() override { return clients_; }

  std::vector<Ready> wait(Nanoseconds until) override;

  Result<void> start(Instance instance, const StartOptions& options, Deadline deadline) override;
  std::optional<ExitStatus> exited(Instance instance) override { return of(instance).status; }
  Listening listening(Scope) override { return listening_at(clients_.server(), view_.listeners()); }
  SysResult<void> signal(Instance instance, int number) override;
  void signal_all(int number) override {
    for (sim::Process* process : view_.processes()) send(*process, number);
  }
  bool is_stopped() override;
  RestReport look() override {
    simulation_.scheduler().run();
    return view_.look();
  }
  Resources sample() override { return view_.sample(); }
  std::uint64_t descriptor_limit() override;
  SysResult<void> limit_descriptors(std::uint64_t soft_limit) override;
  SysResult<void> reach_process_limit(bool is_reached) override {
    kernel_.is_process_limit_reached = is_reached;
    return {};
  }
  void set_output_read(bool) override {}  // not_simulated_of() keeps such plans away
  void set_faults(const std::vector<Fault>& faults, const Schedule& schedule) override;
  std::vector<Fault> take_struck() override { return std::exchange(struck_, {}); }
  std::uint64_t dropped_datagrams() override { return kernel_.network().dropped_datagrams; }
  pid_t pid_of(Instance instance) override { return of(instance).pid; }
  std::vector<std::string> left_over() override;
  std::vector<std::string> describe_tasks() override { return view_.describe_tasks(); }
  Snapshot observe() override { return view_.observe(); }
  OutputTail output_of(Instance instance, bool errors) override {
    OutputFile& file = errors ? errors_ : output_;
    file.read();
    return file.of(instance);
  }
  void kill_all(Deadline deadline) override;
  Result<int> start_program(const std::vector<std::string>&, const Bytes&) override {
    return fail("a program beside the server is not simulated");
  }
  std::optional<ProgramResult> program_result(int) override { return std::nullopt; }

 private:
  struct Server {
    pid_t pid = -1;
    std::optional<ExitStatus> status;
  };
  Server& of(Instance instance) { return servers_[instance == Instance::first ? 0 : 1]; }
  sim::Process* process_of(Instance instance);
  void send(sim::Process& process, int number);

  sim::Simulation& simulation_;
  sim::Kernel& kernel_;
  sim::Process& clients_process_;
  SimulatedClients clients_;
  ServerView view_;
  OutputFile output_;
  OutputFile errors_;
  Nanoseconds began_;
  std::array<Server, 2> servers_;
  bool has_news_ = false;
  std::vector<Fault> faults_;
  std::vector<Fault> struck_;  ///< not told yet
};

void SimulatedWorld::set_faults(const std::vector<Fault>& faults, const Schedule& schedule) {
  faults_ = faults;
  kernel_.faults.arm(to_kernel(faults));
  simulation_.scheduler().set_schedule(schedule.seed, schedule.choices);
}

std::vector<Ready> SimulatedWorld::wait(Nanoseconds until) {
  sim::Scheduler& scheduler = simulation_.scheduler();
  scheduler.run();
  std::vector<Ready> ready = clients_.take_ready();
  while (ready.empty() && !std::exchange(has_news_, false) && now() < until) {
    scheduler.run_until(began_ + until, [this] { return has_news_ || clients_.may_be_ready(); });
    ready = clients_.take_ready();
  }
  return ready;
}

Result<void> SimulatedWorld::start(Instance instance, const StartOptions&, Deadline) {
  sim::Process* const process = simulation_.start_server();
  if (process == nullptr) return fail("no memory for the simulated server");
  for (OutputFile* file : {&output_, &errors_}) file->divide(instance);
  of(instance) = Server{.pid = process->pid, .status = std::nullopt};
  return {};
}

sim::Process* SimulatedWorld::process_of(Instance instance) {
  if (of(instance).pid < 0 || of(instance).status) return nullptr;
  return kernel_.find_process(of(instance).pid);
}

void SimulatedWorld::send(sim::Process& process, int number) {
  kernel_.send_signal(process, sim::signal_info(number, SI_USER, clients_process_.pid));
}

SysResult<void> SimulatedWorld::signal(Instance instance, int number) {
  sim::Process* const process = process_of(instance);
  if (process == nullptr) return fail(Errno{ESRCH});
  send(*process, number);
  return {};
}

bool SimulatedWorld::is_stopped() {
  for (const sim::Process* process : view_.processes()) {
    if (!process->is_stopped) return false;
  }
  return true;
}

std::uint64_t SimulatedWorld::descriptor_limit() {
  const sim::Process* const process = process_of(Instance::first);
  return process != nullptr ? process->descriptors.limit : 0;
}

SysResult<void> SimulatedWorld::limit_descriptors(std::uint64_t soft_limit) {
  sim::Process* const process = process_of(Instance::first);
  if (process == nullptr) return fail(Errno{ESRCH});
  if (soft_limit > process->most_descriptors) return fail(Errno{EPERM});
  process->descriptors.limit = soft_limit;
  return {};
}

std::vector<std::string> SimulatedWorld::left_over() {
  std::vector<std::string> found;
  for (const sim::Process* process : view_.processes())
    found.push_back(fmt::format("{} ({})", process->pid, process->command));
  return found;
}

void SimulatedWorld::kill_all(Deadline) {
  for (;;) {
    const std::vector<sim::Process*> left = view_.processes();
    if (left.empty()) return;
    simulation_.scheduler().end_process(*left.front(), SIGKILL);
  }
}

}  // namespace

std::unique_ptr<World> make_simulated_world(sim::Simulation& simulation, const Target& target,
                                            const SimulatedWorldOptions& options) {
  return std::make_unique<SimulatedWorld>(simulation, target, options);
}

std::string not_simulated_of(const Plan& plan) {
  for (const PlannedStep* step : steps_of(plan)) {
    if (std::holds_alternative<PlannedRun>(step->action)) return "a program beside the server";
    const auto* const action = std::get_if<ServerAction>(&step->action);
    if (action == nullptr) continue;
    const auto* const again = std::get_if<Restart>(action);
    if (again != nullptr && (again->closed_streams || !again->ignoring.empty()))
      return "a server that starts without standard streams or with a signal ignored";
    const auto* const second = std::get_if<Second>(action);
    if ((again != nullptr && again->path_bytes) ||
        (second != nullptr && (second->path_bytes || second->port != Second::Port::usual)))
      return "a server that is told another address than it was started with";
    const auto* const output = std::get_if<Output>(action);
    if (output != nullptr && !output->is_read) return "a server whose output nobody reads";
  }
  return {};
}

}  // namespace sockdrill
