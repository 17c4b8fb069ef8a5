// A parked INVITE survives the process: SPEC 9.
#include "actors/binding.hpp"
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

struct Resume : SubscriberTest {
  void crash_while_parked() {
    register_(iphone());
    invite();
    const subscriber_record record = stored();
    pass(seconds(5));
    start(&record);
  }
};

TEST_F(Resume, TheInviteReachesThePhoneThatRegistersAfterTheRestart) {
  crash_while_parked();
  EXPECT_FALSE(subscriber_->at_rest());
  const std::string text = wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(text, "timer answer_deadline +25000")) << text;
  EXPECT_TRUE(has(text, "forward b1 sip:103@10.0.0.1:5060")) << text;
  EXPECT_EQ(forwards()[0].request->call_id(), "call-1");
  EXPECT_EQ(forwards()[0].caller.remote.text(), "198.51.100.1:5060");
}

TEST_F(Resume, PushesOnceMoreWithTheSameContent) {
  register_(iphone());
  invite();
  ASSERT_EQ(pushes().size(), 1u);
  const pns::push_order before = pushes()[0];
  const subscriber_record record = stored();
  pass(seconds(5));
  start(&record);
  EXPECT_TRUE(has(register_(desk(), {.call_id = "desk"}), "push apns invite")) << "nobody knows whether the first arrived";
  ASSERT_EQ(pushes().size(), 2u);
  const pns::push_order& again = pushes()[1];
  EXPECT_EQ(again.call, before.call);
  EXPECT_EQ(again.id.subscriber, before.id.subscriber);
  EXPECT_EQ(again.target.tokens.front().value, before.target.tokens.front().value);
  const auto& content = std::get<pns::invite_content>(again.content);
  EXPECT_EQ(content.date, std::get<pns::invite_content>(before.content).date) << "so the apns-id is the same";
  EXPECT_EQ(content.number, "101");
  EXPECT_EQ(content.display_name, "Ann");
  EXPECT_EQ(again.expires, before.expires);
  EXPECT_FALSE(has(pass(seconds(1)), "push")) << "once";
}

TEST_F(Resume, TheRepeatedPushIsWithdrawnWhenThePhoneRings) {
  crash_while_parked();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(response(1, 180), "withdraw p2"));
}

TEST_F(Resume, PushesNothingTwoSecondsBeforeTheDeadline) {
  register_(iphone());
  invite();
  const subscriber_record record = stored();
  pass(seconds(29));
  start(&record);
  EXPECT_FALSE(has(register_(desk(), {.call_id = "desk"}), "push"));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b1"));
}

TEST_F(Resume, ACallThatHadEndedIsNotTakenUp) {
  for (const bool entry_gone : {true, false}) {
    start(nullptr);
    register_(iphone());
    invite(entry_gone ? "gone" : "over");
    subscriber_record record = stored();
    if (entry_gone) {
      record.bucket.clear();
    } else {
      record.bucket.front().over = true;
    }
    start(&record);
    const std::string text = wake(iphone(), "10.0.0.1:5060");
    EXPECT_TRUE(has(text, "write remove-parked")) << text;
    EXPECT_FALSE(has(text, "forward")) << text;
  }
}

TEST_F(Resume, APhoneThatHoldsABranchOfBeforeMaySay482) {
  crash_while_parked();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_FALSE(has(response(1, 482), "send 482"));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b2"));
}

TEST_F(Resume, ABindingReadAgainByTheSameProcessIsNotStale) {
  config_.live_flow = dial_live_flow::yes;
  register_(iphone());
  reload();
  EXPECT_TRUE(has(invite("a"), "forward b1"));
  const subscriber_record record = stored();
  start(&record);
  EXPECT_FALSE(has(invite("b"), "forward"));
  register_(desk(), {.call_id = "desk"});  // written by the new process now, yet the iPhone has not registered since
  reload();
  EXPECT_FALSE(has(invite("c"), "forward b1 sip:103@10.0.0.1:5060"));
}

TEST_F(Resume, ADoubtedTokenIsTriedOnceMoreByTheNextProcess) {
  register_(iphone());
  invite("a");
  push_answer(0, pns::suspect_token{prid(token_a)});
  pass(seconds(60));
  reload();
  EXPECT_EQ(count(invite("b"), "push"), 0u);
  register_(iphone(), {.cseq = 2});  // lifts it, written behind: the process dies before
  const subscriber_record record = stored();
  start(&record);
  EXPECT_EQ(count(invite("c"), "push"), 1u);
}

