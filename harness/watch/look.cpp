#include "harness/watch/look.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "harness/watch/proc_files.h"
#include "harness/watch/remote.h"
#include "harness/watch/rest.h"

namespace sockdrill {
namespace {

std::optional<TcpCounters> ask_tcp_info(Fd fd) {
  std::array<std::byte, 512> info{};
  socklen_t length = info.size();
  if (::getsockopt(raw(fd), IPPROTO_TCP, TCP_INFO, info.data(), &length) != 0) return std::nullopt;
  return parse_tcp_info(std::span<const std::byte>(info).first(length));
}

/// Not later than when the thread was made, on our clock; `now` is the time there.
std::optional<Nanoseconds> birth_of(const TaskFiles& files, Nanoseconds now) {
  const auto stat = files.read_stat();
  timespec boot{};
  if (!stat || ::clock_gettime(CLOCK_BOOTTIME, &boot) != 0) return std::nullopt;
  const Nanoseconds since_boot = std::chrono::seconds(boot.tv_sec) + Nanoseconds(boot.tv_nsec);
  return now - (since_boot - duration_of_ticks(stat->start_ticks));
}

/// Without clients everything is looked at.
bool wants(const std::vector<ClientSocket>& clients, bool (*is_wanted)(Transport)) {
  return clients.empty() || std::any_of(clients.begin(), clients.end(), [&](const auto& client) {
           return is_wanted(client.transport);
         });
}
bool is_tcp(Transport transport) { return transport == Transport::tcp; }
bool is_udp(Transport transport) { return transport == Transport::udp; }

/// The longest usual time between two of the kernel's clock ticks that is not a standstill (250
/// Hz).
constexpr Nanoseconds kTick = std::chrono::milliseconds(4);

/// A timer fires late: by its slack (up to a thousandth for poll(2) and its kin), by a tick.
Nanoseconds with_slack(Nanoseconds timeout) {
  return timeout + timeout / 100 + std::chrono::milliseconds(5);
}

}  // namespace

Looker::Looker(DiagSocket& diag, TaskTable& table, const WatchOptions& options,
               const ListProcesses& list_processes)
    : diag_(diag), table_(table), options_(options), list_processes_(list_processes) {}

RestReport Looker::look(const std::vector<ClientSocket>& clients) {
  if (table_.tasks().empty()) table_.refresh(list_processes_());
  return attempt(clients);
}

RestReport Looker::attempt(const std::vector<ClientSocket>& clients) {
  if (!see_tasks()) return start_again();
  const Seen* running = find_running();
  if (running != nullptr && !options_.polls) {
    return busy(fmt::format("thread {} is running", running->files->tid()));
  }
  const bool is_path_busy = options_.is_path_quiet && !options_.is_path_quiet();
  if (is_path_busy) return busy("a packet stands in the relay");
  auto standing = see_sockets(clients);
  if (!standing) return busy("sock_diag: " + describe(standing.error()));
  keep_rest(*standing);
  RestView view{.sockets = std::move(*standing),
                .is_steady = is_steady_,
                .is_network_quiet = quiet_.is_quiet(),
                .has_relay = options_.is_path_quiet != nullptr,
                .polls = options_.polls,
                .timer = std::nullopt};
  if (still_) view.held_for = monotonic_now() - still_->since;
  see_waits(view);
  const auto latest = births_.latest();
  if (!see_tasks_again(view)) return start_again();
  RestReport report = decide(view);
  if (report.rest == Rest::busy) return report;
  if (!is_table_complete(view, latest)) return start_again();
  if (report.rest != Rest::gone) keep_found(view);
  return report;
}

void Looker::complete_table() {
  const auto latest = births_.latest();
  if (!latest || latest != complete_at_) table_.refresh(list_processes_());
}

RestReport Looker::start_again() {
  table_.refresh(list_processes_());
  seen_.clear();
  if (table_.tasks().empty()) return decide(RestView{.timer = std::nullopt});
  return busy("threads have come or gone");
}

bool Looker::see_tasks() {
  last_began_ = std::exchange(began_, monotonic_now());
  seen_.clear();
  for (const TaskFiles& files : table_.tasks()) {
    const auto sched = files.read_schedstat();
    if (!sched) return false;
    seen_.push_back(see_task(files, *sched));
    note_run(seen_.back());
  }
  return !seen_.empty();
}

/// A thread that has run since the last look began its present wait after that look.
void Looker::note_run(const Seen& seen) {
  const auto [found, is_new] = marks_.try_emplace(seen.files->tid());
  Mark& mark = found->second;
  if (is_new) {
    mark.ran_ns = seen.sched.ran_ns;
    mark.ran_after = birth_of(*seen.files, began_);
  } else if (mark.runs_seen != seen.sched.runs) {
    mark.ran_after = last_began_;
  }
  mark.runs_seen = seen.sched.runs;
}

Looker::Seen Looker::see_task(const TaskFiles& files, const SchedStat& sched) {
  Seen seen{.files = &files, .sched = sched};
  const auto text = files.read_syscall();
  if (text) {
    const auto line = parse_syscall(*text);
    seen.was_off_cpu = line.has_value();
    seen.line = line.value_or(SyscallLine{});
  } else if (const auto stat = files.read_stat()) {
    // Not dumpable, and we may not trace it. Its state is weaker evidence, but all there is: a
    // thread that is about to sleep may still change its mind without a switch.
    seen.was_off_cpu = stat->state == 'S' || stat->state == 'T';
    seen.line.number = SyscallLine::kUnreadable;
  }
  return seen;
}

const Looker::Seen* Looker::find_running() const {
  const auto found =
      std::find_if(seen_.begin(), seen_.end(), [](const Seen& seen) { return !seen.was_off_cpu; });
  return found == seen_.end() ? nullptr : &*found;
}

/// Asks twice whenever the first answer differs from the dump before it: what one dump shows of a
/// socket was not all read at one moment, but what two dumps show alike was true in between.
SysResult<Standing> Looker::see_sockets(const std::vector<ClientSocket>& clients) {
  auto standing = dump_sockets(clients);
  if (!standing) return standing;
  const std::uint64_t first = standing->fingerprint;
  is_steady_ = first == std::exchange(last_fingerprint_, first);
  if (!standing->under_way.empty()) return standing;

  std::uint64_t runs = 0;
  for (const Seen& seen : seen_) runs += seen.sched.runs;
  quiet_.begin(first ^ (runs * 0x9e3779b97f4a7c15U));
  const bool needs_quiet = standing->has_datagrams || !standing->doubt.empty();
  const bool was_quiet = quiet_.is_quiet().value_or(false);
  if (needs_quiet && !was_quiet) quiet_.observe();
  if (is_steady_ && (was_quiet || !needs_quiet)) return standing;

  standing = dump_sockets(clients);
  if (!standing) return standing;
  is_steady_ = standing->fingerprint == first;
  last_fingerprint_ = standing->fingerprint;
  return standing;
}

SysResult<Standing> Looker::dump_sockets(const std::vector<ClientSocket>& clients) {
  const WhichTables which{.tcp = wants(clients, is_tcp),
                          .udp = wants(clients, is_udp),
                          .local = wants(clients, is_unix)};
  if (const auto done = diag_.dump(which, tables_); !done) return fail(done.error());
  return judge_sockets(tables_, clients, options_, ask_tcp_info);
}

/// What the threads wait for. Between A and B as well: who sleeps all the while has one answer.
void Looker::see_waits(RestView& view) {
  const bool was_found = still_ && still_->was_found;
  if (was_found) find_hidden_timers(view);
  view.tasks.reserve(seen_.size());
  for (const Seen& seen : seen_) {
    TaskView task{.pid = seen.files->pid(),
                  .tid = seen.files->tid(),
                  .was_off_cpu = seen.was_off_cpu,
                  .runs_a = seen.sched.runs};
    Mark& mark = marks_[task.tid];
    note_cpu_time(mark, seen.sched.ran_ns);
    task.ran_since = mark.ran_since;
    if (seen.was_off_cpu) task.wait = classify_wait(seen.line, memory_of(task.pid));
    if (was_found && task.wait.kind == WaitKind::socket_call) ask_socket_timeout(task, mark);
    const bool may_wake = was_found && (view.timer || task.wait.kind != WaitKind::untimed);
    if (task.wait.is_blind || may_wake) see_timer(task, seen, mark, view.held_for);
    view.tasks.push_back(std::move(task));
  }
}

/// The kernel brings the CPU time of a running thread up to date at its clock's ticks only, 4 ms
/// apart and more: what the first change brings may have been used before the rest. Of each later
/// one no more than a tick counts: a virtual machine that stood still resumes in the middle of a
/// thread, and charges it for all that time.
void Looker::note_cpu_time(Mark& mark, std::uint64_t ran_ns) {
  if (ran_ns == mark.ran_ns) return;
  const Nanoseconds more(static_cast<std::int64_t>(ran_ns - std::exchange(mark.ran_ns, ran_ns)));
  if (std::exchange(mark.is_current, true)) mark.ran_since += std::min(more, kTick);
}

void Looker::see_timer(TaskView& task, const Seen& seen, Mark& mark, Nanoseconds held_for) const {
  task.wakes_soon = task.wait.kind == WaitKind::timed && !is_far_off(task.wait, mark);
  if (task.wakes_soon && !mark.timer_over_at) {
    mark.timer_over_at = held_for + with_slack(task.wait.timeout);
  }
  if (task.wait.kind == WaitKind::perhaps) mark.timer_over_at = kLongestTimeout;
  task.timer_over_at = mark.timer_over_at.value_or(Nanoseconds{});
  const std::uint64_t switches = seen.files->read_voluntary_switches().value_or(0);
  if (!mark.switches) mark.switches = switches;
  task.sleeps_since = switches - *mark.switches;
}

/// Whether the timeout cannot come within the time that we would wait for it. Runtimes have
/// housekeepers that wake once a minute.
bool Looker::is_far_off(const Wait& wait, const Mark& mark) const {
  if (wait.is_absolute) return wait.timeout >= kLongestTimeout;
  return mark.ran_after && *mark.ran_after + wait.timeout - began_ >= kLongestTimeout;
}

bool Looker::see_tasks_again(RestView& view) {
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const auto stat = seen_[i].files->read_stat();
    const auto sched = seen_[i].files->read_schedstat();
    if (!stat || !sched) return false;
    TaskView& task = view.tasks[i];
    task.state = stat->state;
    task.runs_b = sched->runs;
    task.is_untouched =
        view.sockets.unseen_ends == ends_at_rest_ && marks_[task.tid].runs_at_rest == task.runs_b;
  }
  std::erase_if(view.tasks, [](const TaskView& task) { return has_ended(task.state); });
  return true;
}

