#pragma once

// One loop, many coroutines: clients wait for their sockets, for time, or for the server to come to
// rest.
//
// A coroutine tries first and waits only after EAGAIN. Whoever waits for rest is woken by a look()
// that began after it had begun to wait; so "at rest" always includes everything that it has done
// before.

#include <coroutine>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "harness/play/task.h"
#include "harness/play/world.h"

namespace sockdrill {

enum class WantsRest {
  no,
  any,        ///< the server is at rest for now
  firm,       ///< ... and no timer of its own can change that
  firm_alone  ///< ... nor any other client: what waits for this is told that something did not
              ///< happen
};

struct WaitFor {
  std::optional<SocketId> socket;
  bool read = false;
  bool write = false;
  WantsRest rest = WantsRest::no;
  /// With firm_alone: a rest at which this holds is reason enough to go on.
  std::function<bool(const RestReport&)> or_any_if;
  Nanoseconds until{0};  ///< always given: nothing waits for ever
  Nanoseconds rest_after{
      0};  ///< do not look for rest before this (what usually comes soon is not worth a look)
};

struct Woken {
  bool readable = false;
  bool writable = false;
  std::optional<RestReport> rest;  ///< the server is at rest (firmly, if that was wanted), or gone
  bool is_late = false;            ///< the time has come, and nothing else
};

class Loop final {
 public:
  /// `world` outlives the loop.
  explicit Loop(World& world) : world_(world) {}

  class Awaiter {
   public:
    Awaiter(Loop& loop, WaitFor wait) : loop_(loop), wait_(std::move(wait)) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    Woken await_resume() { return std::move(woken_); }

   private:
    friend class Loop;
    Loop& loop_;
    WaitFor wait_;
    Woken woken_;
    std::coroutine_handle<> handle_;
    std::uint64_t number_ = 0;
  };
  Awaiter wait(WaitFor what) { return {*this, std::move(what)}; }

  /// Lets everybody else go on first; keeps long runs of steps that need no waiting off the stack.
  class Yield {
   public:
    explicit Yield(Loop& loop) : loop_(loop) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) { loop_.fired_.push_back(handle); }
    void await_resume() const noexcept {}

   private:
    Loop& loop_;
  };
  Yield yield() { return Yield(*this); }

  /// Runs a coroutine, and whatever it awaits, to its end.
  void run(Task<void>& task);
  /// Runs all of them, at most `at_once` at a time, in order.
  Task<void> run_all(std::vector<Task<void>>& tasks, std::size_t at_once);

  [[nodiscard]] Nanoseconds now() { return world_.now(); }
  /// Set by the caller's signal handling: every wait ends at once, as late.
  void interrupt() { is_interrupted_ = true; }
  [[nodiscard]] bool is_interrupted() const { return is_interrupted_; }
  /// Asked between waits; true interrupts.
  std::function<bool()> should_interrupt;
  /// Called whenever the server may have run.
  std::function<void()> after_wait;

 private:
  void fire(Awaiter* awaiter);
  void turn();
  void look_for_rest();
  std::vector<Awaiter*> choose_rested(const RestReport& report, Nanoseconds looked_at);
  void take(const std::vector<Ready>& ready);
  [[nodiscard]] Nanoseconds next_pause();

  /// Lets run_all() sleep until the last of its lanes has ended.
  struct Countdown {
    std::size_t left = 0;
    std::coroutine_handle<> waiting;
  };
  Task<void> play_from(std::vector<Task<void>>& tasks, std::size_t& next, Countdown& countdown);

  struct Bits {
    bool readable = false;
    bool writable = false;
  };

  World& world_;
  std::map<SocketId, Awaiter*> by_socket_;
  std::map<SocketId, Bits> bits_;  ///< edges seen while nobody waited
  std::set<Awaiter*> for_rest_;
  std::multimap<Nanoseconds, Awaiter*> by_time_;
  std::vector<std::coroutine_handle<>> fired_;  ///< to be resumed next
  std::uint64_t next_number_ = 0;
  unsigned fruitless_looks_ = 0;
  Nanoseconds last_look_cost_{0};
  bool is_interrupted_ = false;
};

}  // namespace sockdrill
