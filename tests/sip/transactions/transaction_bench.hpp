/// A stage for transaction tables: a clock that only the test moves, a wheel, and what was sent, as text.
#pragma once

#include <string>
#include <vector>

#include "core/timer_wheel.hpp"
#include "sip/transaction_support.hpp"
#include "tests/sip/make_message.hpp"

namespace reveille::sip {

inline flow flow_to(std::uint16_t port, transport kind = transport::udp) {
  flow f;
  f.remote = *parse_endpoint("192.0.2.1:" + std::to_string(port));
  f.local = *parse_endpoint("198.51.100.1:5060");
  f.kind = kind;
  return f;
}

inline packet packet_of(std::string_view text) {
  slab_ptr bytes = test_pool().take(text.size());
  std::memcpy(bytes->data(), text.data(), text.size());
  return {std::move(bytes), static_cast<std::uint32_t>(text.size())};
}

/// Records; refuses while `broken`.
class recording_outlet final : public packet_outlet {
 public:
  struct sent {
    flow to;
    std::string text;
  };
  bool transmit(const flow& to, const packet& what) override {
    if (broken) return false;
    all.push_back({to, std::string(what.view())});
    return true;
  }
  std::vector<std::string> take() {
    std::vector<std::string> out;
    for (sent& s : all) out.push_back(s.text.substr(0, s.text.find("\r\n")));
    all.clear();
    return out;
  }
  std::vector<sent> all;
  bool broken = false;
};

inline constexpr steady_time epoch{std::chrono::hours(1)};

}  // namespace reveille::sip
