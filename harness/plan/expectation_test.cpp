#include "harness/plan/expectation.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

using State = Expectation::State;
using What = Outcome::What;

SentSoFar sent(const Bytes& octets) {
  SentSoFar so_far;
  so_far.stream.append(Content(octets));
  return so_far;
}
Heard heard(const Bytes& octets, End end = End::none) {
  return {.octets = Content(octets), .end = end};
}

TEST(ExpectationTest, IsMetByExactlyWhatWasSentThenFin) {
  const PlannedExpect expect{.one_of = {{.what = What::sent, .then = Then::fin}}};
  Expectation expectation(expect, sent("hello"), false);
  EXPECT_EQ(expectation.consider(heard("hel")), State::undecided);
  EXPECT_EQ(expectation.consider(heard("hello")), State::undecided);
  EXPECT_EQ(expectation.consider(heard("hello", End::fin)), State::met);
  EXPECT_EQ(expectation.taken(), 5U);
}

TEST(ExpectationTest, LocatesTheFirstWrongOctet) {
  const PlannedExpect expect{.one_of = {{.what = What::sent}}};
  Expectation expectation(expect, sent("hello"), false);
  EXPECT_EQ(expectation.consider(heard("heLlo")), State::unmet);
  EXPECT_EQ(expectation.nearest_miss(heard("heLlo")).differs_at, 2U);
}

TEST(ExpectationTest, IsUnmetWhenTheServerRestsWithTheReplyUnfinished) {
  const PlannedExpect expect{.one_of = {{.what = What::sent}}};
  Expectation expectation(expect, sent("hello"), false);
  Heard half = heard("he");
  EXPECT_EQ(expectation.consider(half), State::undecided);
  half.is_firm_rest = true;
  EXPECT_EQ(expectation.consider(half), State::unmet);
  EXPECT_EQ(expectation.nearest_miss(half).actual,
            "\"he\", then nothing more: the server is at rest");
}

TEST(ExpectationTest, NeverTakesAResetForAFin) {
  const PlannedExpect expect{.one_of = {{.what = What::sent, .then = Then::fin}}};
  Expectation expectation(expect, sent("x"), false);
  EXPECT_EQ(expectation.consider(heard("x", End::reset)), State::unmet);
}

TEST(ExpectationTest, PrefersAPassToAWarning) {
  const PlannedExpect expect{
      .one_of = {{.what = What::sent, .then = Then::ended, .is_warning = true},
                 {.what = What::sent, .then = Then::fin}}};
  Expectation expectation(expect, sent("x"), false);
  EXPECT_EQ(expectation.consider(heard("x", End::fin)), State::met);
  EXPECT_EQ(expectation.met_index(), 1U);
}

TEST(ExpectationTest, NothingNeedsAFirmRest) {
  const PlannedExpect expect{.one_of = {{.what = What::nothing}}};
  Expectation expectation(expect, {}, false);
  EXPECT_EQ(expectation.consider(heard("")), State::undecided);
  EXPECT_EQ(expectation.consider(Heard{.is_firm_rest = true}), State::met);
  Expectation surprised(expect, {}, false);
  EXPECT_EQ(surprised.consider(heard("x")), State::unmet);
}

TEST(ExpectationTest, RefusesMoreThanTheReplyBeforeTheEnd) {
  const PlannedExpect expect{
      .one_of = {
          {.what = What::reply, .reply = parse_template("{any 4}").value(), .then = Then::fin}}};
  Expectation expectation(expect, {}, false);
  EXPECT_EQ(expectation.consider(heard("12345", End::fin)), State::unmet);
}

TEST(ExpectationTest, AMessageMustBeWholeAndAlone) {
  const PlannedExpect expect{.one_of = {{.what = What::message, .is_sent = true}}};
  const SentSoFar one{.messages = {Content(Bytes("abc"))}};
  Expectation expectation(expect, one, true);
  EXPECT_EQ(expectation.consider(Heard{.messages = {Content(Bytes("abc"))}}), State::met);
  EXPECT_EQ(expectation.taken(), 1U);
  Expectation cut_short(expect, one, true);
  EXPECT_EQ(cut_short.consider(Heard{.messages = {Content(Bytes("ab"))}}), State::unmet);
}

TEST(ExpectationTest, AnEmptyMessageIsAMessage) {
  const PlannedExpect expect{.one_of = {{.what = What::message, .is_sent = true}}};
  const SentSoFar one{.messages = {Content()}};
  Expectation expectation(expect, one, true);
  EXPECT_EQ(expectation.consider(Heard{}), State::undecided);
  EXPECT_EQ(expectation.consider(Heard{.messages = {Content()}}), State::met);
}

}  // namespace
}  // namespace sockdrill
