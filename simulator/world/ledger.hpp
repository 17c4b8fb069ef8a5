/// What really happened, seen from outside, and what must be true of it: the invariants of DESIGN section 5.
///
/// The ledger watches the engine's datagrams, the pushes it orders and the calls it tells; phones and callers add what
/// they did. Each contradiction becomes one line in `violations`.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "pns/push_order.hpp"
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
  bool cancelled_elsewhere = false;        ///< with Reason: SIP;cause=200
  std::set<int> finals_sent;               ///< statuses, 200 for every 2xx
  std::set<int> finals_seen;               ///< by the caller
  bool answered_by_phone = false;
  bool known_to_bucket = false;            ///< an invite push was ordered for it
  int told = 0;                            ///< in accepted missed_calls notifications
  std::map<std::string, int> pushes;       ///< orders by device (user part of its token)
  struct branch {
    std::string id;
    std::string to;                        ///< address
    bool provisional = false;
    bool over = false;                     ///< final response received or CANCEL sent
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
};

class ledger {
 public:
  explicit ledger(schedule& when) : when_(when) {}

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
  void push_ordered(const pns::push_order& order, const std::string& device);
  /// The provider accepted a notification: these calls are told now.
  void told(const std::string& aor_user, const std::vector<pns::missed_call>& calls, bool repeat_allowed);
  /// From here on an answered call may have been told once (the process died soon after a 2xx).
  void engine_crashed();

  /// The checks that need the whole story, after faults have stopped and everybody has come back.
  /// @param parking the engine's answer timeout, for invariant 3.
  void conclude();

  void violation(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }
  const std::map<std::string, call_record>& calls() const { return calls_; }
  bool final_sent(const std::string& call_id) const;

 private:
  void check_live_invites(call_record& call, const std::string& device, const call_record::branch& fresh);

  schedule& when_;
  std::map<std::string, call_record> calls_;
  std::map<std::string, std::string> call_of_number_;
  std::map<std::string, registration_record> registers_;   ///< by branch of the REGISTER
  std::vector<std::string> violations_;
  std::vector<steady_time> crashes_;
};

}  // namespace reveille::world