/// `latest` was read between A and B, while every known thread slept: no fork of theirs was under
/// way. So if the table has all that /proc shows after B, it has all for as long as the count
/// stays.
bool Looker::is_table_complete(const RestView& view, std::optional<pid_t> latest) {
  if (latest && latest == complete_at_) return true;
  complete_at_.reset();
  if (!table_.is_complete(list_processes_())) return false;
  if (std::all_of(view.tasks.begin(), view.tasks.end(), is_asleep)) complete_at_ = latest;
  return true;
}

void Looker::keep_rest(const Standing& standing) {
  if (!standing.under_way.empty()) {
    still_.reset();
    return;
  }
  if (still_ && still_->fingerprint == standing.fingerprint) return;
  still_ = Stillness{
      .fingerprint = standing.fingerprint, .since = monotonic_now(), .timer = std::nullopt};
  std::unordered_map<pid_t, Mark> fresh;
  for (const Seen& seen : seen_) {
    const pid_t tid = seen.files->tid();
    Mark mark{.ran_ns = seen.sched.ran_ns};
    if (const auto old = marks_.find(tid); old != marks_.end()) {
      mark.runs_at_rest = old->second.runs_at_rest;
      mark.runs_seen = old->second.runs_seen;
      mark.ran_after = old->second.ran_after;
    }
    fresh.emplace(tid, std::move(mark));
  }
  marks_ = std::move(fresh);
}

