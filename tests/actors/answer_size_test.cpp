// How much a 200 to a REGISTER may say to whom (SPEC 2.4b).
#include "actors/registration.hpp"
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class AnswerSize : public SubscriberTest {
 protected:
  void a_dozen_phones(std::size_t octets) {
    for (std::size_t n = 0; n < 12; ++n) {
      const std::string host = "10.0.1." + std::to_string(n + 1) + ":5060";
      register_(desk(host, ";x=" + std::string(octets, 'x')), {.call_id = "c" + std::to_string(n)});
    }
    ASSERT_EQ(subscriber_->binding_count(), 12u);
  }
  std::size_t listed() const { return count(last_packet(), "\r\nContact: "); }
  std::size_t fetch(std::string_view from, peer_trust trust = peer_trust::open) {
    register_("", {.call_id = "fetch", .cseq = ++cseq_, .from = std::string(from), .expires = "", .trust = trust});
    return last_packet().size();
  }
  std::uint32_t cseq_ = 0;
};

TEST_F(AnswerSize, AStrangersFetchGetsAtMostThreeTimesItsOctets) {
  a_dozen_phones(500);
  const std::size_t octets = fetch("203.0.113.66:6666");
  EXPECT_LE(octets, 3 * 250u) << last_packet();
  EXPECT_TRUE(noted("contacts_unlisted"));
}

TEST_F(AnswerSize, AStrangersFetchListsWhatFits) {
  register_(desk());
  fetch("203.0.113.66:6666");
  EXPECT_EQ(listed(), 1u);
  EXPECT_FALSE(noted("contacts_unlisted"));
}

TEST_F(AnswerSize, AFlowThatHasAnsweredSeesAll) {
  a_dozen_phones(500);
  invite();
  fetch("10.0.1.3:5060");
  EXPECT_LT(listed(), 12u) << "it has a contact, and has answered nothing";
  response(3, 180);
  fetch("10.0.1.3:5060");
  EXPECT_EQ(listed(), 12u);
}

TEST_F(AnswerSize, ATrustedPeerSeesAll) {
  a_dozen_phones(500);
  fetch("203.0.113.66:6666", peer_trust::trusted);
  EXPECT_EQ(listed(), 12u);
}

TEST_F(AnswerSize, WhatDoesNotFitLeavesTheSendersOwn) {
  config_.contact_octets = 100'000;
  a_dozen_phones(1500);
  EXPECT_TRUE(has(register_(desk("10.0.1.7:5060", ";x=" + std::string(1500, 'x')),
                            {.call_id = "c6", .cseq = 2, .trust = peer_trust::trusted}),
                  "send 200"));
  EXPECT_TRUE(has(last_packet(), "Contact: <sip:103@10.0.1.7:5060>"));
  EXPECT_LE(last_packet().size(), answer_octets_limit);
  EXPECT_LT(listed(), 12u);
}

TEST_F(AnswerSize, OnesOwnContactIsListedHoweverLong) {
  a_dozen_phones(500);
  register_(desk("10.0.1.7:5060", ";x=" + std::string(600, 'x')), {.call_id = "c6", .cseq = 2});
  EXPECT_TRUE(has(last_packet(), "Contact: <sip:103@10.0.1.7:5060>;x=" + std::string(600, 'x')));
}

TEST_F(AnswerSize, AFamilyOfPhonesSeesEachOtherAtItsFirstRegister) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(desk(), {.call_id = "desk"});
  register_(android("10.0.0.2:5060", "fcm-token-1", ";+sip.instance=\"<urn:b>\""), {.call_id = "phone-2"});
  EXPECT_EQ(listed(), 3u);
}

}  // namespace
}  // namespace reveille
