// The dialog that follows a call, through two shards: its requests go by the Record-Route alone.
#include "tests/engine/shard/calls_fixture.hpp"

namespace reveille {
namespace {

class Dialogs : public Calls {
 protected:
  Dialogs() {
    const auto got = invite();
    answer(*got, 200);
    record_route = std::string(*got->first(sip::header::record_route));
    bench.pass(milliseconds(10));
    events = bench.logs().size();
  }
  ~Dialogs() override { EXPECT_EQ(bench.logs().size(), events) << "a subscriber was touched"; }

  request_text by_caller(std::string_view method) {
    request_text r;
    r.method = method;
    r.uri = "sip:103@192.0.2.1:5070";
    r.branch = "z9hG4bKd" + std::string(method);
    r.to_tag = "t1";
    r.cseq = 2;
    r.extra = "Route: " + record_route + "\n";
    return r;
  }
  request_text by_phone(std::string_view method) {
    request_text r = by_caller(method);
    r.uri = "sip:102@192.0.2.1:5080";
    r.port = phone;
    std::swap(r.from, r.to);
    std::swap(r.from_tag, r.to_tag);
    return r;
  }
  std::string record_route;
  std::size_t events = 0;
};

TEST_F(Dialogs, AckAndByeOfTheCallerFollowTheRecordRoute) {
  for (const std::uint16_t by : {std::uint16_t{0}, std::uint16_t{1}}) {
    request_text ack = by_caller("ACK");
    ack.cseq = 1;
    bench.arrive(ack.text(), caller, by);
    const auto out = bench.only();
    EXPECT_EQ(out.line(), "ACK sip:103@192.0.2.1:5070 SIP/2.0");
    EXPECT_EQ(out.to.remote, shard_bench::phone(phone));
    EXPECT_EQ(out.message()->count(sip::header::route), 0u);
    EXPECT_EQ(out.message()->max_forwards(), 69u);
  }
  bench.arrive(by_caller("BYE").text(), caller);
  const auto bye = bench.only();
  EXPECT_EQ(bye.to.remote, shard_bench::phone(phone));
  const auto up = answer(*bye.message(), 200, "t1", 1);
  ASSERT_EQ(up.size(), 1u);
  EXPECT_EQ(up[0].to.remote, shard_bench::phone(caller));
  EXPECT_EQ(up[0].message()->via_count(), 1u);
}

TEST_F(Dialogs, RequestsOfThePhoneFindTheCaller) {
  bench.arrive(by_phone("BYE").text(), phone);
  const auto bye = bench.only();
  EXPECT_EQ(bye.line(), "BYE sip:102@192.0.2.1:5080 SIP/2.0");
  EXPECT_EQ(bye.to.remote, shard_bench::phone(caller));
  bench.arrive(answer_text(*bye.message(), 200), caller);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(phone));
}

TEST_F(Dialogs, TellTheSidesApartByTheirTagsNotByTheirAddresses) {
  // A caller that moved to another port keeps its tag: still towards the phone, and the answer to where it is now.
  bench.arrive(by_caller("INFO").text(), 5099);
  const auto info = bench.only();
  EXPECT_EQ(info.to.remote, shard_bench::phone(phone));
  EXPECT_EQ(answer(*info.message(), 200)[0].to.remote, shard_bench::phone(5099));
}

TEST_F(Dialogs, ReInviteItsRepetitionsItsCancelAndTheAckOfItsFailureShareABranch) {
  request_text re = by_caller("INVITE");
  re.branch = "z9hG4bKre";
  std::vector<std::string> branches;
  for (const char* method : {"INVITE", "INVITE", "CANCEL", "ACK"}) {
    re.method = method;
    bench.arrive(re.text(), caller, static_cast<std::uint16_t>(branches.size() % 2));
    const auto out = bench.only();
    EXPECT_EQ(out.to.remote, shard_bench::phone(phone));
    branches.emplace_back(out.message()->top_via().branch);
  }
  for (const auto& b : branches) EXPECT_EQ(b, branches.front());
  re.method = "INVITE";
  re.branch = "z9hG4bKother";
  bench.arrive(re.text(), caller);
  EXPECT_NE(bench.only().message()->top_via().branch, branches.front());
}

TEST_F(Dialogs, AForgedTokenIs403AndAnAckWithItDropped) {
  const std::string good = record_route;
  const auto token = good.find("sip:") + 4;
  for (std::size_t i = 0; i < 45; i += 4) {
    record_route = good;
    record_route[token + i] = record_route[token + i] == 'a' ? 'b' : 'a';
    bench.arrive(by_caller("BYE").text(), caller);
    EXPECT_EQ(bench.only().line(), "SIP/2.0 403 Forbidden") << i;
    bench.arrive(by_caller("ACK").text(), caller);
    EXPECT_TRUE(bench.take().empty());
  }
  record_route = good;
  request_text other = by_caller("BYE");
  other.call_id = "another-call";  // a good token of another dialog is none here
  bench.arrive(other.text(), caller);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 403 Forbidden");
  EXPECT_EQ(bench.sum(&shard_counters::forged_tokens), 25u);
}

TEST_F(Dialogs, AResponseGoesOnlyWhereItsRequestCameFrom) {
  bench.arrive(by_caller("BYE").text(), caller);
  const auto bye = bench.only().message();
  // The answer's second Via names somebody else: the signed branch decides.
  std::string text = answer_text(*bye, 200);
  const auto second = text.find("192.0.2.1:5080");
  ASSERT_NE(second, std::string::npos);
  text.replace(second, 14, "255.255.255.255");
  bench.arrive(text, phone);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(caller));
}

