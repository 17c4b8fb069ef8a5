// A shard with its real home, whose store lets wait: what is queued behind a load, and who ends it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "tests/engine/shard/lone_shard.hpp"
#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

constexpr std::uint16_t phone = 5070, caller = 5080;
constexpr std::size_t behind_a_load = 4;

class keeping_store final : public store {
 public:
  struct asked {
    aor_key key;
    aor of;
    store_token token;
  };
  bool try_load(shard_id, aor_key key, const aor& of, store_token token) override {
    loads.push_back({key, of, token});
    return true;
  }
  bool try_write(shard_id, aor_key key, const aor& of, store_mutation change, store_token token) override {
    if (const auto* put = std::get_if<put_bindings>(&change)) bindings = put->encoded;
    writes.push_back({key, of, token});
    return true;
  }
  std::vector<asked> loads, writes;
  std::string bindings;   ///< of the one subscriber
};

class lines_outlet final : public shard_outlet {
 public:
  bool transmit(const flow& to, const sip::packet& packet) override {
    sent.emplace_back(to.remote.port, std::string(packet.view()));
    return true;
  }
  bool hand_over_to(shard_id, hand_over&&) override { return true; }
  std::vector<std::pair<std::uint16_t, std::string>> sent;
};

class ColdSubscriber : public ::testing::Test {
 protected:
  void arrive(std::string_view text, std::uint16_t port) {
    const std::string octets = sip::with_crlf(std::string(text));
    slab_ptr bytes = sip::test_pool().take(octets.size() + sip::message::index_room);
    std::memcpy(bytes->data(), octets.data(), octets.size());
    flow from;
    from.remote = shard_bench::phone(port);
    from.local = at("192.0.2.1:5060");
    subject.on_datagram(std::move(bytes), octets.size(), from, now);
  }
  void pass(nanoseconds by) {
    for (const instant end = now + by; now.steady < end.steady;) {
      now = now + milliseconds(10);
      subject.on_timer(now);
    }
  }
  void load() {
    std::vector<keeping_store::asked> all;
    all.swap(disk.loads);
    for (auto& a : all) {
      std::optional<subscriber_record> record;
      if (!disk.bindings.empty()) record.emplace().bindings = disk.bindings;
      subject.on_loaded(a.key, a.of, a.token, std::move(record), now);
    }
  }
  void written() {
    std::vector<keeping_store::asked> all;
    all.swap(disk.writes);
    for (auto& a : all) subject.on_written(a.key, a.of, a.token, true, now);
  }
  /// Lines that went to this port since the last call, `begin` first.
  std::size_t count(std::uint16_t port, std::string_view begin) const {
    return static_cast<std::size_t>(std::count_if(out.sent.begin(), out.sent.end(), [&](const auto& s) {
      return s.first == port && s.second.starts_with(begin);
    }));
  }
  static std::string of_call(std::string_view method, std::size_t n) {
    return request_text{.method = method, .branch = "z9hG4bKc" + std::to_string(n), .call_id = "cold-" + std::to_string(n)}.text();
  }

  instant now = noon;
  seeded_random random{7};
  subscriber_config settings;
  actor_host host{actor_scheduling::stepped};
  keeping_store disk;
  silent_gateway pushes;
  lines_outlet out;
  home* of = nullptr;
  shard_config config = lone_shard();
  shard subject{shard_id{0}, config,
                {out, pushes, random, sip::test_pool(),
                 [this](home_outlet& outlet, const instant& start) {
                   home_config bounds;
                   bounds.queue_limit = behind_a_load;
                   auto made = std::make_unique<home>(host, bounds, shard_context{settings, sip::test_pool(), random, shard_id{0}},
                                                      disk, outlet, start.steady);
                   of = made.get();
                   return made;
                 }},
                now};
};

TEST_F(ColdSubscriber, WhoseQueueIsFullIsToldOfACancelAllTheSame) {
  arrive(register_text("103", phone), phone);
  load();
  written();
  ASSERT_EQ(count(phone, "SIP/2.0 200 "), 1U);
  pass(seconds(1));
  ASSERT_EQ(of->retire_idle(now), 0U);
  out.sent.clear();

  for (std::size_t n = 0; n < behind_a_load + 2; ++n) arrive(of_call("INVITE", n), caller);
  EXPECT_EQ(of->counters().queue_full, 2U);
  EXPECT_EQ(count(caller, "SIP/2.0 503 "), 2U);
  arrive(of_call("CANCEL", 1), caller);
  EXPECT_EQ(count(caller, "SIP/2.0 200 "), 1U);
  load();
  written();
  pass(milliseconds(100));

  // The phone may have the INVITE by now; as soon as it says so it is told (RFC 3261 9.1).
  const auto sent = out.sent;
  for (const auto& [port, text] : sent) {
    if (port == phone && text.starts_with("INVITE ")) arrive(answer_text(*sip::make_message(text), 180), phone);
  }
  std::set<std::string> cancelled;
  for (const auto& [port, text] : out.sent) {
    if (port == phone && text.starts_with("CANCEL ")) cancelled.emplace(sip::make_message(text)->call_id());
  }
  EXPECT_EQ(cancelled, std::set<std::string>{"cold-1"});
}

}  // namespace
}  // namespace reveille
