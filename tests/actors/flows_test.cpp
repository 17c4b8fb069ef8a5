// Flows of one device (RFC 5626, SPEC 1 and 2.7): kept side by side by reg-id; one push, one INVITE, the next on failure.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

constexpr std::string_view first_address = "10.0.0.1:5060";
constexpr std::string_view second_address = "10.0.0.2:5060";
constexpr std::string_view outbound = "Supported: path, outbound\n";

class Flows : public SubscriberTest {
 protected:
  static std::string params(std::string_view reg_id, std::string_view more = {}) {
    return ";+sip.instance=\"<urn:uuid:a>\";reg-id=" + std::string(reg_id) + std::string(more);
  }
  std::string flow_registers(std::string_view reg_id, std::string_view from, std::string_view expires = "3600",
                             std::string_view lines = outbound) {
    return register_(iphone(from, token_a, params(reg_id)), named(from, expires, lines));
  }
  std::string desk_registers(std::string_view reg_id, std::string_view from) {
    return register_(desk(from, params(reg_id)), named(from, "3600", outbound));
  }
  register_options named(std::string_view from, std::string_view expires, std::string_view lines) {
    register_options o;
    o.call_id = "flow-" + std::to_string(++registers_);
    o.from = from;
    o.expires = expires;
    o.lines = lines;
    return o;
  }
  void register_two() {
    flow_registers("1", first_address);
    flow_registers("2", second_address);
  }

 private:
  int registers_ = 0;
};

TEST_F(Flows, OfOneInstanceAreKeptSideBySideAndListed) {
  register_two();
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  EXPECT_TRUE(has(last_packet(), "10.0.0.1:5060") && has(last_packet(), "10.0.0.2:5060")) << last_packet();
}

TEST_F(Flows, OfTheSameRegIdReplaceEachOther) {
  register_two();
  flow_registers("1", "10.0.0.7:5060");
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  EXPECT_FALSE(has(last_packet(), "10.0.0.1:5060")) << last_packet();
}

TEST_F(Flows, AreOneDeviceWithOnePushAndOneInvite) {
  register_two();
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
  EXPECT_TRUE(has(flow_registers("1", first_address), "forward b1 sip:103@10.0.0.1:5060"));
  EXPECT_FALSE(has(flow_registers("2", second_address), "forward")) << "the flow of its INVITE still stands";
  EXPECT_TRUE(has(response(1, 486), "respond 486")) << "nobody else is waited for";
}

TEST_F(Flows, ThePlainDeviceIsDialledByTheNewestAlone) {
  desk_registers("1", first_address);
  pass(seconds(1));
  desk_registers("2", second_address);
  const std::string text = invite();
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  EXPECT_TRUE(has(text, "sip:103@10.0.0.2:5060")) << text;
}

TEST_F(Flows, TheNextOneIsTriedWhenOneHasFailed) {
  for (const int how : {408, 430, 0}) {
    start(nullptr);
    desk_registers("1", first_address);
    pass(seconds(1));
    desk_registers("2", second_address);
    invite("call-" + std::to_string(how));
    const std::string text = how == 0 ? fail(1, branch_failed::why::transport_error) : response(1, how);
    EXPECT_TRUE(has(text, "forward b2 sip:103@10.0.0.1:5060")) << how << ": " << text;
    EXPECT_FALSE(has(text, "respond")) << how << ": " << text;
    EXPECT_TRUE(has(response(2, 408), "respond 408")) << "there is no third";
  }
}

TEST_F(Flows, AWokenPhonesOtherFlowIsTriedToo) {
  register_two();
  invite();
  flow_registers("2", second_address);
  EXPECT_TRUE(has(flow_registers("1", first_address), "send 200"));
  EXPECT_TRUE(has(response(1, 430), "forward b2 sip:103@10.0.0.1:5060"));
  EXPECT_FALSE(has(response(2, 430), "respond")) << "parked until the deadline";
  EXPECT_TRUE(has(flow_registers("1", first_address), "forward b3"));
}

TEST_F(Flows, ABusyPhoneIsNotAskedByItsOtherFlow) {
  desk_registers("1", first_address);
  desk_registers("2", second_address);
  invite();
  EXPECT_TRUE(has(response(1, 486), "respond 486"));
}

