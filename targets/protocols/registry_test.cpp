#include "targets/protocols/registry.h"

#include <gtest/gtest.h>

namespace sockdrill::protocols {
namespace {

TEST(FindProtocolTest, KnowsTheWordsOfTheCommandLine) {
  EXPECT_EQ(find_protocol("length-prefixed"), Protocol::length_prefixed);
  EXPECT_EQ(find_protocol("Echo"), std::nullopt);
  EXPECT_EQ(find_protocol(""), std::nullopt);
}
TEST(ProtocolNamesTest, LeaveOutWhatDoesNotFitDatagrams) {
  EXPECT_EQ(protocol_names(false), "echo, discard, chargen, daytime, time, line, length-prefixed");
  EXPECT_EQ(protocol_names(true), "echo, discard, chargen, daytime, time, line");
}
TEST(MakeDatagramHandlerTest, IsNullForWhatHasNoDatagramForm) {
  EXPECT_EQ(make_datagram_handler(Protocol::length_prefixed), nullptr);
  EXPECT_NE(make_datagram_handler(Protocol::line), nullptr);
}

}  // namespace
}  // namespace sockdrill::protocols
