#include "targets/protocols/registry.h"

#include <array>
#include <new>
#include <utility>

#include "targets/protocols/chargen.h"
#include "targets/protocols/daytime.h"
#include "targets/protocols/discard.h"
#include "targets/protocols/echo.h"
#include "targets/protocols/length_prefixed.h"
#include "targets/protocols/line.h"
#include "targets/protocols/time.h"

namespace sockdrill::protocols {
namespace {

struct Name {
  std::string_view name;
  Protocol protocol = Protocol::echo;
};

constexpr std::array kNames{
    Name{"echo", Protocol::echo},
    Name{"discard", Protocol::discard},
    Name{"chargen", Protocol::chargen},
    Name{"daytime", Protocol::daytime},
    Name{"time", Protocol::time},
    Name{"line", Protocol::line},
    Name{"length-prefixed", Protocol::length_prefixed},
};

template <typename Handler, typename... Arguments>
std::unique_ptr<Handler> make(Arguments... arguments) {
  return std::unique_ptr<Handler>(new (std::nothrow) Handler(arguments...));
}

}  // namespace

std::optional<Protocol> find_protocol(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) return known.protocol;
  }
  return std::nullopt;
}

bool has_datagram_form(Protocol protocol) { return protocol != Protocol::length_prefixed; }

std::string protocol_names(bool datagram) {
  std::string names;
  for (const Name& known : kNames) {
    if (datagram && !has_datagram_form(known.protocol)) continue;
    names.append(names.empty() ? "" : ", ").append(known.name);
  }
  return names;
}

std::unique_ptr<StreamHandler> make_stream_handler(Protocol protocol, std::int64_t unix_seconds) {
  switch (protocol) {
    case Protocol::echo:
      return make<EchoStream>();
    case Protocol::discard:
      return make<DiscardStream>();
    case Protocol::chargen:
      return make<ChargenStream>();
    case Protocol::daytime:
      return make<DaytimeStream>(unix_seconds);
    case Protocol::time:
      return make<TimeStream>(unix_seconds);
    case Protocol::line:
      return make<LineStream>();
    case Protocol::length_prefixed:
      return make<LengthPrefixedStream>();
  }
  return nullptr;
}

std::unique_ptr<DatagramHandler> make_datagram_handler(Protocol protocol) {
  switch (protocol) {
    case Protocol::echo:
      return make<EchoDatagram>();
    case Protocol::discard:
      return make<DiscardDatagram>();
    case Protocol::chargen:
      return make<ChargenDatagram>();
    case Protocol::daytime:
      return make<DaytimeDatagram>();
    case Protocol::time:
      return make<TimeDatagram>();
    case Protocol::line:
      return make<LineDatagram>();
    case Protocol::length_prefixed:
      return nullptr;
  }
  return nullptr;
}

}  // namespace sockdrill::protocols
