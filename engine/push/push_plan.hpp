/// From configuration to senders: which credentials there are, on which push thread, and which app goes to which.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "engine/push/push_config.hpp"
#include "engine/push/push_sender.hpp"
#include "pns/app_table.hpp"
#include "pns/push_params.hpp"

namespace reveille {

/// Where a push goes: thread, sender (credential) and app of it.
struct push_destination {
  static constexpr std::uint16_t nowhere = 0xffff;
  static constexpr std::uint16_t switched_off = 0xfffe;   ///< answered dropped{provider_off}: the call stays parked (SPEC 8)
  std::uint16_t thread = 0;
  std::uint16_t sender = nowhere;
  app_index app;
};

/// Immutable once made: any thread may look.
class push_router {
 public:
  /// The app that pn-param names, or the provider's default when it names none (SPEC 2.1); nullopt = no_app.
  std::optional<push_destination> find(const pns::push_target& target) const {
    if (off_[static_cast<std::size_t>(target.provider)]) return push_destination{0, push_destination::switched_off, {}};
    const push_destination* const to = apps_.find(target);
    return to != nullptr ? std::optional(*to) : std::nullopt;
  }

  void add(pns::provider provider, std::string team, std::string app, push_destination to) {
    apps_.add(provider, std::move(team), std::move(app), to);
  }
  /// All of its apps, whichever a device names.
  void switch_off(pns::provider provider) { off_[static_cast<std::size_t>(provider)] = true; }

 private:
  pns::app_table<push_destination> apps_;
  std::array<bool, pns::provider_count> off_{};
};

/// A sender and what it counts for.
struct planned_sender {
  pns::provider provider;
  push_sender_parts parts;
};

/// A client certificate in use: operators want to know when it ends.
struct planned_certificate {
  std::string bundle;
  std::string fingerprint;
  wall_time ends{};
};

struct push_plan {
  push_router router;
  std::vector<std::string> advice;   ///< what works, and yet will not do what its operator may expect; a sentence each
  std::vector<planned_certificate> certificates;
  std::vector<std::vector<planned_sender>> threads;   ///< per push thread, in the order of push_sender_parts::number
};

/// Makes keys and profiles usable. Every fault is reported at once, each naming its app and never a secret.
result<push_plan, std::vector<error>> plan_pushes(const push_config& config);

}  // namespace reveille
