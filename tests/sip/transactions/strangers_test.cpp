// Senders that no phone has answered yet: their part of the table, and what is refused to them (SPEC 10a.1).
#include <gtest/gtest.h>

#include "sip/peer_set.hpp"
#include "sip/refused_requests.hpp"
#include "sip/server_transactions.hpp"
#include "tests/sip/transactions/transaction_bench.hpp"

namespace reveille::sip {
namespace {

using std::chrono::minutes;
using lines = std::vector<std::string>;

class Strangers : public ::testing::Test {
 protected:
  static constexpr std::uint32_t capacity = 8;
  static constexpr std::uint32_t share = 4;
  transaction_timing timing;
  timer_wheel wheel{epoch};
  recording_outlet out;
  server_transactions table{timing, capacity, share, minutes(5), {1, 2}, wheel, out};
  steady_time now = epoch;

  void pass(milliseconds by) {
    for (const steady_time end = now + by; now < end;) {
      now = std::min(end, now + milliseconds(10));
      wheel.advance(now, [&](std::uint64_t payload) { table.on_timer(payload, now); });
    }
  }
  std::optional<server_transactions::handle> come(std::uint64_t name, bool invite = true, std::uint16_t port = 5070,
                                                  sender_standing standing = sender_standing::open) {
    return table.create(name, invite, flow_to(port), standing, {7}, now);
  }
  bool respond(server_transactions::handle id, int status, answer_kind kind) {
    return table.respond(id, status, packet_of("SIP/2.0 " + std::to_string(status) + " X\r\n"), now, kind);
  }
};

TEST_F(Strangers, LeaveAPartOfTheTableToSendersThatPhonesHaveAnswered) {
  const auto known = *come(1, true, 5071);
  respond(known, 180, answer_kind::of_phone);
  EXPECT_EQ(table.strangers(), 0u);
  for (std::uint64_t name = 2; name < 2 + share; ++name) ASSERT_TRUE(come(name).has_value());
  EXPECT_FALSE(come(10).has_value()) << "a fifth of strangers";
  EXPECT_TRUE(come(11, true, 5071).has_value()) << "a phone has rung for this one";
  EXPECT_TRUE(come(12, true, 5070, sender_standing::trusted).has_value());
  EXPECT_EQ(table.strangers(), share);
}

TEST_F(Strangers, AreKnownOnlyByWhatAPhoneSaid) {
  respond(*come(1), 180, answer_kind::decided);   // park.provisional is ours
  respond(*come(2), 100, answer_kind::of_phone);
  respond(*come(3), 486, answer_kind::of_phone);
  EXPECT_EQ(table.strangers(), 3u);
  respond(*come(4), 200, answer_kind::of_phone);
  EXPECT_EQ(table.strangers(), 3u);
  pass(minutes(6));
  EXPECT_EQ(table.strangers(), 0u) << "whatever they become";
  ASSERT_TRUE(come(5).has_value());
  EXPECT_EQ(table.strangers(), 0u);
}

TEST_F(Strangers, GetAFailureThreeTimesMoreAtMost) {
  const auto asked = *come(1);
  respond(asked, 100, answer_kind::decided);
  out.take();
  respond(asked, 480, answer_kind::decided);
  pass(milliseconds(31'900));
  EXPECT_EQ(out.take().size(), 1u + 3u);
  EXPECT_EQ(table.size(), 1u) << "its ACK is still waited for";
}

TEST_F(Strangers, KeepNoTransactionForWhatWasRefusedAtOnce) {
  for (std::uint64_t name = 1; name <= 1000; ++name) {
    const auto id = come(name, name % 2 == 0);
    ASSERT_TRUE(id.has_value()) << name;
    EXPECT_TRUE(respond(*id, 404, answer_kind::refused));
  }
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.undecided(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(out.take().size(), 1000u);
  EXPECT_EQ(table.counters().forgotten, 1000u);
}

TEST_F(Strangers, HearTheSameRefusalAgainAndTheirAckIsAbsorbed) {
  respond(*come(1), 404, answer_kind::refused);
  EXPECT_FALSE(table.find(1).has_value());
  EXPECT_EQ(table.refused_before(1, now), 404);
  EXPECT_EQ(table.refused_before(2, now), std::nullopt);
  EXPECT_EQ(table.acknowledged(1, now), server_transactions::ack_result::absorbed);
  pass(milliseconds(34'000));
  EXPECT_EQ(table.refused_before(1, now), std::nullopt) << "no copy lives that long";
}

TEST_F(Strangers, ThatHadA100AreRefusedReliablyButNotForLong) {
  const auto id = *come(1);
  EXPECT_TRUE(table.wants_trying(id));
  respond(id, 100, answer_kind::decided);
  respond(id, 404, answer_kind::refused);
  pass(milliseconds(3'990));
  EXPECT_EQ(out.take(), (lines{"SIP/2.0 100 X", "SIP/2.0 404 X", "SIP/2.0 404 X", "SIP/2.0 404 X", "SIP/2.0 404 X"}));
  pass(milliseconds(20));
  EXPECT_EQ(table.size(), 0u);

  const auto heard = *come(2);
  respond(heard, 100, answer_kind::decided);
  respond(heard, 404, answer_kind::refused);
  EXPECT_EQ(table.acknowledged(2, now), server_transactions::ack_result::absorbed);
  pass(milliseconds(20));
  EXPECT_EQ(table.size(), 0u) << "no timer I";
  EXPECT_EQ(table.refused_before(2, now), 404);
}

TEST_F(Strangers, GetNo100WhileTheyAreMany) {
  const auto first = *come(1);
  EXPECT_TRUE(table.wants_trying(first));
  come(2);
  const auto third = *come(3);
  EXPECT_FALSE(table.wants_trying(third));
  EXPECT_TRUE(table.wants_trying(*come(4, true, 5070, sender_standing::trusted)));
  EXPECT_FALSE(table.find(3)->told);
  respond(third, 180, answer_kind::of_phone);
  EXPECT_TRUE(table.find(3)->told);
}

TEST_F(Strangers, ThatArePutOffByABoundAreCountedRightOverManyLives) {
  for (int round = 0; round < 50; ++round) {
    for (std::uint64_t name = 1; name <= share; ++name) {
      const auto id = come(name, name % 2 == 0);
      ASSERT_TRUE(id.has_value());
      if (name == 1) respond(*id, 200, answer_kind::decided);
      if (name == 2) respond(*id, 486, answer_kind::of_phone);
      if (name == 3) respond(*id, 404, answer_kind::refused);
    }
    pass(minutes(6));
    ASSERT_EQ(table.strangers(), 0u);
    ASSERT_EQ(table.size(), 0u);
  }
}

TEST(PeerSet, RemembersThoseConfirmedLastAndNeverGrows) {
  peer_set peers({1, 2}, 4);   // one set of four
  const auto peer = [](std::uint16_t port) { return flow_to(port).remote; };
  for (std::uint16_t port = 1; port <= 4; ++port) peers.add(peer(port), epoch + seconds(port));
  for (std::uint16_t port = 1; port <= 4; ++port) EXPECT_TRUE(peers.contains(peer(port))) << port;
  EXPECT_FALSE(peers.contains(peer(5)));
  peers.add(peer(1), epoch + seconds(10));
  peers.add(peer(5), epoch + seconds(11));
  EXPECT_TRUE(peers.contains(peer(1)));
  EXPECT_FALSE(peers.contains(peer(2))) << "confirmed longest ago";
  EXPECT_TRUE(peers.contains(peer(5)));
  EXPECT_EQ(peers.displaced(), 1u);
}

TEST(RefusedRequests, ForgetForANewcomerInTheSamePlace) {
  refused_requests refused(4);
  refused.remember(1, 404, epoch, seconds(32));
  EXPECT_EQ(refused.find(1, epoch), 404);
  EXPECT_EQ(refused.find(5, epoch), std::nullopt);
  EXPECT_EQ(refused.displaced(), 0u);
  refused.remember(5, 480, epoch, seconds(32));
  EXPECT_EQ(refused.displaced(), 1u);
  EXPECT_EQ(refused.find(5, epoch), 480);
  EXPECT_EQ(refused.find(1, epoch), std::nullopt);
}

}  // namespace
}  // namespace reveille::sip
