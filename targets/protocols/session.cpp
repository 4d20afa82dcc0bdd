#include "targets/protocols/session.h"

#include <cstring>
#include <utility>

namespace sockdrill::protocols {

std::span<char> Session::Buffer::room() {
  // Moved to the front only when less than half is left, so that a byte is moved once at most.
  if (begin > 0 && data.size() - end < data.size() / 2) {
    std::memmove(data.data(), data.data() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  return std::span(data).subspan(end);
}

void Session::Buffer::drop(std::size_t size_bytes) {
  begin += size_bytes;
  if (begin == end) begin = end = 0;
}

Session::Session(std::unique_ptr<StreamHandler> handler) : handler_(std::move(handler)) {
  advance();  // Some protocols speak first.
}

std::span<char> Session::input_room() {
  if (has_input_ended_ || handler_->is_finished()) return {};
  return input_.room();
}

void Session::add_input(std::size_t size_bytes) {
  input_.end += size_bytes;
  advance();
}

void Session::end_input() {
  has_input_ended_ = true;
  advance();
}

std::string_view Session::output() const { return output_.bytes(); }

void Session::drop_output(std::size_t size_bytes) {
  output_.drop(size_bytes);
  advance();
}

void Session::advance() {
  Progress progress{.consumed = 1, .produced = 0};
  while (progress != Progress{} && !handler_->is_finished()) {
    const std::span<char> room = output_.room();
    progress = handler_->advance(input_.bytes(), has_input_ended_, room);
    input_.drop(progress.consumed);
    output_.end += progress.produced;
  }
}

}  // namespace sockdrill::protocols
