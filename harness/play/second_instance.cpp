// A second instance of the server, beside the first: it must end by itself, or, told port 0, may
// listen.

#include <algorithm>
#include <csignal>

#include "harness/play/server_steps.h"

namespace sockdrill {

using namespace std::chrono_literals;

std::vector<std::string> ServerSteps::listens_beside(const std::vector<std::string>& before) {
  std::vector<std::string> found = scene_.world.listening(Scope::everywhere).elsewhere;
  std::erase_if(found, [&](const std::string& where) {
    return std::ranges::find(before, where) != before.end();
  });
  return found;
}

Task<void> ServerSteps::watch_second(bool may_listen, const std::vector<std::string>& before) {
  // It must end by itself. That it does not is known once everything rests and no timer can change
  // that. One that sleeps blindly may be about to try again (nginx calls bind(2) five times, 500 ms
  // apart), as its sockets show none of that: it is given the whole time to end.
  const Nanoseconds until = scene_.loop.now() + scene_.caps.start;
  bool lives_on = false;
  while (!scene_.world.exited(Instance::second) && !lives_on && scene_.loop.now() < until) {
    const bool listens = may_listen && !listens_beside(before).empty();
    const Woken woken =
        co_await scene_.loop.wait(WaitFor{.rest = listens ? WantsRest::any : WantsRest::firm,
                                          .until = std::min(until, scene_.loop.now() + 20ms),
                                          .rest_after = scene_.loop.now() + 2ms});
    const bool stays = woken.rest && (listens || !woken.rest->sleeps_blindly);
    lives_on = stays && !scene_.world.exited(Instance::second);
  }
}

Task<std::string> ServerSteps::second(const Second& second, int step) {
  const std::vector<std::string> before = scene_.world.listening(Scope::everywhere).elsewhere;
  const bool may_listen = second.port == Second::Port::zero;
  const Result<void> started = scene_.world.start(
      Instance::second, StartOptions{.port = second.port, .path_bytes = second.path_bytes},
      Deadline::after(scene_.caps.start));
  if (!started) {
    scene_.recorder.harness(Kind::failed, step).text =
        "the second instance could not be started: " + to_string(started.error());
    co_return "impossible";
  }
  Event& event = scene_.recorder.server(Kind::started, step, Instance::second);
  event.number = static_cast<std::uint64_t>(scene_.world.pid_of(Instance::second));
  const Nanoseconds until = scene_.loop.now() + scene_.caps.start;
  co_await watch_second(may_listen, before);
  note_exit(Instance::second, step);
  note_output(Instance::second, step);
  const bool has_ended = scene_.world.exited(Instance::second).has_value();
  if (!has_ended) {
    for (const std::string& where : listens_beside(before))
      scene_.recorder.server(Kind::listening, step, Instance::second).text = where;
  }
  if (!has_ended) static_cast<void>(scene_.world.signal(Instance::second, SIGKILL));
  while (!scene_.world.exited(Instance::second) && scene_.loop.now() < until + scene_.caps.step)
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 300us}));
  co_return has_ended ? "done" : "unmet";
}

}  // namespace sockdrill