void Looker::keep_found(const RestView& view) {
  still_->was_found = true;
  ends_at_rest_ = view.sockets.unseen_ends;
  for (const TaskView& task : view.tasks) marks_[task.tid].runs_at_rest = task.runs_b;
}

/// Only from the second look at a rest on: scanning the descriptors costs more than all the rest,
/// and only those who wait for a firm rest look twice.
void Looker::find_hidden_timers(RestView& view) {
  if (!still_->knows_timers) {
    still_->knows_timers = true;
    const Nanoseconds passed = monotonic_now() - still_->since;
    const auto left = find_timers(table_.processes(), kLongestTimeout);
    if (left) still_->timer = passed + *left;
  }
  view.knows_timers = true;
  view.timer = still_->timer;
}

void Looker::ask_socket_timeout(TaskView& task, Mark& mark) {
  if (!mark.asked || mark.runs_when_asked != task.runs_a) {
    const auto timeout = socket_timeout(task.pid, task.wait.descriptor, task.wait.is_output);
    mark.runs_when_asked = task.runs_a;
    mark.asked = task.wait;
    mark.asked->kind = !timeout                    ? WaitKind::perhaps
                       : *timeout == Nanoseconds{} ? WaitKind::untimed
                                                   : WaitKind::timed;
    mark.asked->timeout = timeout.value_or(Nanoseconds{});
  }
  task.wait = *mark.asked;
}

}  // namespace sockdrill
