#include "harness/sim/tasks/thread_pointer.h"

#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "harness/sim/tasks/system_call.h"

namespace sockdrill::sim {

namespace {

// HWCAP2_FSGSBASE of <asm/hwcap2.h>: Linux lets programs use wrfsbase (since 5.9).
constexpr unsigned long kMayWriteBase = 1U << 1U;

bool may_write_base() {
  static const bool may = (::getauxval(AT_HWCAP2) & kMayWriteBase) != 0;
  return may;
}

}  // namespace

ThreadPointer thread_pointer() {
  ThreadPointer pointer = 0;
  // The first word of a thread's control block is its own address (ELF TLS ABI, variant II).
  asm volatile("movq %%fs:0, %0" : "=r"(pointer));
  return pointer;
}

[[gnu::noinline]] void set_thread_pointer(ThreadPointer to) {
  if (may_write_base()) {
    asm volatile("wrfsbase %0" : : "r"(to) : "memory");
    return;
  }
  // Not arch_prctl(2) of the C library: it would write errno, whose place is what changes.
  call_kernel(SYS_arch_prctl, ARCH_SET_FS, static_cast<long>(to));
}

}  // namespace sockdrill::sim
