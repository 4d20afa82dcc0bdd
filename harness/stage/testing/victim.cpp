// stage_victim: a harness to be killed. stage_victim isolated|degraded: opens, uses and closes
// stages in several threads until somebody ends it. Says "running" once the first stage is up.

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "harness/stage/stage.h"

namespace sockdrill {
namespace {

constexpr auto kLimit = std::chrono::seconds(60);

void start_some(Stage& stage, const std::string& actor) {
  const Deadline deadline = Deadline::after(kLimit);
  static_cast<void>(stage.start({.command = {actor, "daemon"}}, deadline));
  static_cast<void>(
      stage.start({.command = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"}}, deadline));
  const std::string script = "mkdir -p $T/a/b; echo x > $T/a/b/c; chmod 0 $T/a/b; sleep 1000";
  static_cast<void>(stage.start(
      {.command = {"/bin/sh", "-c", script}, .environment = {{"T", stage.temp_inside()}}},
      deadline));
}

void open_and_close_for_ever(const Home& home, const std::string& actor) {
  for (std::size_t round = 0;; ++round) {
    std::vector<std::unique_ptr<Stage>> stages;
    for (std::size_t i = 0; i < 1 + round % 3; ++i) {
      auto stage = Stage::open(home, {});
      if (!stage) continue;
      static_cast<void>(!::write(1, "running\n", 8));
      start_some(**stage, actor);
      stages.push_back(std::move(*stage));
    }
    for (const auto& stage : stages) {
      stage->pump();
      if (round % 2 == 0) static_cast<void>(stage->close(Deadline::after(kLimit)));
    }
  }
}

}  // namespace
}  // namespace sockdrill

int main(int count, char** arguments) {
  using namespace sockdrill;
  const bool isolated = count > 1 && std::strcmp(arguments[1], "isolated") == 0;
  const Result<Home> home = enter_home(isolated);
  if (!home) return 70;
  const std::string actor =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "stage_actor";
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&home, &actor] { open_and_close_for_ever(*home, actor); });
  }
}
