// One call through two shards: INVITE, its responses, CANCEL.
#include <algorithm>

#include "engine/shard/branch.hpp"
#include "engine/shard/flow_token.hpp"
#include "tests/engine/shard/calls_fixture.hpp"

namespace reveille {
namespace {

using lines = std::vector<std::string>;

/// An INVITE that an earlier process had parked: its subscriber asks for a transaction, at whichever shard that is.
class ResumedCalls : public Calls {
 protected:
  void resume() {
    invite_ = sip::make_message(sip::with_crlf(text_.text()));
    flow from;
    from.remote = shard_bench::phone(caller);
    from.local = bench.config.listeners.front().address;
    simple_subscribers& home = bench.home_of_user("103");
    home.forwards = false;
    home.perform(key_of("103@example.com", bench.config.key), adopt_invite{9, invite_, from}, bench.now);
    bench.pass(milliseconds(10));
  }
  request_text cancel() const {
    request_text c = text_;
    c.method = "CANCEL";
    return c;
  }
  request_text text_;
  sip::message_ptr invite_;
};

TEST_F(ResumedCalls, HearTheirCancel) {
  for (int n = 0; n < 8; ++n) {  // so that the transaction lives at the home shard, and elsewhere
    text_.branch = "z9hG4bKr" + std::to_string(n);
    text_.call_id = "call-r" + std::to_string(n);
    resume();
    EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 100 Trying"});
    bench.home_of_user("103").log.clear();
    bench.arrive(cancel().text(), caller);
    EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 OK"});
    EXPECT_EQ(bench.home_of_user("103").log, (lines{"cancel"}));
    EXPECT_EQ(bench.home_of_user("103").adopted, 9u);
  }
}

TEST_F(ResumedCalls, BeginWithAnEventThatMakesTheirSubscriber) {
  const aor_key key = key_of("105@example.com", bench.config.key);
  simple_subscribers& home = bench.home_of_user("105");
  ASSERT_EQ(home.standing(key), subscriber_standing::absent);
  bench.shards[bench.home_index("105")]->on_hand_over(event_for{key, "105@example.com", write_finished{store_token{}, true}},
                                                      bench.now);
  EXPECT_EQ(home.standing(key), subscriber_standing::resident);
}

TEST_F(ResumedCalls, AbsorbTheirInviteWhenItComesAgain) {
  resume();
  bench.take();
  bench.home_of_user("103").log.clear();
  bench.arrive(text_.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 100 Trying"});
  EXPECT_EQ(bench.home_of_user("103").log, lines{});
}

TEST_F(ResumedCalls, TakeTheTransactionOfAnInviteThatCameAgainFirst) {
  bench.home_of_user("103").forwards = false;
  bench.arrive(text_.text(), caller);
  bench.take();
  const auto before = bench.home_of_user("103").last_transaction;
  resume();
  EXPECT_EQ(bench.take_lines(), lines{}) << "its 100 is on its way already";
  EXPECT_EQ(bench.home_of_user("103").adopted_by, before);
}

TEST_F(Calls, InviteReachesThePhoneWithViaRecordRouteAndOneHopLess) {
  const auto got = invite({.extra = "Route: <sip:198.51.100.1;lr>\nX-Unknown: kept\n"});
  EXPECT_EQ(got->request_uri(), "sip:103@192.0.2.1:5070");
  EXPECT_EQ(got->max_forwards(), 69u);
  EXPECT_EQ(got->count(sip::header::route), 0u);
  EXPECT_EQ(got->first("X-Unknown"), "kept");
  const auto vias = values(*got, sip::header::via);
  ASSERT_EQ(vias.size(), 2u);
  EXPECT_EQ(vias[0].find("SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bKs"), 0u);
  EXPECT_NE(vias[1].find("rport=5080"), std::string::npos);
  const auto route = sip::parse_name_addr(*got->first(sip::header::record_route));
  ASSERT_TRUE(route);
  EXPECT_TRUE(route->uri.params.find("lr").has_value());
  const auto token = read_flow_token(route->uri.user, "call-1", bench.config.secret);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->callee.remote, shard_bench::phone(phone));
  EXPECT_EQ(token->caller.remote, shard_bench::phone(caller));
  EXPECT_TRUE(token->caller_direct);
}

TEST_F(Calls, ARetransmittedInviteMakesNothingNew) {
  invite();
  const auto events = bench.logs().size();
  for (const std::uint16_t by : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{0}}) {
    bench.arrive(request_text{}.text(), caller, by);
    EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 100 Trying"});
  }
  EXPECT_EQ(bench.logs().size(), events);
  EXPECT_EQ(bench.sum(&shard_counters::duplicates), 3u);
}

TEST_F(Calls, ResponsesFindTheirTransactionFromWhicheverSocket) {
  const auto got = invite();
  for (const std::uint16_t by : {std::uint16_t{0}, std::uint16_t{1}}) {
    const auto up = answer(*got, 180, "t1", by);
    ASSERT_EQ(up.size(), 1u);
    EXPECT_EQ(up[0].line(), "SIP/2.0 180 X");
    EXPECT_EQ(up[0].to.remote, shard_bench::phone(caller));
    EXPECT_EQ(up[0].message()->via_count(), 1u);
  }
  EXPECT_GT(bench.sum(&shard_counters::handed_over), 0u);
  EXPECT_EQ(bench.sum(&shard_counters::handed_over), bench.sum(&shard_counters::taken_over));
}

TEST_F(Calls, EachRepetitionAndEachForkOfA2xxGoesUp) {
  const auto got = invite();
  for (const char* tag : {"t1", "t1", "t2", "t1"}) {
    const auto up = answer(*got, 200, tag);
    ASSERT_EQ(up.size(), 1u);
    EXPECT_EQ(up[0].message()->to_tag(), tag);
  }
  bench.arrive(request_text{}.text(), caller);  // the INVITE once more: absorbed (RFC 6026)
  EXPECT_TRUE(bench.take().empty());
  bench.pass(seconds(33));
  answer(*got, 200);
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(bench.drops(drop_reason::stray_response), 1u);
}

TEST_F(Calls, AFailureIsAcknowledgedHereAndRepeatedUntilTheCallersAck) {
  const auto got = invite();
  auto up = answer(*got, 486);
  ASSERT_EQ(up.size(), 2u);
  EXPECT_EQ(up[0].line(), "ACK sip:103@192.0.2.1:5070 SIP/2.0");
  EXPECT_EQ(up[0].message()->top_via().branch, got->top_via().branch);
  EXPECT_EQ(up[1].line(), "SIP/2.0 486 X");
  bench.pass(milliseconds(520));
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 486 X"});
  bench.arrive(request_text{.method = "ACK", .to_tag = "t1"}.text(), caller, 1);
  bench.pass(seconds(10));
  EXPECT_TRUE(bench.take().empty());
  EXPECT_TRUE(bench.shards[0]->idle() && bench.shards[1]->idle());
  EXPECT_EQ(bench.drops(drop_reason::stray_ack), 0u);
}

TEST_F(Calls, CancelIsAnsweredAtOnceAndGoesToThePhoneOnlyAfterAProvisional) {
  const auto got = invite();
  const auto cancel = request_text{.method = "CANCEL"}.text();
  bench.arrive(cancel, caller, 1);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 OK"});
  auto after = answer(*got, 180);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].line(), "CANCEL sip:103@192.0.2.1:5070 SIP/2.0");
  EXPECT_EQ(after[0].message()->top_via().branch, got->top_via().branch);
  EXPECT_EQ(after[0].message()->first(sip::header::reason), "SIP;cause=487");
  bench.arrive(answer_text(*after[0].message(), 200), phone, 1);
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(answer(*got, 487).size(), 2u);
  bench.arrive(cancel, caller);  // repeated: answered again, told once
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 OK"});
  const auto log = bench.logs();
  EXPECT_EQ(std::count(log.begin(), log.end(), "cancel"), 1);
}

