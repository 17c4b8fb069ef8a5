// Floods of strangers and calls to silent contacts, beside honest calls (SPEC 10a.1, 10.3).
#include <gtest/gtest.h>

#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

using lines = std::vector<std::string>;

constexpr std::uint16_t phone = 5070;
constexpr std::uint16_t caller = 5080;

class StrangerFloods : public ::testing::Test {
 protected:
  StrangerFloods() {
    bench.arrive(register_text("103", phone), phone);
    bench.take();
  }
  /// @return the first line of each datagram that it caused
  lines call(std::string_view callee = "103", std::uint16_t from = caller, const endpoint* by = nullptr) {
    request_text r;
    r.uri = "sip:" + std::string(callee) + "@example.com";
    r.to = callee;
    r.port = from;
    r.branch = "z9hG4bKn" + std::to_string(++number_);
    r.call_id = "call-n" + std::to_string(number_);
    last_ = r;
    if (by != nullptr) {
      bench.arrive_from(*by, r.text());
    } else {
      bench.arrive(r.text(), from);
    }
    sent_ = bench.take();
    lines out;
    for (const auto& s : sent_) out.push_back(s.line());
    return out;
  }
  void be_answered() {
    ASSERT_EQ(call().size(), 2u);
    bench.arrive(answer_text(*sent_[1].message(), 180), phone);
    bench.take();
  }
  shard_bench bench{1, [](shard_config& c) {
                      c.limits.server_transactions = 100;
                      c.limits.client_transactions = 2048;
                    }};
  std::vector<shard_bench::sent> sent_;
  request_text last_;

 private:
  int number_ = 0;
};

TEST_F(StrangerFloods, OfInvitesToUnknownAorsLeaveHonestCallsTheirTransactions) {
  be_answered();
  for (int i = 0; i < 5000; ++i) {
    const endpoint from = at("203.0.113." + std::to_string(i % 250 + 1) + ":" + std::to_string(1024 + i));
    const lines heard = call("999", caller, &from);
    ASSERT_FALSE(heard.empty());
    ASSERT_EQ(heard.back(), "SIP/2.0 404 Not Found") << i;
  }
  bench.pass(milliseconds(10));
  EXPECT_LE(bench.sum(&shard_counters::server_transactions), 51u);
  EXPECT_GT(bench.sum(&shard_counters::server_forgotten), 4900u);
  EXPECT_EQ(call()[0], "SIP/2.0 100 Trying");
  EXPECT_EQ(call("103", 5081), lines{"INVITE sip:103@192.0.2.1:5070 SIP/2.0"})
      << "one who calls for the first time gets through, too, though without a 100";
}

TEST_F(StrangerFloods, ThatWaitForTheirCalleeHaveTheirShareAndNoMore) {
  be_answered();
  for (auto* home : bench.homes) home->forwards = false;   // all asleep
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    const endpoint from = at("203.0.113.1:" + std::to_string(1024 + i));
    const lines heard = call("103", caller, &from);
    if (heard == lines{"SIP/2.0 503 Service Unavailable"}) ++refused;
  }
  EXPECT_EQ(refused, 150);
  EXPECT_EQ(bench.refusals(refusal::strangers), 150u);
  for (auto* home : bench.homes) home->forwards = true;
  EXPECT_EQ(call().size(), 2u) << "he has been answered before";
}

