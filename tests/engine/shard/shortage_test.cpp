// Memory and inboxes at their bounds: what begins work is refused and told so, what ends it goes on.
#include <gtest/gtest.h>

#include <vector>

#include "engine/shard/admission.hpp"
#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

constexpr std::uint16_t phone = 5070, caller = 5080;

std::string call(int n) {
  return request_text{.branch = "z9hG4bKs" + std::to_string(n), .call_id = "call-" + std::to_string(n)}.text();
}

/// Takes all that work may have; what is kept for the ending of work stays.
std::vector<slab_ptr> fill(slab_pool& pool) {
  std::vector<slab_ptr> all;
  while (slab_ptr s = pool.take(500)) all.push_back(std::move(s));
  return all;
}

TEST(WithoutMemory, NewWorkIs503) {
  slab_pool pool(1 << 20);
  shard_bench bench(1, {}, pool);
  const auto all = fill(pool);
  bench.arrive(call(1), caller);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 503 Service Unavailable");
  bench.arrive(register_text("103", phone), phone);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 503 Service Unavailable");
  EXPECT_EQ(bench.refusals(refusal::memory), 2U);
  EXPECT_TRUE(bench.logs().empty());
}

TEST(WithoutMemory, ACallThatWasBegunStillGetsItsFinalResponse) {
  slab_pool pool(1 << 20);
  shard_bench bench(1, {}, pool);
  simple_subscribers& home = bench.home_of_user("103");
  home.forwards = false;
  bench.arrive(register_text("103", phone), phone);
  bench.arrive(call(1), caller);
  bench.take();
  const auto all = fill(pool);
  const sip::packet busy =
      sip::build_response(*home.last_request, shard_bench::phone(caller), 486, "t", {}, pool);
  ASSERT_NE(busy.bytes, nullptr);
  home.perform(home.last_key, respond{home.last_transaction, 486, busy}, bench.now);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 486 Busy Here");
}

/// When not even the reserve is left nobody would answer the transaction, and its sender's repetitions would be absorbed.
TEST(WithoutMemory, AFinalResponseThatFindsNoneEndsItsTransaction) {
  shard_bench bench(2);
  for (int n = 0; n < 10; ++n) {
    simple_subscribers& home = bench.home_of_user("103");
    home.forwards = false;
    bench.arrive(register_text("103", phone), phone);
    bench.arrive(call(n), caller);
    bench.take();
    const auto before = home.log.size();
    home.perform(home.last_key, respond{home.last_transaction, 486, {}}, bench.now);
    bench.pass(milliseconds(20));
    EXPECT_TRUE(bench.take().empty());
    EXPECT_EQ(bench.sum(&shard_counters::server_transactions), 0U);
    bench.arrive(call(n), caller);
    EXPECT_EQ(home.log.size(), before + 1) << "its repetition begins anew";
    home.perform(home.last_key, respond{home.last_transaction, 486, {}}, bench.now);
    bench.pass(milliseconds(20));
    bench.take();
  }
  EXPECT_EQ(bench.drops(drop_reason::final_response), 20U);
}

TEST(FullInboxes, RefuseInvitesAndRegistersAndDropNone) {
  shard_bench bench(4);
  bench.inbox_limit = 0;
  constexpr int tries = 20;
  for (int n = 0; n < tries; ++n) {
    bench.arrive(call(n), caller);
    const auto sent = bench.take();
    ASSERT_FALSE(sent.empty());
    const std::string line = sent.back().line();
    EXPECT_TRUE(line.starts_with("SIP/2.0 503 ") || line.starts_with("SIP/2.0 404 ")) << line;
    bench.arrive(register_text("2" + std::to_string(n), phone), phone);
    EXPECT_EQ(bench.take().size(), 1U);
  }
  EXPECT_GT(bench.refusals(refusal::inbox), static_cast<std::uint64_t>(tries));
  EXPECT_EQ(bench.sum(&shard_counters::handed_over), 0U);
}

/// All datagrams come in at one shard; the others hear of the delay from what is handed to them (shard_thread).
TEST(HandedOverRequests, CountAtTheShardThatDoesTheWork) {
  shard_bench bench(4, [](shard_config& c) { c.limits.credit = 4; });
  for (int n = 0; n < 40; ++n) bench.arrive(call(n), caller);
  const auto home = bench.home_index("103");
  EXPECT_GT(bench.shards[home]->counters().refusals[static_cast<std::size_t>(refusal::credit)].value(), 0U);
  EXPECT_LE(bench.home_of_user("103").log.size(), 4U);
}

}  // namespace
}  // namespace reveille
