// What somebody whom nobody vouches for may not do to a subscriber (SPEC 2.3d, 2.4d, 3.2a).
#include "actors/ports/store.hpp"
#include "actors/stored_aors.hpp"
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class Strangers : public SubscriberTest {
 protected:
  static constexpr const char* elsewhere = "203.0.113.66:6666";

  std::string phone_with_names() { return iphone("10.0.0.1:5060", token_a, ";label=mobile;+sip.instance=\"<urn:a>\""); }
  register_options as_stranger() { return {.call_id = "stranger", .from = elsewhere, .expires = "0"}; }
  bool is_woken(std::string_view call_id) { return count(invite(call_id), "push apns invite") == 1; }
};

TEST_F(Strangers, UnregisterAPushBindingByNoneOfItsNames) {
  register_(phone_with_names());
  for (const char* contact : {"<sip:x@203.0.113.66>;label=mobile", "<sip:x@203.0.113.66>;+sip.instance=\"<urn:a>\"",
                              "<sip:103@10.0.0.1:5060>"}) {
    EXPECT_EQ(register_(contact, as_stranger()), "send 200") << contact;
    EXPECT_TRUE(noted("removal_refused")) << contact;
  }
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(last_packet(), "Contact: <sip:103@10.0.0.1:5060>")) << "it is told that the binding stands";
  EXPECT_TRUE(is_woken("one"));
}

