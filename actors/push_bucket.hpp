/// Per subscriber: calls that were pushed and not answered, and the telling of them (SPEC 4).
///
/// One entry per call. A round tells the entries of calls that are over to the subscriber's push clients, part by part,
/// oldest first; one round at a time. The bucket decides; the subscriber writes and sends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "actors/subscriber_config.hpp"
#include "core/time.hpp"
#include "pns/push_order.hpp"

namespace reveille {

class push_bucket {
 public:
  /// Entries from the store, ascending by date.
  void load(std::vector<bucket_entry> entries) { entries_ = std::move(entries); }

  /// Makes room first: entries beyond the bounds go, oldest first, into `dropped`.
  /// @return false when the call has an entry already (SPEC 4.1: one per call_ref).
  bool add(bucket_entry entry, wall_time now, const subscriber_config& config, std::vector<call_ref>& dropped);
  /// Entries beyond their age go (SPEC 4.5), oldest first, into `dropped`.
  void prune(wall_time now, const subscriber_config& config, std::vector<call_ref>& dropped);
  /// @return true when it was there.
  bool remove(const call_ref& call);
  /// The call had its final response. @return the entry, to be written; null when there is none.
  const bucket_entry* mark_over(const call_ref& call);
  /// The call comes again under the same call_ref: its entry waits anew.
  void revive(const call_ref& call, wall_time deadline);
  const bucket_entry* find(const call_ref& call) const;

  /// A push client that may be told.
  struct recipient {
    device_id device;
    bool voip_only = false;   ///< gets at most the part with the newest calls (SPEC 4.5)
  };

  /// Starts a round if none is in flight and calls that are over wait. The first part stands in part() then.
  /// @param in_progress calls without a final response yet: never over, though their deadline may have passed (a
  /// cancelled phone may still answer).
  bool start_round(std::vector<recipient> to, const instant& now, const subscriber_config& config,
                   std::span<const call_ref> in_progress = {});
  bool in_round() const { return round_.has_value(); }
  /// Recipients of the part that is to be sent now; empty when there is no part to send.
  const std::vector<recipient>& recipients() const;
  /// @pre in_round()
  pns::missed_calls_content part(wall_time now) const;
  /// Names an order of the current part.
  void sent(std::uint32_t push, device_id device);
  bool is_waiting_for(std::uint32_t push) const;

  /// What an answer came to.
  struct progress {
    bool known = false;                 ///< it was an order of this round
    std::vector<call_ref> told;         ///< leave now: their part was accepted for the first time
    bool next_part = false;             ///< send recipients() the next part()
    bool over = false;                  ///< the round has ended
    bool failed = false;                ///< nobody accepted a part: the entries stay
  };
  progress answered(std::uint32_t push, bool accepted);
  /// Nobody could be sent to: the entries stay.
  void abandon_round() { round_.reset(); }
  /// An answer that never came (it always does, but for a crash of the senders) must not end all telling.
  void give_up_late_round(steady_time now);
  steady_time round_started() const;

  const std::vector<bucket_entry>& entries() const { return entries_; }
  std::size_t resident_bytes() const;

 private:
  struct round {
    std::vector<recipient> to;
    std::vector<std::vector<call_ref>> parts;
    std::size_t at = 0;                              ///< the part in flight
    std::vector<recipient> now_to;                   ///< its recipients
    std::vector<std::pair<std::uint32_t, device_id>> waiting;  ///< orders of this part without an answer
    bool accepted = false;                           ///< somebody accepted this part
    steady_time started;
    steady_time gives_up;
  };
  static bool is_over(const bucket_entry& e, wall_time now, const subscriber_config& config) {
    return e.over || e.deadline + config.over_after_deadline <= now;
  }
  static std::vector<std::vector<call_ref>> split(const std::vector<pns::missed_call>& calls,
                                                  const subscriber_config& config);
  /// Goes to the next part that anybody is to get and that still holds entries. False at the end.
  bool enter_part(std::size_t index);

  std::vector<bucket_entry> entries_;  ///< ascending date
  std::size_t text_bytes_ = 0;         ///< of the entries
  std::optional<round> round_;
};

}  // namespace reveille
