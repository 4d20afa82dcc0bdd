#include "harness/plan/sent_stream.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Content octets(const Bytes& text) { return Content(text); }

/// Each text a send; one that ends in `!` ends in an urgent octet.
SentStream stream_of(const std::vector<Bytes>& texts) {
  SentStream stream;
  for (const Bytes& text : texts) stream.append(octets(text), text.ends_with('!'));
  return stream;
}
Bytes echo(const SentStream& stream, const Bytes& received) {
  return stream.echo_nearest_to(octets(received)).copy(0, 100);
}
Bytes late(const SentStream& stream, const Bytes& received) {
  return stream.after_echo(octets(received)).octets().copy(0, 100);
}

TEST(SentStreamTest, ComesBackAsItWasSentWithoutUrgentOctets) {
  EXPECT_EQ(echo(stream_of({"ab", "cd"}), "xyz"), "abcd");
  EXPECT_FALSE(stream_of({"ab"}).has_urgent());
  EXPECT_EQ(late(stream_of({"ab"}), "ab"), "");
}

TEST(SentStreamTest, AnEchoMayHaveAnUrgentOctetOrLackIt) {
  const SentStream stream = stream_of({"ab!", "cd"});
  EXPECT_EQ(echo(stream, "ab!cd"), "ab!cd");
  EXPECT_EQ(echo(stream, "abcd"), "abcd");
  EXPECT_EQ(echo(stream, "abc"), "abcd");
  EXPECT_EQ(echo(stream, "ab"), "ab!cd");
  EXPECT_EQ(stream.size(), 5U);
}

TEST(SentStreamTest, OnlyTheUrgentOctetMayBeMissing) {
  EXPECT_EQ(echo(stream_of({"ab!", "cd"}), "acd"), "ab!cd");
  EXPECT_EQ(echo(stream_of({"ab!", "cd"}), "ab?cd"), "ab!cd");
}

TEST(SentStreamTest, EachOfSeveralMayBeMissingAlsoBesideItsLike) {
  const SentStream alike = stream_of({"!", "!", "a"});
  EXPECT_EQ(echo(alike, "!!a"), "!!a");
  EXPECT_EQ(echo(alike, "!a"), "!a");
  EXPECT_EQ(echo(alike, "a"), "a");
  // An urgent octet and an ordinary one of the same value: the ordinary one must be there.
  SentStream mixed = stream_of({"!"});
  mixed.append(octets("!a"));
  EXPECT_EQ(echo(mixed, "!a"), "!a");
  EXPECT_EQ(echo(mixed, "!!a"), "!!a");
}

TEST(SentStreamTest, AnUrgentOctetAtTheEndMayComeLater) {
  const SentStream stream = stream_of({"ab!"});
  EXPECT_EQ(echo(stream, "ab"), "ab");
  EXPECT_EQ(late(stream, "ab"), "!");
  EXPECT_EQ(late(stream, "ab!"), "");
  SentStream later = stream.after_echo(octets("ab"));
  later.append(octets("cd"));
  EXPECT_EQ(echo(later, "!cd"), "!cd");
  EXPECT_EQ(echo(later, "cd"), "cd");
}

TEST(SentStreamTest, ManyAlikeTakeTheSquareOfTheirNumberAtMost) {
  SentStream stream;
  for (int i = 0; i < 300; ++i) stream.append(octets("!"), true);
  EXPECT_EQ(echo(stream, Bytes(100, '!')), Bytes(100, '!'));
}

}  // namespace
}  // namespace sockdrill