TEST_F(Strangers, NorAFlowByItsRegId) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\";reg-id=1"));
  register_("<sip:x@203.0.113.66>;+sip.instance=\"<urn:a>\";reg-id=1", as_stranger());
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Strangers, NorWhenItsExpiryHasPassed) {
  register_(phone_with_names());
  pass(std::chrono::hours(24));
  register_("<sip:x@203.0.113.66>;label=mobile", as_stranger());
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Strangers, AreNotThePhoneThatComesByItsFlow) {
  register_(phone_with_names());
  register_("<sip:103@10.0.0.1:5060>;label=mobile", {.call_id = "rebooted", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Strangers, AreNotThePhoneThatHasMovedAndSaysItsCallId) {
  register_(phone_with_names());
  register_("<sip:103@10.9.9.9:5060>;label=mobile", {.cseq = 2, .from = "10.9.9.9:5060", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Strangers, AreNotThePhoneThatHasMovedAndSaysItsToken) {
  register_(phone_with_names());
  register_(iphone("10.9.9.9:5060"), {.call_id = "new", .from = "10.9.9.9:5060", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Strangers, AreNotTheTrustedPeerInFrontOfThePhones) {
  register_(phone_with_names());
  register_options from_peer = as_stranger();
  from_peer.trust = peer_trust::trusted;
  register_("<sip:x@203.0.113.66>;label=mobile", from_peer);
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Strangers, DoNotRemoveMobilesWithAStarEvenWhereTheOperatorLetsPhones) {
  config_.star = star_removes_push::yes;
  register_(phone_with_names());
  register_("*", as_stranger());
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Strangers, LeaveATombstoneForNobodyElse) {
  register_(phone_with_names());
  register_("<sip:x@203.0.113.66>;label=mobile", as_stranger());
  EXPECT_TRUE(has(register_(phone_with_names(), {.cseq = 2}), "send 200"));
}

TEST_F(Strangers, DoNotEvictASleepingPhone) {
  register_(phone_with_names(), {.expires = "60"});
  pass(seconds(3600));
  std::size_t refused = 0;
  for (int n = 0; n < 40; ++n) {
    const std::string host = "203.0.113.66:" + std::to_string(2000 + n);
    refused += has(register_(n % 2 == 0 ? android(host, "token" + std::to_string(n)) : desk(host),
                             {.call_id = "s" + std::to_string(n), .from = host}),
                   "send 403")
                   ? 1u
                   : 0u;
  }
  EXPECT_EQ(refused, 40 - (config_.contacts - 1));
  EXPECT_TRUE(has(last_packet(), "Warning: 399 reveille \"all contacts of this address-of-record are taken\"\r\n"));
  EXPECT_FALSE(noted("binding_evicted"));
  EXPECT_TRUE(has(register_(phone_with_names(), {.cseq = 2}), "send 200")) << "and it may come back";
}

TEST_F(Strangers, AreNotThePhoneWhoseFlowHasRung) {
  config_.contacts = 2;
  register_(phone_with_names(), {.expires = "60"});
  pass(seconds(120));
  register_(desk("10.0.0.9:5060"), {.call_id = "desk"});
  invite();
  response(1, 180);
  // The app beside the desk phone, by its flow.
  EXPECT_TRUE(has(register_(android("10.0.0.9:7000"), {.call_id = "app", .from = "10.0.0.9:5060"}), "send 200"));
  EXPECT_TRUE(noted("binding_evicted"));
}

TEST_F(Strangers, LeaveOtherCallersPlacesForTheirCalls) {
  register_(phone_with_names());
  caller_ = elsewhere;
  for (int n = 0; n < 40; ++n) invite("bad-" + std::to_string(n));
  EXPECT_TRUE(has(invite("bad"), "respond 480"));
  caller_ = "198.51.100.1:5060";
  EXPECT_FALSE(has(invite("good"), "respond 480"));
}

TEST_F(Strangers, LeaveOtherCallersPushes) {
  register_(phone_with_names());
  caller_ = elsewhere;
  std::uint32_t transaction = 0;
  for (int n = 0; n < 60; ++n) {
    invite("bad-" + std::to_string(n));
    cancel(++transaction);
  }
  EXPECT_EQ(pushes().size(), config_.pushes_per_minute);
  caller_ = "198.51.100.1:5060";
  EXPECT_TRUE(is_woken("good"));
}

TEST_F(Strangers, OfOneSourceCannotWakeAPhoneMoreOftenThanBefore) {
  register_(phone_with_names());
  for (std::uint32_t n = 1; n <= 60; ++n) {
    invite("c" + std::to_string(n));
    cancel(n);
  }
  EXPECT_EQ(pushes().size(), config_.pushes_per_minute);
}

/// Counts as a disk that held `found` AORs when it was opened.
class counted_store final : public store {
 public:
  bool try_load(shard_id, aor_key, const aor&, store_token) override { return false; }
  bool try_write(shard_id, aor_key, const aor&, store_mutation, store_token) override { return false; }
  std::uint64_t stored_at_start() const override { return found; }
  std::uint64_t found = 0;
};

TEST_F(Strangers, FillTheDiskWithNoMoreAorsThanTheBound) {
  counted_store disk;
  stored_aors aors(2, disk);
  stored_ = &aors;
  disk.found = 1;
  start(nullptr);
  EXPECT_TRUE(has(register_(iphone()), "send 200"));
  EXPECT_EQ(aors.count(), 2u);
  const subscriber_record known = stored();
  start(nullptr);  // another AOR
  EXPECT_EQ(register_(iphone()), "send 503");
  EXPECT_TRUE(has(last_packet(), "Retry-After: "));
  EXPECT_TRUE(noted("aors_full"));
  EXPECT_TRUE(subscriber_->unknown());
  EXPECT_EQ(register_("", {.cseq = 2, .expires = ""}), "send 200") << "a query stores nothing";
  start(&known);
  EXPECT_TRUE(has(register_(android(), {.call_id = "second"}), "send 200")) << "who is stored goes on";
  EXPECT_EQ(aors.count(), 2u);
}

TEST_F(Strangers, AreNotCountedBeforeTheDiskHasThem) {
  counted_store disk;
  stored_aors aors(10, disk);
  stored_ = &aors;
  start(nullptr);
  store_ = store_manner::silent;
  register_(iphone());
  EXPECT_TRUE(has(written(0, false), "send 503"));
  EXPECT_EQ(aors.count(), 0u);
  register_(iphone(), {.cseq = 2});
  EXPECT_TRUE(has(written(1), "send 200"));
  EXPECT_EQ(aors.count(), 1u);
}

}  // namespace
}  // namespace reveille
