// RFC 3261 18.2.2: a sender that asks for no rport listens at the port of its sent-by, wherever it sends from (SPEC 2.8).
#include "tests/engine/shard/calls_fixture.hpp"

namespace reveille {
namespace {

constexpr std::uint16_t sends_from = 40'000;

class SentBy : public Calls {
 protected:
  /// All went to where the caller listens.
  void expect_at_the_caller(const std::vector<shard_bench::sent>& all, std::string_view line) {
    ASSERT_EQ(all.size(), 1u) << line;
    EXPECT_EQ(all[0].line(), line);
    EXPECT_EQ(all[0].to.remote, shard_bench::phone(caller)) << line;
  }
  std::vector<shard_bench::sent> sent_for(const request_text& text, std::uint16_t by = 0) {
    bench.arrive(text.text(), sends_from, by);
    return bench.take();
  }
};

TEST_F(SentBy, GetsWhatAServerTransactionSendsAndRepeats) {
  for (const std::uint16_t by : {std::uint16_t{0}, std::uint16_t{1}}) {
    const std::string branch = "z9hG4bKs" + std::to_string(by);
    const request_text text{.branch = branch, .call_id = "call-" + std::to_string(by), .rport = false};
    auto all = sent_for(text, by);
    ASSERT_EQ(all.size(), 2u);
    const auto got = all[1].message();
    all.pop_back();
    expect_at_the_caller(all, "SIP/2.0 100 Trying");
    expect_at_the_caller(sent_for(text, by), "SIP/2.0 100 Trying");
    expect_at_the_caller(answer(*got, 180), "SIP/2.0 180 X");
    bench.arrive(answer_text(*got, 486), phone, by);
    all = bench.take();
    std::erase_if(all, [](const auto& s) { return s.line().starts_with("ACK "); });
    expect_at_the_caller(all, "SIP/2.0 486 X");
    bench.pass(milliseconds(600));
    expect_at_the_caller(bench.take(), "SIP/2.0 486 X");
  }
}

TEST_F(SentBy, GetsAnswersWithoutState) {
  expect_at_the_caller(sent_for({.method = "OPTIONS", .uri = "sip:example.com", .branch = "z9hG4bKo", .rport = false}),
                       "SIP/2.0 200 OK");
  expect_at_the_caller(sent_for({.uri = "sip:103@else.test", .branch = "z9hG4bKe", .rport = false}), "SIP/2.0 403 Forbidden");
  expect_at_the_caller(sent_for({.method = "CANCEL", .branch = "z9hG4bKc", .rport = false}),
                       "SIP/2.0 481 Call/Transaction Does Not Exist");
}

TEST_F(SentBy, GetsTheRefusalOfAMalformedRequest) {
  std::string text = request_text{.rport = false}.text();
  text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: xx");
  bench.arrive(text, sends_from);
  expect_at_the_caller(bench.take(), "SIP/2.0 400 Bad Request");
  text.insert(text.find(";branch"), ";rport");
  bench.arrive(text, sends_from);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(sends_from));
}

TEST_F(SentBy, IsTheDefaultPortWhereNoneIsGiven) {
  std::string text = request_text{.method = "OPTIONS", .uri = "sip:example.com", .rport = false}.text();
  text.replace(text.find(":5080;branch"), 5, "");
  bench.arrive(text, sends_from);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(5060));
}

TEST_F(SentBy, NamesAPortAndNeverAnotherAddress) {
  for (const char* const via : {"203.0.113.7:5080;branch", "192.0.2.1:5080;maddr=203.0.113.7;branch"}) {
    std::string text = request_text{.method = "OPTIONS", .uri = "sip:example.com", .rport = false}.text();
    text.replace(text.find("192.0.2.1:5080;branch"), 21, via);
    bench.arrive(text, sends_from);
    EXPECT_EQ(bench.only().to.remote, shard_bench::phone(caller)) << via;
  }
}

TEST_F(SentBy, IsWhereABindingIsDialled) {
  std::string text = register_text("104", 5075);
  text.replace(text.find(";rport"), 6, "");
  bench.arrive(text, sends_from);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(5075));
  bench.arrive_together({sip::with_crlf(text)}, sends_from);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(5075));
  const auto all = sent_for({.uri = "sip:104@example.com", .to = "104"});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].to.remote, shard_bench::phone(5075));
}

TEST_F(SentBy, IsWhereTheRestOfADialogGoes) {
  const auto all = sent_for({.rport = false});
  ASSERT_EQ(all.size(), 2u);
  const auto got = all[1].message();
  expect_at_the_caller(answer(*got, 200), "SIP/2.0 200 X");
  request_text bye{.method = "BYE", .uri = "sip:103@192.0.2.1:5070", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2};
  bye.extra = "Route: " + std::string(*got->first(sip::header::record_route)) + "\n";
  bye.rport = false;
  const auto down = sent_for(bye);
  ASSERT_EQ(down.size(), 1u);
  EXPECT_EQ(down[0].to.remote, shard_bench::phone(phone));
  expect_at_the_caller(answer(*down[0].message(), 200), "SIP/2.0 200 X");  // forwarded without state
  // And a request of the phone finds the caller where it listens.
  request_text back = bye;
  back.uri = "sip:102@192.0.2.1:5080";
  back.port = phone;
  back.rport = true;
  back.branch = "z9hG4bKp";
  std::swap(back.from, back.to);
  std::swap(back.from_tag, back.to_tag);
  bench.arrive(back.text(), phone);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(caller));
}

}  // namespace
}  // namespace reveille
