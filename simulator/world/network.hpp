/// The virtual network: datagrams are lost, doubled and reordered as the seed wants.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/flow.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

struct network_faults {
  double loss = 0.05;
  double doubling = 0.05;
  nanoseconds shortest = std::chrono::microseconds(200);
  nanoseconds longest = std::chrono::milliseconds(60);   ///< the spread is what reorders
};

class network {
 public:
  using receiver = std::function<void(const endpoint& from, std::string_view bytes)>;

  network(schedule& when, const network_faults& faults) : when_(when), faults_(faults) {}

  void listen(const endpoint& at, receiver r) { receivers_[at] = std::move(r); }
  /// Hears every datagram as it leaves, lost ones among them.
  using listener = std::function<void(const endpoint& from, const endpoint& to, std::string_view bytes)>;
  void tap(listener l) { tap_ = std::move(l); }
  void close(const endpoint& at) { receivers_.erase(at); }

  void send(const endpoint& from, const endpoint& to, std::string bytes) {
    ++sent_;
    if (tap_) tap_(from, to, bytes);
    if (when_.chance(faults_.loss)) {
      ++lost_;
      return;
    }
    if (when_.chance(faults_.doubling)) deliver_later(from, to, bytes);
    deliver_later(from, to, std::move(bytes));
  }

  void calm() { faults_.loss = faults_.doubling = 0; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t lost() const { return lost_; }

 private:
  void deliver_later(const endpoint& from, const endpoint& to, std::string bytes) {
    when_.after(when_.between(faults_.shortest, faults_.longest), [this, from, to, bytes = std::move(bytes)] {
      when_.mix(bytes);
      const auto found = receivers_.find(to);
      if (found == receivers_.end()) return;  // nobody there any more: the phone has moved
      const receiver to_call = found->second;  // a copy: the receiver may move while it handles this
      to_call(from, bytes);
    });
  }

  schedule& when_;
  network_faults faults_;
  std::map<endpoint, receiver> receivers_;
  listener tap_;
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;
};

/// 198.51.100.0/24 and friends (RFC 5737): the nth address of the virtual world.
inline endpoint virtual_endpoint(std::uint32_t host, std::uint16_t port) {
  endpoint e;
  e.address = {198, static_cast<std::uint8_t>(18 + (host >> 16 & 1)), static_cast<std::uint8_t>(host >> 8),
               static_cast<std::uint8_t>(host)};
  e.port = port;
  return e;
}

}  // namespace reveille::world
