#include "harness/report/ladder.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "harness/report/samples.h"

namespace sockdrill {
namespace {

std::string ladder_of(const RecordingBuilder& builder, const Finding* finding = nullptr) {
  return draw_ladder(builder.recording(), Plan{}, finding, false);
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(DrawLadderTest, HasAWordForEveryKindOfEvent) {
  for (int kind = 0; kind <= static_cast<int>(Kind::failed); ++kind) {
    for (int lane = 0; lane <= static_cast<int>(Lane::harness); ++lane) {
      RecordingBuilder one;
      one.add({.lane = Lane(lane), .kind = Kind(kind), .who = "x", .text = "\x1b[2Jtext"});
      Finding finding{.evidence = {0}};
      const std::string ladder = ladder_of(one, &finding);
      EXPECT_EQ(ladder.find('\x1b'), std::string::npos);
    }
  }
}

TEST(DrawLadderTest, DrawsALadderOfNothing) {
  EXPECT_EQ(lines_of(ladder_of(RecordingBuilder{})), 1U);
}

TEST(DrawLadderTest, FoldsWhatIsFarFromTheDivergence) {
  RecordingBuilder builder = started();
  for (int i = 0; i < 500; ++i) {
    builder.client("a", Kind::sent, "", Content("ping"))
        .client("a", Kind::received, "", Content("pong"));
  }
  builder.client("a", Kind::ended, "reset", {}, 2000, Errno{104});
  const Finding finding{.evidence = {builder.last()}};
  const std::string ladder = ladder_of(builder, &finding);
  EXPECT_LT(lines_of(ladder), 30U);
  EXPECT_NE(ladder.find("... 984 events left out ..."), std::string::npos) << ladder;
  EXPECT_NE(ladder.find("reset (ECONNRESET) after 2,000 bytes ══╡ <── here\n"), std::string::npos)
      << ladder;
}

TEST(DrawLadderTest, ShowsOnlyTheClientsThatMatterOfACrowd) {
  RecordingBuilder builder = started();
  for (int i = 1; i <= 100; ++i) builder.client("c" + std::to_string(i), Kind::connected);
  builder.client("c77", Kind::ended, "fin");
  const Finding finding{.client = "c77", .evidence = {builder.last()}};
  const std::string ladder = ladder_of(builder, &finding);
  EXPECT_NE(ladder.find("client c77"), std::string::npos);
  EXPECT_NE(ladder.find("Not shown: 99 other clients (c1, c2, c3 ...) with 99 events."),
            std::string::npos)
      << ladder;
}

TEST(DrawLadderTest, ShowsTheFindingsCaseOnly) {
  RecordingBuilder builder = started();
  builder.client("a", Kind::sent, "", Content("first"))
      .harness(Kind::case_began, "n=2", 1)
      .client("a", Kind::sent, "", Content("second"))
      .harness(Kind::case_began, "n=3", 2)
      .client("a", Kind::sent, "", Content("third"));
  const Finding finding{.case_index = 1};
  const std::string ladder = ladder_of(builder, &finding);
  EXPECT_NE(ladder.find("send 6 bytes \"second\""), std::string::npos);
  EXPECT_EQ(ladder.find("first"), std::string::npos);
  EXPECT_EQ(ladder.find("third"), std::string::npos);
}

TEST(DrawLadderTest, MarksWhatHappenedRatherThanTheEndOfTheStep) {
  RecordingBuilder builder = started();
  builder.harness(Kind::step_began, "", 0, 4)
      .client("a", Kind::ended, "fin")
      .harness(Kind::step_ended, "unmet", 0, 4);
  const Finding finding{.evidence = {builder.last() - 2, builder.last() - 1, builder.last()}};
  const std::string ladder = ladder_of(builder, &finding);
  EXPECT_NE(ladder.find("fin after 0 bytes ══╡ <── here"), std::string::npos) << ladder;
  EXPECT_EQ(ladder.find("not met"), std::string::npos);
}

TEST(DrawLadderTest, HasNoLineForWhoComesAfterTheDivergence) {
  RecordingBuilder builder = started();
  builder.client("a", Kind::ended, "reset");
  const Finding finding{.client = "a", .evidence = {builder.last()}};
  builder.client("probe", Kind::connected);
  EXPECT_EQ(ladder_of(builder, &finding).find("probe"), std::string::npos);
}

TEST(ArrowTextTest, ShowsHowOctetsBegin) {
  LadderRow row{.kind = Kind::sent, .content = Content("PING\r\n and more and more")};
  EXPECT_EQ(arrow_text(row, 30), R"(send 24 bytes "PING\r\n and..")");
  row.content = Content("PING\r\n");
  EXPECT_EQ(arrow_text(row, 30), R"(send 6 bytes "PING\r\n")");
  row.content = Content();
  EXPECT_EQ(arrow_text(row, 30), "send 0 bytes");
}

}  // namespace
}  // namespace sockdrill
