// The same phones and callers, on real sockets against a fake engine in a thread of its own.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "core/system_ports.hpp"
#include "simulator/load/load_run.hpp"
#include "simulator/load/push_feed.hpp"
#include "simulator/load/udp_sockets.hpp"
#include "tests/simulator/load/fake_engine.hpp"

namespace reveille::load {
namespace {

/// A fake engine on one UDP socket at a free port.
class udp_engine {
 public:
  explicit udp_engine(mock_providers::device_sink& sink) : sink_(sink) {
    auto opened = udp_sockets::open({"127.0.0.1"}, 1);
    EXPECT_TRUE(opened.has_value());
    sockets_ = std::move(*opened);
    thread_ = std::thread([this] { serve(); });
  }
  ~udp_engine() {
    stop_ = true;
    thread_.join();
  }
  endpoint address() const { return sockets_->local(0); }

 private:
  void serve() {
    const system_clock_port time_source;
    fake_engine engine(sockets_->local(0), {});
    while (!stop_) {
      sockets_->wait(milliseconds(1), [&](std::uint16_t, const endpoint& from, std::string_view bytes) {
        engine.on_datagram(from, bytes, time_source.now().steady);
      });
      engine.advance(time_source.now().steady);
      for (const auto& d : engine.take_datagrams()) sockets_->send(0, d.to, d.bytes);
      sockets_->flush();
      for (const push_seen& p : engine.take_pushes()) {
        const wall_time now = time_source.now().wall;
        sink_.deliver({p.fcm ? pns::provider::fcm : pns::provider::apns, p.token, "", "", p.id, p.payload, now, now});
      }
    }
  }
  mock_providers::device_sink& sink_;
  std::unique_ptr<udp_sockets> sockets_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST(UdpLoad, WakesPhonesThroughRealSockets) {
  const system_clock_port time_source;
  push_feed feed(time_source);
  udp_engine engine(feed);
  load_options o;
  o.engine = engine.address();
  o.subscribers = 500;
  o.sockets = 20;
  o.caller_sockets = 2;
  o.calls_per_second = 200;
  o.duration = milliseconds(500);
  o.ring_time = seconds(2);
  o.grace = milliseconds(1500);  // other tests may keep both cores busy
  o.wake_delay = *delay::parse("uniform:10ms..50ms");
  o.answer_delay = *delay::parse("20ms");
  o.hang_up_delay = *delay::parse("20ms");
  o.talk_time = *delay::parse("20ms");
  auto sockets = udp_sockets::open({"127.0.1.1", "127.0.1.2"}, o.sockets + o.caller_sockets);
  ASSERT_TRUE(sockets.has_value()) << sockets.error().what;
  ASSERT_TRUE((*sockets)->watch(feed.descriptor()).has_value());
  seeded_random random(1);
  load_run run(o, "udp", **sockets, random, time_source.now().steady);
  std::vector<push_seen> arrived;
  while (!run.done()) {
    (*sockets)->wait(milliseconds(1), [&](std::uint16_t socket, const endpoint& from, std::string_view bytes) {
      run.on_datagram(socket, from, bytes, time_source.now().steady);
    });
    feed.take(arrived);
    const steady_time now = time_source.now().steady;
    for (const push_seen& p : arrived) run.on_push(p, now);
    run.advance(now);
    (*sockets)->flush();
  }
  report::run_report r;
  run.fill(r);
  EXPECT_EQ(r.violation_count, 0U) << report::write_table(r);
  EXPECT_EQ(r.registrations.registered, 500U);
  EXPECT_GT(r.calls.answered, 50U);
  EXPECT_EQ(r.missed.told, r.missed.expected);
  EXPECT_GT(r.stages[report::index_of(report::stage::register_to_invite)].count(), 50U);
}

TEST(PushFeed, HandsPushesOverAndDatesThemBack) {
  const system_clock_port time_source;
  push_feed feed(time_source);
  const instant now = time_source.now();
  std::thread other([&] {
    feed.deliver({pns::provider::apns, "token", "app", "voip", "id", "{}", now.wall - seconds(2), now.wall});
  });
  other.join();
  std::vector<push_seen> arrived;
  feed.take(arrived);
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].token, "token");
  EXPECT_NEAR(static_cast<double>((now.steady - arrived[0].at_provider).count()), 2e9, 1e8);
  feed.take(arrived);
  EXPECT_TRUE(arrived.empty());
}

}  // namespace
}  // namespace reveille::load
