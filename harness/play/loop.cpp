#include "harness/play/loop.h"

#include <algorithm>

namespace sockdrill {

void Loop::Awaiter::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  number_ = loop_.next_number_++;
  bool is_ready = false;
  if (wait_.socket) {
    Bits& bits = loop_.bits_[*wait_.socket];
    woken_.readable =
        wait_.read && std::exchange(bits.readable, wait_.read ? false : bits.readable);
    woken_.writable =
        wait_.write && std::exchange(bits.writable, wait_.write ? false : bits.writable);
    is_ready = woken_.readable || woken_.writable;
    if (!is_ready) loop_.by_socket_[*wait_.socket] = this;
  }
  if (is_ready) {
    loop_.fired_.push_back(handle_);
    return;
  }
  if (wait_.rest != WantsRest::no) {
    if (loop_.for_rest_.empty()) loop_.fruitless_looks_ = 0;
    loop_.for_rest_.insert(this);
  }
  loop_.by_time_.emplace(wait_.until, this);
}

void Loop::fire(Awaiter* awaiter) {
  awaiter->wait_.or_any_if = nullptr;
  if (awaiter->wait_.socket) {
    const auto found = by_socket_.find(*awaiter->wait_.socket);
    if (found != by_socket_.end() && found->second == awaiter) by_socket_.erase(found);
  }
  for_rest_.erase(awaiter);
  const auto [begin, end] = by_time_.equal_range(awaiter->wait_.until);
  const auto timer = std::find_if(begin, end, [&](const auto& t) { return t.second == awaiter; });
  if (timer != end) by_time_.erase(timer);
  fired_.push_back(awaiter->handle_);
}

void Loop::run(Task<void>& task) {
  task.start();
  while (!task.is_done()) {
    while (!fired_.empty()) {
      std::vector<std::coroutine_handle<>> now;
      now.swap(fired_);
      for (const std::coroutine_handle<> handle : now) handle.resume();
    }
    if (!task.is_done()) turn();
  }
}

void Loop::take(const std::vector<Ready>& ready) {
  for (const Ready& one : ready) {
    Bits& bits = bits_[one.socket];
    bits.readable = bits.readable || one.readable;
    bits.writable = bits.writable || one.writable;
    const auto found = by_socket_.find(one.socket);
    if (found == by_socket_.end()) continue;
    Awaiter* awaiter = found->second;
    awaiter->woken_.readable = awaiter->wait_.read && bits.readable;
    awaiter->woken_.writable = awaiter->wait_.write && bits.writable;
    if (!awaiter->woken_.readable && !awaiter->woken_.writable) continue;
    if (awaiter->woken_.readable) bits.readable = false;
    if (awaiter->woken_.writable) bits.writable = false;
    fire(awaiter);
  }
}

/// Short at first, because rest usually comes at once; never shorter than a look costs, so that
/// looking takes at most half a CPU.
Nanoseconds Loop::next_pause() {
  using namespace std::chrono_literals;
  if (fruitless_looks_ == 0) return 0ns;
  const Nanoseconds patience =
      std::min<Nanoseconds>(5ms, 40us * (1U << std::min(fruitless_looks_, 7U)));
  return std::max(patience, 2 * last_look_cost_);
}

void Loop::turn() {
  if (should_interrupt && should_interrupt()) is_interrupted_ = true;
  const Nanoseconds now = world_.now();
  if (is_interrupted_) {
    while (!by_time_.empty()) {
      by_time_.begin()->second->woken_.is_late = true;
      fire(by_time_.begin()->second);
    }
    return;
  }
  Nanoseconds until =
      by_time_.empty() ? now + std::chrono::milliseconds(100) : by_time_.begin()->first;
  Nanoseconds look_at = Nanoseconds::max();
  for (const Awaiter* awaiter : for_rest_)
    look_at = std::min(look_at, std::max(now, awaiter->wait_.rest_after));
  if (look_at != Nanoseconds::max()) until = std::min(until, look_at + next_pause());
  // An interruption is noticed within this time, whatever the server does.
  until = std::min(until, now + std::chrono::milliseconds(100));
  take(world_.wait(until));
  if (after_wait) after_wait();
  if (!fired_.empty()) {
    fruitless_looks_ = 0;
    return;
  }
  const Nanoseconds later = world_.now();
  while (!by_time_.empty() && by_time_.begin()->first <= later) {
    by_time_.begin()->second->woken_.is_late = true;
    fire(by_time_.begin()->second);
  }
  if (fired_.empty() && later >= look_at) look_for_rest();
}

