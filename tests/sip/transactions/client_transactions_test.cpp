#include "sip/client_transactions.hpp"

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/sip/transactions/transaction_bench.hpp"

namespace reveille::sip {
namespace {

using std::chrono::minutes;
using lines = std::vector<std::string>;
using owner = client_transactions::owner;

class ClientTransactions : public ::testing::Test, public client_transactions::failure_sink {
 protected:
  transaction_timing timing;
  timer_wheel wheel{epoch};
  recording_outlet out;
  client_transactions table{timing, 4, {}, minutes(4), {1, 2}, wheel, test_pool(), out, *this};
  steady_time now = epoch;
  std::vector<std::pair<owner, client_transactions::failure>> failed;

  void client_failed(const owner& of, client_transactions::failure why) override { failed.emplace_back(of, why); }

  void pass(milliseconds by) {
    for (const steady_time end = now + by; now < end;) {
      now = std::min(end, now + milliseconds(10));
      wheel.advance(now, [&](std::uint64_t payload) { table.on_timer(payload, now); });
    }
  }
  static std::string request(std::string_view method) {
    return with_crlf(std::string(method) +
                     " sip:103@192.0.2.9 SIP/2.0\n"
                     "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKours\n"
                     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtheirs\n"
                     "Route: <sip:edge.example.com;lr>\n"
                     "Max-Forwards: 69\nFrom: <sip:102@example.com>;tag=f\nTo: <sip:103@example.com>\n"
                     "Call-ID: c\nCSeq: 4711 " + std::string(method) + "\nContent-Length: 0\n\n");
  }
  static message_ptr response(int status, std::string_view method, std::string_view tag = "t") {
    return make_message("SIP/2.0 " + std::to_string(status) +
                        " X\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKours\n"
                        "From: <sip:102@example.com>;tag=f\nTo: <sip:103@example.com>;tag=" + std::string(tag) +
                        "\nCall-ID: c\nCSeq: 4711 " + std::string(method) + "\nContent-Length: 0\n\n");
  }
  client_transactions::handle start(std::string_view method, owner of = {{7}, 1, 1}, std::uint16_t port = 5070) {
    const auto id = table.reserve({{}, flow_to(port).remote, {}}).id;
    table.start(id, method == "INVITE", of, flow_to(port), packet_of(request(method)), now);
    return id;
  }
  bool answer(client_transactions::handle id, int status, std::string_view method, std::string_view tag = "t") {
    return table.on_response(id, *response(status, method, tag), now).has_value();
  }
  std::size_t count(std::string_view method) {
    std::size_t n = 0;
    for (const auto& s : out.all) n += s.text.substr(0, method.size() + 1) == std::string(method) + " " ? 1U : 0U;
    return n;
  }
};

TEST_F(ClientTransactions, RepeatTheInviteByTimerADoublingUntilTimerB) {
  start("INVITE");
  pass(milliseconds(31'990));
  EXPECT_EQ(count("INVITE"), 7u);  // 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s
  EXPECT_TRUE(failed.empty());
  pass(milliseconds(20));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0], (std::pair{owner{{7}, 1, 1}, client_transactions::failure::timeout}));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(ClientTransactions, ResendAnUnansweredInviteAtOnceAndStartTimerAAnew) {
  start("INVITE");
  table.resend({{7}, 1, 1}, now);
  EXPECT_EQ(count("INVITE"), 1u) << "timer A fires within T1 anyway";
  pass(milliseconds(8'000));
  ASSERT_EQ(count("INVITE"), 5u);  // the next would leave at 15.5 s
  table.resend({{7}, 1, 1}, now);
  EXPECT_EQ(count("INVITE"), 6u);
  table.resend({{7}, 1, 1}, now);
  EXPECT_EQ(count("INVITE"), 6u) << "a flood of REGISTERs makes no flood of INVITEs";
  pass(milliseconds(510));
  EXPECT_EQ(count("INVITE"), 7u);
  pass(milliseconds(32'000));
  EXPECT_EQ(failed.size(), 1u) << "timer B runs on";
}

TEST_F(ClientTransactions, ResendNothingThatWasAnswered) {
  const auto id = start("INVITE");
  pass(milliseconds(8'000));
  answer(id, 100, "INVITE");
  table.resend({{7}, 1, 1}, now);
  table.resend({{7}, 1, 2}, now);
  EXPECT_EQ(count("INVITE"), 5u);
}

TEST_F(ClientTransactions, TakeAnotherTimerB) {
  timing.timer_b = milliseconds(4000);
  start("INVITE");
  pass(milliseconds(4010));
  EXPECT_EQ(failed.size(), 1u);
}

TEST_F(ClientTransactions, StopRepeatingTheInviteOnceThereIsAProvisional) {
  const auto id = start("INVITE");
  EXPECT_TRUE(answer(id, 100, "INVITE"));
  EXPECT_TRUE(answer(id, 180, "INVITE"));
  pass(minutes(3));
  EXPECT_EQ(count("INVITE"), 1u);
  EXPECT_TRUE(failed.empty());
  EXPECT_EQ(table.undecided(), 1u);
}

TEST_F(ClientTransactions, ForgetAnInviteThatRingsBeyondEveryTimerC) {
  const auto id = start("INVITE");
  answer(id, 180, "INVITE");
  pass(minutes(4) + milliseconds(20));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(ClientTransactions, AcknowledgeEveryRepetitionOfAFailureAndPassItOnce) {
  const auto id = start("INVITE");
  EXPECT_TRUE(answer(id, 486, "INVITE"));
  EXPECT_FALSE(answer(id, 486, "INVITE"));
  EXPECT_FALSE(answer(id, 180, "INVITE"));
  EXPECT_EQ(count("ACK"), 2u);
  const std::string& ack = out.all.back().text;
  EXPECT_EQ(ack, with_crlf("ACK sip:103@192.0.2.9 SIP/2.0\n"
                           "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKours\nMax-Forwards: 70\n"
                           "Route: <sip:edge.example.com;lr>\nFrom: <sip:102@example.com>;tag=f\n"
                           "To: <sip:103@example.com>;tag=t\nCall-ID: c\nCSeq: 4711 ACK\nContent-Length: 0\n\n"));
  pass(milliseconds(32'010));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(answer(id, 486, "INVITE"));  // late: no transaction, dropped
  EXPECT_EQ(table.counters().stray_responses, 1u);
}

TEST_F(ClientTransactions, PassEvery2xxUntilTimerMAndAcknowledgeNone) {
  const auto id = start("INVITE");
  EXPECT_TRUE(answer(id, 200, "INVITE", "a"));
  EXPECT_TRUE(answer(id, 200, "INVITE", "a"));
  EXPECT_TRUE(answer(id, 200, "INVITE", "b"));  // a fork further down
  EXPECT_FALSE(answer(id, 486, "INVITE", "c"));
  EXPECT_EQ(count("ACK"), 0u);
  pass(milliseconds(32'010));
  EXPECT_FALSE(answer(id, 200, "INVITE", "a"));
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(ClientTransactions, RepeatANonInviteUpToT2AndFailByTimerF) {
  start("MESSAGE");
  pass(milliseconds(31'990));
  EXPECT_EQ(count("MESSAGE"), 11u);  // 0, 0.5, 1.5, 3.5, 7.5, 11.5 ... 31.5 s
  pass(milliseconds(20));
  EXPECT_EQ(failed.size(), 1u);
}

TEST_F(ClientTransactions, RepeatANonInviteEveryT2InProceedingAndAbsorbUntilTimerK) {
  const auto id = start("MESSAGE");
  EXPECT_TRUE(answer(id, 100, "MESSAGE"));
  pass(milliseconds(8600));
  EXPECT_EQ(count("MESSAGE"), 1u + 3u);  // the E that was set at 0.5 s, then every 4 s
  EXPECT_TRUE(answer(id, 200, "MESSAGE"));
  EXPECT_FALSE(answer(id, 200, "MESSAGE"));
  pass(milliseconds(5010));
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(ClientTransactions, CancelOnlyAfterAProvisionalResponse) {
  const owner of{{7}, 1, 1};
  const auto id = start("INVITE", of);
  table.cancel(of, "SIP;cause=200", now);
  EXPECT_EQ(count("CANCEL"), 0u);
  answer(id, 180, "INVITE");
  ASSERT_EQ(count("CANCEL"), 1u);
  EXPECT_EQ(out.all.back().text,
            with_crlf("CANCEL sip:103@192.0.2.9 SIP/2.0\n"
                      "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKours\nMax-Forwards: 70\n"
                      "Route: <sip:edge.example.com;lr>\nFrom: <sip:102@example.com>;tag=f\n"
                      "To: <sip:103@example.com>\nCall-ID: c\nCSeq: 4711 CANCEL\nReason: SIP;cause=200\n"
                      "Content-Length: 0\n\n"));
  answer(id, 183, "INVITE");
  table.cancel(of, "", now);
  EXPECT_EQ(count("CANCEL"), 1u);
}

TEST_F(ClientTransactions, CancelAtOnceWhenItRingsAndRepeatItUntilItsOwnAnswer) {
  const owner of{{7}, 1, 1};
  const auto id = start("INVITE", of);
  answer(id, 180, "INVITE");
  table.cancel(of, "", now);
  pass(milliseconds(600));
  EXPECT_EQ(count("CANCEL"), 2u);
  EXPECT_FALSE(answer(id, 200, "CANCEL"));  // by the INVITE's branch; nobody's business but ours
  pass(milliseconds(4000));
  EXPECT_EQ(count("CANCEL"), 2u);
  EXPECT_TRUE(answer(id, 487, "INVITE"));
  EXPECT_EQ(count("ACK"), 1u);
  EXPECT_TRUE(failed.empty());
}

TEST_F(ClientTransactions, SendNoCancelWhenTheFinalResponseCameFirst) {
  const owner of{{7}, 1, 1};
  const auto id = start("INVITE", of);
  table.cancel(of, "", now);
  EXPECT_TRUE(answer(id, 200, "INVITE"));
  table.cancel(of, "", now);
  EXPECT_EQ(count("CANCEL"), 0u);
}

TEST_F(ClientTransactions, TakeAnInviteAsCancelled64T1AfterItsCancel) {
  const owner of{{7}, 1, 1};
  const auto id = start("INVITE", of);
  answer(id, 180, "INVITE");
  table.cancel(of, "", now);
  answer(id, 200, "CANCEL");
  pass(milliseconds(20'000));
  answer(id, 180, "INVITE");  // does not prolong it
  pass(milliseconds(12'010));
  EXPECT_EQ(failed.size(), 1u);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(ClientTransactions, FailAtOnceWhatNobodyAnsweredYetWhenThePeerIsUnreachable) {
  start("INVITE", {{7}, 1, 1}, 5070);
  const auto ringing = start("INVITE", {{7}, 1, 2}, 5070);
  start("INVITE", {{7}, 1, 3}, 5071);
  answer(ringing, 180, "INVITE");
  table.on_unreachable(flow_to(5070).remote, now);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0], (std::pair{owner{{7}, 1, 1}, client_transactions::failure::transport_error}));
  EXPECT_EQ(table.size(), 2u);
}

TEST_F(ClientTransactions, FailAtOnceWhenTheTransportSaysSo) {
  out.broken = true;
  start("INVITE");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].second, client_transactions::failure::transport_error);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(ClientTransactions, DropAResponseWhoseMethodIsAnothers) {
  const auto id = start("INVITE");
  EXPECT_FALSE(answer(id, 200, "MESSAGE"));
  EXPECT_FALSE(answer(id, 200, "CANCEL"));  // none was sent
  EXPECT_FALSE(answer({id.index, id.generation + 1}, 200, "INVITE"));
  EXPECT_FALSE(answer({999, 0}, 200, "INVITE"));
  EXPECT_EQ(table.counters().stray_responses, 4u);
  EXPECT_TRUE(answer(id, 200, "INVITE"));
}

TEST_F(ClientTransactions, LetALingeringOneNotSpeakForABranchThatTookItsNumber) {
  const owner of{{7}, 1, 1};
  const auto former = start("INVITE", of);
  EXPECT_TRUE(answer(former, 200, "INVITE"));
  const auto fresh = start("INVITE", of);
  EXPECT_FALSE(answer(former, 200, "INVITE"));
  EXPECT_TRUE(answer(fresh, 180, "INVITE"));
  EXPECT_EQ(table.counters().orphaned, 1u);
  pass(milliseconds(32'010));  // the former ends; the index still finds the fresh one
  table.cancel(of, "", now);
  EXPECT_EQ(count("CANCEL"), 1u);
}

TEST_F(ClientTransactions, RefuseAtTheBoundAndSurviveACancelWithoutRoom) {
  const owner of{{7}, 1, 1};
  const auto id = start("INVITE", of);
  for (std::uint32_t b = 2; b <= 4; ++b) start("MESSAGE", {{7}, 1, b});
  EXPECT_EQ(table.reserve({}).missing, lack::table);
  answer(id, 180, "INVITE");
  table.cancel(of, "", now);
  EXPECT_EQ(table.counters().cancels_refused, 1u);
  pass(milliseconds(32'010));
  EXPECT_EQ(table.size(), 0u);  // given up like any cancelled one
  EXPECT_EQ(failed.size(), 4u);
}

TEST_F(ClientTransactions, GiveBackAReservationThatIsNotUsed) {
  const auto id = table.reserve({}).id;
  EXPECT_EQ(table.size(), 1u);
  table.drop(id);
  table.drop(id);
  EXPECT_EQ(table.size(), 0u);
}

// Whatever is lost, doubled or late: one final outcome a transaction, and nothing left at rest.
TEST_F(ClientTransactions, DecideEachInviteOnceUnderLossAndDuplication) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    seeded_random random(seed);
    failed.clear();
    const owner of{{seed}, 1, 1};
    const auto id = start("INVITE", of);
    int passed_finals = 0;
    for (int step = 0; step < 40; ++step) {
      pass(milliseconds(10 * static_cast<std::int64_t>(random.below(200))));
      if (random.below(10) == 0) table.cancel(of, "", now);
      if (random.below(3) != 0) continue;  // lost
      const int status[] = {100, 180, 183, 486, 487};
      const int s = status[random.below(5)];
      const bool passed = answer(id, s, "INVITE");
      if (passed && s >= 200) ++passed_finals;
    }
    pass(minutes(5));
    EXPECT_EQ(passed_finals + static_cast<int>(failed.size()), 1) << "seed " << seed;
    EXPECT_EQ(table.size(), 0u) << "seed " << seed;
    EXPECT_EQ(wheel.size(), 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace reveille::sip
