// Peers that have never answered anything, and what they may take of the client transactions (SPEC 10a.3).
#include <gtest/gtest.h>

#include "sip/client_transactions.hpp"
#include "tests/sip/transactions/transaction_bench.hpp"

namespace reveille::sip {
namespace {

using std::chrono::minutes;
using errand = client_transactions::errand;

class SilentPeers : public ::testing::Test, public client_transactions::failure_sink {
 protected:
  // 32 places: 8 for woken calls, 12 for peers that never answered, 6 for one caller, 4 for one peer.
  client_transaction_bounds bounds{8, 12, 6, 4, 64};
  transaction_timing timing;
  timer_wheel wheel{epoch};
  recording_outlet out;
  client_transactions table{timing, 32, bounds, minutes(4), {1, 2}, wheel, test_pool(), out, *this};
  steady_time now = epoch;
  std::vector<client_transactions::failure> failed;
  std::uint32_t next_ = 1;

  void client_failed(const client_transactions::owner&, client_transactions::failure why) override {
    failed.push_back(why);
  }
  void pass(milliseconds by) {
    for (const steady_time end = now + by; now < end;) {
      now = std::min(end, now + milliseconds(10));
      wheel.advance(now, [&](std::uint64_t payload) { table.on_timer(payload, now); });
    }
  }
  static errand to(std::uint16_t port, std::uint16_t caller = 0, errand::cause why = errand::cause::request) {
    errand e{why, flow_to(port).remote, {}};
    if (caller != 0) e.caller = flow_to(caller).remote;
    return e;
  }
  /// @return what was missing; starts the transaction when nothing was
  lack send(const errand& what, bool invite = true) {
    const auto place = table.reserve(what);
    if (place.missing != lack::none) return place.missing;
    last_ = place.id;
    const std::string method = invite ? "INVITE" : "MESSAGE";
    table.start(place.id, invite, {{7}, 1, next_++}, flow_to(what.to.port), packet_of(method + " x SIP/2.0\r\n"), now);
    return lack::none;
  }
  void answer(int status, std::string_view method = "INVITE") {
    table.on_response(last_, *make_message("SIP/2.0 " + std::to_string(status) +
                                           " X\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKours\nFrom: <sip:a@b>;tag=f\n"
                                           "To: <sip:c@b>;tag=t\nCall-ID: c\nCSeq: 1 " + std::string(method) +
                                           "\nContent-Length: 0\n\n"),
                      now);
  }
  void make_known(std::uint16_t port) {
    ASSERT_EQ(send(to(port)), lack::none);
    answer(200);
    pass(milliseconds(33'000));
    out.all.clear();
  }
  client_transactions::handle last_;
};

TEST_F(SilentPeers, GetFourRequestsAndAreNotWaitedForLongerThanThat) {
  for (const bool invite : {true, false}) {
    failed.clear();
    send(to(5070), invite);
    pass(milliseconds(7'490));
    EXPECT_EQ(out.take().size(), 4u);  // 0, 0.5, 1.5, 3.5 s
    EXPECT_TRUE(failed.empty());
    pass(milliseconds(20));
    EXPECT_EQ(failed, std::vector{client_transactions::failure::timeout});
    EXPECT_EQ(table.size(), 0u);
  }
}

TEST_F(SilentPeers, ThatHaveAnsweredOnceGetEveryRepetition) {
  make_known(5070);
  send(to(5070));
  pass(milliseconds(31'990));
  EXPECT_EQ(out.take().size(), 7u);
}

TEST_F(SilentPeers, GetEveryRepetitionFromTheMomentTheyAnswerAnotherRequest) {
  send(to(5070));
  pass(milliseconds(3'000));
  send(to(5070));
  answer(180);
  out.all.clear();
  pass(milliseconds(4'400));
  EXPECT_EQ(out.take().size(), 1u);  // at 3.5 s; the next is due at 7.5 s, when this one ends
}

TEST_F(SilentPeers, AreWaitedForWhereAPhoneWasWoken) {
  send(to(5070, 0, errand::cause::woken));
  pass(milliseconds(31'900));
  EXPECT_EQ(out.take().size(), 4u);
  EXPECT_TRUE(failed.empty()) << "its next REGISTER repeats the INVITE";
}

TEST_F(SilentPeers, LeaveRoomToPeersThatHaveAnswered) {
  make_known(6000);
  std::uint16_t port = 5070;
  for (std::uint32_t i = 0; i < bounds.unheard; ++i) ASSERT_EQ(send(to(port++)), lack::none);
  EXPECT_EQ(send(to(port)), lack::unheard);
  EXPECT_EQ(send(to(6000)), lack::none);
  pass(milliseconds(8'000));
  EXPECT_EQ(send(to(port)), lack::none) << "the silent ones have gone";
}

TEST_F(SilentPeers, MayNotTakeEverythingForOneCaller) {
  for (std::uint16_t i = 0; i < bounds.silent_of_caller; ++i) {
    ASSERT_EQ(send(to(static_cast<std::uint16_t>(5070 + i), 4000)), lack::none);
  }
  EXPECT_EQ(send(to(5090, 4000)), lack::caller);
  EXPECT_EQ(send(to(5090, 4001)), lack::none);
  EXPECT_EQ(send(to(5091)), lack::none) << "a trusted peer calls for many";
  answer(100);
  pass(milliseconds(8'000));
  EXPECT_EQ(send(to(5090, 4000)), lack::none);
  answer(180);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(send(to(5090, 4000)), lack::none) << i;
    answer(180);  // what was answered does not count
  }
}

TEST_F(SilentPeers, MayNotTakeEverythingThemselves) {
  make_known(5070);
  for (std::uint32_t i = 0; i < bounds.silent_of_flow; ++i) ASSERT_EQ(send(to(5070)), lack::none);
  EXPECT_EQ(send(to(5070)), lack::flow);
  answer(100);
  EXPECT_EQ(send(to(5070)), lack::none);
}

TEST_F(SilentPeers, NeverTakeWhatIsKeptForWokenCalls) {
  for (std::uint16_t port = 6000; port < 6024; ++port) {
    ASSERT_EQ(send(to(port)), lack::none);
    answer(180);
  }
  EXPECT_EQ(send(to(7000)), lack::table);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(send(to(7000, 0, errand::cause::woken)), lack::none);
  EXPECT_EQ(send(to(7000, 0, errand::cause::woken)), lack::table);
}

}  // namespace
}  // namespace reveille::sip
