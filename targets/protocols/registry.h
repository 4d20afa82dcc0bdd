#pragma once

// The protocols by name. What cannot be made for want of memory is null: the server then refuses
// one client instead of dying.

#include <memory>
#include <string>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

enum class Protocol { echo, discard, chargen, daytime, time, line, length_prefixed };

/// The word of the command line, such as `length-prefixed`; nothing for an unknown word.
std::optional<Protocol> find_protocol(std::string_view name);
/// False for what needs a stream.
bool has_datagram_form(Protocol protocol);
/// `echo, discard, ...`: for messages to people.
std::string protocol_names(bool datagram);

/// The clock is read once, when the client comes.
std::unique_ptr<StreamHandler> make_stream_handler(Protocol protocol, std::int64_t unix_seconds);
/// Null also for what has no datagram form.
std::unique_ptr<DatagramHandler> make_datagram_handler(Protocol protocol);

}  // namespace sockdrill::protocols