TEST_F(Calls, CancelWhileItRingsGoesOutAtOnce) {
  const auto got = invite();
  answer(*got, 180);
  bench.arrive(request_text{.method = "CANCEL"}.text(), caller);
  EXPECT_EQ(bench.take_lines(), (lines{"SIP/2.0 200 OK", "CANCEL sip:103@192.0.2.1:5070 SIP/2.0"}));
}

TEST_F(Calls, CancelThatCrossesA2xxChangesNothing) {
  const auto got = invite();
  answer(*got, 180);
  bench.arrive(request_text{.method = "CANCEL"}.text(), caller);
  bench.take();
  EXPECT_EQ(answer(*got, 200)[0].line(), "SIP/2.0 200 X");  // the phone was faster: forwarded, no 487 here
  bench.arrive(request_text{.method = "CANCEL"}.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 OK"});

  // And the other way round: answered first, then cancelled.
  const auto second = invite({.branch = "z9hG4bKa2", .call_id = "call-2"});
  answer(*second, 200);
  bench.arrive(request_text{.method = "CANCEL", .branch = "z9hG4bKa2", .call_id = "call-2"}.text(), caller);
  EXPECT_EQ(bench.take_lines(), lines{"SIP/2.0 200 OK"});
  const auto log = bench.logs();
  EXPECT_EQ(std::count(log.begin(), log.end(), "cancel"), 1);
}

TEST_F(Calls, CancelOfNothingIs481) {
  bench.arrive(request_text{.method = "CANCEL"}.text(), caller);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 481 Call/Transaction Does Not Exist");
  EXPECT_EQ(bench.sum(&shard_counters::cancels_unknown), 1u);
}

TEST_F(Calls, APhoneThatNeverAnswersTimesOut) {
  invite();
  bench.pass(seconds(33));
  const auto log = bench.logs();
  EXPECT_EQ(std::count(log.begin(), log.end(), "timeout"), 1);
  const auto sent = bench.take_lines();
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "INVITE sip:103@192.0.2.1:5070 SIP/2.0"), 3) << "it has never answered";
  EXPECT_GE(std::count(sent.begin(), sent.end(), "SIP/2.0 408 Request Timeout"), 1);
}

