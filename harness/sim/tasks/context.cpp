#include "harness/sim/tasks/context.h"

#include <array>
#include <cstdint>
#include <cstring>

#ifndef __x86_64__
#error "the switch between tasks is written for x86-64 only"
#endif

// Six registers, and the control words of both floating point units. Both sides of a switch have
// the same frame, so one description of it serves the unwinder.
asm(R"(
  .text
  .p2align 4
  .globl sockdrill_sim_switch
  .hidden sockdrill_sim_switch
  .type sockdrill_sim_switch, @function
sockdrill_sim_switch:
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  pushq %r12
  .cfi_adjust_cfa_offset 8
  pushq %r13
  .cfi_adjust_cfa_offset 8
  pushq %r14
  .cfi_adjust_cfa_offset 8
  pushq %r15
  .cfi_adjust_cfa_offset 8
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  ldmxcsr (%rsp)
  fldcw 4(%rsp)
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %r15
  .cfi_adjust_cfa_offset -8
  popq %r14
  .cfi_adjust_cfa_offset -8
  popq %r13
  .cfi_adjust_cfa_offset -8
  popq %r12
  .cfi_adjust_cfa_offset -8
  popq %rbx
  .cfi_adjust_cfa_offset -8
  popq %rbp
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
  .size sockdrill_sim_switch, .-sockdrill_sim_switch

  .p2align 4
  .globl sockdrill_sim_begin
  .hidden sockdrill_sim_begin
  .type sockdrill_sim_begin, @function
sockdrill_sim_begin:
  .cfi_startproc
  .cfi_undefined rip
  movq %r12, %rdi
  callq *%r13
  ud2
  .cfi_endproc
  .size sockdrill_sim_begin, .-sockdrill_sim_begin
)");

extern "C" {
void sockdrill_sim_switch(void** from, void* to);
void sockdrill_sim_begin();
}

namespace sockdrill::sim {

void switch_context(Context& from, const Context& to) {
  sockdrill_sim_switch(&from.stack_pointer, to.stack_pointer);
}

Context make_context(void* top, void (*entry)(void*), void* argument) {
  std::uint32_t mxcsr = 0;
  std::uint16_t control = 0;
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
  std::array<std::uint64_t, 8> frame{};  // control words, r15, r14, r13, r12, rbx, rbp, where to go
  frame[0] = mxcsr | std::uint64_t{control} << 32U;
  frame[3] = reinterpret_cast<std::uint64_t>(entry);
  frame[4] = reinterpret_cast<std::uint64_t>(argument);
  frame[7] = reinterpret_cast<std::uint64_t>(&sockdrill_sim_begin);
  char* place = static_cast<char*>(top) - reinterpret_cast<std::uintptr_t>(top) % 16 - sizeof frame;
  std::memcpy(place, frame.data(), sizeof frame);
  return Context{place};
}

}  // namespace sockdrill::sim
