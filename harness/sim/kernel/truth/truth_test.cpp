#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "harness/sim/kernel/truth/generated.h"
#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {
namespace {

class TruthTest : public testing::TestWithParam<NamedScript> {};

using Play = std::function<void(Script&)>;

std::vector<std::string> transcript(const Play& play, std::unique_ptr<Host> host) {
  Script played(*host);
  play(played);
  return played.lines();
}

/// The lines side by side, those that differ marked.
std::string compare(const std::vector<std::string>& real, const std::vector<std::string>& model) {
  std::string text;
  const auto at = [](const auto& lines, std::size_t i) {
    return i < lines.size() ? lines[i] : "-";
  };
  for (std::size_t i = 0; i < std::max(real.size(), model.size()); ++i) {
    const bool differs = at(real, i) != at(model, i);
    text += fmt::format("{} {}{}\n", differs ? ">>" : "  ", at(real, i),
                        differs ? fmt::format("   | simulated: {}", at(model, i)) : "");
  }
  return text;
}

/// Plays on both kernels; `title` tells which script differs.
void expect_the_same(const Play& play, const std::string& title) {
  const std::vector<std::string> model = transcript(play, make_simulated_host());
  ASSERT_FALSE(model.empty());
  std::vector<std::string> real;
  // Another thread of the real kernel may be late with a packet; it is not late every time.
  for (int tries = 5; tries > 0 && real != model; --tries)
    real = transcript(play, make_real_host());
  EXPECT_EQ(real == model, true) << title << "\n" << compare(real, model);
}

TEST_P(TruthTest, BothKernelsAnswerTheSame) { expect_the_same(GetParam().play, GetParam().name); }

std::string name_of_script(const testing::TestParamInfo<NamedScript>& info) {
  std::string name;
  for (const char letter : std::string(info.param.name)) {
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0)
      name += letter;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  return name;
}

#define SOCKDRILL_TRUTH(kind) \
  INSTANTIATE_TEST_SUITE_P(kind, TruthTest, testing::ValuesIn(kind##_scripts()), name_of_script)
SOCKDRILL_TRUTH(tcp);
SOCKDRILL_TRUTH(opening);
SOCKDRILL_TRUTH(transfer);
SOCKDRILL_TRUTH(readiness);
SOCKDRILL_TRUTH(datagram);
SOCKDRILL_TRUTH(unix);
SOCKDRILL_TRUTH(pipe);
SOCKDRILL_TRUTH(address);

/// SOCKDRILL_TRUTH_SEEDS=5000 makes more of them.
TEST(GeneratedTruthTest, BothKernelsAnswerTheSame) {
  const char* const wanted = std::getenv("SOCKDRILL_TRUTH_SEEDS");
  const unsigned long seeds = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 60;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    expect_the_same([&](Script& script) { play_generated(script, seed); },
                    fmt::format("seed {}", seed));
  }
}

/// The comparison can fail.
TEST(TruthOfTruthTest, ADifferenceIsShown) {
  EXPECT_EQ(compare({"a: 1", "b: 2"}, {"a: 1", "b: EAGAIN"}),
            "   a: 1\n>> b: 2   | simulated: b: EAGAIN\n");
}

}  // namespace
}  // namespace sockdrill::sim
