#include "harness/stage/stage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "harness/base/check.h"
#include "harness/base/try.h"
#include "harness/stage/agent_process.h"
#include "harness/stage/descendants.h"
#include "harness/stage/launch.h"
#include "harness/stage/namespace_socket.h"

namespace sockdrill {

using protocol::Kind;

namespace {

constexpr auto kSetUpLimit = std::chrono::seconds(30);
constexpr auto kDestructorLimit = std::chrono::seconds(10);

/// One of our processes with what we alone know of it.
struct Entry {
  StageProcess process;
  pid_t inner_pid = -1;
  OwnedFd pidfd;
  OwnedFd out;
  OwnedFd err;
  bool drains = true;
};

/// Reads what is there. More than a pipe can hold (1 MiB at most, unless root says otherwise), so
/// that whatever was written before now is taken in; but an end, for a server that never stops.
void drain(OwnedFd& pipe, OutputTail& into) {
  constexpr std::size_t kAtMost = std::size_t{2} << 20;
  std::array<char, 65536> chunk;
  for (std::size_t taken = 0; pipe.is_open() && taken < kAtMost;) {
    const ssize_t count = ::read(pipe.raw(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return pipe.reset();
    into.append({chunk.data(), static_cast<std::size_t>(count)});
    taken += static_cast<std::size_t>(count);
  }
}

std::string temp_parent() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen == '/' ? chosen : "/tmp";
}

bool lies_below_run(const std::filesystem::path& path) {
  return path.string().starts_with("/run/");
}

protocol::SetUp make_set_up(const Home& home, const StageOptions& options) {
  protocol::SetUp wishes;
  wishes.isolated = home.isolated ? 1 : 0;
  wishes.broadcast_link = options.broadcast_link ? 1 : 0;
  std::error_code ignored;
  wishes.keep_run = lies_below_run(std::filesystem::current_path(ignored)) ? 1 : 0;
  wishes.soft_descriptors = home.soft_descriptors;
  const std::string parent = temp_parent();
  std::strncpy(wishes.temp_parent, parent.c_str(), sizeof wishes.temp_parent - 1);
  return wishes;
}

/// The pipe or /dev/null that becomes a process's stdin, and our end of it.
struct Input {
  OwnedFd theirs;
  OwnedFd ours;
};

SysResult<Input> make_input(bool wants_pipe) {
  if (wants_pipe) {
    Pipe pipe = TRY(make_pipe());
    return Input{std::move(pipe.read_end), std::move(pipe.write_end)};
  }
  OwnedFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!null.is_open()) return fail(last_errno());
  return Input{std::move(null), {}};
}

/// A pipe whose read end does not block.
SysResult<Pipe> make_output() {
  Pipe pipe = TRY(make_pipe());
  if (::fcntl(pipe.read_end.raw(), F_SETFL, O_NONBLOCK) != 0) return fail(last_errno());
  return pipe;
}

struct Streams {
  Input input;
  Pipe out;
  Pipe err;
};

SysResult<Streams> make_streams(bool wants_input) {
  Input input = TRY(make_input(wants_input));
  Pipe out = TRY(make_output());
  Pipe err = TRY(make_output());
  return Streams{std::move(input), std::move(out), std::move(err)};
}

}  // namespace

struct Stage::Impl {
  const Home& home;
  AgentProcess agent;
  OwnedFd network;  ///< kNoFd when degraded
  std::string marker;
  std::string temp_inside;
  std::string temp_outside;
  std::vector<std::unique_ptr<Entry>> entries;
  std::optional<News> answer;  ///< to a start request
  bool agent_is_gone = false;  ///< it, or our talk with it, has ended
  bool is_reaped = false;

