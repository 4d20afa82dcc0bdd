#pragma once

// Where workers put what nobody needs once they are done.

#include <filesystem>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "harness/base/result.h"

namespace sockdrill {

/// A folder that is empty at first, and gone in the end.
class PassingFolder final {
 public:
  static Result<PassingFolder> make(const std::string& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    std::filesystem::create_directories(path, error);
    if (error) return fail(fmt::format("cannot be made: {}", error.message()), path);
    return PassingFolder(path);
  }
  PassingFolder(PassingFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  PassingFolder& operator=(PassingFolder&&) = delete;
  ~PassingFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit PassingFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace sockdrill
