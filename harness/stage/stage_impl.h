#pragma once

// What a Stage holds. Private to stage.cpp (use) and teardown.cpp (end).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/stage/agent_process.h"
#include "harness/stage/stage.h"

namespace sockdrill {

/// One process with what we alone know of it.
struct StageEntry {
  StageProcess process;
  pid_t inner_pid = -1;  ///< as the agent sees it
  OwnedFd pidfd;
  OwnedFd stat;  ///< /proc/PID/stat: it is asked for after every step, and a pid may come again
  OwnedFd out;
  OwnedFd err;
  bool drains = true;
};

struct Stage::Impl {
  const Home& home;
  AgentProcess agent;
  OwnedFd news_epoll;        ///< readable when pump() has something to do
  OwnedFd network;           ///< kNoFd when degraded
  OwnedFd port_reservation;  ///< degraded only: no other stage takes the port
  std::string marker;        ///< "SOCKDRILL_STAGE=...", in the environment of all that we start
  std::string temp_inside;
  std::string temp_outside;
  std::vector<std::unique_ptr<StageEntry>> entries;
  std::optional<News> answer;  ///< to a start request
  bool agent_is_lost = false;  ///< it, or our talk with it, has ended
  bool is_reaped = false;

  StageEntry& entry_of(const StageProcess& process);
  void take(News news);
  void take_all_news();
  void drain_all();
  Result<News> await_answer(Deadline deadline);
  /// Adds to what makes `news_epoll` readable. A descriptor leaves by itself when it is closed.
  void watch(const OwnedFd& fd);
  void forget(const OwnedFd& fd);
  void lose_agent();
  /// Without an agent nobody tells how processes ended: those that are gone count as killed.
  void notice_ends_ourselves();
  bool end(Deadline deadline);

 private:
  bool end_isolated(Deadline deadline);
  bool end_degraded(Deadline deadline);
  bool end_what_the_agent_left(Deadline deadline);
};

}  // namespace sockdrill
