/// Connections that go and come: nothing waits for a handshake that could have been made before.
#include <gtest/gtest.h>

#include "tests/engine/push/push_stage.hpp"

namespace reveille::testing {
namespace {

push_limits with_spare() {
  push_limits l;
  l.spare_connections = 1;
  return l;
}

void go_away(push_stage::provider_end& e) {
  e.session.goaway(e.session.latest_stream(), http2::error_code::no_error, "");
}

TEST(PushConnections, ASpareCarriesNothingWhileItsElderServes) {
  push_stage s(with_spare());
  for (std::uint32_t n = 1; n <= 20; ++n) s.submit(n);
  s.settle();
  EXPECT_EQ(s.opens, 2);
  ASSERT_EQ(s.arrived.size(), 20u);
  for (const arrived_push& p : s.arrived) EXPECT_EQ(p.connection, 0);
}

TEST(PushConnections, TheSpareTakesOverWithoutAHandshakeWhenGoawayComes) {
  push_stage s(with_spare());
  s.submit(1);
  s.settle();
  s.hold_connections = true;  // no further one is made now
  go_away(s.end(0));
  s.settle();
  s.submit(2);
  s.settle();
  EXPECT_EQ(s.outcome(2), "accepted");
  EXPECT_EQ(s.arrived.at(1).connection, 1);
  EXPECT_EQ(s.opens, 3);  // the next spare is on its way
}

TEST(PushConnections, TheSpareTakesOverFromAConnectionThatBreaksAndWhatItHeldGoesElsewhere) {
  push_stage s(with_spare());
  s.settle();
  s.policy = [](push_stage::provider_end& e, const arrived_push& p) {
    if (e.number != 0) e.answer(p, 200);
  };
  s.submit(1);
  s.settle();
  s.hold_connections = true;
  s.cut(0);
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.counters().resent_ambiguous.value(), 1u);
}

TEST(PushConnections, ARepeatThatMustGoElsewhereGoesToTheSpareAtOnce) {
  push_stage s(with_spare());
  s.settle();
  s.hold_connections = true;
  s.policy = [](push_stage::provider_end& e, const arrived_push& p) { e.answer(p, e.number == 0 ? 503 : 200, "ServiceUnavailable"); };
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "accepted");
}

TEST(PushConnections, OldConnectionsGoOneByOneAndNoneBeforeAYoungOneStands) {
  push_limits l = with_spare();
  l.connections = l.warm_connections = 2;
  l.connection_age = seconds(3600);
  push_stage s(l);
  s.settle();
  EXPECT_EQ(s.opens, 3);
  s.hold_connections = true;
  std::uint32_t n = 0;
  for (int i = 0; i < 60; ++i) {  // two hours: the spare has gone, those that carry pushes have not
    s.submit(++n);
    s.advance(seconds(120));
    ASSERT_EQ(s.outcome(n), "accepted") << n;
    ASSERT_GE(s.counters().connections.value(), 2u);
  }
  EXPECT_EQ(s.opens, 4);
  s.hold_connections = false;
  for (int i = 0; i < 20; ++i) {
    s.submit(++n);
    s.advance(seconds(120));
    ASSERT_EQ(s.outcome(n), "accepted") << n;
    ASSERT_GE(s.counters().connections.value(), 2u);
  }
  for (const auto& [id, e] : s.ends) EXPECT_GE(e->number, 3);  // all three are young
}

TEST(PushConnections, AStatusIsTheAnswerThoughTheEndOfItsBodyNeverComes) {
  push_stage s;
  s.settle();
  s.end(0).hold_back = 5;
  s.policy = [](push_stage::provider_end& e, const arrived_push& p) {
    e.session.respond(p.stream, 200, {}, R"({"name":"projects/p/messages/1"})");
  };
  s.submit(1);
  s.advance(push_limits{}.answer_timeout + milliseconds(100));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.arrivals["1"], 1);  // not sent again
  EXPECT_EQ(s.counters().ambiguous.value(), 0u);
}

TEST(PushConnections, ANarrowWindowSpreadsPushesOverTheConnectionsThatAreAllowed) {
  http2::server_config narrow = push_stage::generous();
  narrow.connection_window = 65'535;
  push_limits l;
  l.connections = 4;
  push_stage s(l, narrow);
  s.settle();
  s.credentials.at(0)->body_size = 4096;
  s.end(0).session.hold_windows();  // reads, but takes its time
  for (std::uint32_t n = 1; n <= 60; ++n) s.submit(n);
  s.settle();
  std::map<int, int> by_connection;
  for (const arrived_push& p : s.arrived) ++by_connection[p.connection];
  EXPECT_LE(by_connection[0], 16);
  EXPECT_GE(by_connection.size(), 2u);
  EXPECT_GE(s.arrived.size(), 59u);  // one may be caught in the narrow one
}

}  // namespace
}  // namespace reveille::testing