  void take(News news);
  void take_all_news();
  void drain_all(bool also_undrained);
  void mark_all_killed();
  Result<News> await_answer(Deadline deadline);
  bool end_isolated(Deadline deadline);
  bool end_degraded(Deadline deadline);
  bool end_what_the_agent_left(Deadline deadline);
  bool end(Deadline deadline);
  Entry& entry_of(const StageProcess& process);
};

void Stage::Impl::take(News news) {
  if (news.kind == Kind::started || news.kind == Kind::start_failed) {
    answer = std::move(news);
    return;
  }
  if (news.kind != Kind::ended) return;
  // A pid may come again once its process has been reaped, and so been reported.
  for (const auto& entry : entries) {
    if (entry->inner_pid != news.pid || entry->process.exited) continue;
    entry->process.exited = exit_status_of(news.status);
    return;
  }
}

void Stage::Impl::take_all_news() {
  while (!agent_is_gone) {
    SysResult<News> news = receive_news(agent.control.get());
    if (news) {
      take(std::move(*news));
    } else if (news.error() == Errno{EAGAIN}) {
      return;
    } else {
      agent_is_gone = true;
      // PID 1 is gone, and the kernel has killed everybody else.
      if (home.isolated) mark_all_killed();
    }
  }
}

void Stage::Impl::drain_all(bool also_undrained) {
  for (const auto& entry : entries) {
    if (!entry->drains && !also_undrained) continue;
    drain(entry->out, entry->process.out);
    drain(entry->err, entry->process.err);
  }
}

void Stage::Impl::mark_all_killed() {
  for (const auto& entry : entries) {
    if (!entry->process.exited) entry->process.exited = ExitStatus{true, SIGKILL, false};
  }
}

Result<News> Stage::Impl::await_answer(Deadline deadline) {
  answer.reset();
  while (!answer) {
    SysResult<News> news = await_news(agent.control.get(), deadline);
    if (!news) {
      agent_is_gone = true;
      return fail(news.error() == Errno{EAGAIN} ? "the stage's agent did not answer in time"
                                                : "the stage's agent is gone");
    }
    take(std::move(*news));
  }
  return std::move(*answer);
}

bool Stage::Impl::end_isolated(Deadline deadline) {
  // PID 1 of a pid namespace is reaped last of all: then nothing is left in there.
  static_cast<void>(::kill(agent.pid, SIGKILL));
  is_reaped = await_end(agent, deadline).has_value();
  return is_reaped;
}

bool Stage::Impl::end_degraded(Deadline deadline) {
  static_cast<void>(::shutdown(agent.control.raw(), SHUT_RDWR));
  static_cast<void>(::kill(agent.pid, SIGCONT));
  std::optional<int> status = await_end(agent, deadline);
  if (status && exit_status_of(*status) == ExitStatus{}) {
    is_reaped = true;
    return true;
  }
  if (!status) {
    static_cast<void>(::kill(agent.pid, SIGKILL));
    status = await_end(agent, Deadline::after(kDestructorLimit));
  }
  is_reaped = status.has_value();
  return end_what_the_agent_left(deadline);
}

/// The server has killed our agent: whoever carries the stage's mark is killed from here.
bool Stage::Impl::end_what_the_agent_left(Deadline deadline) {
  std::error_code ignored;
  for (;;) {
    const std::vector<pid_t> left = live_processes_with(marker);
    if (left.empty() || deadline.has_passed()) {
      std::filesystem::remove_all(temp_inside, ignored);
      return left.empty();
    }
    for (const pid_t pid : left) static_cast<void>(::kill(pid, SIGKILL));
    ::usleep(500);
  }
}

bool Stage::Impl::end(Deadline deadline) {
  if (is_reaped) return true;
  take_all_news();
  const bool nothing_is_left = home.isolated ? end_isolated(deadline) : end_degraded(deadline);
  take_all_news();
  agent_is_gone = true;
  mark_all_killed();
  drain_all(true);
  network.reset();
  return nothing_is_left;
}

Entry& Stage::Impl::entry_of(const StageProcess& process) {
  const auto found = std::ranges::find_if(
      entries, [&process](const auto& entry) { return &entry->process == &process; });
  SOCKDRILL_CHECK(found != entries.end(), "a process of this stage");
  return **found;
}

Stage::Stage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Stage::~Stage() { static_cast<void>(impl_->end(Deadline::after(kDestructorLimit))); }

Result<std::unique_ptr<Stage>> Stage::open(const Home& home, const StageOptions& options) {
  if (options.broadcast_link && !home.isolated) {
    return fail("a link that can broadcast needs isolation: " + home.why_degraded);
  }
  AgentProcess agent = TRY(launch_agent(home.agent_path, make_set_up(home, options)));
  const std::string proc = "/proc/" + std::to_string(agent.pid);
  OwnedFd network;
  if (home.isolated) network = OwnedFd{::open((proc + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC)};
  const Errno network_error = last_errno();
  std::string marker = fmt::format("SOCKDRILL_STAGE={}.{}", agent.pid, monotonic_now().count());
  std::unique_ptr<Stage> stage(new Stage(std::unique_ptr<Impl>(
      new Impl{home, std::move(agent), std::move(network), std::move(marker), {}, {}, {}, {}})));
  Impl& impl = *stage->impl_;
  const SysResult<News> news = await_news(impl.agent.control.get(), Deadline::after(kSetUpLimit));
  if (!news) return fail("the stage's agent did not come up: " + describe(news.error()));
  if (news->kind != Kind::ready) {
    return fail(fmt::format("{}: {}", to_string(news->step), describe(news->error)));
  }
  if (home.isolated && !impl.network.is_open()) {
    return fail(proc + "/ns/net: " + describe(network_error));
  }
  impl.temp_inside = news->text;
  impl.temp_outside = home.isolated ? proc + "/root" + news->text : news->text;
  return stage;
}

Result<StageProcess*> Stage::start(const Launch& launch, Deadline deadline) {
  if (impl_->agent_is_gone) return fail("the stage has ended");
  const StartRequest request = TRY(make_start_request(launch, impl_->marker));
  SysResult<Streams> streams = make_streams(launch.wants_input);
  if (!streams) return fail("making pipes: " + describe(streams.error()));
  const SysResult<void> sent =
      send_start(impl_->agent.control.get(), request.start,
                 {request.words.get(), streams->input.theirs.get(), streams->out.write_end.get(),
                  streams->err.write_end.get()});
  if (!sent) return fail("talking to the stage's agent: " + describe(sent.error()));
  streams->input.theirs.reset();
  streams->out.write_end.reset();
  streams->err.write_end.reset();

  News answer = TRY(impl_->await_answer(deadline));
  if (answer.kind == Kind::start_failed) {
    return tl::unexpected<Error>(explain_refusal(launch, answer.step, answer.error));
  }
  auto entry = std::make_unique<Entry>();
  entry->process.pid = impl_->home.isolated ? answer.outer_pid : answer.pid;
  entry->process.input = std::move(streams->input.ours);
  entry->inner_pid = answer.pid;
  entry->pidfd = std::move(answer.pidfd);
  entry->out = std::move(streams->out.read_end);
  entry->err = std::move(streams->err.read_end);
  impl_->entries.push_back(std::move(entry));
  return &impl_->entries.back()->process;
}

SysResult<void> Stage::signal(const StageProcess& process, int signal_number) {
  const Entry& entry = impl_->entry_of(process);
  if (process.exited) return fail(Errno{ESRCH});
  const long sent = entry.pidfd.is_open() ? ::syscall(SYS_pidfd_send_signal, entry.pidfd.raw(),
                                                      signal_number, nullptr, 0)
                                          : ::kill(process.pid, signal_number);
  if (sent != 0) return fail(last_errno());
  return {};
}

SysResult<void> Stage::set_soft_descriptor_limit(const StageProcess& process, std::uint64_t soft) {
  // Makes sure that the pid is still this process's.
  TRY_VOID(signal(process, 0));
  rlimit limit{};
  if (::prlimit(process.pid, RLIMIT_NOFILE, nullptr, &limit) != 0) return fail(last_errno());
  limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
  if (::prlimit(process.pid, RLIMIT_NOFILE, &limit, nullptr) != 0) return fail(last_errno());
  return {};
}

std::vector<Fd> Stage::descriptors() const {
  std::vector<Fd> fds;
  if (!impl_->agent_is_gone) fds.push_back(impl_->agent.control.get());
  for (const auto& entry : impl_->entries) {
    if (!entry->drains) continue;
    if (entry->out.is_open()) fds.push_back(entry->out.get());
    if (entry->err.is_open()) fds.push_back(entry->err.get());
  }
  return fds;
}

void Stage::pump() {
  // News first: what a process wrote before it ended is then in its pipe.
  impl_->take_all_news();
  impl_->drain_all(false);
}

void Stage::set_draining(StageProcess& process, bool drains) {
  impl_->entry_of(process).drains = drains;
}

SysResult<OwnedFd> Stage::socket(int domain, int type, int protocol) const {
  return socket_in(impl_->network.get(), impl_->home.network.get(), domain, type | SOCK_NONBLOCK,
                   protocol);
}

SysResult<OwnedFd> Stage::blocking_socket(int domain, int type, int protocol) const {
  return socket_in(impl_->network.get(), impl_->home.network.get(), domain, type, protocol);
}

const std::string& Stage::temp_inside() const { return impl_->temp_inside; }
const std::string& Stage::temp_outside() const { return impl_->temp_outside; }
bool Stage::is_isolated() const { return impl_->home.isolated; }
pid_t Stage::agent() const { return impl_->agent.pid; }

std::vector<pid_t> Stage::processes() const {
  if (impl_->is_reaped) return {};
  return live_descendants(impl_->agent.pid);
}

bool Stage::close(Deadline deadline) { return impl_->end(deadline); }

}  // namespace sockdrill
