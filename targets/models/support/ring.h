#pragma once

// A list whose links lie in its members: joining it needs no memory, so it cannot fail, and leaving
// it needs no search.
//
//   Link<Client> everyone;                             the head has no owner
//   client.link.join(everyone);                        at the end; leaves the list it was in
//   for (auto* l = &everyone; (l = l->next)->owner;)   first to last

namespace sockdrill::models {

template <typename Owner>
struct Link final {
  Link() = default;
  explicit Link(Owner* its_owner) : owner(its_owner) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { leave(); }

  /// Becomes the last before `head`.
  void join(Link& head) {
    leave();
    previous = head.previous;
    next = &head;
    previous->next = this;
    head.previous = this;
  }
  void leave() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  [[nodiscard]] bool is_linked() const { return next != this; }
  /// The first member of this list, or null.
  [[nodiscard]] Owner* first() const {
    // The analyzer does not see that a member leaves the list in its destructor.
    return next->owner;  // NOLINT(clang-analyzer-cplusplus.NewDelete)
  }

  Owner* owner = nullptr;
  Link* previous = this;
  Link* next = this;
};

}  // namespace sockdrill::models
