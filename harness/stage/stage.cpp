#include "harness/stage/stage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "harness/base/check.h"
#include "harness/base/try.h"
#include "harness/stage/descendants.h"
#include "harness/stage/launch.h"
#include "harness/stage/namespace_socket.h"
#include "harness/stage/stage_impl.h"
#include "harness/stage/streams.h"

namespace sockdrill {

using protocol::Kind;

namespace {

constexpr auto kSetUpLimit = std::chrono::seconds(30);

/// Of a degraded stage.
std::string temp_parent() {
  constexpr std::size_t kLongest = protocol::kTextBytes / 2;
  const char* chosen = std::getenv("TMPDIR");
  const bool is_fit =
      chosen != nullptr && *chosen == '/' && std::string_view(chosen).size() <= kLongest;
  return is_fit ? chosen : "/tmp";
}

/// Whether hiding /run would hide the folder that we, and by default the servers, work in.
bool works_below_run() {
  std::error_code ignored;
  return std::filesystem::current_path(ignored).string().starts_with("/run/");
}

protocol::SetUp make_set_up(const Home& home, const StageOptions& options) {
  protocol::SetUp wishes;
  wishes.isolated = home.isolated ? 1 : 0;
  wishes.broadcast_link = options.broadcast_link ? 1 : 0;
  wishes.keep_run = works_below_run() ? 1 : 0;
  wishes.soft_descriptors = home.soft_descriptors;
  const std::string parent = temp_parent();
  parent.copy(wishes.temp_parent, sizeof wishes.temp_parent - 1);
  return wishes;
}

/// Of one length in every run, so that it does not move a server's stack about.
std::string make_marker(pid_t agent) {
  return fmt::format("SOCKDRILL_STAGE={:010}.{:020}", agent, monotonic_now().count());
}

}  // namespace

StageEntry& Stage::Impl::entry_of(const StageProcess& process) {
  const auto found = std::ranges::find_if(
      entries, [&process](const auto& entry) { return &entry->process == &process; });
  SOCKDRILL_CHECK(found != entries.end(), "a process of this stage");
  return **found;
}

void Stage::Impl::watch(const OwnedFd& fd) {
  epoll_event readable{.events = EPOLLIN, .data = {}};
  if (fd.is_open())
    SOCKDRILL_CHECK(::epoll_ctl(news_epoll.raw(), EPOLL_CTL_ADD, fd.raw(), &readable) == 0,
                    "pipes, sockets and pidfds can be watched");
}

void Stage::Impl::forget(const OwnedFd& fd) {
  if (fd.is_open())
    static_cast<void>(::epoll_ctl(news_epoll.raw(), EPOLL_CTL_DEL, fd.raw(), nullptr));
}

void Stage::Impl::lose_agent() {
  if (agent_is_lost) return;
  agent_is_lost = true;
  forget(agent.control);
  for (const auto& entry : entries) {
    if (!entry->process.exited) watch(entry->pidfd);
  }
}

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
  while (!agent_is_lost) {
    SysResult<News> news = receive_news(agent.control.get());
    if (news) {
      take(std::move(*news));
    } else if (news.error() == Errno{EAGAIN}) {
      return;
    } else {
      lose_agent();
    }
  }
  notice_ends_ourselves();
}

void Stage::Impl::notice_ends_ourselves() {
  for (const auto& entry : entries) {
    if (entry->process.exited || !is_readable(entry->pidfd.get())) continue;
    entry->process.exited = ExitStatus{true, SIGKILL, false};
    forget(entry->pidfd);
  }
}

void Stage::Impl::drain_all() {
  for (const auto& entry : entries) {
    if (!entry->drains) continue;
    drain(entry->out, entry->process.out);
    drain(entry->err, entry->process.err);
  }
}

Result<News> Stage::Impl::await_answer(Deadline deadline) {
  answer.reset();
  while (!answer) {
    SysResult<News> news = await_news(agent.control.get(), deadline);
    if (!news) {
      // An answer that comes later would be taken for another request's.
      lose_agent();
      return fail(news.error() == Errno{EAGAIN} ? "the stage's agent did not answer in time"
                                                : "the stage's agent is gone");
    }
    take(std::move(*news));
  }
  return std::move(*answer);
}

