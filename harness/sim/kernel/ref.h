#pragma once

// Shared ownership inside one thread: a counter in the object, not atomic.
//
// The kernel's objects (open file descriptions, sockets) live as long as somebody names them, as in
// Linux. The whole simulation runs on one thread of the real machine.

#include <cstddef>
#include <utility>

namespace sockdrill::sim {

class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  virtual ~Counted() = default;

  void add_reference() { ++references_; }
  void drop_reference() {
    if (--references_ == 0) delete this;
  }
  [[nodiscard]] std::size_t references() const { return references_; }

 private:
  std::size_t references_ = 0;
};

template <typename T>
class Ref final {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr) object_->add_reference();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  Ref(const Ref<U>& other) : Ref(other.get()) {}  // to a base class
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->drop_reference();
  }

  [[nodiscard]] T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref& other) const = default;

 private:
  T* object_ = nullptr;
};

template <typename T, typename... Arguments>
Ref<T> make_ref(Arguments&&... arguments) {
  return Ref<T>(new T(std::forward<Arguments>(arguments)...));
}

}  // namespace sockdrill::sim
