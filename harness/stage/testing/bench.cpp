// stage_bench: what a stage costs, part by part. stage_bench [ROUNDS] [degraded]

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "harness/stage/stage.h"

namespace sockdrill {
namespace {

constexpr std::uint16_t kPort = 20000;

struct Parts {
  enum Part { open, start, listening, first_byte, close, count };
  static constexpr std::array<const char*, count> kNames{"open", "start", "listening", "first byte",
                                                         "close"};
  std::array<std::vector<double>, count> ms;
  std::vector<double> launch_ms;  ///< open to first byte
  std::vector<double> cycle_ms;

  void add(const Parts& other) {
    const auto append = [](std::vector<double>& into, const std::vector<double>& from) {
      into.insert(into.end(), from.begin(), from.end());
    };
    for (std::size_t i = 0; i < count; ++i) append(ms[i], other.ms[i]);
    append(launch_ms, other.launch_ms);
    append(cycle_ms, other.cycle_ms);
  }
};

void print(const char* name, std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&values](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  fmt::print("  {:<22} best {:6.3f}   p50 {:6.3f}   p90 {:6.3f}   p99 {:6.3f} ms\n", name, at(0.0),
             at(0.5), at(0.9), at(0.99));
}

double to_ms(Nanoseconds span) { return static_cast<double>(span.count()) / 1e6; }

bool read_first_byte(const OwnedFd& client, std::uint16_t port = kPort) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char byte = 0;
  return ::connect(client.raw(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
         ::recv(client.raw(), &byte, 1, 0) == 1;
}

/// The same server started by posix_spawn(3): what is not the stage's.
void measure_baseline(const std::string& actor, int rounds) {
  std::vector<double> launch_ms;
  for (int i = 0; i < rounds; ++i) {
    const Nanoseconds begin = monotonic_now();
    Pipe pipe = std::move(*make_pipe());
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe.write_end.raw(), 1);
    std::array<std::string, 3> words{actor, "serve-tcp", std::to_string(kPort)};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t pid = -1;
    ::posix_spawn(&pid, actor.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    pipe.write_end.reset();
    char ignored = 0;
    static_cast<void>(!::read(pipe.read_end.raw(), &ignored, 1));
    const OwnedFd client{::socket(AF_INET, SOCK_STREAM, 0)};
    if (read_first_byte(client)) launch_ms.push_back(to_ms(monotonic_now() - begin));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  fmt::print("the same server without a stage\n");
  if (!launch_ms.empty()) print("launch to first byte", launch_ms);
}

bool measure(const Home& home, const std::string& actor, Parts& parts) {
  std::array<Nanoseconds, Parts::count + 1> at{};
  at[0] = monotonic_now();
  auto stage = Stage::open(home, {});
  if (!stage) {
    fmt::print("open: {}\n", to_string(stage.error()));
    return false;
  }
  at[1] = monotonic_now();
  const std::uint16_t port = home.isolated ? kPort : *(*stage)->free_port(Transport::tcp, 0);
  const Launch launch{.command = {actor, "serve-tcp", std::to_string(port)}};
  auto process = (*stage)->start(launch, Deadline::after(std::chrono::seconds(10)));
  if (!process) {
    fmt::print("start: {}\n", to_string(process.error()));
    return false;
  }
  at[2] = monotonic_now();
  while ((*process)->out.total() == 0 && !(*process)->exited) {
    (*stage)->wait(Deadline::after(std::chrono::seconds(1)));
  }
  at[3] = monotonic_now();
  const auto client = (*stage)->blocking_socket(AF_INET, SOCK_STREAM, 0);
  if (!client || !read_first_byte(*client, port)) return false;
  at[4] = monotonic_now();
  if (!(*stage)->close(Deadline::after(std::chrono::seconds(10)))) return false;
  at[5] = monotonic_now();
  for (std::size_t i = 0; i < Parts::count; ++i) parts.ms[i].push_back(to_ms(at[i + 1] - at[i]));
  parts.launch_ms.push_back(to_ms(at[4] - at[0]));
  parts.cycle_ms.push_back(to_ms(at[5] - at[0]));
  return true;
}

void run(const Home& home, const std::string& actor, int rounds, int threads) {
  std::vector<Parts> each(static_cast<std::size_t>(threads));
  const Nanoseconds begin = monotonic_now();
  {
    std::vector<std::jthread> workers;
    for (Parts& parts : each) {
      workers.emplace_back([&home, &actor, &parts, rounds] {
        for (int i = 0; i < rounds && measure(home, actor, parts); ++i) continue;
      });
    }
  }
  const double all_ms = to_ms(monotonic_now() - begin);
  Parts sum;
  for (const Parts& parts : each) sum.add(parts);
  if (sum.cycle_ms.empty()) return;
  fmt::print("{} thread(s), {} rounds: {:.0f} stages a second\n", threads, sum.cycle_ms.size(),
             1000.0 * static_cast<double>(sum.cycle_ms.size()) / all_ms);
  for (std::size_t i = 0; i < Parts::count; ++i) print(Parts::kNames[i], sum.ms[i]);
  print("launch to first byte", sum.launch_ms);
  print("whole cycle", sum.cycle_ms);
}

}  // namespace
}  // namespace sockdrill

int main(int count, char** arguments) {
  using namespace sockdrill;
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 300;
  const Nanoseconds begin = monotonic_now();
  const Result<Home> home = enter_home(count <= 2);
  if (!home) {
    fmt::print(stderr, "{}\n", to_string(home.error()));
    return 70;
  }
  fmt::print("enter_home {:.3f} ms, {}\n", to_ms(monotonic_now() - begin),
             home->isolated ? "isolated" : "degraded: " + home->why_degraded);
  const std::string actor =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "stage_actor";
  measure_baseline(actor, rounds);
  for (const int threads : {1, 2, 4}) run(*home, actor, rounds, threads);
  return 0;
}
