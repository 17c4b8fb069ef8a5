/// The timers of a home's actors on its own wheel: (actor, timer_key) -> due time. 40 octets an armed timer, nothing for
/// an actor without one. Bound: what subscribers arm, which their own bounds on calls and branches limit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "actors/behaviors/subscriber_actor.hpp"
#include "actors/events.hpp"
#include "core/timer_wheel.hpp"

namespace reveille {

class actor_timers {
 public:
  explicit actor_timers(steady_time start) : wheel_(start) {}

  /// Arms, or moves when the actor has one of that key.
  void set(subscriber_actor& actor, const timer_key& key, steady_time due) {
    std::uint32_t i = find(actor, key);
    if (i != none) {
      wheel_.cancel(slots_[i].handle);
    } else {
      i = take_slot();
      slots_[i].actor = &actor;
      slots_[i].key = key;
      slots_[i].next = actor.first_timer;
      actor.first_timer = i;
    }
    slots_[i].handle = wheel_.schedule(due, i);
  }

  void clear(subscriber_actor& actor, const timer_key& key) {
    const std::uint32_t i = find(actor, key);
    if (i == none) return;
    wheel_.cancel(slots_[i].handle);
    give_back(i);
  }

  void clear_all(subscriber_actor& actor) {
    while (actor.first_timer != none) {
      wheel_.cancel(slots_[actor.first_timer].handle);
      give_back(actor.first_timer);
    }
  }

  /// fire(actor, key) for what is due; it may set and clear timers, its own among them.
  template <class Fire>
  void advance(steady_time now, Fire&& fire) {
    wheel_.advance(now, [&](std::uint64_t payload) {
      const auto i = static_cast<std::uint32_t>(payload);
      subscriber_actor& actor = *slots_[i].actor;
      const timer_key key = slots_[i].key;
      give_back(i);
      fire(actor, key);
    });
  }

  std::optional<steady_time> next_due() const { return wheel_.next_due(); }
  std::size_t size() const { return wheel_.size(); }

 private:
  static constexpr std::uint32_t none = subscriber_actor::no_timer;
  struct slot {
    subscriber_actor* actor = nullptr;
    timer_key key{};
    timer_handle handle;
    std::uint32_t next = none;
  };

  std::uint32_t find(const subscriber_actor& actor, const timer_key& key) const {
    std::uint32_t i = actor.first_timer;
    while (i != none && slots_[i].key != key) i = slots_[i].next;
    return i;
  }
  std::uint32_t take_slot() {
    if (free_ == none) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t i = free_;
    free_ = slots_[i].next;
    return i;
  }
  void give_back(std::uint32_t i) {
    std::uint32_t* link = &slots_[i].actor->first_timer;
    while (*link != i) link = &slots_[*link].next;
    *link = slots_[i].next;
    slots_[i] = {};
    slots_[i].next = free_;
    free_ = i;
  }

  timer_wheel wheel_;
  std::vector<slot> slots_;
  std::uint32_t free_ = none;
};

}  // namespace reveille