TEST_F(Flows, OneThatHasFailedIsNotDialledUntilItRegisters) {
  desk_registers("1", first_address);
  pass(seconds(1));
  desk_registers("2", second_address);
  invite("a");
  fail(1, branch_failed::why::transport_error);
  response(2, 486);
  EXPECT_TRUE(has(invite("b"), "forward b1 sip:103@10.0.0.1:5060"));
  response(1, 486);
  desk_registers("2", second_address);
  EXPECT_TRUE(has(invite("c"), "forward b1 sip:103@10.0.0.2:5060"));
}

TEST_F(Flows, AreGoodStillWhenOnlyWeHadNoRoom) {
  desk_registers("1", first_address);
  pass(seconds(1));
  desk_registers("2", second_address);
  invite("a");
  const std::string text = fail(1, branch_failed::why::no_room);
  EXPECT_FALSE(has(text, "forward")) << "another flow would find no room either: " << text;
  EXPECT_TRUE(has(text, "respond 503")) << text;
  EXPECT_TRUE(has(invite("b"), "forward b1 sip:103@10.0.0.2:5060")) << "the newest is dialled as ever";
}

TEST_F(Flows, OfAWokenPhoneAreGoodStillWhenOnlyWeHadNoRoom) {
  register_two();
  invite();
  flow_registers("2", second_address);
  EXPECT_FALSE(has(fail(1, branch_failed::why::no_room), "respond")) << "parked until the deadline";
  EXPECT_TRUE(has(flow_registers("2", second_address), "forward b2 sip:103@10.0.0.2:5060"));
}

TEST_F(Flows, OfAWokenPhoneAreDialledHoweverOftenWeHadNoRoomBefore) {
  register_two();
  invite();
  constexpr std::uint32_t often = 50;  // more than the branches that one device may have
  for (std::uint32_t branch = 1; branch <= often; ++branch) {
    const std::string text = flow_registers("2", second_address);
    ASSERT_TRUE(has(text, "forward b" + std::to_string(branch))) << text;
    ASSERT_FALSE(has(fail(branch, branch_failed::why::no_room), "respond"));
  }
}

TEST_F(Flows, TheBranchFollowsAFlowThatMoved) {
  register_two();
  invite();
  flow_registers("1", first_address);
  const std::string text = flow_registers("1", "10.0.0.7:5060");
  EXPECT_TRUE(has(text, "cancel b1") && has(text, "forward b2 sip:103@10.0.0.7:5060")) << text;
}

TEST_F(Flows, OneIsRemovedByItsRegIdAndTheDeviceStays) {
  register_two();
  invite();
  flow_registers("1", first_address, "0");
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_FALSE(has(pass(seconds(4)), "respond")) << "it has not un-registered";
  EXPECT_TRUE(has(flow_registers("2", second_address), "forward b1 sip:103@10.0.0.2:5060"));
  flow_registers("2", second_address, "0");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Flows, AllGoWithARemovalThatNamesTheDevice) {
  register_two();
  register_(iphone(first_address, token_a, ";+sip.instance=\"<urn:uuid:a>\""), named(first_address, "0", ""));
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Flows, AllAreReplacedByARegisterWithoutRegId) {
  register_two();
  register_(iphone("10.0.0.7:5060", token_a, ";+sip.instance=\"<urn:uuid:a>\""), named("10.0.0.7:5060", "3600", ""));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Flows, AreBoundedByFourTheLongestUnseenGoes) {
  for (int i = 1; i <= 5; ++i) {
    flow_registers(std::to_string(i), "10.0.0." + std::to_string(i) + ":5060");
    pass(seconds(1));
  }
  EXPECT_EQ(subscriber_->binding_count(), 4u);
  EXPECT_FALSE(has(last_packet(), "10.0.0.1:5060")) << last_packet();
  EXPECT_TRUE(noted("binding_evicted"));
}

TEST_F(Flows, ThatHaveExpiredGoWhileANewerOneHoldsThePush) {
  register_two();
  pass(seconds(3000));
  flow_registers("2", second_address);
  pass(seconds(1000));  // the first has expired
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Flows, OutliveTheProcessAsOneDevice) {
  register_two();
  const subscriber_record record = stored();
  start(&record);
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
  EXPECT_TRUE(has(flow_registers("2", second_address), "forward b1 sip:103@10.0.0.2:5060"));
}

