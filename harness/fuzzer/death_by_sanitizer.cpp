#include "harness/fuzzer/death_by_sanitizer.h"

#include <utility>

#include "harness/sim/tasks/task.h"

extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace sockdrill {

namespace {

// A sanitizer calls functions, and hands them nothing of ours.
std::function<void()> the_last_word;

}  // namespace

void before_death_by_sanitizer(std::function<void()> last_word) {
  the_last_word = std::move(last_word);
  if (__sanitizer_set_death_callback == nullptr) return;
  __sanitizer_set_death_callback([] {
    sim::current_task = nullptr;
    the_last_word();
  });
}

}  // namespace sockdrill