TEST_F(Calls, AnUnreachablePhoneFailsAtOnceAndARefusingTransportToo) {
  invite();
  flow to;
  to.remote = shard_bench::phone(phone);
  for (auto& s : bench.shards) s->on_unreachable(to, bench.now);
  bench.pass(milliseconds(10));
  EXPECT_EQ(bench.home_of_user("103").log.back(), "transport error");
  EXPECT_EQ(bench.take_lines().front(), "SIP/2.0 500 Server Internal Error");

  bench.broken = true;
  bench.arrive(request_text{.branch = "z9hG4bKa3", .call_id = "call-3"}.text(), caller);
  EXPECT_EQ(bench.home_of_user("103").log.back(), "transport error");
  EXPECT_GE(bench.drops(drop_reason::send_failed), 2u);
}

TEST_F(Calls, PathBecomesRouteAndPushParametersStayHere) {
  bench.home_of_user("103").path = "<sip:edge.example.com;lr>";
  request_text text;
  text.extra = "Contact: <sip:102@192.0.2.1:5080;pn-provider=fcm;pn-prid=SECRET;ob>;pn-param=x;expires=1\n";
  std::string with = text.text();
  with.erase(with.find("Contact: <sip:102@192.0.2.1:5080>\n"), std::string_view("Contact: <sip:102@192.0.2.1:5080>\n").size());
  bench.arrive(with, caller);
  const auto all = bench.take();
  ASSERT_EQ(all.size(), 2u);
  const auto got = all[1].message();
  EXPECT_EQ(got->first(sip::header::route), "<sip:edge.example.com;lr>");
  EXPECT_EQ(got->first(sip::header::contact), "<sip:102@192.0.2.1:5080;ob>;expires=1");
}

TEST_F(Calls, OurCredentialsGoNoFurther) {
  const auto got = invite({.extra = "Proxy-Authorization: Digest username=\"a\", realm=\"example.com\", nonce=\"n\"\n"
                                    "Proxy-Authorization: Digest username=\"a\", realm=\"next.test\", nonce=\"n\"\n"});
  EXPECT_EQ(values(*got, sip::header::proxy_authorization).size(), got->count(sip::header::proxy_authorization) * 3);
  ASSERT_EQ(got->count(sip::header::proxy_authorization), 1u);
  EXPECT_NE(got->first(sip::header::proxy_authorization)->find("next.test"), std::string_view::npos);
}

TEST_F(Calls, OtherMethodsAreProxiedTooUnknownOnesAmongThem) {
  for (const char* method : {"MESSAGE", "NOTIFY", "PUBLISH", "FROBNICATE"}) {
    bench.arrive(request_text{.method = method, .branch = std::string("z9hG4bK") + method}.text(), caller);
    const auto out = bench.only();  // no 100 for these
    EXPECT_EQ(out.line(), std::string(method) + " sip:103@192.0.2.1:5070 SIP/2.0");
    EXPECT_EQ(out.message()->count(sip::header::record_route), 0u);
    const auto up = answer(*out.message(), 200);
    ASSERT_EQ(up.size(), 1u);
    bench.arrive(request_text{.method = method, .branch = std::string("z9hG4bK") + method}.text(), caller, 1);
    EXPECT_EQ(bench.only().text, up[0].text);  // kept for timer J
  }
}

TEST_F(Calls, BranchesThatWeDidNotSignAreDropped) {
  const auto got = invite();
  const std::string good(got->top_via().branch);
  std::string text = answer_text(*got, 200);
  for (std::size_t i = 8; i < good.size(); i += 5) {
    std::string forged = text;
    char& c = forged[forged.find(good) + i];
    c = c == 'a' ? 'b' : 'a';
    bench.arrive(forged, phone);
  }
  bench.arrive("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKmadeup\n"
               "Via: SIP/2.0/UDP 203.0.113.9\nFrom: <sip:a@b.test>;tag=1\nTo: <sip:a@b.test>;tag=2\n"
               "Call-ID: x\nCSeq: 1 INVITE\nContent-Length: 0\n\n", phone);
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(bench.drops(drop_reason::forged_branch), (good.size() - 8 + 4) / 5 + 1);
  EXPECT_EQ(bench.home_of_user("103").log.back(), "request INVITE");
}

TEST_F(Calls, ABranchOfAShardThatIsGoneIsDropped) {
  const auto got = invite();
  const auto branch = write_branch(transaction_branch{{9}, 0, 0, 0}, {bench.config.secret, bench.config.start});
  std::string text = answer_text(*got, 200);
  text.replace(text.find(got->top_via().branch), got->top_via().branch.size(), branch.view());
  bench.arrive(text, phone);
  EXPECT_EQ(bench.drops(drop_reason::stray_response), 1u);
}

}  // namespace
}  // namespace reveille
