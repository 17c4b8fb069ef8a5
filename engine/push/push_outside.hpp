/// Port: what the pure push worker cannot do itself. engine/push/push_threads implements it with sockets; tests and the
/// virtual world with byte pipes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/push/push_config.hpp"
#include "pns/push_order.hpp"

namespace reveille {

/// Names a connection of a push worker; never reused while anything refers to it.
struct push_connection_id {
  std::uint16_t sender = 0;
  std::uint16_t slot = 0;
  std::uint32_t generation = 0;
  auto operator<=>(const push_connection_id&) const = default;
};

/// What a connection speaks once its handshake is done.
enum class push_protocol : std::uint8_t { http2, http1 };

/// A change that operators should read of; never a token or an address-of-record.
struct push_notice {
  enum class weight : std::uint8_t { info, warning } how = weight::info;
  std::string text;
};

/// Threads: called by the worker on its own thread, from inside any of its methods; never call back into the worker
/// from inside a call.
class push_outside {
 public:
  virtual ~push_outside() = default;
  /// TLS to `where` (none for a plain endpoint), ALPN h2, or http/1.1 too where the route takes it. Exactly one of worker.opened() and worker.open_failed() follows; after opened(),
  /// exactly one worker.closed().
  virtual void open(push_connection_id id, const push_endpoint& where, const push_route& route) = 0;
  /// worker.produce(id) has something to give.
  virtual void wake(push_connection_id id) = 0;
  /// The peer is silent: drop the connection without ceremony. worker.closed() follows as ever.
  virtual void abort(push_connection_id id) = 0;
  /// POST of a form (application/x-www-form-urlencoded) over HTTPS; worker.purchased() or worker.purchase_failed()
  /// follows exactly once, after the route's two timeouts at the latest.
  virtual void purchase(std::uint16_t sender, const std::string& url, const push_route& route, std::string form) = 0;
  /// Once a change, however often the thing happens.
  virtual void tell(push_notice) {}
  virtual void answer(shard_id home, pns::push_answer&& what) = 0;
};

}  // namespace reveille
