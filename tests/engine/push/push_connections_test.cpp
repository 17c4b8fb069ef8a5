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

/// Stream ids end at 2^31-1 (RFC 9113 5.1.1); here they end much sooner.
class StreamIds : public ::testing::Test {
 protected:
  static push_limits few(std::uint32_t requests, std::uint16_t spare) {
    push_limits l;
    l.connection_requests = requests;
    l.spare_connections = spare;
    return l;
  }
  static void expect_all_once(const push_stage& s, std::uint32_t total) {
    EXPECT_EQ(s.ended(push_end::accepted), total);
    EXPECT_EQ(s.arrived.size(), total);
    for (const auto& [id, n] : s.arrivals) EXPECT_EQ(n, 1) << "push " << id;
    for (const auto& [number, n] : s.answers) EXPECT_EQ(n, 1) << "push " << number;
    EXPECT_EQ(s.counters().resent_unprocessed.value() + s.counters().resent_ambiguous.value(), 0u);
    EXPECT_EQ(s.counters().ambiguous.value(), 0u);
  }
};

TEST_F(StreamIds, AConnectionThatRunsOutOfThemIsReplacedAndNothingIsLostOrDoubled) {
  for (const std::uint16_t spare : {std::uint16_t{0}, std::uint16_t{1}}) {
    push_stage s(few(10, spare));
    for (std::uint32_t n = 1; n <= 95; ++n) s.submit(n);  // a burst, over ten connections
    s.settle();
    for (std::uint32_t n = 96; n <= 200; ++n) {  // and one by one
      s.submit(n);
      s.settle();
    }
    expect_all_once(s, 200);
    std::map<int, int> on;
    for (const arrived_push& p : s.arrived) ++on[p.connection];
    for (const auto& [connection, n] : on) EXPECT_LE(n, 10) << connection;
    EXPECT_EQ(s.opens, 21 + spare);  // twenty are used up; the next is warm, and the spare beside it
    EXPECT_EQ(s.ends.size(), 1U + spare);  // those that ran out are closed
    EXPECT_EQ(s.counters().connect_failures.value(), 0u);
  }
}

TEST_F(StreamIds, WhatIsStillOnTheOldConnectionHasItsAnswerThere) {
  push_stage s(few(10, 0));
  std::vector<arrived_push> held;
  s.policy = [&](push_stage::provider_end& e, const arrived_push& p) { e.number == 0 ? held.push_back(p) : e.answer(p, 200); };
  for (std::uint32_t n = 1; n <= 15; ++n) s.submit(n);
  s.settle();
  EXPECT_EQ(held.size(), 10u);
  EXPECT_EQ(s.ended(push_end::accepted), 5u);
  s.advance(seconds(1));
  for (const arrived_push& p : held) s.end(0).answer(p, 200);
  s.settle();
  expect_all_once(s, 15);
  EXPECT_EQ(s.ends.size(), 1u);
}

TEST_F(StreamIds, TheLastOfThemMayBeWithdrawn) {
  push_stage s(few(3, 0));
  s.settle();
  for (std::uint32_t n = 1; n <= 4; ++n) s.submit(n);
  s.worker->pump(s.now);  // three are submitted, and have not left
  s.worker->withdraw({aor_key{7}, 3}, s.now);
  s.settle();
  EXPECT_EQ(s.outcome(3), "withdrawn");
  for (const std::uint32_t n : {1U, 2U, 4U}) EXPECT_EQ(s.outcome(n), "accepted") << n;
  EXPECT_EQ(s.arrived.size(), 3u);
  EXPECT_EQ(s.ends.size(), 1u);
}

TEST(PushConnections, ACallThatEndsWhileItsPushIsStillBeingWrittenRingsNoPhone) {
  http2::server_config narrow = push_stage::generous();
  narrow.stream_window = 1000;
  push_stage s({}, narrow);
  s.settle();
  s.credentials.at(0)->body_size = 4000;
  s.end(0).session.hold_windows();
  s.submit(1);
  s.settle();
  EXPECT_TRUE(s.arrived.empty());
  s.worker->withdraw({aor_key{7}, 1}, s.now);
  EXPECT_EQ(s.outcome(1), "withdrawn");
  s.advance(seconds(10));
  EXPECT_TRUE(s.arrived.empty());
  EXPECT_EQ(s.counters().ambiguous.value(), 0u);
}

TEST(PushConnections, ACertificateThatTheServiceRefusesAfterTheHandshakeIsToldOnce) {
  push_stage s;
  const auto refuse = [&] {
    s.settle();
    const push_connection_id id = s.ends.begin()->first;
    s.ends.clear();
    s.worker->closed(id, s.now, tls_alert{open_failure::certificate, "certificate expired"});
    s.advance(seconds(12));
  };
  for (int i = 0; i < 5; ++i) refuse();
  ASSERT_EQ(s.notices.size(), 1u);
  EXPECT_EQ(s.notices[0], "warning: cred-0: refused by push.example (certificate): certificate expired");
  const auto& failures = s.worker->apps().at(0).second.shared->connect_failures;
  EXPECT_EQ(failures[static_cast<std::size_t>(open_failure::certificate)].value(), 5u);
  s.submit(1);
  s.advance(seconds(12));
  EXPECT_EQ(s.outcome(1), "accepted");
  ASSERT_EQ(s.notices.size(), 2u);
  EXPECT_EQ(s.notices[1], "info: cred-0: connected to push.example again");
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
