#include "actors/subscriber_config.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

TEST(SubscriberConfig, TheDefaultsAreValid) { EXPECT_TRUE(subscriber_config{}.validate().empty()); }

TEST(SubscriberConfig, PlantsNoMistakeUnlessAsked) {
  const mistakes m{};
  EXPECT_FALSE(m.skip_late_register_check || m.skip_bucket_write || m.push_after_cancel || m.double_invite_per_register ||
               m.answer_480_and_487 || m.forget_parked_on_second_device || m.ignore_deadline || m.tell_answered_calls ||
               m.remove_token_on_stale_410 || m.release_on_other_device);
}

TEST(SubscriberConfig, NamesEveryFaultAtOnce) {
  subscriber_config c;
  c.answer_timeout = seconds(0);
  c.contacts = 0;
  c.default_expires = seconds(1);
  c.push = push_when::asleep;
  c.warn_agent = "two words";
  const auto faults = c.validate();
  EXPECT_GE(faults.size(), 5u);
}

TEST(SubscriberConfig, RefusesToNeitherPushNorDialALiveDevice) {
  subscriber_config c;
  c.push = push_when::asleep;
  EXPECT_EQ(c.validate().size(), 1u);
  c.live_flow = dial_live_flow::yes;
  EXPECT_TRUE(c.validate().empty());
}

}  // namespace
}  // namespace reveille
