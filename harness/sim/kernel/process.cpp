#include "harness/sim/kernel/process.h"

#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {

Process::Process(Kernel& of, pid_t number, Process* begetter)
    : kernel(of),
      pid(number),
      parent(begetter),
      group(begetter != nullptr ? begetter->group : number),
      session(begetter != nullptr ? begetter->session : number),
      alarm(
          of.timers(),
          [this] {
            if (alarm_every > Nanoseconds{0}) alarm.arm(kernel.now() + alarm_every);
            kernel.send_signal(*this, signal_info(SIGALRM, SI_KERNEL));
          },
          TimerKind::program) {
  if (begetter == nullptr) return;
  command = begetter->command;
  most_descriptors = begetter->most_descriptors;
  signals.actions = begetter->signals.actions;
  descriptors = begetter->descriptors;
  begetter->children.push_back(this);
}

}  // namespace sockdrill::sim
