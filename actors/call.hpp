/// One request of a subscriber, from its arrival until nothing of it is in flight: its devices, its response context,
/// its place in the push bucket. Data; subscriber_calls.cpp decides.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/events.hpp"
#include "actors/parked_call.hpp"
#include "core/flow.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "sip/caller_identity.hpp"
#include "sip/message.hpp"
#include "sip/response_context.hpp"

namespace reveille {

/// A device's part in the call.
struct call_device {
  device_id device;
  parked_state state = parked_state::dialled;
  pns::provider provider = pns::provider::apns;
  bool parkable = false;        ///< a push device: SPEC 3.2; false for plain ones, which are dialled once
  bool push_due = false;        ///< its push waits for the bucket entry (SPEC 4.1)
  bool push_open = false;       ///< ordered, not answered
  bool grace_set = false;       ///< refused_grace or left_grace runs
  std::uint32_t push = 0;       ///< number of its push order, 0 = none was made
  wall_time pushed_at;          ///< when it was ordered (SPEC 6.5: FCM's dead tokens have no stamp)
  std::uint32_t branch = 0;     ///< its newest branch, 0 = none
  std::uint32_t dials = 0;      ///< its branches so far, of which dials_limit is the bound
  std::vector<std::uint32_t> abandoned;  ///< branches given up for a new address that the phone may hold
  bool collided = false;        ///< its newest branch met one of them at the phone (482): dialled again when that has ended
  std::uint64_t address = 0;    ///< address_of() the binding that the branch went to
  std::vector<std::uint64_t> failed;  ///< the same of flows that failed it since they registered (RFC 5626 7)
  bool let_go = false;          ///< one of them has ended with something else than 482: the phone held it
  bool has_abandoned(std::uint32_t number) const {
    return std::find(abandoned.begin(), abandoned.end(), number) != abandoned.end();
  }
  bool unheard = false;         ///< ended because its branch was lost, without a word of the phone
  const char* cause = "";       ///< why it was not woken, for Warning and the wake trace
};

/// How responses reach the caller.
enum class way_back : std::uint8_t {
  transaction,   ///< the server transaction
  stateless,     ///< it died with an earlier process, and none was made since: by Via to the source (SPEC 9)
};

struct call {
  explicit call(sip::response_context::kind kind) : context(kind) {}

  std::uint32_t number = 0;
  call_ref ref;
  sip::message_ptr request;              ///< a compact copy while it may be parked
  server_transaction_id transaction;
  flow source;
  peer_trust trust = peer_trust::open;
  way_back back = way_back::transaction;
  bool invite = true;
  instant arrived;
  steady_time deadline;
  wall_time deadline_wall;
  sip::caller_identity caller;
  sip::response_context context;
  std::vector<call_device> devices;
  std::uint32_t next_branch = 1;
  std::size_t counted_bytes = 0;         ///< what activity::call_bytes has of it
  store_token entry_write;               ///< the bucket entry's, while pushes wait for it
  bool entry = false;                    ///< stands in the bucket
  bool stored = false;                   ///< its INVITE is in the store
  bool resumed = false;                  ///< taken up after a restart: phones may hold branches of before
  bool deadline_set = false;
  bool late_set = false;
  bool lingering = false;                ///< answered; repeats of the 2xx are still passed on
  bool told_caller = false;              ///< park.provisional has been sent
  bool settled = false;                  ///< its end was written to bucket and trace
  bool ended = false;                    ///< nothing of it is in flight; erased after the event

  bool undecided() const {
    return context.outcome() == sip::fork_outcome::undecided && !context.final_sent();
  }
  /// Timer C is only set where it could fire before the deadline.
  bool timer_c_runs(nanoseconds timer_c) const { return invite && arrived.steady + timer_c < deadline; }
  call_device* by_branch(std::uint32_t branch) {
    for (call_device& d : devices) {
      if (d.branch == branch && branch != 0) return &d;
    }
    return nullptr;
  }
  call_device* by_device(device_id device) {
    for (call_device& d : devices) {
      if (d.device == device) return &d;
    }
    return nullptr;
  }
};

}  // namespace reveille
