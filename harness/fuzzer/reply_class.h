#pragma once

#include <string>
#include <string_view>

namespace sockdrill {

/// What a reply is, without a parser for its protocol: its first word, with numbers that count
/// something as 0 ("220", "+OK", "$0"); bounded.
std::string class_of_reply(std::string_view octets);

}  // namespace sockdrill