TEST_F(Dialogs, WithoutOurRouteThereIsNoWay) {
  request_text bye = by_caller("BYE");
  bye.extra.clear();
  bench.arrive(bye.text(), caller);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 403 Forbidden");  // the Request-URI is nobody's we serve
  bye.uri = "sip:103@example.com";
  bye.branch = "z9hG4bKother";
  bench.arrive(bye.text(), caller);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 481 Call/Transaction Does Not Exist");
  request_text ack = by_caller("ACK");
  ack.extra.clear();
  bench.arrive(ack.text(), caller);
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(bench.drops(drop_reason::stray_ack), 1u);
}

TEST_F(Dialogs, MaxForwardsEndsHereToo) {
  request_text bye = by_caller("BYE");
  bye.max_forwards = 0;
  bench.arrive(bye.text(), caller);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 483 Too Many Hops");
  bye.method = "ACK";
  bench.arrive(bye.text(), caller);
  EXPECT_TRUE(bench.take().empty());
}

TEST_F(Dialogs, AnUnreachablePartyIs503) {
  bench.broken = true;
  bench.arrive(by_caller("BYE").text(), caller);
  bench.broken = false;
  EXPECT_EQ(bench.drops(drop_reason::send_failed), 2u);  // the request, and the answer to it
}

TEST(DialogsBehindProxies, CallerIsFoundByTheNextRouteOfTheCalleeOnly) {
  shard_bench bench(1);
  bench.arrive(register_text("103", phone), phone);
  bench.take();
  request_text text;
  text.more_vias = "Via: SIP/2.0/UDP 203.0.113.50;branch=z9hG4bKtheirs\n";
  bench.arrive(text.text(), caller);
  const auto invite = bench.take()[1].message();
  const std::string record_route(*invite->first(sip::header::record_route));

  request_text bye{.method = "BYE", .uri = "sip:102@203.0.113.50", .branch = "z9hG4bKb1", .port = phone, .from = "103",
                   .from_tag = "t1", .to = "102", .to_tag = "f1"};
  bye.extra = "Route: " + record_route + ", <sip:203.0.113.7:5062;lr>\n";
  bench.arrive(bye.text(), phone);
  auto out = bench.only();
  EXPECT_EQ(out.to.remote, at("203.0.113.7:5062"));
  EXPECT_EQ(out.message()->first(sip::header::route), "<sip:203.0.113.7:5062;lr>");

  // No further Route: the Request-URI, when it is an address; else the flow by which the INVITE came.
  bye.extra = "Route: " + record_route + "\n";
  bye.branch = "z9hG4bKb2";
  bench.arrive(bye.text(), phone);
  EXPECT_EQ(bench.only().to.remote, at("203.0.113.50:5060"));
  bye.uri = "sip:102@caller.example.org";
  bye.branch = "z9hG4bKb3";
  bench.arrive(bye.text(), phone);
  EXPECT_EQ(bench.only().to.remote, shard_bench::phone(caller));
}

}  // namespace
}  // namespace reveille
