#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockdrill {

/// What a reply is, without a parser for its protocol: its first word, with numbers that count
/// something as 0 ("220", "+OK", "$0"); bounded.
std::string class_of_reply(std::string_view octets);

/// The same of all replies in what came at a time: of its first octets, and of each further line
/// that begins as replies do (three digits; "+", "-", ":", "$" or "*", as RESP has them), for
/// whoever asks several things at once is told several. No more than 64.
std::vector<std::string> classes_of_replies(std::string_view octets);

}  // namespace sockdrill
