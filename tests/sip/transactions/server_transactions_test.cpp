#include "sip/server_transactions.hpp"

#include <gtest/gtest.h>

#include "tests/sip/transactions/transaction_bench.hpp"

namespace reveille::sip {
namespace {

using std::chrono::minutes;
using lines = std::vector<std::string>;

class ServerTransactions : public ::testing::Test {
 protected:
  transaction_timing timing;
  timer_wheel wheel{epoch};
  recording_outlet out;
  server_transactions table{timing, 4, 4, minutes(5), {1, 2}, wheel, out};
  steady_time now = epoch;

  void pass(milliseconds by) {
    // In small steps, as a shard is driven.
    for (const steady_time end = now + by; now < end;) {
      now = std::min(end, now + milliseconds(10));
      wheel.advance(now, [&](std::uint64_t payload) { table.on_timer(payload, now); });
    }
  }
  server_transactions::handle create(bool invite, std::uint64_t name = 1, transport kind = transport::udp) {
    return *table.create(name, invite, flow_to(5070, kind), sender_standing::trusted, {7}, now);
  }
  bool respond(server_transactions::handle id, int status) {
    return table.respond(id, status, packet_of("SIP/2.0 " + std::to_string(status) + " X\r\n"), now);
  }
};

TEST_F(ServerTransactions, RepeatTheLastProvisionalForARetransmittedInvite) {
  const auto id = create(true);
  table.repeated(id, now);
  EXPECT_EQ(out.take(), lines{});  // nothing kept yet
  respond(id, 100);
  respond(id, 180);
  table.repeated(table.find(1)->id, now);
  EXPECT_EQ(out.take(), (lines{"SIP/2.0 100 X", "SIP/2.0 180 X", "SIP/2.0 180 X"}));
  EXPECT_FALSE(table.find(1)->decided);
}

TEST_F(ServerTransactions, RepeatAFailureByTimerGUntilTheAckThenAbsorbAcksUntilTimerI) {
  const auto id = create(true);
  respond(id, 486);
  EXPECT_EQ(table.undecided(), 0u);
  pass(milliseconds(3600));  // G at 0.5, 1.5 and 3.5 s
  EXPECT_EQ(out.take(), (lines{"SIP/2.0 486 X", "SIP/2.0 486 X", "SIP/2.0 486 X", "SIP/2.0 486 X"}));
  EXPECT_EQ(table.acknowledged(1, now), server_transactions::ack_result::absorbed);
  EXPECT_EQ(table.acknowledged(1, now), server_transactions::ack_result::absorbed);
  table.repeated(id, now);
  pass(milliseconds(4990));
  EXPECT_TRUE(table.find(1).has_value());
  pass(milliseconds(20));
  EXPECT_FALSE(table.find(1).has_value());
  EXPECT_EQ(out.take(), lines{});
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(ServerTransactions, GiveUpAFailureThatIsNeverAcknowledgedAfterTimerH) {
  respond(create(true), 480);
  pass(minutes(1));
  EXPECT_FALSE(table.find(1).has_value());
  EXPECT_EQ(table.counters().no_ack, 1u);
  // 0.5, 1.5, 3.5, then every 4 s up to 32 s (T2).
  EXPECT_EQ(out.take().size(), 1u + 3u + 7u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(ServerTransactions, SendEvery2xxOfTheTuAndAbsorbTheInviteUntilTimerL) {
  const auto id = create(true);
  EXPECT_TRUE(respond(id, 200));
  table.repeated(id, now);  // RFC 6026: not answered by the transaction
  EXPECT_TRUE(respond(id, 200));
  EXPECT_EQ(out.take(), (lines{"SIP/2.0 200 X", "SIP/2.0 200 X"}));
  EXPECT_EQ(table.acknowledged(1, now), server_transactions::ack_result::for_tu);
  pass(milliseconds(31'990));
  EXPECT_TRUE(table.find(1).has_value());
  pass(milliseconds(20));
  EXPECT_FALSE(table.find(1).has_value());
}

TEST_F(ServerTransactions, LetNoFailureFollowASuccessNorASuccessAFailure) {
  const auto accepted = create(true, 1);
  respond(accepted, 200);
  EXPECT_FALSE(respond(accepted, 487));
  EXPECT_FALSE(respond(accepted, 180));
  const auto completed = create(true, 2);
  respond(completed, 487);
  out.take();
  EXPECT_FALSE(respond(completed, 200));
  EXPECT_EQ(out.take(), lines{});
}

TEST_F(ServerTransactions, KeepANonInviteAnswerForTimerJ) {
  const auto id = create(false);
  table.repeated(id, now);
  EXPECT_EQ(out.take(), lines{});  // trying: absorbed
  respond(id, 200);
  EXPECT_FALSE(respond(id, 500));
  pass(milliseconds(31'900));
  table.repeated(id, now);
  EXPECT_EQ(out.take(), (lines{"SIP/2.0 200 X", "SIP/2.0 200 X"}));
  pass(milliseconds(200));
  EXPECT_FALSE(table.find(1).has_value());
  EXPECT_EQ(table.acknowledged(1, now), server_transactions::ack_result::unknown);
}

TEST_F(ServerTransactions, NeitherRepeatNorWaitOverAReliableTransport) {
  respond(create(false, 1, transport::tls), 200);
  respond(create(true, 2, transport::tcp), 486);
  EXPECT_EQ(table.acknowledged(2, now), server_transactions::ack_result::absorbed);
  pass(milliseconds(20));
  EXPECT_EQ(table.size(), 0u);
  respond(create(true, 3, transport::tcp), 486);
  pass(milliseconds(10'000));
  EXPECT_EQ(out.take().size(), 3u);  // no timer G
}

TEST_F(ServerTransactions, RefuseAtTheBoundAndMakeStaleHandlesHarmless) {
  const auto first = create(false, 1);
  for (std::uint64_t name = 2; name <= 4; ++name) create(false, name);
  EXPECT_FALSE(table.create(5, false, flow_to(5070), sender_standing::trusted, {7}, now).has_value());
  respond(first, 200);
  pass(milliseconds(32'100));
  const auto again = table.create(5, true, flow_to(5071), sender_standing::trusted, {8}, now);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->index, first.index);
  out.take();
  EXPECT_FALSE(respond(first, 404));
  table.mark_cancelled(first);
  table.repeated(first, now);
  EXPECT_EQ(out.take(), lines{});
  EXPECT_FALSE(table.find(5)->cancelled);
}

TEST_F(ServerTransactions, ForgetOneThatIsNeverAnswered) {
  create(true);
  pass(minutes(5) + milliseconds(10));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.undecided(), 0u);
  EXPECT_EQ(table.counters().abandoned, 1u);
}

TEST_F(ServerTransactions, EndANonInviteByATransportErrorButNoInvite) {
  out.broken = true;
  respond(create(false, 1), 200);
  EXPECT_FALSE(table.find(1).has_value());
  respond(create(true, 2), 486);
  EXPECT_TRUE(table.find(2).has_value());
  EXPECT_EQ(table.counters().transport_errors, 2u);
}

message_ptr request(std::string_view method, std::string_view via, std::string_view to_tag = "") {
  return make_message(std::string(method) + " sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP " + std::string(via) +
                      "\nFrom: <sip:102@example.com>;tag=f\nTo: <sip:103@example.com>" + std::string(to_tag) +
                      "\nCall-ID: c\nCSeq: 1 " + std::string(method) + "\nContent-Length: 0\n\n");
}

TEST(ServerFingerprint, IsSharedByInviteAckAndCancelAndTellsTheRestApart) {
  constexpr hash_key key{1, 2};
  const auto of = [&](std::string_view method, std::string_view via, std::string_view tag = "") {
    return server_fingerprint(*request(method, via, tag), key);
  };
  const auto invite = of("INVITE", "192.0.2.1:5070;branch=z9hG4bKa");
  EXPECT_EQ(of("ACK", "192.0.2.1:5070;branch=z9hG4bKa", ";tag=t"), invite);
  EXPECT_EQ(of("CANCEL", "192.0.2.1:5070;rport;branch=z9hG4bKa"), invite);
  EXPECT_NE(of("MESSAGE", "192.0.2.1:5070;branch=z9hG4bKa"), invite);
  EXPECT_NE(of("INVITE", "192.0.2.1:5071;branch=z9hG4bKa"), invite);
  EXPECT_NE(of("INVITE", "192.0.2.2:5070;branch=z9hG4bKa"), invite);
  EXPECT_NE(of("INVITE", "192.0.2.1:5070;branch=z9hG4bKb"), invite);
  EXPECT_NE(server_fingerprint(*request("INVITE", "192.0.2.1:5070;branch=z9hG4bKa"), {3, 4}), invite);
}

// Who guesses a branch and comes first, or cancels with it, speaks for nobody (RFC 3261 9.2, 17.2.3; SPEC 10a.2).
TEST(ServerFingerprint, IsAnothersWhereCallIdFromTagCseqOrSenderDiffer) {
  constexpr hash_key key{1, 2};
  constexpr std::uint64_t honest = 7;
  const auto of = [&](std::string_view method, std::string_view call_id, std::string_view tag, int cseq,
                      std::uint64_t sender) {
    return server_fingerprint(
        *make_message(std::string(method) + " sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa\n"
                      "From: <sip:102@example.com>;tag=" + std::string(tag) + "\nTo: <sip:103@example.com>\nCall-ID: " +
                      std::string(call_id) + "\nCSeq: " + std::to_string(cseq) + " " + std::string(method) +
                      "\nContent-Length: 0\n\n"),
        key, sender);
  };
  const auto invite = of("INVITE", "c", "f", 1, honest);
  EXPECT_EQ(of("CANCEL", "c", "f", 1, honest), invite);
  for (const char* method : {"INVITE", "ACK", "CANCEL"}) {
    EXPECT_NE(of(method, "d", "f", 1, honest), invite) << method;
    EXPECT_NE(of(method, "c", "g", 1, honest), invite) << method;
    EXPECT_NE(of(method, "c", "f", 2, honest), invite) << method;
    EXPECT_NE(of(method, "c", "f", 1, 8), invite) << method;
  }
}

TEST(ServerFingerprint, TakesTheFieldsOfRfc2543WithoutAUsableBranch) {
  constexpr hash_key key{1, 2};
  for (const std::string_view via : {"192.0.2.1:5070", "192.0.2.1:5070;branch=1", "192.0.2.1;branch=z9hG4bK"}) {
    const auto invite = server_fingerprint(*request("INVITE", via), key);
    EXPECT_EQ(server_fingerprint(*request("ACK", via, ";tag=t"), key), invite) << via;
    EXPECT_NE(server_fingerprint(*request("OPTIONS", via), key), invite) << via;
  }
}

}  // namespace
}  // namespace reveille::sip
