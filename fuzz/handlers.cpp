// Every protocol handler, however its input is cut and however little room its replies have.
//
// A model of a few lines says what must be answered to the whole input. Every octet of that must
// come, in that order, and no other: a lost, doubled, reordered or foreign one shows as a
// difference. No call may produce more than its room, and the number of calls may not grow faster
// than input and output do.
//
// An input is: the protocol, the number of cuts, the cuts (pieces and rooms in turns, used again
// and again), and what the client sends.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/check.h"
#include "targets/protocols/registry.h"
#include "targets/protocols/replay.h"
#include "targets/protocols/session.h"

namespace sockdrill::protocols {
namespace {

constexpr std::int64_t kUnixSeconds = 1'700'000'000;
constexpr std::size_t kOutputLimit = 1 << 16;
constexpr std::size_t kChargenLimit = 1 << 13;  // It ends only with its client; 7,030 come round.
constexpr std::size_t kRoomStep = 521;
constexpr std::size_t kMostRoom = 128 * kRoomStep;

// What must be answered. README.md of targets/protocols is the source.

std::string answer_of_line(std::string_view input) {
  constexpr std::size_t kMostText = 4096;
  std::string answer;
  while (!input.empty()) {
    const std::size_t newline = input.find('\n');
    std::string_view text = input.substr(0, newline);
    const bool ends = newline != std::string_view::npos;
    const bool may_be_terminator = text.ends_with('\r') && (ends || text.size() == kMostText + 1);
    if (may_be_terminator) text.remove_suffix(1);
    if (text.size() > kMostText) return answer + "error line too long\n";
    if (!ends) break;
    answer += "ok " + std::string(text) + "\n";
    input.remove_prefix(newline + 1);
  }
  return answer;
}

std::string answer_of_frames(std::string_view input) {
  std::string answer;
  while (input.size() >= 4) {
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i)
      length = length << 8U | static_cast<unsigned char>(input[static_cast<std::size_t>(i)]);
    if (length > 65536 || input.size() < 4 + length) break;
    answer += input.substr(0, 4 + length);
    input.remove_prefix(4 + length);
  }
  return answer;
}

std::string chargen_lines(std::size_t count) {
  std::string lines;
  for (std::size_t line = 0; line < count; ++line) {
    for (std::size_t column = 0; column < 72; ++column)
      lines += static_cast<char>(' ' + (line + column) % 95);
    lines += "\r\n";
  }
  return lines;
}

/// As much as can come before the limit is looked at; a prefix of it does.
const std::string& most_of_chargen() {
  static const std::string lines = chargen_lines((kChargenLimit + kMostRoom) / 74 + 2);
  return lines;
}

std::string answer_to(Protocol protocol, const std::string& input) {
  switch (protocol) {
    case Protocol::echo:
      return input;
    case Protocol::discard:
      return "";
    case Protocol::chargen:
      return most_of_chargen();
    case Protocol::daytime:
      return "Tuesday, November 14, 2023 22:13:20-UTC\r\n";
    case Protocol::time:
      return "\xe8\xfe\x6f\x80";  // Since 1900.
    case Protocol::line:
      return answer_of_line(input);
    case Protocol::length_prefixed:
      return answer_of_frames(input);
  }
  return "";
}

/// Pieces and rooms, used in turns and again from the front.
class Cuts final {
 public:
  explicit Cuts(std::string_view octets) : octets_(octets) {}
  std::size_t next() {
    if (octets_.empty()) return 1 << 14;
    const auto octet = static_cast<unsigned char>(octets_[at_++ % octets_.size()]);
    // Small ones one by one, then in steps that reach beyond every buffer.
    return octet < 128 ? octet + std::size_t{1} : (octet - std::size_t{127}) * kRoomStep;
  }

