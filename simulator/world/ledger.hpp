/// What really happened, seen from outside, and what must be true of it: the invariants of DESIGN section 5.
///
/// The ledger watches the engine's datagrams, the pushes it orders and the calls it tells; phones and callers add what
/// they did. Each contradiction becomes one line in `violations`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "pns/push_order.hpp"
#include "simulator/world/device_identities.hpp"
#include "simulator/world/schedule.hpp"
#include "sip/message.hpp"

namespace reveille::world {

/// One call as the outside sees it.
struct call_record {
  std::string call_id;
  std::string caller_number;      ///< unique per call, so that told calls are countable
  std::string callee;             ///< user part
  steady_time offered{};
  std::optional<steady_time> reached_engine;
  std::optional<steady_time> final_sent;   ///< first final response the engine sent upstream
  std::optional<steady_time> cancelled;    ///< the caller sent CANCEL
  std::optional<steady_time> cancel_reached_engine;
  std::optional<steady_time> cancel_accepted;   ///< the engine said 200 to the CANCEL
  bool cancelled_elsewhere = false;        ///< with Reason: SIP;cause=200
  std::set<int> finals_sent;               ///< statuses, 200 for every 2xx
  std::set<int> finals_seen;               ///< by the caller
  bool answered_by_phone = false;
  call_ref ref;                            ///< as its push names it
  bool disturbed = false;                  ///< the engine died while it was under way
  bool known_to_bucket = false;            ///< an invite push was ordered for it
  std::map<std::string, int> told;         ///< by device: accepted missed_calls notifications that hold it
  std::map<std::string, int> pushes;       ///< orders by device (user part of its token)
  std::set<std::string> expected;          ///< devices registered when it came: each must be pushed or dialled
  std::set<std::string> refused;           ///< devices whose push was refused for good
  struct branch {
    std::string id;
    std::string to;                        ///< address
    std::optional<steady_time> provisional;  ///< the first, at the engine's door
    std::optional<steady_time> over;       ///< final response received or CANCEL sent
  };
  std::map<std::string, std::vector<branch>> invites;  ///< by device: its Contact user part
};

/// When a device's REGISTER was taken by the engine and answered 200.
struct registration_record {
  steady_time reached_engine{};
  std::optional<steady_time> accepted;
  std::string device;
  std::string aor_user;
  bool has_push = false;
  bool removal = false;
  bool of_flow = false;                    ///< with reg-id: the device may have another
};

class ledger {
 public:
  /// @param story_of Call-ID of which every step is written down; "" = none.
  ledger(schedule& when, std::string story_of) : when_(when), story_of_(std::move(story_of)) {}

  /// Whose datagrams are nobody's word, and who may hear what he likes.
  void ignore(const endpoint& forger) { forger_ = forger; }
  // callers
  void call_offered(const std::string& call_id, const std::string& number, const std::string& callee);
  void caller_cancelled(const std::string& call_id, bool elsewhere);
  void caller_got_final(const std::string& call_id, int status);
  // phones
  void phone_answered(const std::string& call_id) { calls_[call_id].answered_by_phone = true; }
  void phone_rings_twice(const std::string& call_id, const std::string& device);
  void dialog_broken(const std::string& call_id, std::string_view what);
  // the wire at the engine's door; `callers` tells which addresses are callers'
  void engine_received(const sip::message& m, const endpoint& from);
  void engine_sent(const sip::message& m, const endpoint& to);
  // pushes
  /// @param entry_durable whether the store holds the call's bucket entry at this moment.
  void push_ordered(const pns::push_order& order, const std::string& device, bool entry_durable);
  /// The order is on the wire now: from here on nobody can withdraw it.
  void push_on_the_wire(const pns::push_order& order, const std::string& device);
  /// The provider refused it for good: after a grace the device may go without an INVITE, for a recorded reason.
  void push_refused(const pns::push_order& order, const std::string& device);
  /// The provider accepted a notification: these calls are told now.
  void told(const std::string& aor_user, const std::string& device, const std::vector<pns::missed_call>& calls);
  /// The provider doubts the token: no pushes until the device registers again.
  void token_suspected(const std::string& device) { devices_[device].suspected = when_.now().steady; }
  /// From here on an answered call may have been told once (the process died soon after a 2xx).
  /// @param durable whether the store holds the bucket entry of a call: what came too late for the disk (ARCHITECTURE 3: 50 ms,
  ///        then the push goes out without it) need not be told.
  void engine_crashed(const std::function<bool(const std::string& user, const call_ref& call)>& durable);

