#include "harness/scenario/content.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(PatternTest, EveryWordSaysWhoseItIsAndWhere) {
  EXPECT_EQ(pattern_octets(pattern_key("a"), 0, 20), "<a___:000000000><a__");
  EXPECT_EQ(pattern_octets(pattern_key("a"), 17, 5), "a___:");
}

TEST(PatternTest, LongNamesGetAKeyOfTheirOwn) {
  EXPECT_NE(pattern_key("client-17"), pattern_key("client-18"));
}

TEST(LocatePatternTest, FindsThePlaceFromTheMiddleOfAWord) {
  const auto place = locate_pattern(pattern_octets("b___", 1001, 40));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->key, "b___");
  EXPECT_EQ(place->offset, 1001U);
}

TEST(ContentTest, KeepsReceivedPatternsAsRangesHoweverTheyAreCut) {
  const Bytes octets = pattern_octets("a___", 0, 1000);
  for (std::size_t cut = 1; cut < 200; ++cut) {
    Content content;
    content.append_compressed(std::string_view(octets).substr(0, cut));
    content.append_compressed(std::string_view(octets).substr(cut));
    ASSERT_EQ(content, Content::pattern("a___", 0, 1000)) << cut;
    ASSERT_EQ(content.copy(0, 2000), octets) << cut;
    ASSERT_TRUE(cut < 48 || content.chunks().size() == 1) << cut;
  }
}

TEST(ContentTest, KeepsOctetsAroundAPattern) {
  Content content;
  const Bytes octets = "ok " + pattern_octets("a___", 0, 100) + "\n<";
  content.append_compressed(octets);
  EXPECT_EQ(content.copy(0, 1000), octets);
}

TEST(ContentTest, SlicesAcrossChunks) {
  Content content(Bytes("head"));
  content.append_pattern("a___", 0, 100);
  EXPECT_EQ(content.slice(2, 6).copy(0, 10), "ad<a__");
  content.drop_front(4);
  EXPECT_EQ(content.size(), 100U);
}

TEST(FirstDifferenceTest, LocatesALostOctet) {
  Content received;
  received.append_pattern("a___", 0, 500);
  received.append_pattern("a___", 501, 499);
  EXPECT_EQ(first_difference(Content::pattern("a___", 0, 1000), received), 500U);
}

TEST(AgreementTest, IsTheSameHoweverTheOctetsAreKept) {
  const Content range = Content::pattern("a___", 5, 300'000);
  Content mixed(range.copy(0, 100'001));
  mixed.append_pattern("a___", 5 + 100'001, 150'000);
  mixed.append(range.copy(250'001, 49'999));
  EXPECT_EQ(agreement(range, mixed, 0), 300'000U);
  EXPECT_EQ(agreement(mixed, range, 299'999), 300'000U);
  EXPECT_EQ(agreement(range, range, 0), 300'000U);

  Content wrong = mixed.slice(0, 200'000);
  wrong.append("!");
  EXPECT_EQ(agreement(range, wrong, 0), 200'000U);
  EXPECT_EQ(agreement(range, wrong, 150'000), 200'000U);
}

TEST(AgreementTest, EndsWithTheShorterOne) {
  EXPECT_EQ(agreement(Content("abc"), Content("abcd"), 0), 3U);
  EXPECT_EQ(agreement(Content(), Content("abcd"), 0), 0U);
  EXPECT_EQ(agreement(Content("abc"), Content("abd"), 0), 2U);
  EXPECT_EQ(agreement(Content::pattern("a___", 0, 64), Content::pattern("b___", 0, 64), 0), 1U);
}

TEST(AgreementTest, ReadsNoRangeThatBothHave) {
  // A terabyte, which nobody renders in a test.
  const Content long_one = Content::pattern("a___", 0, std::uint64_t{1} << 40U);
  Content longer = Content::pattern("a___", 0, std::uint64_t{1} << 40U);
  longer.append("and more");
  EXPECT_EQ(agreement(long_one, longer, 0), std::uint64_t{1} << 40U);
}

TEST(ContentJsonTest, ReadsWhatItWrites) {
  Content content(Bytes("a\0\xff", 3));
  content.append_pattern("a___", 7, 1U << 26U);
  const Document document = parse_document(write_content(content).dump(), "c.json").value();
  EXPECT_EQ(read_content(Node(document)).value(), content);
}

}  // namespace
}  // namespace sockdrill
