// pthread_setspecific(3) and its kin: what each thread has under a key.

#include <pthread.h>
#include <threads.h>

#include <array>

#include "harness/sim/libc/calls.h"

// The C library's own, for code of the harness's and threads with a pointer of their own. Not by
// dlsym(3): a sanitizer calls it before that can be called.
extern "C" {
void* real_getspecific(pthread_key_t key) noexcept;
int real_setspecific(pthread_key_t key, const void* value) noexcept;
__asm__(".symver real_getspecific, __pthread_getspecific@GLIBC_2.2.5");
__asm__(".symver real_setspecific, __pthread_setspecific@GLIBC_2.2.5");
}

namespace sockdrill::sim {

namespace {

/// By key: where it was made.
constinit std::array<const void*, PTHREAD_KEYS_MAX> makers_of_keys{};
/// By key: under it a sanitizer has what it knows of the real thread.
constinit std::array<bool, PTHREAD_KEYS_MAX> keys_of_sanitizer{};

/// nullptr: the C library has it.
std::vector<void*>* own_specifics(pthread_key_t key) {
  Task* const task = current_task;
  if (task == nullptr || !task->shares_pointer()) return nullptr;
  return key < keys_of_sanitizer.size() && keys_of_sanitizer[key] ? nullptr : &task->specifics;
}

}  // namespace

void destroy_specifics() {
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
    bool has_found = false;
    const std::map<unsigned, void (*)(void*)> keys = simulation()->key_destructors;
    for (const auto& [key, destroy] : keys) {
      void* const value = ::pthread_getspecific(key);
      if (value == nullptr) continue;
      has_found = true;
      ::pthread_setspecific(key, nullptr);
      if (destroy != nullptr) destroy(value);
    }
    if (!has_found) return;
  }
}

void find_keys_of_sanitizer() {
  for (std::size_t key = 0; key < makers_of_keys.size(); ++key)
    keys_of_sanitizer[key] =
        makers_of_keys[key] != nullptr && is_called_by_sanitizer(makers_of_keys[key]);
}

}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL int pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) noexcept {
  static auto* const create = next<int(pthread_key_t*, void (*)(void*))>("pthread_key_create");
  if (!is_simulated()) {
    const int error = create(key, destroy);
    if (error == 0) makers_of_keys[*key] = __builtin_return_address(0);
    return error;
  }
  // Our threads never end for the C library, so their destructors are our business.
  const int error = create(key, nullptr);
  if (error == 0) simulation()->key_destructors[*key] = destroy;
  return error;
}

SIMULATED_CALL int pthread_key_delete(pthread_key_t key) noexcept {
  if (Simulation* const there = simulation(); there != nullptr) {
    there->key_destructors.erase(key);
    there->scheduler().forget_specific(key);  // the number may be another key's next
  }
  return next<int(pthread_key_t)>("pthread_key_delete")(key);
}

SIMULATED_CALL void* pthread_getspecific(pthread_key_t key) noexcept {
  const std::vector<void*>* const own = own_specifics(key);
  if (own == nullptr) return real_getspecific(key);
  return key < own->size() ? (*own)[key] : nullptr;
}

SIMULATED_CALL int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  std::vector<void*>* const own = own_specifics(key);
  if (own == nullptr) return real_setspecific(key, value);
  if (key >= PTHREAD_KEYS_MAX) return EINVAL;
  if (key >= own->size()) own->resize(key + 1);
  (*own)[key] = const_cast<void*>(value);
  return 0;
}

// The same under C11's names.

SIMULATED_CALL int tss_create(tss_t* key, tss_dtor_t destroy) {
  return ::pthread_key_create(key, destroy) == 0 ? thrd_success : thrd_error;
}
SIMULATED_CALL void tss_delete(tss_t key) { ::pthread_key_delete(key); }
SIMULATED_CALL void* tss_get(tss_t key) { return ::pthread_getspecific(key); }
SIMULATED_CALL int tss_set(tss_t key, void* value) {
  return ::pthread_setspecific(key, value) == 0 ? thrd_success : thrd_error;
}
