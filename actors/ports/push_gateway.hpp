/// Port: the push senders (SPEC 6).
///
/// Threads: call from a home shard's thread; answers reach that shard's inbox, never inside submit().
/// Every order submitted is answered exactly once, withdrawn ones too.
#pragma once

#include "pns/push_order.hpp"

namespace reveille {

class push_gateway {
 public:
  virtual ~push_gateway() = default;
  /// @return false when the hand-over queue is full; then no answer comes (the caller answers itself dropped{queue_full}).
  virtual bool submit(pns::push_order order) = 0;
  /// Withdraws an order that is not yet on the wire.
  virtual void withdraw(pns::push_id id) = 0;
};

}  // namespace reveille