 private:
  std::string_view octets_;
  std::size_t at_ = 0;
};

std::size_t limit_of(Protocol protocol) {
  return protocol == Protocol::chargen ? kChargenLimit : kOutputLimit;
}

std::string play(Protocol protocol, std::string_view input, Cuts cuts) {
  const std::unique_ptr<StreamHandler> handler = make_stream_handler(protocol, kUnixSeconds);
  SOCKDRILL_CHECK(handler != nullptr, "a protocol has no stream handler");
  std::string output;
  std::size_t arrived = 0;
  std::size_t consumed = 0;
  std::size_t idle_calls = 0;
  while (!handler->is_finished() && output.size() < limit_of(protocol)) {
    const std::string piece(input.substr(consumed, arrived - consumed));  // ASan sees both ends.
    std::vector<char> room(cuts.next());
    const Progress progress = handler->advance(piece, arrived == input.size(), room);
    SOCKDRILL_CHECK(progress.consumed <= piece.size(), "more was consumed than came");
    SOCKDRILL_CHECK(progress.produced <= room.size(), "more was produced than there is room");
    consumed += progress.consumed;
    output.append(room.data(), progress.produced);
    if (progress != Progress{} || handler->is_finished()) continue;
    SOCKDRILL_CHECK(++idle_calls <= input.size() + 2, "calls that move nothing");
    if (arrived == input.size()) break;
    arrived = std::min(input.size(), arrived + cuts.next());
  }
  const bool is_open_end = protocol == Protocol::chargen && output.size() >= limit_of(protocol);
  SOCKDRILL_CHECK(handler->is_finished() || is_open_end || output.size() >= limit_of(protocol),
                  "all has come, and the handler does not finish");
  return output;
}

/// The same through the fixed buffers that a server model keeps for a client.
std::string play_session(Protocol protocol, std::string_view input, Cuts cuts) {
  Session session(make_stream_handler(protocol, kUnixSeconds));
  std::string output;
  while (!session.is_finished() && output.size() < limit_of(protocol)) {
    const std::size_t taken = std::min(session.output().size(), cuts.next());
    output += session.output().substr(0, taken);
    session.drop_output(taken);
    const std::span<char> room = session.input_room();
    SOCKDRILL_CHECK(taken > 0 || !room.empty() || session.is_finished() ||
                        session.has_input_ended() || !session.output().empty(),
                    "a session neither reads nor writes");
    if (room.empty() && taken == 0) break;
    const std::size_t length = copy_some(input.substr(0, cuts.next()), room);
    input.remove_prefix(length);
    if (length > 0) session.add_input(length);
    if (input.empty() && !session.has_input_ended()) session.end_input();
  }
  return output;
}

void check_stream(Protocol protocol, const std::string& input, const Cuts& cuts) {
  const std::string wanted = answer_to(protocol, input);
  for (const std::string& output :
       {play(protocol, input, cuts), play_session(protocol, input, cuts)}) {
    SOCKDRILL_CHECK(output.size() <= wanted.size(), "more is answered than there is to answer");
    SOCKDRILL_CHECK(wanted.compare(0, output.size(), output) == 0, "a wrong octet is answered");
    const bool may_break_off = protocol == Protocol::chargen || output.size() >= limit_of(protocol);
    SOCKDRILL_CHECK(may_break_off || output.size() == wanted.size(), "octets of the answer lack");
    SOCKDRILL_CHECK(protocol != Protocol::chargen || output.size() >= 74, "no line of chargen");
  }
}

void check_datagram(Protocol protocol, const std::string& input) {
  const std::unique_ptr<DatagramHandler> handler = make_datagram_handler(protocol);
  SOCKDRILL_CHECK((handler != nullptr) == has_datagram_form(protocol),
                  "a protocol has a datagram form, or it has none");
  if (handler == nullptr) return;
  const std::vector<char> request(input.begin(), input.end());
  std::vector<char> scratch(DatagramHandler::kScratchBytes);
  const std::optional<std::string_view> reply =
      handler->answer({request.data(), request.size()}, kUnixSeconds, scratch);
  SOCKDRILL_CHECK(reply.has_value() == (protocol != Protocol::discard), "silence, or none");
  if (!reply) return;
  SOCKDRILL_CHECK(reply->size() <= std::max(request.size(), scratch.size()),
                  "a reply is longer than a handler may make it");
  if (protocol == Protocol::chargen) {
    SOCKDRILL_CHECK(chargen_lines(7).starts_with(*reply), "a wrong octet is answered");
  } else if (protocol == Protocol::line) {
    const bool is_plain = input.find('\n') == std::string::npos && !input.ends_with('\r');
    SOCKDRILL_CHECK(!is_plain || *reply == answer_of_line(input + "\n"), "a wrong answer");
  } else {
    SOCKDRILL_CHECK(*reply == answer_to(protocol, input), "a wrong answer");
  }
}

}  // namespace
}  // namespace sockdrill::protocols

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill::protocols;
  constexpr Protocol kProtocols[] = {Protocol::echo,           Protocol::discard, Protocol::chargen,
                                     Protocol::daytime,        Protocol::time,    Protocol::line,
                                     Protocol::length_prefixed};
  if (size < 2) return 0;
  const Protocol protocol = kProtocols[data[0] % std::size(kProtocols)];
  const std::string octets(data + 2, data + size);
  const std::size_t cuts = std::min<std::size_t>(octets.size(), data[1] % 16);
  const std::string input = octets.substr(cuts);
  check_stream(protocol, input, Cuts(std::string_view(octets).substr(0, cuts)));
  check_datagram(protocol, input);
  return 0;
}
