// Whose a token is, and how the former owner hears that it has lost it (SPEC 2.4).
#include "engine/shard/token_owners.hpp"

#include <gtest/gtest.h>

#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

const aor ann("ann@example.com"), bob("bob@example.com");
wall_time at_second(int n) { return wall_time(seconds(n)); }

constexpr std::size_t plenty = 1 << 20;
constexpr auto registered = claim_source::registered, stored = claim_source::stored;

TEST(TokenOwners, GiveATokenToWhoeverRegisteredLast) {
  token_owners subject(plenty);
  EXPECT_FALSE(subject.claim(1, ann, at_second(1), registered).lost);
  const auto moved = subject.claim(1, bob, at_second(5), registered);
  EXPECT_EQ(moved.what, token_owners::result::moved);
  ASSERT_TRUE(moved.lost);
  EXPECT_EQ(moved.lost->whose, ann);
  EXPECT_EQ(moved.lost->since, at_second(5));
}

TEST(TokenOwners, GiveItToTheNewcomerWithAnEqualTimeToo) {
  token_owners subject(plenty);
  subject.claim(1, ann, at_second(5), registered);
  const auto moved = subject.claim(1, bob, at_second(5), registered);
  ASSERT_TRUE(moved.lost);
  EXPECT_EQ(moved.lost->whose, ann);
  EXPECT_GT(moved.lost->since, at_second(5)) << "ann's binding of that very moment goes";
}

TEST(TokenOwners, GiveItToTheNewcomerWhenTheClockHasSteppedBack) {
  token_owners subject(plenty);
  subject.claim(1, ann, at_second(1000), registered);
  const auto moved = subject.claim(1, bob, at_second(5), registered);
  ASSERT_TRUE(moved.lost);
  EXPECT_EQ(moved.lost->whose, ann);
  EXPECT_GT(moved.lost->since, at_second(1000));
  EXPECT_EQ(subject.claim(1, ann, at_second(6), registered).lost->whose, bob) << "and back again";
}

TEST(TokenOwners, LetTheOlderStoredClaimLoseEvenWhenItComesLater) {
  token_owners subject(plenty);
  subject.claim(1, bob, at_second(5), stored);
  const auto late = subject.claim(1, ann, at_second(1), stored);
  EXPECT_EQ(late.what, token_owners::result::kept);
  ASSERT_TRUE(late.lost);
  EXPECT_EQ(late.lost->whose, ann);
  EXPECT_EQ(late.lost->since, at_second(5));
  EXPECT_FALSE(subject.claim(1, bob, at_second(6), registered).lost) << "bob has it still";
}

TEST(TokenOwners, RememberTheNewestClaimOfTheSameOwner) {
  token_owners subject(plenty);
  subject.claim(1, ann, at_second(9), stored);
  subject.claim(1, ann, at_second(2), stored);
  EXPECT_EQ(subject.claim(1, bob, at_second(5), stored).lost->whose, bob);
}

TEST(TokenOwners, ForgetTheTokensThatWereClaimedLongestAgo) {
  token_owners subject(1000);
  std::size_t forgotten = 0;
  for (std::uint64_t token = 1; token <= 1000; ++token) {
    forgotten += subject.claim(token, ann, at_second(1), registered).forgotten;
    subject.claim(1, ann, at_second(1), registered);  // its phone is alive
    EXPECT_LE(subject.octets(), 1000U);
  }
  EXPECT_EQ(forgotten + subject.size(), 1000U);
  EXPECT_TRUE(subject.claim(1, bob, at_second(2), registered).lost);
  EXPECT_TRUE(subject.claim(1000, bob, at_second(2), registered).lost);
  EXPECT_FALSE(subject.claim(500, bob, at_second(2), registered).lost) << "forgotten: nobody loses it";
}

TEST(TokenOwners, KeepANewTokenWhateverTheBound) {
  token_owners subject(1);
  EXPECT_EQ(subject.claim(1, ann, at_second(1), registered).forgotten, 0U);
  EXPECT_EQ(subject.claim(2, ann, at_second(1), registered).forgotten, 1U);
  EXPECT_EQ(subject.size(), 1U);
}

/// Two users with homes on different shards, a token whose keeper may be either.
TEST(TokenClaimsOfShards, ReachTheFormerOwnerWhereverItLives) {
  shard_bench bench(3);
  const auto claim = [&](std::string_view user, const std::string& token, int second) {
    const std::string name = std::string(user) + "@example.com";
    bench.home_of_user(user).perform(key_of(name, bench.config.key),
                                     claim_token{aor(name), pns::provider::fcm, prid(token), at_second(second)}, bench.now);
    bench.pass(milliseconds(10));
  };
  for (int n = 0; n < 12; ++n) {
    const std::string token = "token-" + std::to_string(n);
    const std::string former = "1" + std::to_string(n), owner = "2" + std::to_string(n);
    claim(former, token, 1);
    claim(owner, token, 2);
    const simple_subscribers& home = bench.home_of_user(former);
    EXPECT_EQ(home.log.back(), "token claimed " + token);
    EXPECT_EQ(home.names.at(home.last_key), former + "@example.com") << "made for it when it was not there";
  }
}

TEST(TokenClaimsOfShards, KeepProvidersApart) {
  shard_bench bench(1);
  simple_subscribers& home = bench.home_of_user("103");
  home.perform({}, claim_token{ann, pns::provider::apns, prid("t"), at_second(1)}, bench.now);
  home.perform({}, claim_token{bob, pns::provider::apns_dev, prid("t"), at_second(2)}, bench.now);
  bench.pass(milliseconds(10));
  EXPECT_TRUE(home.log.empty());
}

TEST(TokenClaimsOfShards, AreCountedBeyondTheBound) {
  shard_bench bench(1, [](shard_config& c) { c.limits.token_owner_bytes = 1; });
  simple_subscribers& home = bench.home_of_user("103");
  home.perform({}, claim_token{ann, pns::provider::apns, prid("t"), at_second(1)}, bench.now);
  home.perform({}, claim_token{ann, pns::provider::apns, prid("u"), at_second(1)}, bench.now);
  EXPECT_EQ(bench.shards[0]->counters().stages[static_cast<std::size_t>(trace_step::token_owners_full)].value(), 1U);
}

}  // namespace
}  // namespace reveille
