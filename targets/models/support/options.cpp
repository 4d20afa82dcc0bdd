#include "targets/models/support/options.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

namespace sockdrill::models {
namespace {

using protocols::Protocol;

struct Argument {
  std::string_view name;
  std::optional<std::string_view> value;
};

[[noreturn]] void refuse(const std::string& message) {
  std::fprintf(stderr, "%s: %s (--help shows the options)\n", program_invocation_short_name,
               message.c_str());
  std::exit(2);
}

std::vector<std::string_view> option_names(Listens listens) {
  switch (listens) {
    case Listens::tcp:
      return {"--protocol", "--port", "--family", "--backlog"};
    case Listens::udp:
      return {"--protocol", "--port", "--family"};
    case Listens::unix_datagram:
      return {"--protocol", "--path"};
    case Listens::broadcasting:
      return {"--port", "--to", "--broadcast"};
    case Listens::unix_stream:
    case Listens::unix_seqpacket:
      return {"--protocol", "--path", "--backlog"};
  }
  return {};
}

bool has_messages(Listens listens) {
  return listens != Listens::tcp && listens != Listens::unix_stream;
}

std::string_view meaning_of(std::string_view name) {
  if (name == "--port") return "N           the port, needed; 0 lets the system choose one";
  if (name == "--path") return "P           the path of the socket, needed; at most 107 bytes";
  if (name == "--family") return "ipv4|ipv6  (default ipv4; ipv6 serves IPv4 clients as well)";
  if (name == "--backlog") return "N        connections that may wait to be accepted";
  if (name == "--to") return "ADDR:PORT     where to broadcast to, needed";
  if (name == "--broadcast") return "       set SO_BROADCAST, without which sending fails";
  return "NAME    (default echo)";
}

[[noreturn]] void print_help(Listens listens) {
  std::printf("usage: %s OPTIONS\n", program_invocation_short_name);
  for (const std::string_view name : option_names(listens)) {
    std::printf("  %s %s\n", name.data(), meaning_of(name).data());
  }
  if (listens != Listens::broadcasting) {
    std::printf("protocols: %s\n", protocols::protocol_names(has_messages(listens)).c_str());
  }
  std::printf("SIGTERM and SIGINT stop it.\n");
  std::exit(0);
}

std::string say(std::string_view name, std::string_view value, std::string_view wanted) {
  return std::string(name).append(" ").append(value).append(": expected ").append(wanted);
}

int parse_number(std::string_view name, std::string_view value, int most) {
  int number = -1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < 0 || number > most) {
    refuse(say(name, value, "a number from 0 to " + std::to_string(most)));
  }
  return number;
}

Protocol parse_protocol(std::string_view value, Listens listens) {
  const std::optional<Protocol> protocol = protocols::find_protocol(value);
  if (!protocol || (has_messages(listens) && !has_datagram_form(*protocol))) {
    refuse(say("--protocol", value, "one of " + protocols::protocol_names(has_messages(listens))));
  }
  return *protocol;
}

int parse_family(std::string_view value) {
  if (value != "ipv4" && value != "ipv6") refuse(say("--family", value, "ipv4 or ipv6"));
  return value == "ipv4" ? AF_INET : AF_INET6;
}

sockaddr_in parse_address(std::string_view value) {
  const std::size_t colon = std::min(value.rfind(':'), value.size());
  const std::string host(value.substr(0, colon));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == value.size() || ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    refuse(say("--to", value, "an IPv4 address and a port, such as 192.0.2.255:7000"));
  }
  const int port = parse_number("--to", value.substr(colon + 1), 65535);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void apply(Options& options, Listens listens, std::string_view name, std::string_view value) {
  if (name == "--protocol") options.protocol = parse_protocol(value, listens);
  if (name == "--family") options.family = parse_family(value);
  if (name == "--path") options.path = value;
  if (name == "--to") options.to = parse_address(value);
  if (name == "--backlog") options.backlog = parse_number(name, value, 1'000'000);
  if (name == "--port") {
    options.port = static_cast<std::uint16_t>(parse_number(name, value, 65535));
  }
}

/// `--name value` and `--name=value`.
std::vector<Argument> split(int argc, char** argv) {
  std::vector<Argument> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) {
      arguments.push_back({word.substr(0, equals), word.substr(equals + 1)});
    } else if (word == "--broadcast" || word == "--help" || i + 1 == argc) {
      arguments.push_back({word, std::nullopt});
    } else {
      arguments.push_back({word, argv[++i]});
    }
  }
  return arguments;
}

}  // namespace

Options parse_options_or_exit(int argc, char** argv, Listens listens) {
  const std::vector<std::string_view> known = option_names(listens);
  std::vector<std::string_view> missing;
  for (const std::string_view name : {"--port", "--path", "--to"}) {
    if (std::ranges::find(known, name) != known.end()) missing.push_back(name);
  }
  Options options;
  for (const Argument& argument : split(argc, argv)) {
    const std::string name(argument.name);
    if (name == "--help") print_help(listens);
    if (std::ranges::find(known, name) == known.end()) refuse(name + ": unknown option");
    std::erase(missing, argument.name);
    if (name == "--broadcast") {
      if (argument.value) refuse(name + ": takes no value");
      options.may_broadcast = true;
      continue;
    }
    if (!argument.value || argument.value->empty()) refuse(name + ": a value is missing");
    apply(options, listens, name, *argument.value);
  }
  if (!missing.empty()) refuse(std::string(missing.front()) + " is missing");
  return options;
}

}  // namespace sockdrill::models
