#include "harness/fuzzer/fuzz_request.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(FuzzRequestTest, IsReadAsItWasWritten) {
  const FuzzRequest request{.target = {.name = "mine",
                                       .command = {"mine", "{port}"},
                                       .transport = Transport::tcp,
                                       .speaks = built_in_dialogue("echo", Transport::tcp).value()},
                            .port = 7777,
                            .path = "",
                            .words = {"sockdrill", "--play", "file"},
                            .known = {"probe: nobody"},
                            .counters = "/tmp/counters",
                            .lines = "/tmp/lines-1-"};
  const Result<FuzzRequest> read = read_fuzz_request(write_fuzz_request(request), "request");
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->target.command, request.target.command);
  EXPECT_EQ(read->port, request.port);
  EXPECT_EQ(read->words, request.words);
  EXPECT_EQ(read->known, request.known);
  EXPECT_EQ(read->counters, request.counters);
  EXPECT_EQ(read->lines, request.lines);
  EXPECT_FALSE(read_fuzz_request("{}", "request"));
  EXPECT_FALSE(read_fuzz_request("", "request"));
}

TEST(FuzzRequestTest, SuspicionsAreTheSameButForNumbers) {
  EXPECT_EQ(identity_of({"invariant/stall", "3,699 bytes unread on 127.0.0.1:7777"}),
            identity_of({"invariant/stall", "1 byte unread on 127.0.0.1:32769"}));
  EXPECT_NE(identity_of({"invariant/alive", "it exited with status 1"}),
            identity_of({"invariant/alive", "it was killed by SIGSEGV (signal 11)"}));
}

}  // namespace
}  // namespace sockdrill
