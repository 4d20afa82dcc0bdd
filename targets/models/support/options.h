#pragma once

// The command line of the server models.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "targets/protocols/registry.h"

namespace sockdrill::models {

struct Options {
  protocols::Protocol protocol = protocols::Protocol::echo;
  int family = AF_INET;
  std::uint16_t port = 0;
  int backlog = SOMAXCONN;
  std::string path;
  sockaddr_in to{};            // Where udp-broadcast-sender sends.
  bool may_broadcast = false;  // Whether it asks for SO_BROADCAST.
};

enum class Listens { tcp, udp, unix_stream, unix_datagram, unix_seqpacket, broadcasting };

/// Exits with 2 and a message that says what was wrong, or with 0 after --help.
Options parse_options_or_exit(int argc, char** argv, Listens listens);

}  // namespace sockdrill::models
