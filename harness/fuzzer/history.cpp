#include "harness/fuzzer/history.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "harness/base/fd.h"
#include "harness/fuzzer/fuzz_request.h"

namespace sockdrill {

namespace {

constexpr std::size_t kSizeOctets = 4;  ///< before each form, the lowest first

bool write_octets(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(fd, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Texts one behind the other, as far as there is room for them.
class Name final {
 public:
  explicit Name(std::array<char, 4096>& room) : room_(room) {}
  Name& operator+=(std::string_view text) {
    for (const char c : text) {
      if (size_ + 1 < room_.size()) room_[size_++] = c;
    }
    room_[size_] = '\0';
    return *this;
  }
  void cut_off(std::size_t count) { room_[size_ -= std::min(size_, count)] = '\0'; }

 private:
  std::array<char, 4096>& room_;
  std::size_t size_ = 0;
};

}  // namespace

void History::add(std::string_view form) { forms_[added_++ % kKept].assign(form); }

const char* History::write(const std::string& prefix) {
  if (added_ == 0) return "";
  const Bytes& last = forms_[(added_ - 1) % kKept];
  std::array<char, 16> digits{};
  std::uint64_t hash = hash_of(last);
  for (char& digit : digits) {
    digit = "0123456789abcdef"[hash >> 60U];
    hash <<= 4U;
  }
  Name name(name_);
  name += prefix;
  name += "found-";
  name += std::string_view(digits.data(), digits.size());
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  const int input = ::open(name_.data(), kFlags, 0666);
  bool is_written = write_octets(input, last);
  ::close(input);
  name += kHistoryEnding;
  const int history = ::open(name_.data(), kFlags, 0666);
  for (std::size_t i = added_ - std::min(added_, kKept); i < added_; ++i) {
    const Bytes& form = forms_[i % kKept];
    std::array<char, kSizeOctets> size{};
    for (std::size_t at = 0; at < size.size(); ++at)
      size[at] = static_cast<char>(form.size() >> (8 * at));
    is_written = write_octets(history, {size.data(), size.size()}) && is_written;
    is_written = write_octets(history, form) && is_written;
  }
  ::close(history);
  name.cut_off(std::string_view(kHistoryEnding).size());
  return is_written ? name_.data() : "";
}

Result<std::vector<Bytes>> read_history(const std::string& file) {
  const SysResult<std::string> octets = read_file(file);
  if (!octets) return fail(file + ": " + describe(octets.error()));
  std::vector<Bytes> forms;
  for (std::string_view rest = *octets; !rest.empty();) {
    std::size_t size = 0;
    for (std::size_t at = 0; at < std::min(rest.size(), kSizeOctets); ++at)
      size |= std::size_t{static_cast<unsigned char>(rest[at])} << (8 * at);
    rest.remove_prefix(std::min(rest.size(), kSizeOctets));
    if (size > rest.size()) return fail(file + ": is no history of inputs, or not all of it");
    forms.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  if (forms.empty()) return fail(file + ": is empty");
  return forms;
}

std::string history_file_of(const std::string& file) { return file + kHistoryEnding; }

}  // namespace sockdrill
