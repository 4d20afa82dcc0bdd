#pragma once

// A place where execution goes on: the stack pointer of code that has switched away.
//
// What a function may keep in registers over a call lies on the stack it left (System V AMD64 ABI,
// 3.2.1); all else the compiler has saved itself. No system call, no signal mask: unlike
// swapcontext(3), a switch costs some nanoseconds.

#include <cstddef>

namespace sockdrill::sim {

struct Context {
  void* stack_pointer = nullptr;
};

/// Leaves the running code at `from` and goes on at `to`. Returns when somebody switches to `from`.
void switch_context(Context& from, const Context& to);

/// One that will call `entry(argument)` on an empty stack, of which `top` is the end. `entry` never
/// returns.
Context make_context(void* top, void (*entry)(void*), void* argument);

}  // namespace sockdrill::sim
