// What a look costs, and what of: watch_bench. Not a test: figures depend on the machine and on its
// load, so each is the best and the median of many.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "harness/watch/quiet.h"
#include "harness/watch/sock_diag.h"
#include "harness/watch/standing.h"
#include "harness/watch/task_table.h"
#include "harness/watch/truth/world.h"

namespace sockdrill::truth {
namespace {

void measure(const std::string& what, int rounds, const std::function<void()>& call) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const Nanoseconds start = monotonic_now();
    call();
    times.push_back(static_cast<double>((monotonic_now() - start).count()) / 1000);
  }
  std::sort(times.begin(), times.end());
  fmt::print("{:<48} best {:>9.1f} us   median {:>9.1f} us\n", what, times.front(),
             times[times.size() / 2]);
}

void measure_sockets(World& world, int rounds) {
  DiagSocket diag{open_diag()};
  SocketTables tables;
  measure("  one dump", rounds, [&] {
    tables.tcp.clear();
    static_cast<void>(diag.dump_tcp(tables.tcp));
  });
  const std::vector<ClientSocket> sockets = world.sockets();
  measure("  judging it", rounds, [&] {
    static_cast<void>(judge_sockets(tables, sockets, {}, [](Fd) { return std::nullopt; }));
  });
}

void measure_tasks(World& world, int rounds) {
  TaskTable table;
  table.refresh(world.server().processes());
  measure("  A and B of all threads", rounds, [&] {
    for (const TaskFiles& task : table.tasks()) {
      static_cast<void>(task.read_schedstat());
      static_cast<void>(task.read_syscall());
      static_cast<void>(task.read_stat());
      static_cast<void>(task.read_schedstat());
    }
  });
  measure("  listing the processes", rounds,
          [&] { static_cast<void>(world.server().processes()); });
  QuietNetwork quiet;
  measure("  the kernel's packet queues", rounds, [&] { quiet.observe(); });
  const BirthCounter births;
  measure("  the kernel's task count", rounds, [&] { static_cast<void>(births.latest()); });
}

void run(const std::string& model, const std::string& transport, int connections, int rounds) {
  World world(model, transport);
  if (!world.wait_for_listener()) return;
  world.clients().reserve(static_cast<std::size_t>(connections));
  for (int i = 0; i < connections; ++i) {
    world.send(world.connect(), 10);
    if (i % 8 == 0) static_cast<void>(world.settle());
  }
  static_cast<void>(world.settle_firmly());
  for (Client& client : world.clients()) world.drain(client);
  const std::vector<ClientSocket> sockets = world.sockets();
  measure(fmt::format("{} {}, {} connections: look", model, transport, connections), rounds,
          [&] { static_cast<void>(world.watcher().look(sockets)); });
  if (world.server().transport() == Transport::tcp) measure_sockets(world, rounds);
  measure_tasks(world, rounds);
  Client& client = world.clients().front();
  measure("  send, settled, drain", rounds / 2, [&] {
    world.send(client, 10);
    static_cast<void>(world.settle());
    world.drain(client);
  });
}

int run_all() {
  if (const std::string why = enter_fresh_network(); !why.empty()) {
    fmt::print("no network namespace: {}\n", why);
    return 0;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  run("epoll", "tcp4", 10, 2000);
  run("epoll", "tcp4", 100, 1000);
  run("epoll", "tcp4", 1000, 200);
  run("epoll", "tcp4", 10000, 50);
  run("threads", "tcp4", 10, 1000);
  run("threads", "tcp4", 100, 200);
  run("fork", "tcp4", 10, 500);
  run("sequential", "udp4", 10, 1000);
  run("epoll", "unix", 10, 1000);
  return 0;
}

}  // namespace
}  // namespace sockdrill::truth

int main() { return sockdrill::truth::run_all(); }
