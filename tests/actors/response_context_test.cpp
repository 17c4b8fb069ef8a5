// The forking core by itself (RFC 3261 16.7, SPEC 3.5); with devices around it: forking_test, call_race_test.
#include "sip/response_context.hpp"

#include <gtest/gtest.h>

#include "tests/sip/make_message.hpp"

namespace reveille::sip {
namespace {

message_ptr response(int status, std::string_view lines = {}) {
  return make_message("SIP/2.0 " + std::to_string(status) +
                      " X\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-o\nFrom: <sip:a@b>;tag=c\nTo: <sip:a@b>;tag=p\n"
                      "Call-ID: i\nCSeq: 1 INVITE\n" + std::string(lines) + "Content-Length: 0\n\n");
}

using kind = response_context::kind;
using no_answer = response_context::no_answer;
using origin = response_context::origin;
using relay = response_context::relay;

struct selection {
  std::vector<int> finals;
  int best;
};

class BestResponse : public ::testing::TestWithParam<selection> {};

TEST_P(BestResponse, IsChosenAsRfc3261Says) {
  response_context c(kind::invite);
  std::uint32_t branch = 0;
  for (std::size_t i = 0; i < GetParam().finals.size(); ++i) c.dial(static_cast<std::uint32_t>(i + 1), origin::fresh);
  for (const int status : GetParam().finals) {
    EXPECT_FALSE(c.take_final()) << "every branch is awaited";
    c.on_failure(++branch, response(status));
  }
  const auto answer = c.take_final();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, GetParam().best);
  EXPECT_FALSE(c.take_final()) << "once";
}
INSTANTIATE_TEST_SUITE_P(Table, BestResponse,
                         ::testing::Values(selection{{486}, 486}, selection{{500, 486}, 486}, selection{{486, 302}, 302},
                                           selection{{486, 480}, 486}, selection{{404, 401}, 401},
                                           selection{{603, 302}, 603}, selection{{302, 603}, 603},
                                           selection{{486, 415}, 415}, selection{{503}, 500}, selection{{503, 486}, 486},
                                           selection{{407, 484}, 407}, selection{{600, 603}, 600}));

TEST(ResponseContext, APlaceKeepsTheFinalResponseWaiting) {
  response_context c(kind::invite);
  c.park();
  c.dial(1, origin::fresh);
  c.on_failure(1, response(486));
  EXPECT_FALSE(c.take_final());
  c.end_place();
  EXPECT_EQ(c.take_final()->status, 486);
}

TEST(ResponseContext, APlaceThatEndedCountsAs480) {
  response_context c(kind::invite);
  c.park();
  c.end_place();
  const auto answer = c.take_final();
  EXPECT_EQ(answer->status, 480);
  EXPECT_FALSE(answer->response);
}

TEST(ResponseContext, SilenceIs408UnlessAPlaceSaysMore) {
  response_context c(kind::invite);
  c.dial(1, origin::fresh);
  c.on_no_answer(1, no_answer::silent);
  EXPECT_EQ(c.take_final()->status, 408);
  response_context d(kind::invite);
  d.park();
  d.dial(1, origin::fresh);
  d.on_no_answer(1, no_answer::silent);
  d.end_place();
  EXPECT_EQ(d.take_final()->status, 480);
}

TEST(ResponseContext, SilenceLosesToAnyResponseOfAPhone) {
  response_context c(kind::invite);
  c.dial(1, origin::fresh);
  c.dial(2, origin::fresh);
  c.on_no_answer(1, no_answer::silent);
  c.on_failure(2, response(500));
  EXPECT_EQ(c.take_final()->status, 500);
}

// RFC 3261 16.9: a transport error is a 503 of the branch, and 16.7 step 6 lets none of those go up.
TEST(ResponseContext, AnUnreachablePhoneIs500AndALackOfOurs503) {
  for (const auto k : {kind::invite, kind::other}) {
    response_context c(k);
    c.dial(1, origin::fresh);
    c.on_no_answer(1, no_answer::unreachable);
    EXPECT_EQ(c.take_final()->status, 500);
    response_context d(k);
    d.dial(1, origin::fresh);
    d.dial(2, origin::fresh);
    d.on_no_answer(1, no_answer::unreachable);
    EXPECT_FALSE(d.take_final());
    d.on_no_answer(2, no_answer::no_room);
    EXPECT_EQ(d.take_final()->status, 503) << "he may come again";
  }
}

TEST(ResponseContext, WhatAPhoneOrAPlaceSaidWinsOverBranchesWithoutAnAnswer) {
  for (const auto why : {no_answer::silent, no_answer::unreachable, no_answer::no_room}) {
    response_context c(kind::invite);
    c.dial(1, origin::fresh);
    c.dial(2, origin::fresh);
    c.on_no_answer(1, why);
    c.on_failure(2, response(486));
    EXPECT_EQ(c.take_final()->status, 486);
    response_context d(kind::invite);
    d.park();
    d.dial(1, origin::fresh);
    d.on_no_answer(1, why);
    d.end_place();
    EXPECT_EQ(d.take_final()->status, 480);
    response_context e(kind::invite);
    e.dial(1, origin::fresh);
    e.dial(2, origin::fresh);
    e.on_no_answer(1, why);
    e.on_no_answer(2, no_answer::silent);
    EXPECT_EQ(e.take_final()->status, 408) << "of the lowest class";
    response_context f(kind::invite);
    f.dial(1, origin::fresh);
    f.abandon(1);
    f.dial(2, origin::fresh);
    f.on_no_answer(1, why);
    f.on_no_answer(2, no_answer::silent);
    EXPECT_EQ(f.take_final()->status, 408) << "an abandoned branch has no say";
  }
}

TEST(ResponseContext, OtherRequestsNeverGet408) {
  response_context c(kind::other);
  c.dial(1, origin::fresh);
  c.on_no_answer(1, no_answer::silent);
  EXPECT_EQ(c.take_final()->status, 480) << "RFC 4320";
}

TEST(ResponseContext, OtherRequestsGetTheFirst2xxOnly) {
  response_context c(kind::other);
  c.dial(1, origin::fresh);
  c.dial(2, origin::fresh);
  EXPECT_EQ(c.on_success(1), relay::forward);
  EXPECT_EQ(c.on_success(2), relay::absorb);
}

TEST(ResponseContext, TheFirstDecisionStands) {
  response_context c(kind::invite);
  c.dial(1, origin::fresh);
  EXPECT_TRUE(c.decide(fork_outcome::cancelled));
  EXPECT_FALSE(c.decide(fork_outcome::expired));
  c.on_failure(1, response(603));
  EXPECT_EQ(c.take_final()->status, 487) << "the caller hung up first";
}

TEST(ResponseContext, A487WaitsForAbandonedBranchesToo) {
  response_context c(kind::invite);
  c.dial(1, origin::fresh);
  c.abandon(1);
  c.dial(2, origin::fresh);
  c.decide(fork_outcome::cancelled);
  c.on_failure(2, response(487));
  EXPECT_FALSE(c.take_final());
  c.give_up(1);
  EXPECT_EQ(c.take_final()->status, 487);
}

TEST(ResponseContext, ABranchParkedAgainIsAPlace) {
  response_context c(kind::invite);
  c.park();
  c.dial(1, origin::place);
  EXPECT_EQ(c.places(), 0u);
  c.park_again(1);
  EXPECT_EQ(c.places(), 1u);
  EXPECT_FALSE(c.take_final());
}

TEST(ResponseContext, TheEchoOfOurOwnCancelIsNoAnswerOfAPhone) {
  response_context c(kind::invite);
  c.dial(1, origin::fresh);
  c.on_provisional(1);
  c.decide(fork_outcome::expired);
  c.mark_cancelled(1);
  c.on_failure(1, response(487));
  EXPECT_EQ(c.take_final()->status, 480);
}

TEST(ResponseContext, CollectsChallengesOfTheOthersOnly) {
  response_context c(kind::invite);
  c.dial(1, origin::fresh);
  c.dial(2, origin::fresh);
  c.on_failure(1, response(407, "Proxy-Authenticate: Digest realm=\"one\"\n"));
  c.on_failure(2, response(401, "WWW-Authenticate: Digest realm=\"two\"\nWWW-Authenticate: Digest realm=\"three\"\n"));
  const auto answer = c.take_final();
  EXPECT_EQ(answer->status, 407);
  EXPECT_EQ(answer->challenges, "WWW-Authenticate: Digest realm=\"two\"\r\nWWW-Authenticate: Digest realm=\"three\"\r\n");
}

TEST(ResponseContext, FindsTheAnsweredElsewhereReasonAmongOthers) {
  EXPECT_TRUE(says_answered_elsewhere(*response(200, "Reason: Q.850;cause=16, SIP ;cause=200;text=\"a, b\"\n")));
  EXPECT_TRUE(says_answered_elsewhere(*response(200, "Reason: sip;cause=200\n")));
  EXPECT_FALSE(says_answered_elsewhere(*response(200, "Reason: Q.850;cause=200\n")));
  EXPECT_FALSE(says_answered_elsewhere(*response(200, "Reason: SIP;cause=600;text=\"cause=200\"\n")));
  EXPECT_FALSE(says_answered_elsewhere(*response(200)));
}

}  // namespace
}  // namespace reveille::sip
