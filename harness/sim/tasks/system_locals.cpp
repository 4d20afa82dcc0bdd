#include "harness/sim/tasks/system_locals.h"

#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace sockdrill::sim {

namespace {

bool is_system(std::string_view file) {
  const std::string_view name = file.substr(file.rfind('/') + 1);
  return name.starts_with("libc.so.") || name.starts_with("libstdc++.so.");
}

/// Whether this very function lies there.
bool is_ours(const dl_phdr_info& info, std::span<const ElfW(Phdr)> headers) {
  const std::uintptr_t here = reinterpret_cast<std::uintptr_t>(&find_system_locals);
  return std::ranges::any_of(headers, [&](const ElfW(Phdr) & header) {
    return header.p_type == PT_LOAD && here - (info.dlpi_addr + header.p_vaddr) < header.p_memsz;
  });
}

int add_object(dl_phdr_info* info, std::size_t /*size*/, void* argument) {
  auto& found = *static_cast<SystemLocals*>(argument);
  const std::span<const ElfW(Phdr)> headers{info->dlpi_phdr, info->dlpi_phnum};
  const auto locals = std::ranges::find(headers, ElfW(Word){PT_TLS}, &ElfW(Phdr)::p_type);
  if (locals == headers.end() || is_ours(*info, headers)) return 0;
  const auto place = reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data);
  // Those that a library brought along that was loaded later lie elsewhere.
  if (!is_system(info->dlpi_name) || place == 0 || place > thread_pointer())
    found.has_others = true;
  else
    found.stretches.push_back(
        {.below_pointer = static_cast<std::ptrdiff_t>(thread_pointer() - place),
         .size = locals->p_memsz});
  return 0;
}

}  // namespace

SystemLocals find_system_locals() {
  SystemLocals found;
  ::dl_iterate_phdr(add_object, &found);
  return found;
}

void exchange(const SystemLocals& locals, ThreadPointer one, ThreadPointer other) {
  constexpr std::size_t kChunk = 16;
  const auto swap = [](char* a, char* b, std::size_t size) {
    char kept[kChunk];
    std::memcpy(kept, a, size);
    std::memcpy(a, b, size);
    std::memcpy(b, kept, size);
  };
  for (const SystemLocals::Stretch& stretch : locals.stretches) {
    auto* a = reinterpret_cast<char*>(one - static_cast<std::uintptr_t>(stretch.below_pointer));
    auto* b = reinterpret_cast<char*>(other - static_cast<std::uintptr_t>(stretch.below_pointer));
    std::size_t left = stretch.size;
    for (; left >= kChunk; left -= kChunk, a += kChunk, b += kChunk) swap(a, b, kChunk);
    swap(a, b, left);
  }
}

}  // namespace sockdrill::sim
