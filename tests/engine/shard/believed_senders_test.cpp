// Who is believed: a branch alone says nothing of its sender (SPEC 10a.2).
#include "tests/engine/shard/calls_fixture.hpp"

namespace reveille {
namespace {

using lines = std::vector<std::string>;

const endpoint stranger = at("203.0.113.9:5080");   // the caller's port, another address

class BelievedSenders : public Calls {
 protected:
  bool has(const lines& all, std::string_view line) const {
    return std::find(all.begin(), all.end(), line) != all.end();
  }
};

TEST_F(BelievedSenders, ACancelOfAnotherSenderEndsNoCall) {
  const auto got = invite();
  answer(*got, 180);
  request_text cancel{.method = "CANCEL"};
  request_text other_call = cancel, other_tag = cancel, other_number = cancel;
  other_call.call_id = "call-of-a-stranger";
  other_tag.from_tag = "f9";
  other_number.cseq = 2;
  for (const request_text& forged : {other_call, other_tag, other_number}) {
    bench.arrive(forged.text(), caller);
    EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 481 Call/Transaction Does Not Exist"});
  }
  bench.arrive_from(stranger, cancel.text());
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 481 Call/Transaction Does Not Exist"}) << "all right but the address";
  bench.arrive_from(shard_bench::phone(6099), cancel.text());   // behind a NAT that gave it another port
  EXPECT_TRUE(has(bench.take_lines(), "SIP/2.0 200 OK"));
}

TEST_F(BelievedSenders, ABranchThatSomebodyElseUsedFirstSilencesNobody) {
  request_text guess;
  guess.call_id = "call-of-a-stranger";
  guess.to = "999";
  guess.uri = "sip:999@example.com";
  bench.arrive_from(stranger, guess.text());
  guess.call_id = request_text{}.call_id;   // and one who guesses all
  bench.arrive_from(stranger, guess.text());
  bench.take();
  const auto got = invite();
  ASSERT_NE(got, nullptr) << "the honest INVITE was taken for a repetition";
  EXPECT_EQ(bench.sum(&shard_counters::duplicates), 0u);
}

TEST_F(BelievedSenders, AnAckOfAnotherSenderStopsNoRepetition) {
  const auto got = invite();
  answer(*got, 180);
  answer(*got, 486);
  bench.take();
  bench.arrive_from(stranger, request_text{.method = "ACK", .to_tag = "t1"}.text());
  EXPECT_EQ(bench.drops(drop_reason::stray_ack), 1u);
  bench.pass(milliseconds(600));
  EXPECT_TRUE(has(bench.take_lines(), "SIP/2.0 486 X"));
}

TEST_F(BelievedSenders, AResponseFromAnAddressThatWasNotAskedCountsForNothing) {
  const auto got = invite();
  for (const int status : {180, 200, 603}) {
    bench.arrive_from(at("203.0.113.9:5070"), answer_text(*got, status, "x"));
    EXPECT_EQ(bench.take_lines(), lines{}) << status;
  }
  EXPECT_EQ(bench.drops(drop_reason::wrong_source), 3u);
  // A phone that knows no RFC 3581 answers from another port.
  bench.arrive_from(shard_bench::phone(7070), answer_text(*got, 180));
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 180 X"});
}

TEST_F(BelievedSenders, AResponseWithinADialogComesFromWhereItsRequestWent) {
  const auto got = invite();
  answer(*got, 200);
  request_text bye{.method = "BYE", .uri = "sip:103@192.0.2.1:5070", .branch = "z9hG4bKbye", .to_tag = "t1", .cseq = 2};
  bye.extra = "Route: " + std::string(*got->first(sip::header::record_route)) + "\n";
  bench.arrive(bye.text(), caller);
  const auto passed = bench.only().message();
  bench.arrive_from(at("203.0.113.9:5070"), answer_text(*passed, 481, "t1"));
  EXPECT_EQ(bench.take_lines(), lines{});
  EXPECT_EQ(bench.drops(drop_reason::wrong_source), 1u);
  bench.arrive_from(shard_bench::phone(7070), answer_text(*passed, 200, "t1"));
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 X"});
}

TEST_F(BelievedSenders, ARequestWithinADialogThatCannotBeSentIs500) {
  const auto got = invite();
  answer(*got, 200);
  request_text bye{.method = "BYE", .uri = "sip:103@192.0.2.1:5070", .branch = "z9hG4bKbye", .to_tag = "t1", .cseq = 2};
  bye.extra = "Route: " + std::string(*got->first(sip::header::record_route)) + "\n";
  bench.refused_port = phone;
  bench.arrive(bye.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 500 Server Internal Error"}) << "RFC 3261 16.9, 16.7 step 6";
}

/// A softswitch of several addresses is one peer where the operator says so.
TEST(TrustedPeers, StandForEachOther) {
  const endpoint first = at("198.51.100.20:5060"), second = at("198.51.100.21:5060");
  shard_bench bench(2, [&](shard_config& c) {
    c.trusted_peers = {at("198.51.100.20:5060"), at("198.51.100.21:5060")};
  });
  for (auto* home : bench.homes) home->forwards = false;
  bench.arrive_from(first, request_text{}.text());
  bench.take();
  bench.arrive_from(second, request_text{.method = "CANCEL"}.text());
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 OK"});
}

}  // namespace
}  // namespace reveille