Stage::Stage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Stage>> Stage::open(const Home& home, const StageOptions& options) {
  if (options.broadcast_link && !home.isolated) {
    return fail("a link that can broadcast needs isolation: " + home.why_degraded);
  }
  AgentProcess agent = TRY(launch_agent(home.agent_path, make_set_up(home, options)));
  const std::string proc = "/proc/" + std::to_string(agent.pid);
  std::string marker = make_marker(agent.pid);
  std::unique_ptr<Stage> stage(new Stage(
      std::unique_ptr<Impl>(new Impl{.home = home,
                                     .agent = std::move(agent),
                                     .news_epoll = OwnedFd{::epoll_create1(EPOLL_CLOEXEC)},
                                     .marker = std::move(marker)})));
  Impl& impl = *stage->impl_;
  if (!impl.news_epoll.is_open()) return fail("epoll_create1: " + describe(last_errno()));
  impl.watch(impl.agent.control);
  const SysResult<News> news = await_news(impl.agent.control.get(), Deadline::after(kSetUpLimit));
  if (!news) return fail("the stage's agent did not come up: " + describe(news.error()));
  if (news->kind != Kind::ready) {
    return fail(fmt::format("{}: {}", to_string(news->step), describe(news->error)));
  }
  impl.temp_inside = news->text;
  impl.temp_outside = home.isolated ? proc + "/root" + news->text : news->text;
  if (home.isolated) {
    impl.network = OwnedFd{::open((proc + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC)};
    if (!impl.network.is_open()) return fail(proc + "/ns/net: " + describe(last_errno()));
  }
  return stage;
}

Result<StageProcess*> Stage::start(const Launch& launch, Deadline deadline) {
  if (impl_->agent_is_lost) return fail("the stage has ended");
  StartRequest request = TRY(make_start_request(launch, impl_->marker));
  if (!is_isolated()) request.start.as_ordinary_user = 0;
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
  auto entry = std::make_unique<StageEntry>();
  entry->process.pid = is_isolated() ? answer.outer_pid : answer.pid;
  entry->process.input = std::move(streams->input.ours);
  entry->inner_pid = answer.pid;
  entry->pidfd = std::move(answer.pidfd);
  const std::string stat = fmt::format("/proc/{}/stat", entry->process.pid);
  entry->stat = OwnedFd{::open(stat.c_str(), O_RDONLY | O_CLOEXEC)};
  const bool has_gone = !entry->stat.is_open() && errno == ENOENT;
  if (!entry->stat.is_open() && !has_gone)
    return fail(fmt::format("{}: {}", stat, describe(last_errno())));
  entry->out = std::move(streams->out.read_end);
  entry->err = std::move(streams->err.read_end);
  impl_->watch(entry->out);
  impl_->watch(entry->err);
  impl_->entries.push_back(std::move(entry));
  return &impl_->entries.back()->process;
}

SysResult<void> Stage::signal(const StageProcess& process, int signal_number) {
  const StageEntry& entry = impl_->entry_of(process);
  if (process.exited) return fail(Errno{ESRCH});
  if (::syscall(SYS_pidfd_send_signal, entry.pidfd.raw(), signal_number, nullptr, 0) != 0) {
    return fail(last_errno());
  }
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

SysResult<void> Stage::reach_process_limit(bool is_reached) {
  return send_wish(impl_->agent.control.get(),
                   is_reached ? protocol::Wish::refuse_processes : protocol::Wish::allow_processes);
}

Fd Stage::news() const { return impl_->news_epoll.get(); }

void Stage::pump() {
  // Mostly there is nothing: that takes one call instead of one a descriptor.
  if (!is_readable(news())) return;
  // News first: what a process wrote before it ended is then in its pipe.
  impl_->take_all_news();
  impl_->drain_all();
}

void Stage::wait(Deadline deadline) {
  wait_until_readable(news(), deadline);
  pump();
}

std::optional<ExitStatus> Stage::end_of(const StageProcess& process) {
  const StageEntry& entry = impl_->entry_of(process);
  pump();
  const Deadline deadline = Deadline::after(std::chrono::seconds(5));
  while (!process.exited && has_main_thread_ended(entry.stat.get()) && !deadline.has_passed())
    wait(Deadline::after(std::chrono::milliseconds(10)));
  return process.exited;
}

void Stage::set_draining(StageProcess& process, bool drains) {
  StageEntry& entry = impl_->entry_of(process);
  if (entry.drains == drains) return;
  entry.drains = drains;
  for (const OwnedFd* pipe : {&entry.out, &entry.err})
    drains ? impl_->watch(*pipe) : impl_->forget(*pipe);
}

SysResult<OwnedFd> Stage::socket(int domain, int type, int protocol) const {
  return blocking_socket(domain, type | SOCK_NONBLOCK, protocol);
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

}  // namespace sockdrill