TEST_F(StrangerFloods, HearTheSame404WithTheSameTagAsOftenAsTheyAsk) {
  while (call("999").size() > 1) {}   // until nobody gets a 100 any more
  const std::string tag(sent_[0].message()->to_tag());
  for (int i = 0; i < 3; ++i) {
    bench.arrive(last_.text(), caller);
    const auto again = bench.only();
    EXPECT_EQ(again.line(), "SIP/2.0 404 Not Found");
    EXPECT_EQ(again.message()->to_tag(), tag);
  }
  bench.arrive(register_text("999", 5071), 5071);
  bench.take();
  bench.arrive(last_.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 404 Not Found"}) << "the call is over for its caller";
  request_text ack = last_;
  ack.method = "ACK";
  ack.to_tag = tag;
  bench.arrive(ack.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{});
  EXPECT_EQ(bench.drops(drop_reason::stray_ack), 0u);
  request_text cancel = last_;
  cancel.method = "CANCEL";
  bench.arrive(cancel.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 481 Call/Transaction Does Not Exist"});
}

TEST_F(StrangerFloods, WithoutA100GetItWithTheirFirstRepetitionWhenTheCallWaits) {
  for (auto* home : bench.homes) home->forwards = false;
  while (!call().empty()) {}
  bench.arrive(last_.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 100 Trying"});
  bench.arrive(last_.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 100 Trying"});
  EXPECT_EQ(bench.homes[0]->log.back(), "request INVITE");
}

TEST_F(StrangerFloods, AreNoReflectors) {
  call("999");
  bench.pass(seconds(40));
  EXPECT_EQ(bench.take().size(), 3u) << "a 404 that nobody acknowledges is repeated three times, not ten";
  request_text message{.method = "MESSAGE", .uri = "sip:999@example.com", .branch = "z9hG4bKmsg"};
  bench.arrive(message.text(), caller);
  EXPECT_EQ(bench.take().size(), 1u);
  bench.pass(seconds(1));
  EXPECT_EQ(bench.sum(&shard_counters::server_transactions), 0u) << "no Timer J for what was refused to a stranger";
}

TEST_F(StrangerFloods, OfMessagesLeaveRoomForOtherMessages) {
  for (int i = 0; i < 1000; ++i) {
    bench.arrive(request_text{.method = "MESSAGE", .uri = "sip:999@example.com", .branch = "z9hG4bKm" + std::to_string(i)}.text(),
                 caller);
    ASSERT_EQ(bench.take_lines(), lines{"SIP/2.0 404 Not Found"}) << i;
  }
}

TEST_F(StrangerFloods, ToSilentContactsLeaveRoomForPhonesThatAnswer) {
  be_answered();
  const endpoint bot = at("203.0.113.1:5060");
  for (int i = 0; i < 30; ++i) bench.arrive(register_text("4" + std::to_string(i), static_cast<std::uint16_t>(9000 + i)),
                                            static_cast<std::uint16_t>(9000 + i));
  bench.take();
  for (auto* home : bench.homes) home->log.clear();
  std::size_t sent = 0;
  for (int i = 0; i < 45; ++i) {
    sent += call("4" + std::to_string(i % 30), caller, &bot).size();
  }
  bench.pass(seconds(40));
  sent += bench.take().size();
  EXPECT_EQ(bench.sum(&shard_counters::client_transactions), 1u) << "the honest call that rings";
  EXPECT_LE(sent, 45u * (1 + 4 + 1 + 3)) << "100, four INVITEs, the final and three repetitions";
  EXPECT_EQ(call().size(), 2u);
}

TEST_F(StrangerFloods, ToSilentContactsAreCutForOneCaller) {
  shard_bench small(1, [](shard_config& c) {
    c.limits.server_transactions = 1000;
    c.limits.client_transactions = 1000;   // 64 silent ones for a caller
    c.limits.unheard_share = 1;
  });
  for (std::uint16_t i = 0; i < 100; ++i) {
    const auto port = static_cast<std::uint16_t>(9000 + i);
    small.arrive(register_text("4" + std::to_string(i), port), port);
  }
  small.take();
  for (int i = 0; i < 100; ++i) {
    request_text r{.uri = "sip:4" + std::to_string(i) + "@example.com", .branch = "z9hG4bKs" + std::to_string(i)};
    r.call_id = "s" + std::to_string(i);
    small.arrive(r.text(), caller);
  }
  EXPECT_EQ(small.branches_refused(sip::lack::caller), 36u);
}

TEST_F(StrangerFloods, LeaveRoomForTheCallsOfWokenPhones) {
  shard_bench small(1, [](shard_config& c) {
    c.limits.server_transactions = 1000;
    c.limits.client_transactions = 40;
    c.limits.unheard_share = c.limits.stranger_share = 1;
  });
  small.arrive(register_text("103", phone), phone);
  const auto try_call = [&](int i) {
    request_text r{.branch = "z9hG4bKw" + std::to_string(i)};
    r.call_id = "w" + std::to_string(i);
    small.take();
    small.arrive(r.text(), caller);
    return small.take_lines();
  };
  for (int i = 0; i < 30; ++i) ASSERT_EQ(try_call(i)[1], "INVITE sip:103@192.0.2.1:5070 SIP/2.0");
  EXPECT_EQ(try_call(30)[1], "SIP/2.0 503 Service Unavailable");
  small.homes[0]->why = forward::cause::woken;
  for (int i = 31; i < 41; ++i) EXPECT_EQ(try_call(i)[1], "INVITE sip:103@192.0.2.1:5070 SIP/2.0");
  EXPECT_EQ(small.branches_refused(sip::lack::table), 1u);
}

}  // namespace
}  // namespace reveille
