#pragma once

// One attempt at "is the server at rest": takes A, S and B in the order that rest.h explains, keeps
// what must be remembered from one attempt to the next, and lets decide() judge.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/watch/quiet.h"
#include "harness/watch/rest.h"
#include "harness/watch/sock_diag.h"
#include "harness/watch/standing.h"
#include "harness/watch/task_table.h"
#include "harness/watch/watch.h"

namespace sockdrill {

using ListProcesses = std::function<std::vector<pid_t>()>;

class Looker final {
 public:
  Looker(DiagSocket& diag, TaskTable& table, const WatchOptions& options,
         const ListProcesses& list_processes);

  RestReport look(const std::vector<ClientSocket>& clients);
  /// Makes the table hold every thread there is, and perhaps some that have ended.
  void complete_table();

 private:
  /// A thread at A.
  struct Seen {
    const TaskFiles* files = nullptr;
    SchedStat sched;
    bool was_off_cpu = false;
    SyscallLine line;
  };
  /// A thread since the sockets came to rest.
  struct Mark {
    std::uint64_t ran_ns = 0;  ///< at the last look
    bool is_current = false;   ///< ran_ns is no older than the rest
    Nanoseconds ran_since{0};  ///< of TaskView
    std::optional<std::uint64_t> switches;
    std::optional<Nanoseconds> timer_over_at;
    std::optional<std::uint64_t> runs_at_rest;  ///< when it was last found at rest, if ever
    std::uint64_t runs_seen = 0;                ///< at the last look ...
    std::optional<Nanoseconds> ran_after;       ///< ... and when it is known to have run since
    std::uint64_t runs_when_asked = 0;          ///< for its socket's timeout ...
    std::optional<Wait> asked;                  ///< ... with what was answered
  };

  RestReport attempt(const std::vector<ClientSocket>& clients);
  RestReport start_again();
  bool see_tasks();
  void note_run(const Seen& seen);
  [[nodiscard]] static Seen see_task(const TaskFiles& files, const SchedStat& sched);
  [[nodiscard]] const Seen* find_running() const;
  SysResult<Standing> see_sockets(const std::vector<ClientSocket>& clients);
  SysResult<Standing> dump_sockets(const std::vector<ClientSocket>& clients);
  void see_waits(RestView& view);
  static void note_cpu_time(Mark& mark, std::uint64_t ran_ns);
  void see_timer(TaskView& task, const Seen& seen, Mark& mark, Nanoseconds held_for) const;
  [[nodiscard]] bool is_far_off(const Wait& wait, const Mark& mark) const;
  bool see_tasks_again(RestView& view);
  bool is_table_complete(const RestView& view, std::optional<pid_t> latest);
  void keep_rest(const Standing& standing);
  void keep_found(const RestView& view);
  void find_hidden_timers(RestView& view);
  static void ask_socket_timeout(TaskView& task, Mark& mark);

  DiagSocket& diag_;
  TaskTable& table_;
  const WatchOptions& options_;
  const ListProcesses& list_processes_;
  QuietNetwork quiet_;
  BirthCounter births_;

  // Of the attempt under way.
  std::vector<Seen> seen_;
  SocketTables tables_;
  Nanoseconds began_{0};
  bool is_steady_ = false;

  // From one attempt to the next.
  /// No task was under construction when the kernel's count stood here, and the table had all.
  std::optional<pid_t> complete_at_;
  Nanoseconds last_began_{0};
  std::uint64_t last_fingerprint_ = 0;  ///< of the last dump
  struct Stillness {                    ///< since when the sockets have stood as they stand
    std::uint64_t fingerprint = 0;
    Nanoseconds since{0};
    bool was_found = false;            ///< a look has called this a rest already
    bool knows_timers = false;         ///< hidden timers were looked for
    std::optional<Nanoseconds> timer;  ///< the last of them ends this long after `since`
  };
  std::optional<Stillness> still_;
  std::unordered_map<pid_t, Mark> marks_;
  std::uint64_t ends_at_rest_ = 0;  ///< Standing::unseen_ends of the last rest
};

}  // namespace sockdrill
