// What is turned away at the entrance, and what never is.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/shard/admission.hpp"
#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

using lines = std::vector<std::string>;
constexpr std::uint16_t phone = 5070, caller = 5080;

struct turned_away {
  const char* name;
  request_text request;
  const char* answer;
};

const turned_away faults[] = {
    {"NoHopsLeft", {.max_forwards = 0}, "SIP/2.0 483 Too Many Hops"},
    {"NoHopsLeftForOptions", {.method = "OPTIONS", .max_forwards = 0}, "SIP/2.0 483 Too Many Hops"},
    {"RelayToElsewhere", {.uri = "sip:103@elsewhere.test"}, "SIP/2.0 403 Forbidden"},
    {"RelayToAnAddress", {.uri = "sip:103@203.0.113.9:5060"}, "SIP/2.0 403 Forbidden"},
    {"RelayByRoute", {.extra = "Route: <sip:203.0.113.9;lr>\n"}, "SIP/2.0 403 Forbidden"},
    {"RelayByASecondRoute", {.extra = "Route: <sip:198.51.100.1;lr>, <sip:203.0.113.9;lr>\n"}, "SIP/2.0 403 Forbidden"},
    {"RelayByMessage", {.method = "MESSAGE", .uri = "sip:103@elsewhere.test"}, "SIP/2.0 403 Forbidden"},
    {"NobodyAtOurAddress", {.uri = "sip:103@198.51.100.1"}, "SIP/2.0 404 Not Found"},
    {"NobodyNamed", {.uri = "sip:example.com"}, "SIP/2.0 404 Not Found"},
    {"UnknownScheme", {.uri = "nobodyKnowsThisScheme:totallyopaquecontent"}, "SIP/2.0 416 Unsupported URI Scheme"},
    {"ProxyRequire", {.extra = "Proxy-Require: foo, bar\n"}, "SIP/2.0 420 Bad Extension"},
    {"InDialogWithoutOurRoute", {.to_tag = "t"}, "SIP/2.0 481 Call/Transaction Does Not Exist"},
    {"UnknownUser", {.uri = "sip:nobody@example.com"}, "SIP/2.0 404 Not Found"},
};

class Entrance : public ::testing::TestWithParam<turned_away> {};

TEST_P(Entrance, AnswersAtOnceAndTheSameAgain) {
  shard_bench bench(2);
  const std::string text = GetParam().request.text();
  std::vector<std::string> answers;
  for (const std::uint16_t by : {std::uint16_t{0}, std::uint16_t{1}}) {
    bench.arrive(text, caller, by);
    const auto sent = bench.take();
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(sent.back().line(), GetParam().answer);
    EXPECT_FALSE(sent.back().message()->to_tag().empty());
    answers.push_back(sent.back().text);
  }
  EXPECT_EQ(answers[0], answers[1]);
}

