/// When does a client ping too often? Google names no figures (PROVIDERS 2.4); its words are those of gRPC, and so are the rule
/// and the figures here (gRPC's keepalive guide): a PING within the interval of the last one is a strike, the third
/// strike ends the connection, and whatever we send forgives. Pure. Threads: one.
#pragma once

#include "core/time.hpp"

namespace reveille::mock_providers {

class ping_guard {
 public:
  static constexpr int strikes_forgiven = 2;

  /// @param interval 0 = pings are never too many.
  explicit ping_guard(nanoseconds interval) : interval_(interval) {}

  /// @return true: too many, once.
  bool pinged(steady_time now) {
    const bool soon = interval_ > nanoseconds(0) && pinged_ && now - last_ < interval_;
    last_ = now;
    pinged_ = true;
    return soon && ++strikes_ == strikes_forgiven + 1;
  }
  /// We have answered a request.
  void answered() {
    pinged_ = false;
    strikes_ = 0;
  }

 private:
  nanoseconds interval_;
  steady_time last_{};
  bool pinged_ = false;   ///< since our last answer
  int strikes_ = 0;
};

}  // namespace reveille::mock_providers
