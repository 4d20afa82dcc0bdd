#include "harness/target/target.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Result<std::vector<Target>> targets_of(const std::string& text) {
  return read_targets(parse_document(text, "t.json").value());
}

TEST(ReadTargetsTest, MakesATargetOfEachVariant) {
  const auto targets =
      targets_of(R"({"name": "m", "command": ["m", "{port}"], "listens": {"transport": "tcp"},
    "variants": [{"speaks": "echo"}, {"speaks": "daytime", "family": "ipv6", "command": ["n"]}]})")
          .value();
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].command[0], "m");
  EXPECT_EQ(targets[1].command, std::vector<std::string>{"n"});
  EXPECT_EQ(targets[0].name, "m:echo");
  EXPECT_EQ(targets[1].name, "m:daytime:ipv6");
  EXPECT_EQ(targets[1].speaks.style, Style::announce);
}

TEST(ReadTargetsTest, AVariantMayListenElsewhere) {
  const auto targets =
      targets_of(R"({"name": "m", "command": ["m"], "listens": {"transport": "tcp", "port": 7},
    "variants": [{"speaks": "echo"}, {"speaks": "time", "listens": {"transport": "tcp", "port": 37}},
                 {"speaks": "line", "listens": {"transport": "tcp"}}]})")
          .value();
  EXPECT_EQ(targets.at(0).port, 7);
  EXPECT_EQ(targets.at(1).port, 37);
  EXPECT_EQ(targets.at(2).port, 0) << "nothing of the base stays";
}

TEST(ReadTargetsTest, NamesTheMissingKey) {
  const auto targets = targets_of(R"({"name": "m", "command": ["m"], "speaks": "echo"})");
  ASSERT_FALSE(targets);
  EXPECT_NE(targets.error().message.find("the key 'listens' is missing"), std::string::npos);
  EXPECT_EQ(targets.error().where, "t.json:1:1");
}

TEST(ReadTargetsTest, CatchesASlipInAPlaceholder) {
  const auto targets = targets_of(
      R"({"name": "m", "command": ["m", "{prot}"], "listens": {"transport": "tcp"}, "speaks": "echo"})");
  ASSERT_FALSE(targets);
  EXPECT_NE(targets.error().message.find("did you mean {port}?"), std::string::npos);
}

TEST(ReadTargetsTest, ReadsWhatItWrites) {
  const Target target =
      targets_of(
          R"({"name": "r", "command": ["r", "{port}"], "listens": {"transport": "tcp", "port": 6379}, "speaks": "line",
    "declares": {"concurrency": "concurrent", "exit": [0], "max_message": 4096}, "known": [{"check": "a/*", "because": "b"}], "needs": ["r"]})")
          .value()[0];
  Target again = targets_of(write_target(target).dump()).value()[0];
  EXPECT_EQ(again, target);
  EXPECT_EQ(target.known_for("a/x")->because, "b");
  EXPECT_EQ(target.known_for("b/x"), nullptr);
}

TEST(ReadTargetsTest, KnowsWhatMustCatchAMutant) {
  const Target mutant =
      targets_of(
          R"({"name": "m", "command": ["m", "{port}"], "listens": {"transport": "tcp"}, "speaks": "echo",
    "caught_by": [{"check": "abort/reset-while-idle", "rule": "invariant/alive"}],
    "also": [{"check": "abort/*", "because": "they reset too"}]})")
          .value()[0];
  EXPECT_TRUE(mutant.is_mutant());
  EXPECT_EQ(mutant.caught_by[0].rule, "invariant/alive");
  EXPECT_EQ(mutant.also[0].check, "abort/*");
  EXPECT_EQ(targets_of(write_target(mutant).dump()).value()[0].also, mutant.also);
}

TEST(ReadTargetsTest, WantsAReasonWhereAMutantHasNoDiagnosis) {
  const auto with = [](const std::string& more) {
    return targets_of(
        R"({"name": "m", "command": ["m"], "listens": {"transport": "tcp"}, "speaks": "echo",
    "caught_by": [{"check": "abort/reset-while-idle", "rule": "step"}], )" +
        more + "}");
  };
  EXPECT_TRUE(with(R"("diagnosis": "reset-fatal")"));
  EXPECT_TRUE(with(R"("diagnosis": ["reset-fatal", "sigpipe"])"));
  EXPECT_TRUE(with(R"("diagnosis": "none", "no_diagnosis_because": "nothing shows")"));
  EXPECT_FALSE(with(R"("diagnosis": "none")"));
  EXPECT_FALSE(with(R"("diagnosis": "sigpipe", "no_diagnosis_because": "nothing shows")"));
}

TEST(ReadTargetsTest, VariantsMayBeCaughtByDifferentChecksForTheSameReason) {
  EXPECT_TRUE(targets_of(
      R"({"name": "m", "command": ["m"], "listens": {"transport": "tcp"}, "diagnosis": "sigpipe",
    "variants": [{"speaks": "echo", "caught_by": [{"check": "abort/a", "rule": "step"}]},
                 {"speaks": "chargen", "caught_by": [{"check": "abort/b", "rule": "step"}]}]})"));
}

TEST(ReadTargetsTest, RefusesConsequencesOfNoDefect) {
  const auto targets = targets_of(
      R"({"name": "m", "command": ["m"], "listens": {"transport": "tcp"}, "speaks": "echo",
    "also": [{"check": "abort/*", "because": "they reset too"}]})");
  ASSERT_FALSE(targets);
  EXPECT_NE(targets.error().message.find("goes with \"caught_by\""), std::string::npos);
}

TEST(ReadTargetsTest, CatchesASlipInWhatCatches) {
  const auto targets = targets_of(
      R"({"name": "m", "command": ["m"], "listens": {"transport": "tcp"}, "speaks": "echo",
    "caught_by": [{"check": "abort/reset-while-idle", "ruel": "step"}]})");
  ASSERT_FALSE(targets);
  EXPECT_NE(targets.error().message.find("did you mean 'rule'?"), std::string::npos);
}

TEST(WithItsFolderTest, CanBeWrittenElsewhere) {
  Target target =
      targets_of(
          R"({"name": "m", "command": ["sh", "{targets}/m.sh", "{port}"], "speaks": "echo",
    "needs": ["{targets}/m.sh"], "listens": {"transport": "tcp"}})")
          .value()
          .front();
  target.file = "/where/m.json";
  target = with_its_folder(target);
  EXPECT_EQ(target.command, (std::vector<std::string>{"sh", "/where/m.sh", "{port}"}));
  EXPECT_EQ(target.needs, std::vector<std::string>{"/where/m.sh"});
}

TEST(FillInTest, LeavesStrangersAlone) {
  EXPECT_EQ(fill_in("--port={port} {x}", {{"port", "7"}}), "--port=7 {x}");
}

}  // namespace
}  // namespace sockdrill
