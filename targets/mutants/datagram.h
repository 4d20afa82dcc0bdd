#pragma once

// What the datagram mutants do alike: one socket, whose requests are received with the address of
// the client that is to be answered.

#include "targets/mutants/textbook.h"

namespace mutants {

struct Request {
  ssize_t size = 0;  // below 0: none
  sockaddr_storage peer{};
  socklen_t peer_length = sizeof(sockaddr_storage);
};

/// MSG_TRUNC: the size is that of the datagram, however little of it fits.
template <std::size_t Size>
Request receive_request(int socket, char (&buffer)[Size]) {
  Request request;
  request.size =
      ::recvfrom(socket, buffer, Size, MSG_TRUNC,
                 static_cast<sockaddr*>(static_cast<void*>(&request.peer)), &request.peer_length);
  return request;
}

inline ssize_t reply_to(int socket, const Request& request, std::string_view reply) {
  return ::sendto(socket, reply.data(), reply.size(), MSG_NOSIGNAL,
                  static_cast<const sockaddr*>(static_cast<const void*>(&request.peer)),
                  request.peer_length);
}

inline constexpr std::size_t kDatagramBytes = 65536;

}  // namespace mutants
