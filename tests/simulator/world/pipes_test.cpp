/// Pushes through the real senders, HTTP/2 over byte pipes and the mock providers, in the virtual world.
#include "simulator/world/byte_pipe.hpp"
#include "tests/simulator/world/seeded_worlds.hpp"

namespace reveille::world {
namespace {

class PipeSeeds : public ::testing::TestWithParam<int> {};
TEST_P(PipeSeeds, KeepTheInvariants) {
  const auto first = 1 + 25 * static_cast<std::uint64_t>(GetParam());
  for (std::uint64_t seed = first; seed < first + 25; ++seed) {
    ASSERT_GT(run_clean(over_http2(worlds(60)), seed).pushes_accepted, 0U);
    if (HasFailure()) return;
  }
}
INSTANTIATE_TEST_SUITE_P(Hundred, PipeSeeds, ::testing::Range(0, 4));

/// Worlds that once found something, whatever it was.
struct found_once {
  std::uint64_t seed;
  std::uint32_t calls;
};
TEST(Pipes, KeepTheInvariantsWhereTheyOnceWereBroken) {
  constexpr found_once worlds_of_old[] = {
      {71032, 100},                // a breaker's probe was told of an expired token: no other ever went
      {2007, 60},                  // the same, before apps had breakers of their own
      {2177, 60}, {100336, 60},    // a second GOAWAY that raised the first one's last id
      {900249, 100}, {900568, 100},  // the ledger took a REGISTER for timely while a call that had timed out was cancelled
  };
  for (const found_once& w : worlds_of_old) run_clean(over_http2(worlds(w.calls)), w.seed);
}

TEST(Pipes, ShowRepeatsAndWhatNobodyCanTell) {
  std::uint64_t repeats = 0, ambiguous = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const world_outcome out = run(config_for_seed(over_http2(worlds(60)), seed));
    repeats += out.push_repeats;
    ambiguous += out.push_ambiguous;
  }
  EXPECT_GT(repeats, 20U);    // else the faults do not bite
  EXPECT_GT(ambiguous, 0U);
}

TEST(Pipes, AreTheSameForTheSameSeedWhateverTheSignatures) {
  // ES256 signs with a nonce: no two runs put the same octets on the wire.
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const world_config config = config_for_seed(over_http2(worlds(60)), seed);
    const world_outcome first = run(config);
    const world_outcome again = run(config);
    EXPECT_EQ(first.trace, again.trace) << seed;
    EXPECT_EQ(first.steps, again.steps) << seed;
    EXPECT_NE(run(config_for_seed(over_http2(worlds(60)), seed + 100)).trace, first.trace);
  }
}

TEST(Pipes, KeepTheInvariantsOverKillMinusNine) {
  for (std::uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) run_clean(over_http2(worlds(60, 3)), seed);
}

/// Those of the subscribers must be caught on this path too.
class PlantedBehindPipes : public ::testing::TestWithParam<std::string> {};
TEST_P(PlantedBehindPipes, MistakeIsCaught) { expect_caught(over_http2(worlds(100, 0, GetParam()))); }
INSTANTIATE_TEST_SUITE_P(InSenders, PlantedBehindPipes, ::testing::ValuesIn(push_mistake_names()),
                         [](const auto& test) { return test.param; });
INSTANTIATE_TEST_SUITE_P(InSubscribers, PlantedBehindPipes, ::testing::ValuesIn(mistake_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace reveille::world
