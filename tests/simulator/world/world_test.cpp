#include "tests/simulator/world/seeded_worlds.hpp"

namespace reveille::world {
namespace {

/// Each seed is another world: faults, habits and interleavings. 200 of them in four slices, so that ctest can spread them.
class Seeds : public ::testing::TestWithParam<int> {};
TEST_P(Seeds, KeepTheInvariants) {
  for (std::uint64_t seed = 1 + 50U * static_cast<std::uint64_t>(GetParam()); seed <= 50U * static_cast<std::uint64_t>(GetParam() + 1); ++seed) {
    run_clean(worlds(60), seed);
    if (HasFailure()) return;
  }
}
// Under AddressSanitizer a slice takes a minute: one of them reaches the same code.
#if defined(__SANITIZE_ADDRESS__)
INSTANTIATE_TEST_SUITE_P(Fifty, Seeds, ::testing::Range(0, 1));
#else
INSTANTIATE_TEST_SUITE_P(TwoHundred, Seeds, ::testing::Range(0, 4));
#endif

TEST(World, KeepsTheInvariantsOverAThousandCallsWithLossDoublingAndReordering) {
  world_config config;
  config.calls = 1000;
  config.calls_per_second = 20;
  config.subscribers = 60;
  const world_outcome out = run(config);
  EXPECT_TRUE(out.violations.empty()) << listed(out);
  EXPECT_GT(out.answered, 300U);
  EXPECT_GT(out.cancelled, 50U);
  EXPECT_GT(out.told, 100U);
  EXPECT_GT(out.datagrams_lost, 100U);
}

TEST(World, IsTheSameForTheSameSeedAndAnotherForAnother) {
  world_config config;
  config.calls = 50;
  const world_outcome first = run(config);
  const world_outcome again = run(config);
  EXPECT_EQ(first.trace, again.trace);
  EXPECT_EQ(first.steps, again.steps);
  config.seed = 2;
  EXPECT_NE(run(config).trace, first.trace);
}

/// Worlds that once found something, whatever it was.
TEST(World, KeepsTheInvariantsWhereTheyOnceWereBroken) {
  constexpr std::uint64_t worlds_of_old[] = {
      1200076,  // a merged device forgot which INVITE its phone still held: a 482 went up
      1202522,  // an overtaken REGISTER brought back a name that its phone had given away
  };
  for (const std::uint64_t seed : worlds_of_old) run_clean(worlds(100), seed);
}

TEST(World, KeepsWhatWasDurableOverKillMinusNine) {
  for (std::uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) run_clean(worlds(60, 3), seed);
}

TEST(World, KeepsTheInvariantsWithFewInMemoryAndShortQueues) {
  world_command_options options = worlds(60);
  options.small_bounds = true;
  for (std::uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) run_clean(options, seed);
}

/// Each of two flows that was refused had its phone register both again, twice as often with each 503.
TEST(World, PhonesOfTwoFlowsMakeNoStormOfWhatIsRefused) {
  for (std::uint64_t seed = 2; seed <= 3; ++seed) {
    world_config config = config_for_seed(worlds(20, 0, "refuse_when_addresses_wait"), seed);
    config.seed = seed;
    EXPECT_LT(run(config).steps, 400'000U) << seed;
  }
}

class Planted : public ::testing::TestWithParam<std::string> {};
TEST_P(Planted, MistakeIsCaught) { expect_caught(worlds(100, 0, GetParam())); }
INSTANTIATE_TEST_SUITE_P(EachOfThem, Planted, ::testing::ValuesIn(mistake_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace reveille::world
