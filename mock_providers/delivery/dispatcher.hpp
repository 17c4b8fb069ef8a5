/// From "accepted" to the device: latency, store-and-forward of one notification per app and device, expiration
/// (PROVIDERS 1.1, 1.2). Pure: time and randomness come in, deliveries go to the sink. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "core/random.hpp"
#include "core/time.hpp"
#include "mock_providers/delivery/counters.hpp"
#include "mock_providers/delivery/delay_distribution.hpp"
#include "mock_providers/delivery/device_sink.hpp"
#include "mock_providers/delivery/device_table.hpp"

namespace reveille::mock_providers {

/// An accepted push on its way.
struct notification {
  pns::provider provider = pns::provider::apns;
  std::string token;
  std::string app;
  std::string push_type;
  std::string id;
  std::string payload;
  wall_time accepted_at;
  std::optional<wall_time> expires;  ///< nullopt = kept for long; not after accepted_at = tried once
  std::string collapse_key;          ///< apns-collapse-id, FCM's collapse_key
  bool low_priority = false;         ///< the device's power comes first: later by the low-priority delay
  bool own_id = false;               ///< the client gave the id
};

class dispatcher {
 public:
  static constexpr std::size_t max_waiting = 1'000'000;   ///< on their way
  static constexpr std::size_t max_stored = 100'000;      ///< for devices that are away
  static constexpr std::size_t max_collapse_keys = 4;     ///< FCM, for each app and device; the oldest goes
  static constexpr std::size_t max_plain_messages = 100;  ///< FCM, without a collapse key; beyond, all of them go

  dispatcher(const device_table& devices, const delay_distribution& delay, random_source& random, device_sink& sink,
             delivery_counters& counters)
      : devices_(devices), delay_(delay), random_(random), sink_(sink), counters_(counters) {}

  void accept(notification what, const instant& now);
  /// Delivers what is due.
  void advance(const instant& now);
  std::optional<steady_time> next_due() const;
  /// The device can be reached again: what was stored goes out.
  void reachable(pns::provider provider, std::string_view token, const instant& now);
  /// What is kept for a device, all apps together, the oldest of each app first.
  std::vector<const notification*> kept_for(pns::provider provider, std::string_view token) const;
  std::size_t kept() const { return stored_count_; }
  void use(const delay_distribution& delay) { delay_ = delay; }
  /// Added for pushes of low priority: the device is left asleep.
  void use_for_low_priority(const delay_distribution& delay) { low_priority_delay_ = delay; }

 private:
  struct entry {
    steady_time due;
    std::uint64_t order;
    notification what;
  };
  struct later {
    bool operator()(const entry& a, const entry& b) const {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };
  using stored_key = std::pair<std::string, std::string>;  ///< device_table::key_of(), app
  using shelf = std::vector<notification>;                 ///< oldest first
  void store(notification what);
  void arrive(notification what, const instant& now);
  void deliver(const notification& what, const instant& now);

  const device_table& devices_;
  delay_distribution delay_;
  random_source& random_;
  device_sink& sink_;
  delivery_counters& counters_;
  std::vector<entry> waiting_;  ///< heap, the next one in front
  std::map<stored_key, shelf> stored_;
  std::size_t stored_count_ = 0;
  delay_distribution low_priority_delay_;
  std::uint64_t order_ = 0;
};

}  // namespace reveille::mock_providers
