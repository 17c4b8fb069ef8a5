// A full inbox between shards: who is dropped and who is not (ARCHITECTURE 3, bound at the entrance).
#include <gtest/gtest.h>

#include <new>

#include "engine/shard/shard_inbox.hpp"
#include "tests/sip/make_message.hpp"

namespace reveille {
namespace {

hand_over request(const std::string& method) {
  return datagram_for{sip::make_message(method + " sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\n"
                                        "Max-Forwards: 70\nFrom: <sip:a@b>;tag=1\nTo: <sip:103@example.com>\nCall-ID: c\nCSeq: 1 " +
                                        method + "\nContent-Length: 0\n\n"),
                      {}};
}

TEST(InboxRoom, DropsNewWorkAtTheLimit) {
  for (const char* method : {"INVITE", "REGISTER", "MESSAGE"}) {
    EXPECT_TRUE(has_room_for(request(method), 9, 10)) << method;
    EXPECT_FALSE(has_room_for(request(method), 10, 10)) << method;
  }
}

TEST(InboxRoom, KeepsAsMuchRoomAgainForWhatEndsWork) {
  const hand_over ok = datagram_for{sip::make_message("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n"
                                                      "To: <sip:c@d>;tag=2\nCall-ID: c\nCSeq: 1 INVITE\nContent-Length: 0\n\n"),
                                    {}};
  EXPECT_TRUE(has_room_for(ok, 10, 10));
  EXPECT_FALSE(has_room_for(ok, 20, 10)) << "bounded all the same";
  for (const char* method : {"ACK", "CANCEL", "PRACK", "BYE"}) EXPECT_TRUE(has_room_for(request(method), 10, 10)) << method;
}

TEST(InboxRoom, BoundsTheRequestsOfSubscribersToo) {
  const auto m = sip::make_message("REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\nMax-Forwards: 70\n"
                                   "From: <sip:a@b>;tag=1\nTo: <sip:103@example.com>\nCall-ID: c\nCSeq: 1 REGISTER\nContent-Length: 0\n\n");
  const hand_over registering = event_for{{}, {}, register_received{m, {}}};
  const hand_over calling = event_for{{}, {}, request_received{m, {}, {}, peer_trust::open}};
  for (const hand_over* h : {&registering, &calling}) {
    EXPECT_TRUE(has_room_for(*h, 9, 10));
    EXPECT_FALSE(has_room_for(*h, 10, 10));
  }
  EXPECT_TRUE(has_room_for(event_for{{}, {}, cancel_received{}}, 1000, 10)) << "a CANCEL is never refused";
}

TEST(InboxRoom, NeverDropsWhatSomebodyIsOwed) {
  EXPECT_TRUE(has_room_for(response_for{}, 1000, 10));
  EXPECT_TRUE(has_room_for(event_for{{}, {}, write_finished{}}, 1000, 10));
}

TEST(ShardInbox, SaysSinceWhenEachHandOverWaits) {
  shard_inbox subject;
  const steady_time first{milliseconds(70)}, second{milliseconds(90)};
  EXPECT_TRUE(subject.post(hand_over(response_for{}), first));
  EXPECT_FALSE(subject.post(hand_over(response_for{}), second));
  EXPECT_FALSE(subject.post(records_written{}));
  std::vector<steady_time> told;
  EXPECT_EQ(subject.take(10, [&](inbox_content&&, steady_time since) { told.push_back(since); }), 3U);
  EXPECT_EQ(told, (std::vector<steady_time>{first, second, {}}));
}

/// A turn that finds no memory ends with an exception and costs what it had in hand, not the room of it for ever.
TEST(ShardInbox, HasTheRoomOfWhatThrewAgain) {
  shard_inbox subject;
  for (int i = 0; i < 3; ++i) subject.post(hand_over(response_for{}));
  int told = 0;
  const auto second_throws = [&](inbox_content&&, steady_time) {
    if (++told == 2) throw std::bad_alloc();
  };
  EXPECT_THROW(subject.take(10, second_throws), std::bad_alloc);
  EXPECT_EQ(subject.length(), 1U);
  EXPECT_EQ(subject.take(10, second_throws), 1U);
  EXPECT_EQ(subject.length(), 0U);
}

}  // namespace
}  // namespace reveille
