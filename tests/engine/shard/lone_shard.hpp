/// What stands around a shard whose own work is measured or whose allocations are counted: nothing leaves it.
#pragma once

#include <cstdint>

#include "engine/shard/shard.hpp"
#include "engine/shard/shard_config.hpp"

namespace reveille {

class silent_gateway final : public push_gateway {
 public:
  bool submit(pns::push_order) override { return true; }
  void withdraw(pns::push_id) override {}
};

/// Counts the 200s.
class counting_outlet final : public shard_outlet {
 public:
  bool transmit(const flow&, const sip::packet& packet) override {
    granted += packet.view().starts_with("SIP/2.0 200 ") ? 1U : 0U;
    return true;
  }
  bool hand_over_to(shard_id, hand_over&&) override { return true; }
  std::uint64_t granted = 0;
};

/// Of example.com, by one socket.
inline shard_config lone_shard() {
  shard_config config;
  config.listeners = {{*parse_endpoint("192.0.2.1:5060"), ""}};
  config.domains = {"example.com"};
  config.key = {11, 22};
  config.secret = {33, 44};
  return config;
}

}  // namespace reveille
