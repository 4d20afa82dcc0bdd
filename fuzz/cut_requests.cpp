// Every protocol handler, however its input is cut and however little room its replies have: the
// same bytes get the same replies. A lost, doubled or reordered byte shows as a difference.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/check.h"
#include "targets/protocols/registry.h"
#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

constexpr std::int64_t kUnixSeconds = 1'700'000'000;
constexpr std::size_t kOutputLimit = 1 << 16;  // Chargen never ends.

Replayed play(Protocol protocol, std::string_view input, Cut cut) {
  const std::unique_ptr<StreamHandler> handler = make_stream_handler(protocol, kUnixSeconds);
  SOCKDRILL_CHECK(handler != nullptr, "a protocol has no stream handler");
  return replay(*handler, input, cut, true, kOutputLimit);
}

void check_stream(Protocol protocol, std::string_view input, Cut cut) {
  const Replayed whole = play(protocol, input, {.piece_bytes = 1 << 20, .room_bytes = 1 << 14});
  const Replayed pieces = play(protocol, input, cut);
  SOCKDRILL_CHECK(pieces.consumed <= input.size(), "more was consumed than came");
  const std::size_t common = std::min(whole.output.size(), pieces.output.size());
  SOCKDRILL_CHECK(whole.output.compare(0, common, pieces.output, 0, common) == 0,
                  "a cut changed a reply");
  // The limit is looked at between two steps, so how far beyond it a run gets depends on the room.
  if (whole.output.size() >= kOutputLimit || pieces.output.size() >= kOutputLimit) return;
  SOCKDRILL_CHECK(whole.output.size() == pieces.output.size(), "a cut lost or added a reply");
  SOCKDRILL_CHECK(whole.is_finished == pieces.is_finished, "a cut changed when all is said");
  SOCKDRILL_CHECK(whole.is_finished || whole.consumed == pieces.consumed,
                  "a cut changed what is left over");
}

void check_datagram(Protocol protocol, std::string_view input) {
  const std::unique_ptr<DatagramHandler> handler = make_datagram_handler(protocol);
  if (handler == nullptr) return;
  const std::vector<char> request(input.begin(),
                                  input.end());  // Of its own, so that ASan sees both ends.
  std::vector<char> scratch(DatagramHandler::kScratchBytes);
  const std::optional<std::string_view> reply =
      handler->answer({request.data(), request.size()}, kUnixSeconds, scratch);
  if (!reply) return;
  SOCKDRILL_CHECK(reply->size() <= std::max(request.size(), scratch.size()),
                  "a reply is longer than a handler may make it");
  if (protocol == Protocol::echo) SOCKDRILL_CHECK(*reply == input, "an echo differs");
}

}  // namespace
}  // namespace sockdrill::protocols

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill::protocols;
  constexpr std::size_t kHeaderBytes = 3;
  constexpr Protocol kProtocols[] = {Protocol::echo,           Protocol::discard, Protocol::chargen,
                                     Protocol::daytime,        Protocol::time,    Protocol::line,
                                     Protocol::length_prefixed};
  if (size < kHeaderBytes) return 0;
  const Protocol protocol = kProtocols[data[0] % std::size(kProtocols)];
  const Cut cut{.piece_bytes = data[1] + std::size_t{1}, .room_bytes = data[2] + std::size_t{1}};
  const std::string input(data + kHeaderBytes, data + size);
  check_stream(protocol, input, cut);
  check_datagram(protocol, input);
  return 0;
}
