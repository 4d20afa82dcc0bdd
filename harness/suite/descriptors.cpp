#include "harness/suite/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "harness/watch/watch.h"

namespace sockdrill {
namespace {

/// Standard streams, reports, namespaces, artifacts.
constexpr std::size_t kOfTheCommand = 64;
/// The stage's pipes and sockets, the watch's own, those of a second instance and of programs.
constexpr std::size_t kOfARun = 40;

std::size_t limit_of_process() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::size_t>(limit.rlim_cur) : 1024;
}

struct Openness {
  std::size_t now = 0;
  std::size_t most = 0;

  void open() { most = std::max(most, ++now); }
  void close() { now -= now > 0 ? 1 : 0; }
};

/// As far as the text says. What the server ends stays open here, and is closed later.
void follow(const Script& script, Openness& openness) {
  for (const PlannedStep& step : script) {
    const bool opens =
        std::holds_alternative<Connect>(step.action) || std::holds_alternative<Open>(step.action);
    const bool closes =
        std::holds_alternative<Close>(step.action) || std::holds_alternative<Reset>(step.action);
    if (opens) openness.open();
    if (closes) openness.close();
  }
}

/// Scripts side by side.
void follow_crowd(const Block& block, Openness& openness) {
  std::size_t left_open = 0;
  std::size_t most_of_one = 0;
  for (const Script& script : block.scripts) {
    Openness one;
    follow(script, one);
    left_open += one.now;
    most_of_one = std::max(most_of_one, one.most);
  }
  const std::size_t at_once = std::min(block.at_once, block.scripts.size());
  openness.now += left_open;
  openness.most = std::max(openness.most, openness.now + at_once * most_of_one);
}

std::size_t most_clients_of(const CasePlan& planned) {
  Openness openness;
  for (const Block& block : planned.blocks) {
    if (block.scripts.size() == 1) {
      follow(block.scripts.front(), openness);
    } else {
      follow_crowd(block, openness);
    }
  }
  return openness.most;
}

}  // namespace

std::size_t most_clients(const Plan& plan) {
  std::size_t most = 1;  // the probe
  for (const CasePlan& planned : plan.cases) most = std::max(most, most_clients_of(planned));
  return most;
}

std::size_t descriptors_for(const Plan& plan) {
  const std::size_t clients = most_clients(plan);
  return kOfARun + clients + descriptors_of_watch(clients);  // a server may have a thread for each
}

DescriptorPool::Share::~Share() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_ += taken_;
  pool_.changed_.notify_all();
}

DescriptorPool::Share DescriptorPool::take(std::size_t wanted,
                                           const std::function<bool()>& should_give_up) {
  const std::size_t needed = std::min(wanted, all_);
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  const auto has_its_turn = [&] { return ticket == now_serving_ && free_ >= needed; };
  bool gives_up = false;
  while (!has_its_turn()) {
    changed_.wait_for(lock, std::chrono::milliseconds(50));
    gives_up = gives_up || should_give_up();
    // It keeps its place: those behind it would wait for its number for ever.
    if (gives_up && ticket == now_serving_) break;
  }
  ++now_serving_;
  changed_.notify_all();
  const std::size_t taken = gives_up ? 0 : needed;
  free_ -= taken;
  return {*this, taken};
}

DescriptorPool& descriptor_pool() {
  static DescriptorPool pool(limit_of_process() - std::min(limit_of_process(), kOfTheCommand));
  return pool;
}

}  // namespace sockdrill
