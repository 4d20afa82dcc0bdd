#pragma once

// The memory that each simulated process has for itself although all share one address space: the
// server's variables. The heap stays common.

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace sockdrill::sim {

class Process;

/// Where the server's variables lie in this program.
struct ServerMemory {
  std::vector<std::span<char>> variables;  ///< .data and .bss of the server and its libraries
  std::ptrdiff_t below_pointer = 0;        ///< its thread_local block begins so far below
  std::vector<char> thread_locals;         ///< what it holds at first; empty: none is kept apart
  /// Whether it has any, asked when it makes its first thread; empty: it may have.
  std::function<bool()> has_thread_locals;
};

class MemoryImages final {
 public:
  explicit MemoryImages(ServerMemory memory) : memory_(std::move(memory)) {}
  [[nodiscard]] const ServerMemory& memory() const { return memory_; }

  /// From here on the variables are that process'.
  void bring_in(const Process& process);
  /// A child with a copy of what its parent has, which is the one brought in.
  void fork(const Process& child);
  /// A process whose variables are as they were when keep_pristine() was called.
  void start_pristine(const Process& process);
  void keep_pristine();
  void forget(const Process& process);

 private:
  using Octets = std::vector<char>;
  [[nodiscard]] Octets copy() const;
  void put(const Octets& octets);

  ServerMemory memory_;
  const Process* present_ = nullptr;  ///< whose variables lie in their place; nullptr: nobody's
  std::map<const Process*, Octets> away_;
  Octets pristine_;
};

}  // namespace sockdrill::sim