TEST_F(Resume, ReadsTheRecordsOfTheVersionBefore) {
  register_(iphone());
  subscriber_record record = stored();
  std::string& bytes = record.bindings;
  bytes[0] = 1;
  bytes.erase(1, 8);                    // the process
  bytes.pop_back();                     // no removals
  start(&record);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Resume, ResponsesGoUpStatelesslyByVia) {
  crash_while_parked();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_EQ(response(1, 180), "withdraw p2; send 180");
  EXPECT_EQ(last_flow_.remote.text(), "198.51.100.1:5060");
  EXPECT_TRUE(has(response(1, 200), "send 200; "));
  EXPECT_TRUE(stored().bucket.empty());
  EXPECT_TRUE(stored().parked.empty());
}

TEST_F(Resume, ACancelFindsTheCallOnceItsInviteIsAdopted) {
  crash_while_parked();
  EXPECT_TRUE(has(register_(desk(), {.call_id = "desk"}), "adopt"));
  ASSERT_EQ(adoptions().size(), 1u);
  EXPECT_EQ(adoptions()[0].request->call_id(), "call-1");
  EXPECT_EQ(adoptions()[0].source.remote.text(), "198.51.100.1:5060");
  EXPECT_EQ(adopted(7), "");
  EXPECT_TRUE(has(cancel(7), "respond 487"));
  EXPECT_TRUE(stored().parked.empty());
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "forward")) << "hung up: it must not ring";
}

TEST_F(Resume, ResponsesGoByTheAdoptedTransaction) {
  crash_while_parked();
  wake(iphone(), "10.0.0.1:5060");
  adopted(7);
  EXPECT_EQ(response(1, 180), "withdraw p2; respond 180");
  EXPECT_TRUE(has(response(1, 200), "respond 200"));
}

TEST_F(Resume, AnInviteThatComesAgainMeetsItsCallAndIsNotRefused) {
  crash_while_parked();
  transaction_repeats();
  EXPECT_TRUE(has(invite(), "timer answer_deadline")) << "the first event after the restart resumes";
  EXPECT_FALSE(has(last_packet(), "482"));
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(response(1, 200), "respond 200"));
}

TEST_F(Resume, AnotherInviteOfTheSameCallIsStillMerged) {
  crash_while_parked();
  EXPECT_TRUE(has(invite(), "respond 482"));
}

TEST_F(Resume, AnAdoptionThatComesTooLateDoesNothing) {
  crash_while_parked();
  register_(desk(), {.call_id = "desk"});
  pass(seconds(60));
  EXPECT_EQ(adopted(7), "");
}

TEST_F(Resume, TheDeadlineStillHolds) {
  crash_while_parked();
  register_(desk(), {.call_id = "desk"});
  const std::string text = pass(seconds(25));
  EXPECT_TRUE(has(text, "send 480")) << text;
  EXPECT_TRUE(stored().parked.empty());
  ASSERT_EQ(stored().bucket.size(), 1u);
  EXPECT_TRUE(stored().bucket[0].over);
}

TEST_F(Resume, WhatIsTooOldIsMarkedOver) {
  register_(iphone());
  invite();
  const subscriber_record record = stored();
  pass(seconds(31));
  start(&record);
  const std::string text = wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(text, "write remove-parked; write over")) << text;
  EXPECT_FALSE(has(text, "forward"));
  EXPECT_TRUE(has(text, "missed 1")) << text;
}

TEST_F(Resume, DamagedBytesAreMarkedOverAndHarmless) {
  register_(iphone());
  invite();
  subscriber_record record = stored();
  record.parked[0].invite = "INVITE nonsense";
  start(&record);
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "forward"));
  record = stored();
  record.parked.push_back({record.bucket[0].call, "", "x", now_.wall, now_.wall + seconds(30)});
  start(&record);
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "forward"));
}

TEST_F(Resume, ALoadedPushBindingIsStalePushedAndNeverDialled) {
  config_.live_flow = dial_live_flow::yes;
  register_(iphone());
  const subscriber_record record = stored();
  start(&record);
  const std::string text = invite();
  EXPECT_EQ(count(text, "push apns invite"), 1u);
  EXPECT_FALSE(has(text, "forward"));
  EXPECT_TRUE(has(message(), "respond 480"));
}