TEST_F(Flows, ARecordWithoutThemIsWrittenAsBefore) {
  register_(iphone(first_address, token_a, ";+sip.instance=\"<urn:uuid:a>\""));
  EXPECT_EQ(stored().bindings.front(), '\2');
  register_two();
  EXPECT_EQ(stored().bindings.front(), '\3');
}

TEST_F(Flows, AreMergedWithTheDeviceWhoseNameOneOfThemTakes) {
  register_two();
  register_(android("10.0.0.5:5060", "fcm-token-1", ";label=m"), {.call_id = "two"});
  EXPECT_EQ(count(invite(), "invite"), 2u);
  wake(android("10.0.0.5:5060", "fcm-token-1", ";label=m"), "10.0.0.5:5060");
  const std::string text =
      register_(iphone(first_address, token_a, params("1", ";label=m")), named(first_address, "3600", outbound));
  EXPECT_EQ(subscriber_->binding_count(), 2u) << "its flows";
  EXPECT_TRUE(has(text, "cancel b1")) << text;
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  EXPECT_FALSE(has(flow_registers("2", second_address), "forward")) << "it is the same device";
}

// What the 200 announces (RFC 5626 6).

TEST_F(Flows, AreAnnouncedToAClientThatSupportsThem) {
  flow_registers("1", first_address);
  EXPECT_TRUE(has(last_packet(), "Require: outbound\r\n")) << last_packet();
  flow_registers("1", first_address, "3600", "");
  EXPECT_FALSE(has(last_packet(), "Require: outbound")) << last_packet();
}

TEST_F(Flows, AreNotAnnouncedWithoutRegIdOrInstance) {
  register_(iphone(first_address, token_a, ";+sip.instance=\"<urn:uuid:a>\""), named(first_address, "3600", outbound));
  EXPECT_FALSE(has(last_packet(), "Require: outbound")) << last_packet();
  register_(iphone(second_address, token_b, ";reg-id=1"), named(second_address, "3600", outbound));
  EXPECT_FALSE(has(last_packet(), "Require: outbound")) << last_packet();
  register_(iphone("10.0.0.3:5060", token_b, ";reg-id=2"), named("10.0.0.3:5060", "3600", outbound));
  EXPECT_EQ(subscriber_->binding_count(), 2u) << "reg-id without instance tells no flow";
}

TEST_F(Flows, BehindAnEdgeNeedItsWord) {
  const std::string via = "Via: SIP/2.0/UDP 10.0.0.99:5060;branch=z9hG4bK-phone\n";
  flow_registers("1", first_address, "3600", via + "Path: <sip:edge.example.com;lr;ob>\n" + std::string(outbound));
  EXPECT_TRUE(has(last_packet(), "Require: outbound\r\n")) << last_packet();
  const std::string silent = via + "Path: <sip:edge.example.com;lr>\n";
  EXPECT_TRUE(has(flow_registers("1", first_address, "3600", silent + std::string(outbound)), "send 439"));
  EXPECT_TRUE(has(flow_registers("1", first_address, "3600", via + std::string(outbound)), "send 439")) << "no Path at all";
  flow_registers("1", first_address, "3600", silent);
  EXPECT_FALSE(has(last_packet(), "Require: outbound")) << last_packet();
  flow_registers("2", second_address, "3600", silent);
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "the reg-id is ignored, the instance tells the device";
}

TEST_F(Flows, TwoInOneRegisterAreRefused) {
  const std::string both = iphone(first_address, token_a, params("1")) + ", " + desk("10.0.0.9:5060");
  EXPECT_TRUE(has(register_(both, named(first_address, "3600", outbound)), "send 400"));
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Flows, AMalformedRegIdIsNone) {
  for (const char* id : {"0", "x", "2147483648", "99999999999", ""}) {
    flow_registers(id, first_address);
    EXPECT_FALSE(has(last_packet(), "Require: outbound")) << id << last_packet();
  }
}

TEST_F(Flows, ARefreshKeepsAnnouncingThem) {
  register_options o = named(first_address, "3600", outbound);
  register_(iphone(first_address, token_a, params("1")), o);
  o.cseq = 2;
  EXPECT_EQ(count(register_(iphone(first_address, token_a, params("1")), o), "write bindings"), 0u);
  EXPECT_TRUE(has(last_packet(), "Require: outbound\r\n")) << last_packet();
}

}  // namespace
}  // namespace reveille