INSTANTIATE_TEST_SUITE_P(Table, Entrance, ::testing::ValuesIn(faults),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(EntranceOf, TelGoesToTheFirstDomain) {
  shard_bench bench(2);
  bench.arrive(request_text{.uri = "tel:103"}.text(), caller);
  EXPECT_EQ(bench.home_of_user("103").log, lines{"request INVITE"});
}

TEST(EntranceOf, MismatchedCseqIs400ForKnownAnd501ForUnknownMethods) {
  shard_bench bench(1);
  for (const auto& [method, status] : {std::pair{"OPTIONS", "400"}, {"FROB", "501"}}) {
    std::string text = request_text{.method = method}.text();
    text.replace(text.find("CSeq: 1 ") + 8, std::string_view(method).size(), "INVITE");
    bench.arrive(text, caller);
    EXPECT_EQ(bench.only().line().substr(8, 3), status);
  }
  std::string ack = request_text{.method = "ACK"}.text();
  ack.replace(ack.find("1 ACK"), 5, "1 BYE");
  bench.arrive(ack, caller);
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(bench.drops(drop_reason::ack_refused), 1u);
}

TEST(EntranceOf, ALoopIs482AndASpiralGoesOn) {
  shard_bench bench(2);
  bench.arrive(register_text("103", phone), phone);
  bench.arrive(request_text{}.text(), caller);
  const auto sent = bench.take();
  const std::string out(sent.back().text);
  // It comes back as it went in: the same Request-URI.
  std::string looped = out;
  looped.replace(0, out.find(" SIP/2.0"), "INVITE sip:103@example.com");
  bench.arrive_octets(looped, phone);
  EXPECT_EQ(bench.take_lines().back(), "SIP/2.0 482 Loop Detected");
  EXPECT_EQ(bench.sum(&shard_counters::loops), 1u);
  // It comes back for somebody else (call forwarding): no loop.
  std::string spiral = out;
  spiral.replace(0, out.find(" SIP/2.0"), "INVITE sip:104@example.com");
  bench.arrive_octets(spiral, phone);
  EXPECT_EQ(bench.take_lines(), (lines{"SIP/2.0 100 Trying", "SIP/2.0 404 Not Found"}));
}

TEST(EntranceOf, KeepAlivesStunAndRubbishReachNobody) {
  shard_bench bench(1);
  for (const std::string_view octets : {std::string_view("\r\n\r\n"), std::string_view(""), std::string_view("\r\n")}) {
    bench.arrive_octets(octets, phone);
  }
  bench.arrive_octets(std::string_view("\x00\x11\x00\x00\x21\x12\xa4\x42" "123456789012", 20), phone);
  bench.arrive_octets("GET / HTTP/1.1\r\nHost: x\r\n\r\n", phone);
  bench.arrive_octets(std::string(1200, 'A'), phone);
  bench.arrive_octets("SIP/2.0 200 OK\r\n\r\n", phone);
  EXPECT_TRUE(bench.take().empty());
  EXPECT_TRUE(bench.logs().empty());
  EXPECT_EQ(bench.drops(drop_reason::keep_alive), 3u);
  EXPECT_EQ(bench.drops(drop_reason::stun), 1u);
  EXPECT_EQ(bench.drops(drop_reason::malformed), 3u);
}

TEST(EntranceOf, AStunKeepAliveHearsWhereItCameFrom) {
  shard_bench bench(1);
  bench.arrive_octets(std::string_view("\x00\x01\x00\x00\x21\x12\xa4\x42" "123456789012", 20), phone);
  const auto got = bench.only();
  EXPECT_EQ(got.to.remote, shard_bench::phone(phone));
  EXPECT_EQ(got.text.substr(0, 2), std::string("\x01\x01", 2));
  EXPECT_EQ(got.text.size(), 32u);
  EXPECT_EQ(bench.sum(&shard_counters::stun_answered), 1u);
  EXPECT_TRUE(bench.logs().empty());
}

TEST(EntranceOf, AMalformedRequestIs400AndAFloodOfThemGetsItsShareOnly) {
  shard_bench bench(1, [](shard_config& c) { c.limits.credit = 20; });
  std::string bad = sip::with_crlf(request_text{}.text());
  bad.replace(bad.find("CSeq: 1"), 7, "CSeq: x");
  std::string bare = bad;
  bad = sip::with_crlf(request_text{.extra = "Expires: 1\nExpires: 2\n"}.text());
  bench.arrive_octets(bad, caller);
  const auto got = bench.only();
  EXPECT_EQ(got.line().substr(0, 12), "SIP/2.0 400 ");
  EXPECT_EQ(got.to.remote, shard_bench::phone(caller));
  for (int i = 0; i < 1000; ++i) bench.arrive_octets(bad, caller);
  EXPECT_EQ(bench.take().size(), 9u);  // half of the credit, less the one above
  bench.arrive(request_text{}.text(), caller);
  EXPECT_EQ(bench.take_lines().front(), "SIP/2.0 100 Trying");
  EXPECT_TRUE(bench.logs().size() == 1);
  bench.arrive_octets(bare, caller);  // no readable CSeq: nothing to answer
  EXPECT_TRUE(bench.take().empty());
}

TEST(EntranceOf, ATrustedPeerIsKnownByItsAddress) {
  shard_bench bench(1, [](shard_config& c) { c.trusted_peers = {at("192.0.2.1:5090")}; });
  bench.homes[0]->forwards = false;
  EXPECT_TRUE(own_names(bench.config).trusted(at("192.0.2.1:5090")));
  EXPECT_FALSE(own_names(bench.config).trusted(at("192.0.2.1:5091")));
  bench.config.trusted_peers[0].port = 0;
  EXPECT_TRUE(own_names(bench.config).trusted(at("192.0.2.1:5091")));
}

// --- overload ---------------------------------------------------------------------------------------------------------

class Overload : public ::testing::Test {
 protected:
  Overload() : bench(1, [](shard_config& c) { c.limits.credit = 10; }) {
    bench.arrive(register_text("103", phone), phone);
    bench.pass(milliseconds(20));
    bench.take();
  }
  std::string send(const request_text& r) {
    bench.arrive(r.text(), caller);
    const auto sent = bench.take_lines();
    return sent.empty() ? "" : sent.front();
  }
  shard_bench bench;
  int n = 0;
  std::string fresh() { return "z9hG4bKo" + std::to_string(n++); }
};

TEST_F(Overload, RefusesTheRestFirstThenRefreshesThenNewRegistrationsThenInvites) {
  const std::string refused = "SIP/2.0 503 Service Unavailable";
  const auto message = [&] { return send({.method = "MESSAGE", .branch = fresh()}) != refused; };
  const auto enrol = [&](std::string_view user) {
    bench.arrive(register_text(user, phone), phone);
    return bench.take_lines().front() != refused;
  };
  const auto invite = [&] { return send({.branch = fresh(), .call_id = fresh()}) != refused; };

  for (int i = 0; i < 5; ++i) EXPECT_TRUE(message());
  EXPECT_FALSE(message());        // half is used
  EXPECT_TRUE(enrol("103"));
  EXPECT_TRUE(enrol("103"));      // seven tenths
  EXPECT_FALSE(enrol("103"));     // a refresh, known here
  EXPECT_TRUE(enrol("104"));      // new, up to 85 %
  EXPECT_FALSE(enrol("105"));
  bench.homes[0]->awaited[key_of("103@example.com", bench.config.key)] = true;
  EXPECT_TRUE(enrol("103"));      // a call waits for it
  EXPECT_TRUE(invite());
  EXPECT_FALSE(invite());
  EXPECT_TRUE(enrol("103"));
  EXPECT_EQ(bench.refusals(refusal::credit), 4u);
  bench.pass(milliseconds(10));
  EXPECT_TRUE(message());         // a new window
}

TEST_F(Overload, StillPassesResponsesAcksCancelsAndWhatBelongsToDialogs) {
  bench.arrive(request_text{}.text(), caller);
  const auto got = bench.take()[1].message();
  while (send({.branch = fresh(), .call_id = fresh()}) != "SIP/2.0 503 Service Unavailable") {}
  bench.arrive(answer_text(*got, 180), phone);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 180 X"});
  bench.arrive(request_text{.method = "CANCEL"}.text(), caller);
  EXPECT_EQ(bench.take_lines(), (lines{"SIP/2.0 200 OK", "CANCEL sip:103@192.0.2.1:5070 SIP/2.0"}));
  bench.arrive(answer_text(*got, 200), phone);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 X"});
  for (const char* method : {"ACK", "PRACK", "BYE"}) {
    request_text r{.method = method, .uri = "sip:103@192.0.2.1:5070", .branch = fresh(), .to_tag = "t1"};
    r.extra = "Route: " + std::string(*got->first(sip::header::record_route)) + "\n";
    EXPECT_EQ(send(r), std::string(method) + " sip:103@192.0.2.1:5070 SIP/2.0");
  }
  EXPECT_EQ(send({.branch = fresh()}), "SIP/2.0 503 Service Unavailable");
}

TEST_F(Overload, AShardThatDrainsRefusesNewInvitesOnly) {
  bench.arrive(request_text{}.text(), caller);
  const auto got = bench.take()[1].message();
  bench.shards[0]->drain();
  EXPECT_FALSE(bench.shards[0]->idle());
  bench.arrive(request_text{.branch = fresh()}.text(), caller);
  const auto refused = bench.only();
  EXPECT_EQ(refused.line(), "SIP/2.0 503 Service Unavailable");
  EXPECT_TRUE(refused.message()->first(sip::header::retry_after).has_value());
  EXPECT_EQ(send({.method = "MESSAGE", .branch = fresh()}), "MESSAGE sip:103@192.0.2.1:5070 SIP/2.0");
  bench.arrive(request_text{}.text(), caller);  // the one under way, again
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 100 Trying"});
  bench.arrive(answer_text(*got, 200), phone);
  bench.pass(seconds(40));
  EXPECT_TRUE(bench.shards[0]->idle());
  EXPECT_EQ(bench.refusals(refusal::draining), 1u);
}

TEST_F(Overload, AShardWithoutMemoryRefusesAllThatNobodyWaitsFor) {
  const std::string refused = "SIP/2.0 503 Service Unavailable";
  bench.arrive(request_text{}.text(), caller);
  const auto got = bench.take()[1].message();
  bench.shards[0]->on_memory(memory_state::short_of);
  EXPECT_EQ(send({.branch = fresh(), .call_id = fresh()}), refused);
  EXPECT_EQ(send({.method = "MESSAGE", .branch = fresh()}), refused);
  for (const char* user : {"103", "104"}) {
    bench.arrive(register_text(user, phone), phone);
    EXPECT_EQ(bench.take_lines().front(), refused) << user;
  }
  bench.homes[0]->awaited[key_of("103@example.com", bench.config.key)] = true;
  bench.arrive(register_text("103", phone), phone);
  EXPECT_NE(bench.take_lines().front(), refused) << "a call waits for it";
  bench.arrive(answer_text(*got, 200), phone);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 X"}) << "the call in flight";
  EXPECT_EQ(bench.refusals(refusal::credit), 4u);
  bench.shards[0]->on_memory(memory_state::enough);
  EXPECT_NE(send({.branch = fresh(), .call_id = fresh()}), refused);
}

TEST(TransactionTables, AtTheirBoundsRefuseAndFailInsteadOfGrowing) {
  shard_bench bench(1, [](shard_config& c) {
    c.limits.server_transactions = 10;
    c.limits.client_transactions = 4;   // of which one is for woken calls
    c.limits.unheard_share = 1;
    c.trusted_peers = {shard_bench::phone(0)};
  });
  bench.arrive(register_text("103", phone), phone);
  bench.take();
  std::vector<std::string> first;
  for (int i = 0; i < 12; ++i) {
    bench.arrive(request_text{.branch = "z9hG4bKt" + std::to_string(i), .call_id = std::to_string(i)}.text(), caller);
    const auto sent = bench.take_lines();
    first.push_back(sent.front() + (sent.size() > 1 ? " + " + sent[1] : ""));
  }
  EXPECT_EQ(first[2], "SIP/2.0 100 Trying + INVITE sip:103@192.0.2.1:5070 SIP/2.0");
  EXPECT_EQ(first[3], "SIP/2.0 100 Trying + SIP/2.0 503 Service Unavailable");  // the subscriber heard of it
  EXPECT_EQ(bench.logs().back(), "no room") << "our bound, not the phone's flow";
  EXPECT_EQ(first[10], "SIP/2.0 503 Service Unavailable");
  EXPECT_EQ(bench.branches_refused(sip::lack::table), 7u);
  EXPECT_EQ(bench.refusals(refusal::transactions), 2u);
  // Eight tenths are for calls alone.
  shard_bench other(1, [](shard_config& c) {
    c.limits.server_transactions = 10;
    c.trusted_peers = {shard_bench::phone(0)};
  });
  other.homes[0]->forwards = false;  // they wait
  for (int i = 0; i < 9; ++i) {
    other.arrive(request_text{.method = "MESSAGE", .branch = "z9hG4bKm" + std::to_string(i)}.text(), caller);
  }
  EXPECT_EQ(other.take_lines().back(), "SIP/2.0 503 Service Unavailable");
  other.arrive(request_text{}.text(), caller);
  EXPECT_EQ(other.take_lines().front(), "SIP/2.0 100 Trying");
}

TEST(RefusedDelivery, Is503OnTheTransactionWhereverItLives) {
  shard_bench bench(2);
  for (auto* home : bench.homes) home->full = true;
  for (int i = 0; i < 8; ++i) {
    bench.arrive(request_text{.branch = "z9hG4bKf" + std::to_string(i)}.text(), caller);
    EXPECT_EQ(bench.take_lines(), (lines{"SIP/2.0 100 Trying", "SIP/2.0 503 Service Unavailable"}));
  }
  EXPECT_EQ(bench.refusals(refusal::home_full), 8u);
}

TEST(Pushes, ARefusedOrderIsAnsweredToItsSubscriberAfterwards) {
  shard_bench bench(1);
  bench.arrive(register_text("103", phone), phone);
  bench.push_full = true;
  auto& home = *bench.homes[0];
  pns::push_order order;
  order.id = {home.last_key, 1};
  home.perform(home.last_key, push{order}, bench.now);
  EXPECT_NE(home.log.back(), "push answered");  // never inside perform()
  bench.pass(milliseconds(10));
  EXPECT_EQ(home.log.back(), "push answered");
  EXPECT_EQ(bench.sum(&shard_counters::pushes_refused), 1u);
}

TEST(Admission, ShrinksUnderALastingQueueDelayOnlyAndGrowsBack) {
  shard_limits limits;
  limits.credit = 1600;
  admission entrance(limits);
  steady_time t = noon.steady;
  for (int i = 0; i < 400; ++i) entrance.admit(request_class::invite, t);
  const auto wait = [&](milliseconds delay, milliseconds lasting) {
    for (const steady_time end = t + lasting; t < end; t += milliseconds(10)) entrance.on_queue_delay(delay, t);
  };
  wait(milliseconds(60), milliseconds(100));
  wait(milliseconds(1), milliseconds(10));
  EXPECT_EQ(entrance.credit(), 1600u);
  wait(milliseconds(60), milliseconds(110));
  EXPECT_EQ(entrance.credit(), 300u);  // three quarters of what was admitted lately
  wait(milliseconds(60), seconds(10));
  EXPECT_EQ(entrance.credit(), 100u);  // never nothing
  wait(milliseconds(1), seconds(10));
  EXPECT_EQ(entrance.credit(), 1600u);
}

TEST(StageTimes, AreTakenFromTheNotes) {
  shard_bench bench(1);
  auto& home = *bench.homes[0];
  call_ref call;
  call.bytes[0] = 7;
  const auto tell = [&](trace_step what, milliseconds later) {
    bench.pass(later);
    note step;
    step.what = what;
    step.call = call;
    home.perform({}, step, bench.now);
  };
  tell(trace_step::invite_in, milliseconds(0));
  tell(trace_step::push_queued, milliseconds(10));
  tell(trace_step::push_accepted, milliseconds(100));
  tell(trace_step::push_accepted, milliseconds(50));  // a second device: the first one counts
  tell(trace_step::register_in, milliseconds(2000));
  tell(trace_step::invite_out, milliseconds(0));
  EXPECT_EQ(bench.shards[0]->counters().release.values().count(), 0u) << "the kernel has it not yet";
  bench.shards[0]->on_sent(bench.now + std::chrono::microseconds(40));
  bench.shards[0]->on_sent(bench.now + seconds(1));  // nothing more was sent
  tell(trace_step::ringing, milliseconds(300));
  tell(trace_step::answered, milliseconds(3000));
  tell(trace_step::ringing, milliseconds(0));  // over: nothing more is taken
  const shard_counters& c = bench.shards[0]->counters();
  EXPECT_NEAR(c.push_queued.values().sum, 0.010, 1e-9);
  EXPECT_NEAR(c.push_accepted.values().sum, 0.100, 1e-9);
  EXPECT_NEAR(c.wake.values().sum, 2.050, 1e-9);
  EXPECT_EQ(c.release.values().count(), 1u);
  EXPECT_NEAR(c.release.values().sum, 0.000040, 1e-9);
  EXPECT_NEAR(c.post_dial.values().sum, 2.460, 1e-9);
  EXPECT_EQ(c.stages[static_cast<std::size_t>(trace_step::push_accepted)].value(), 2u);
}

TEST(OwnNames, AreListenersSentByAliasesAndDomainsOnOurPorts) {
  shard_config config;
  config.listeners = {{at("0.0.0.0:5062"), "Proxy.example.org:5060"}, {at("[2001:db8::1]:5060"), ""}};
  config.domains = {"example.com"};
  config.aliases = {"192.0.2.5", "edge.example.org:5090"};
  const own_names names(config);
  const auto self = [&](std::string_view uri) { return names.self(*sip::parse_uri(uri)); };
  for (const char* ours : {"sip:proxy.example.org", "sip:proxy.EXAMPLE.org:5060", "sip:0.0.0.0:5062", "sip:192.0.2.5:5062",
                           "sip:[2001:db8::1]", "sip:edge.example.org:5090;lr", "sip:example.com", "sip:example.com:5062"}) {
    EXPECT_TRUE(self(ours)) << ours;
  }
  for (const char* others : {"sip:proxy.example.org:5061", "sip:192.0.2.6:5062", "sip:edge.example.org",
                             "sip:example.com:5999", "sip:sub.example.com", "sip:[2001:db8::1]:5061"}) {
    EXPECT_FALSE(self(others)) << others;
  }
}

}  // namespace
}  // namespace reveille