TEST_F(Resume, ALoadedOrdinaryBindingIsDialledUntilItExpires) {
  register_(desk());
  const subscriber_record record = stored();
  start(&record);
  EXPECT_TRUE(has(invite(), "forward b1"));
  pass(seconds(4000));
  start(&record);
  EXPECT_TRUE(has(invite(), "respond 480"));
}

TEST_F(Resume, AStaleBindingIsNotSweptByASwitchOffBeforeItCouldRefresh) {
  register_(iphone());
  const subscriber_record record = stored();
  pass(seconds(3601));
  config_.enabled = {false, false, false};
  start(&record);
  EXPECT_TRUE(has(invite("a"), "respond 480"));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  pass(config_.max_expires);
  invite("b");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Resume, RemovedBindingsStayRemoved) {
  register_(iphone());
  register_(iphone(), {.cseq = 2, .expires = "0"});
  const subscriber_record record = stored();
  start(&record);
  EXPECT_FALSE(subscriber_->unknown()) << "still a known user";
  EXPECT_EQ(invite(), "respond 480");
}

TEST_F(Resume, EveryTruncationOfTheStoredBindingsIsRefusedWhole) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(desk(), {.call_id = "desk"});
  const subscriber_record good = stored();
  for (std::size_t size = 1; size < good.bindings.size(); ++size) {
    subscriber_record cut = good;
    cut.bindings.resize(size);
    start(&cut);
    EXPECT_EQ(subscriber_->binding_count(), 0u) << size;
  }
  message();
  EXPECT_TRUE(noted("binding_evicted unreadable record")) << "the loss is counted";
  start(&good);
  EXPECT_EQ(subscriber_->binding_count(), 2u);
}

TEST_F(Resume, DamagedBindingsNeverCrash) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  const subscriber_record good = stored();
  for (std::size_t i = 0; i < good.bindings.size(); ++i) {
    for (const char bit : {'\x01', '\x80', '\xff'}) {
      subscriber_record damaged = good;
      damaged.bindings[i] = static_cast<char>(damaged.bindings[i] ^ bit);
      start(&damaged);
      invite("d" + std::to_string(i));
      wake(iphone(), "10.0.0.1:5060");
    }
  }
}

TEST(Binding, RoundTripsThroughTheStore) {
  flow source;
  source.remote = *parse_endpoint("[2001:db8::7]:5061");
  source.local = *parse_endpoint("192.0.2.1:5060");
  source.connection = 77;
  source.kind = transport::tls;
  binding_facts facts;
  facts.source = source;
  facts.expires = wall_time(seconds(1'700'000'000));
  facts.registered = wall_time(seconds(1'600'000'000));
  facts.branch = 0xfedcba9876543210;
  facts.cseq = 0xffffffff;
  facts.push = true;
  facts.provider = pns::provider::fcm;
  const binding b({"sip:a@b;pn-provider=fcm;pn-prid=x", ";label=z", "call", "<sip:e;lr>"}, facts);
  std::string bytes;
  b.encode(bytes);
  std::string_view rest = bytes;
  const auto back = binding::decode(rest);
  ASSERT_TRUE(back);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(back->uri(), b.uri());
  EXPECT_EQ(back->params(), b.params());
  EXPECT_EQ(back->call_id(), b.call_id());
  EXPECT_EQ(back->path(), b.path());
  EXPECT_EQ(back->facts().source.remote, source.remote);
  EXPECT_EQ(back->facts().source.connection, 0u) << "a connection does not survive the process";
  EXPECT_EQ(back->facts().expires, facts.expires);
  EXPECT_EQ(back->facts().branch, facts.branch);
  EXPECT_EQ(back->facts().cseq, facts.cseq);
  EXPECT_TRUE(back->facts().stale);
}

TEST(Binding, StripsPushParametersFromTheRequestUri) {
  const binding b({"sip:a@b:5060;transport=tcp;pn-provider=apns;pn-prid=secret;ob", "", "c", ""}, {});
  EXPECT_EQ(b.request_uri(), "sip:a@b:5060;transport=tcp;ob");
}

TEST(Binding, FindsLabelAndInstanceWherever) {
  const binding b({"sip:a@b;label=one", ";+sip.instance=\"<urn:x>\"", "c", ""}, {});
  EXPECT_EQ(b.label(), "one");
  EXPECT_EQ(b.instance(), "<urn:x>");
}

}  // namespace
}  // namespace reveille
