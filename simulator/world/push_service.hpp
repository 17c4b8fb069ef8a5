/// Everything between the push_gateway port and the devices, as the world drives it: a plain provider, or push senders,
/// HTTP/2 over byte pipes and mock providers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "actors/ports/push_gateway.hpp"
#include "core/ids.hpp"
#include "pns/push_order.hpp"

namespace reveille::world {

class push_service : public push_gateway {
 public:
  /// Delivers an answer to its home shard.
  using answer_sink = std::function<void(shard_id home, pns::push_answer answer)>;
  /// Hands a notification to the device with that token; of the order only the kind of its content counts.
  using device_sink = std::function<void(const prid& token, const pns::push_order& order)>;
  /// Whether the store holds the bucket entry of that call of that subscriber.
  using entry_probe = std::function<bool(const std::string& aor_user, const call_ref& call)>;

  /// Which device and subscriber a token belongs to; the world tells at start.
  virtual void know(const prid& token, const std::string& device, const std::string& aor_user) = 0;
  /// Faults stop.
  virtual void calm() = 0;
  /// The engine died: nobody hears the answers of before.
  virtual void forget_homes() = 0;
  /// The checks that need the whole story.
  virtual void conclude() = 0;
  virtual std::uint64_t accepted() const = 0;
  /// Whether devices with tokens of Google's may be among them.
  virtual bool serves_google() const = 0;
};

}  // namespace reveille::world
