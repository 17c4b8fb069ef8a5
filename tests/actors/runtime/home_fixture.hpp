/// A home among fakes: a store whose answers the test gives, an outlet that keeps what reaches it.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "scripted_subscriber.hpp"

namespace reveille {

class fake_store final : public store {
 public:
  struct asked {
    aor_key key;
    aor of;
    store_token token;
    bool load;
    std::string bindings;
  };
  bool surely_absent(const aor& of) const override { return absent.contains(of.str()); }
  bool try_load(shard_id, aor_key key, const aor& of, store_token token) override {
    if (full) return false;
    queue.push_back({key, of, token, true, {}});
    return true;
  }
  bool try_write(shard_id, aor_key key, const aor& of, store_mutation change, store_token token) override {
    if (full) return false;
    const auto* put = std::get_if<put_bindings>(&change);
    queue.push_back({key, of, token, false, put ? put->encoded : ""});
    return true;
  }
  std::deque<asked> queue;
  std::map<std::string, std::string> bindings;
  bool full = false;
  std::set<std::string> absent;
};

class kept_outlet final : public home_outlet {
 public:
  void perform(aor_key key, effect&& what, const instant&) override {
    if (on_perform) on_perform(key, what);
    done.emplace_back(key, std::move(what));
  }
  std::vector<std::pair<aor_key, effect>> done;
  std::function<void(aor_key, const effect&)> on_perform;
};

/// The answer to a push is the plainest event: a number and nothing else.
inline subscriber_event numbered(std::uint32_t n) {
  pns::push_answer a;
  a.id.number = n;
  return push_answered{std::move(a)};
}

class Home : public ::testing::Test {
 protected:
  Home() { script() = {}; }
  ~Home() override {
    subject.reset();
    script() = {};
  }

  home& make(const home_config& config = {}) {
    subject = std::make_unique<home>(host, config, shard_context{settings, pool, random, shard_id{0}}, disk, outlet,
                                     now.steady);
    return *subject;
  }
  static aor_key key_of(std::string_view name) { return {siphash({1, 2}, name)}; }
  bool deliver(std::string_view name, subscriber_event event) {
    return subject->deliver(key_of(name), name, std::move(event), now);
  }
  /// Answers the oldest operation of the store, as the real one would.
  void answer(bool ok = true) {
    ASSERT_FALSE(disk.queue.empty());
    const fake_store::asked op = disk.queue.front();
    disk.queue.pop_front();
    if (!op.load) {
      if (ok) disk.bindings[op.of.str()] = op.bindings;
      if (op.token.value != 0) subject->on_written(op.key, op.of, op.token, ok, now);
      return;
    }
    if (!ok) {
      subject->on_loaded(op.key, op.of, op.token, failure("disk"), now);
      return;
    }
    std::optional<subscriber_record> record;
    if (const auto found = disk.bindings.find(op.of.str()); found != disk.bindings.end()) {
      record.emplace().bindings = found->second;
    }
    subject->on_loaded(op.key, op.of, op.token, std::move(record), now);
  }
  void answer_all() {
    while (!disk.queue.empty()) answer();
  }
  /// Brings an AOR into memory.
  void settle(std::string_view name, std::uint32_t n = 0) {
    ASSERT_TRUE(deliver(name, numbered(n)));
    answer_all();
  }
  using lines = std::vector<std::string>;

  actor_host host{actor_scheduling::stepped};
  slab_pool pool;
  seeded_random random{7};
  subscriber_config settings;
  fake_store disk;
  kept_outlet outlet;
  instant now{steady_time{} + seconds(100), wall_time{} + seconds(1'700'000'000)};
  std::unique_ptr<home> subject;
};

}  // namespace reveille
