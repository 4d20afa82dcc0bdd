#include "targets/protocols/echo.h"

namespace sockdrill::protocols {

Progress EchoStream::advance(std::string_view input, bool input_ended, std::span<char> room) {
  const std::size_t echoed = copy_some(input, room);
  is_finished_ = input_ended && echoed == input.size();
  return {.consumed = echoed, .produced = echoed};
}

std::optional<std::string_view> EchoDatagram::answer(std::string_view request, std::int64_t,
                                                     std::span<char>) {
  return request;
}

}  // namespace sockdrill::protocols
