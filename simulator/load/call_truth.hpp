/// The judge: knows what each simulated phone and caller did, and finds where the engine contradicts it.
///
/// Pure: facts and times go in, violations come out. It never asks the engine, so the two cannot agree on a mistake.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "simulator/report/run_report.hpp"

namespace reveille::load {

/// A call of this run, counted from 0; its Call-ID and its caller's number hold this number.
struct call_number {
  std::uint32_t value = 0;
  auto operator<=>(const call_number&) const = default;
};
/// A phone of this run, counted from 0. One a subscriber.
struct phone_number {
  std::uint32_t value = 0;
  auto operator<=>(const phone_number&) const = default;
};

/// What phone and caller mean to do; drawn when the call is offered.
enum class intent : std::uint8_t { answers, never_wakes, caller_hangs_up, nobody_answers };

/// Where a call's Call-ID comes from, for violations.
class call_names {
 public:
  virtual ~call_names() = default;
  virtual std::string call_id_of(call_number call) const = 0;
};

/// What may reach a phone: the same push again is told by its stamp (apns-id and the like, hashed; 0 = none).
struct push_stamp {
  std::uint32_t value = 0;
};

struct truth_rules {
  nanoseconds grace;              ///< events closer than this may count in either order
  nanoseconds late = seconds(2);  ///< how long after its deadline (plus grace) a call may still get its final response
  std::uint32_t pushes_per_call = 1;
  nanoseconds recovery = seconds(10); ///< how long after a silence of the providers a push may be missing: a handshake
                                      ///< under way must time out before the next one is tried
};

enum class ending : std::uint8_t { complete, cut_short };

class call_truth {
 public:
  call_truth(truth_rules rules, const call_names& names) : rules_(rules), names_(names) {}

  /// The providers are made to answer nothing in that time: a call that lives no longer may end without a push. It must
  /// be told all the same.
  void expect_silence(steady_time from, steady_time until) {
    silent_from_ = from;
    silent_until_ = until;
  }

  // What happened, told by phones and callers as they see it. Times must not go back.
  call_number begin(phone_number phone, intent meant, steady_time deadline, steady_time now);
  void push_arrived(call_number call, push_stamp stamp, steady_time at_provider);
  void phone_registered(call_number call, steady_time now);        ///< a REGISTER of this wake-up got its 200
  void invite_reached_sleeping_phone(call_number call);
  void invite_arrived(call_number call, steady_time now);          ///< a new INVITE, no retransmission
  void phone_rang(call_number call, steady_time now);              ///< 180 sent
  void phone_answered(call_number call, steady_time now);          ///< 200 sent
  void phone_ended_invite(call_number call);                       ///< 487 sent, or its 200 was acknowledged
  void phone_was_cancelled(call_number call, steady_time now);
  void phone_never_acked(call_number call);                        ///< 64*T1 after its 200
  void request_unanswered(call_number call, std::string_view method);  ///< BYE or CANCEL, 64*T1
  void caller_cancelled(call_number call, steady_time now);
  void caller_heard(call_number call, int status, std::string_view to_tag, steady_time now);  ///< a final response, not a copy
  /// The phone left an address where an INVITE may wait unanswered: the final response may take this much longer.
  void may_end_late(call_number call, nanoseconds by) { records_[call.value].patience = by; }
  void closed(call_number call);                                   ///< both sides are done: judged now, once

  /// A missed_calls push named this call. `late`: the phone had come back more than once since.
  /// False when there is no such call.
  bool told(call_number call, phone_number to, push_stamp stamp, bool late, steady_time at_provider);
  /// Something wrong that belongs to no call.
  void found(std::string rule, std::string call_id, std::string expected, std::string seen);

  /// Calls whose missed_calls entry has not reached `phone`'s subscriber although it must.
  template <class Visit>
  void for_each_untold(Visit&& visit) const {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (must_be_told(records_[i]) && records_[i].told == 0) visit(call_number{static_cast<std::uint32_t>(i)}, phone_number{records_[i].phone});
    }
  }
  template <class Visit>
  void for_each_missed(Visit&& visit) const {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (must_be_told(records_[i])) visit(call_number{static_cast<std::uint32_t>(i)}, phone_number{records_[i].phone});
    }
  }
  /// Phones whose device cannot be told (a voip token only, and the engine is set to skip those).
  void expect_no_telling(call_number call) { records_[call.value].flags |= never_told; }
  /// Judges what can only be judged at the end: each untold call is a violation, unless the run was cut short and
  /// the phones had no time to come back. Call once.
  void finish(ending how = ending::complete);

  const report::call_counts& calls() const { return calls_; }
  const report::missed_counts& missed() const { return missed_; }
  std::uint64_t violation_count() const { return violation_count_; }
  const std::vector<report::violation>& violations() const { return violations_; }
  std::size_t size() const { return records_.size(); }
  phone_number phone_of(call_number call) const { return {records_[call.value].phone}; }
  bool has_rung(call_number call) const { return records_[call.value].rang != never; }
  steady_time invited_at(call_number call) const { return records_[call.value].invited; }

 private:
  static constexpr steady_time never = steady_time::max();
  enum flag : std::uint8_t { is_closed = 1, is_answered = 2, is_cancelled_at_phone = 4, never_told = 8, has_final = 16 };

  /// 96 bytes a call, kept for the whole run.
  struct record {
    steady_time invited = never;
    steady_time deadline = never;
    steady_time final_at = never;
    steady_time registered = never;  ///< first 200 to a REGISTER of the wake-up
    steady_time rang = never;
    steady_time answered = never;    ///< 200 sent by the phone
    steady_time cancelled = never;   ///< CANCEL sent by the caller
    nanoseconds patience{0};         ///< see may_end_late()
    std::uint32_t phone = 0;
    std::uint32_t push_stamp = 0;
    std::uint32_t told_stamp = 0;
    std::uint32_t final_tag = 0;     ///< hash of the answer's To tag
    std::uint16_t status = 0;        ///< final response at the caller; 0 = none
    std::uint8_t pushes = 0;
    std::uint8_t told = 0;
    std::uint8_t invites = 0;
    std::uint8_t live = 0;           ///< INVITEs at the phone without a final response
    intent meant = intent::answers;
    std::uint8_t flags = 0;
  };

  bool must_be_told(const record& r) const;
  bool lay_in_silence(const record& r) const;
  bool before(steady_time a, steady_time b) const { return a != never && (b == never || a + rules_.grace < b); }
  void blame(const record& r, std::string rule, std::string expected, std::string seen);
  void judge_unanswered(const record& r);
  void judge_cancelled(const record& r);
  void count_outcome(const record& r);
  void count_missed(const record& r);   ///< once, when it is known that the call must be told

  truth_rules rules_;
  const call_names& names_;
  steady_time silent_from_ = never;
  steady_time silent_until_ = never;
  std::vector<record> records_;
  report::call_counts calls_;
  report::missed_counts missed_;
  std::uint64_t violation_count_ = 0;
  std::vector<report::violation> violations_;
};

}  // namespace reveille::load
