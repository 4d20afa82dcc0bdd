// The start of the program: main() is kept for the simulation, and the harness runs in its place.

#include <cstdlib>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

// From the C library's start-up code to the harness's main function, which it calls.
MainFunction servers_main = nullptr;

int run_harness(int argc, char** argv, char** environment) {
  find_real_clock();
  ServerProgram program{.main = servers_main, .arguments = {}, .environment = environment};
  for (int i = 0; i < argc; ++i) program.arguments.emplace_back(argv[i]);
  return drive(std::move(program));
}

}  // namespace
}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL int __libc_start_main(MainFunction main, int argc, char** argv, void (*init)(),
                                     void (*fini)(), void (*end_of_loader)(), void* stack_end) {
  using Start = int(MainFunction, int, char**, void (*)(), void (*)(), void (*)(), void*);
  auto* const start = next<Start>("__libc_start_main");
  if (!should_drive()) return start(main, argc, argv, init, fini, end_of_loader, stack_end);
  servers_main = main;
  return start(run_harness, argc, argv, init, fini, end_of_loader, stack_end);
}