void Loop::look_for_rest() {
  const Nanoseconds before = world_.now();
  const RestReport report = world_.look();
  if (after_wait) after_wait();
  last_look_cost_ = world_.now() - before;
  ++fruitless_looks_;
  if (report.rest == Rest::busy) return;
  std::vector<Awaiter*> chosen = choose_rested(report, before);
  RestReport told = report;
  // Others are told of the same rest, or wait for something else: what they do next may move the
  // server again.
  const bool may_be_moved = report.rest != Rest::gone && (chosen.size() > 1 || by_time_.size() > 1);
  for (Awaiter* awaiter : chosen) {
    const bool is_verdict = chosen.size() == 1 && awaiter->wait_.rest == WantsRest::firm_alone;
    told.is_firm = report.is_firm && (is_verdict || !may_be_moved);
    awaiter->woken_.rest = told;
    fire(awaiter);
  }
  if (!fired_.empty()) fruitless_looks_ = 0;
}

/// Those who go on at any rest go first; that something does not come is told to one at a time, and
/// only when nobody else can go on.
std::vector<Loop::Awaiter*> Loop::choose_rested(const RestReport& report, Nanoseconds looked_at) {
  std::vector<Awaiter*> chosen;
  const auto wants = [&](const Awaiter& awaiter) {
    const bool may_go_on = awaiter.wait_.or_any_if && awaiter.wait_.or_any_if(report);
    return may_go_on ? WantsRest::any : awaiter.wait_.rest;
  };
  WantsRest chosen_for = WantsRest::no;
  for (const WantsRest wanted : {WantsRest::any, WantsRest::firm, WantsRest::firm_alone}) {
    for (Awaiter* awaiter : for_rest_) {
      const bool is_enough =
          report.rest == Rest::gone || report.is_firm || wanted == WantsRest::any;
      if (wants(*awaiter) == wanted && is_enough && awaiter->wait_.rest_after <= looked_at)
        chosen.push_back(awaiter);
    }
    chosen_for = wanted;
    if (!chosen.empty() && report.rest != Rest::gone) break;
  }
  const bool is_verdict =
      !chosen.empty() && report.rest != Rest::gone && chosen_for == WantsRest::firm_alone;
  if (is_verdict) {
    const auto oldest = std::min_element(
        chosen.begin(), chosen.end(),
        [](const Awaiter* a, const Awaiter* b) { return a->number_ < b->number_; });
    chosen = {*oldest};
  }
  return chosen;
}

/// Plays tasks one after another from a shared list; so many of these run side by side.
Task<void> Loop::play_from(std::vector<Task<void>>& tasks, std::size_t& next,
                           Countdown& countdown) {
  while (next < tasks.size()) {
    Task<void>& task = tasks[next++];
    co_await task;
  }
  // Resumed by the loop, not from here: whoever waits destroys this very coroutine.
  if (--countdown.left == 0 && countdown.waiting) fired_.push_back(countdown.waiting);
}

Task<void> Loop::run_all(std::vector<Task<void>>& tasks, std::size_t at_once) {
  struct UntilZero {
    Countdown& countdown;
    [[nodiscard]] bool await_ready() const noexcept { return countdown.left == 0; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
      countdown.waiting = handle;
    }
    void await_resume() const noexcept {}
  };
  std::size_t next = 0;
  Countdown countdown{.left = std::min(at_once, tasks.size())};
  std::vector<Task<void>> lanes;
  for (std::size_t i = 0; i < std::min(at_once, tasks.size()); ++i)
    lanes.push_back(play_from(tasks, next, countdown));
  for (Task<void>& lane : lanes) lane.start();
  co_await UntilZero{countdown};
}

}  // namespace sockdrill