  /// Parked calls that were durable are taken up again.
  void engine_restarted() { restarted_ = when_.now().steady; }

  /// The checks that need the whole story, after faults have stopped and everybody has come back.
  void conclude();

  /// Subscribers leave memory whenever they can: each event may have to wait for a load, and may find too many before it.
  void expect_small_bounds() { small_bounds_ = true; }

  void violation(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }
  const std::map<std::string, call_record>& calls() const { return calls_; }
  /// What was seen of the call asked for and of its callee's registrations, a line a step.
  const std::vector<std::string>& story() const { return story_; }

 private:
  static bool is_strangers(std::string_view call_id_or_device);
  void invite_went_out(call_record& call, const sip::message& m, const endpoint& to);
  void register_answered(const sip::message& m);
  void final_went_up(call_record& call, int status);
  void call_violation(const call_record& call, std::string_view invariant, const std::string& what);
  void check_registered_since(const call_record& call, const std::string& device);
  void expect_pushes(call_record& call);
  void check_pushed(const call_record& call);
  void check_releases();
  bool was_leaving(const std::string& device, steady_time from, steady_time to) const;
  void check_left(const call_record& call, const std::string& device);
  nanoseconds margin() const;
  void check_cancel_answer(call_record& call, int status);
  void check_live_invites(call_record& call, const std::string& device, const call_record::branch& fresh);
  void check_push_count(const call_record& call, const std::string& device);
  void check_ringing_once(const call_record& call);
  bool has_left_a_flow(const call_record& call, const std::string& device) const;
  /// Whether that device was one with another phone's before this moment, whichever of two events came first.
  bool is_family(const std::string& device, steady_time at) const;

  void tell(std::string_view callee, std::string_view call_id, std::string line);
  void tell(const sip::message& m, std::string_view direction, const endpoint& peer);

  schedule& when_;
  std::string story_of_;
  endpoint forger_;
  std::vector<std::string> story_;
  std::map<std::string, call_record> calls_;
  std::map<std::string, std::string> call_of_number_;
  std::map<std::string, registration_record> registers_;   ///< by branch of the REGISTER
  struct device_record {
    std::string aor_user;
    bool has_push = false;
    bool flows = false;                    ///< it says reg-id
    std::optional<steady_time> reached;    ///< its last REGISTER, at the engine's door
    std::optional<steady_time> accepted;   ///< its last 200
    std::optional<steady_time> applied;    ///< that REGISTER, at the engine's door
    std::optional<steady_time> suspected;
    std::vector<steady_time> leavings;     ///< its un-REGISTERs, at the engine's door
    std::optional<steady_time> left;       ///< the last that the engine said 200 to: when it came
    bool good(steady_time now) const;      ///< bound for all that is known: accepted, and its token not doubted since
  };
  std::map<std::string, device_record> devices_;
  device_identities identities_;
  std::map<std::string, std::vector<steady_time>> called_; ///< when each callee's calls came
  std::vector<std::string> violations_;
  std::vector<steady_time> crashes_;
  std::optional<steady_time> restarted_;
  bool small_bounds_ = false;
  bool may_be_cold() const { return small_bounds_ || !crashes_.empty(); }
};

}  // namespace reveille::world
