/// The inside of a subscriber (actors/subscriber.hpp); only its .cpp files include this.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/call.hpp"
#include "actors/caller_share.hpp"
#include "actors/push_bucket.hpp"
#include "actors/registration.hpp"
#include "actors/subscriber.hpp"
#include "actors/subscriber_config.hpp"
#include "sip/response.hpp"

namespace reveille {

using sip::tag_of;

// Bounds on what a peer can make grow in one subscriber (SPEC 10.2); one that is hit is counted as trace_step::list_full.
inline constexpr std::size_t calls_limit = 256;      ///< with the decided: those go first that were decided for longest
inline constexpr std::uint32_t dials_limit = 16;     ///< branches of one device in one call: apps send 1 to 4 REGISTERs
inline constexpr std::size_t removed_limit = 32;     ///< bindings remembered while a call waits for them
inline constexpr std::size_t writes_limit = 256;     ///< writes without an answer; more are made later
inline constexpr std::size_t unsynced_limit = 1024;  ///< entries to be written again: five buckets full

/// A REGISTER whose 200 waits for the disk.
struct held_register {
  sip::message_ptr request;
  flow source;
  peer_trust trust = peer_trust::open;
  store_token token;
  std::uint32_t version = 0;    ///< of the bindings, when it was written
  steady_time patience;         ///< then 503
  bool tells = false;           ///< its 200 triggers a round of missed calls
  seconds absence{0};
  device_list registered;
};

/// A write that no REGISTER waits for: bindings written behind or after a removal, and changes of the bucket. Until it
/// is on disk the subscriber stays in memory, and what failed is written again.
struct open_write {
  store_token token;
  std::uint32_t version = 0;      ///< of the bindings
  std::vector<call_ref> calls;    ///< whose entries it changed; empty: it was of the bindings
};

/// A push of the last minute, for the limit per callee, and who made it be sent.
struct recent_push {
  steady_time at;
  caller_source by;
};

/// What a subscriber needs only while something goes on: most of a million have none of it.
struct activity {
  std::vector<std::unique_ptr<call>> calls;
  std::size_t call_bytes = 0;                   ///< what they hold, so that nobody need walk them after every event
  std::vector<held_register> held;
  std::vector<open_write> writes;
  std::vector<call_ref> unsynced;               ///< entries whose last write failed
  std::vector<recent_push> pushes;              ///< of the last minute, for the limit per callee
  std::vector<parked_invite> to_resume;         ///< found in the record, taken up with the first event
};

struct subscriber::state {
  state(const shard_context& shared, aor_key own_key, aor own_name)
      : around(shared), key(own_key), name(std::move(own_name)) {}

  const shard_context& around;
  aor_key key;
  aor name;
  registration bindings;
  std::unique_ptr<push_bucket> bucket_;
  std::unique_ptr<activity> busy_;
  std::uint64_t next_token = 1;
  std::uint32_t next_call = 1;
  std::uint32_t next_push = 1;
  bool known = false;           ///< has a stored record, or will have
  bool counted = false;         ///< has one: counted among the node's AORs
  bool unreadable = false;      ///< the stored bindings made no sense; told with the first event
  bool soft_dirty = false;      ///< an address waits to be written behind
  bool soft_timer = false;

  const subscriber_config& config() const { return around.config; }
  push_bucket& bucket();
  activity& busy();
  /// Forgets who was un-registered, unless a call waits for it.
  void forget_removed(effects& out);
  /// Makes room among the calls: the one that was decided first ends now.
  void end_oldest_decided(const instant& now, effects& out);
  void await_write(open_write&& what, effects& out);
  void keep_unsynced(const std::vector<call_ref>& calls, effects& out);
  /// Nothing but a soft write keeps it.
  bool quiet() const;
  /// Puts away what is empty.
  void tidy();
  call* find_call(std::uint32_t number);
  /// After its request or its devices have changed.
  void count_call(call& c);
  static void adopt(call& c, const server_transaction_id& transaction);
  store_token new_token() { return store_token{next_token++}; }
  std::uint32_t new_push_number();

  // REGISTER (subscriber_register.cpp)
  void on(const register_received& e, const instant& now, effects& out);
  void on_bindings_written(const write_finished& e, const instant& now, effects& out);
  void on_pending_write(const instant& now, effects& out);
  void on_soft_write(const instant& now, effects& out);
  void write_bindings(store_token token, write_urgency urgency, effects& out);
  void write_soft(steady_time now, effects& out);
  void write_unheld(write_urgency urgency, effects& out);
  void answer_register(const held_register& what, int status, const instant& now, effects& out);
  void claim_tokens(const held_register& h, effects& out);
  void refuse_register(const sip::message& request, const flow& to, int status, std::string_view why, effects& out);
  void send_200(const sip::message& request, const flow& to, peer_trust trust, const instant& now, effects& out);
  /// Of an outcome: what bound it met, what went for the bounds, what somebody was not allowed.
  void say_bounds(const registration_outcome& o, effects& out);
  /// What was written of the bindings is on the disk.
  void note_saved(std::uint32_t version);
  /// A change of the bucket that must reach the disk, though nobody waits for it.
  void write_bucket(store_mutation change, std::vector<call_ref> calls, effects& out);
  /// Nobody waits for this one: what stays behind is too old at the next start, or marked over.
  void forget_parked(const call_ref& call, effects& out);
  void bucket_write_failed(const std::vector<call_ref>& calls, const instant& now, effects& out);
  /// Writes again what memory says of these entries.
  void resync_bucket(effects& out);
  void arm_patience(const instant& now, effects& out);

  // Calls (subscriber_calls.cpp, subscriber_devices.cpp, subscriber_responses.cpp)
  void on(const request_received& e, const instant& now, effects& out);
  void on(const cancel_received& e, const instant& now, effects& out);
  void on(const invite_adopted& e, const instant& now, effects& out);
  void on(const response_received& e, const instant& now, effects& out);
  void on(const branch_failed& e, const instant& now, effects& out);
  void on(const push_answered& e, const instant& now, effects& out);
  void on(const token_claimed& e, const instant& now, effects& out);
  void on(const write_finished& e, const instant& now, effects& out);
  void on(const timer_fired& e, const instant& now, effects& out);

  call& new_call(const request_received& e, const instant& now, sip::response_context::kind kind);
  std::uint32_t new_call_number();
  void begin_invite(call& c, const instant& now, effects& out);
  /// The devices of an INVITE that has come, pushed and parked or not; nothing goes out yet (SPEC 3.2). @return those that
  /// are dialled at once, by index.
  std::vector<std::size_t> gather_devices(call& c, const instant& now, effects& out);
  void begin_other(call& c, const instant& now, effects& out);
  /// SPEC 2.4c: of the contacts behind a flow that has answered nothing so far only the newest is dialled at first.
  bool is_withheld(const call& c, const binding& b, wall_time now) const;
  /// The flow of this branch has answered: it is proven, and the rest of its contacts are dialled too.
  void prove_flow(call& c, std::uint32_t branch, int status, const instant& now, effects& out);
  void resume(const instant& now, effects& out);
  bool is_callers_own(const call& c, const binding& b) const;
  /// The binding that stands for its device, of which this call knows nothing yet: one of its flows, if it has several.
  bool stands_for_device(const call& c, const binding& b, wall_time now) const;
  /// Whether this caller finds all places for waiting calls taken (SPEC 3.2a).
  bool parked_full(const request_received& e) const;
  void refuse(const request_received& e, int status, effects& out);
  /// A Warning line with the precise cause, for trusted peers (SPEC 3.4).
  std::string warning(std::string_view cause) const;
  /// A Retry-After line, drawn so that callers and phones do not come back in step.
  std::string retry_after();
  /// The bucket entry and the stored INVITE, then the pushes (SPEC 4.1).
  void write_entry(call& c, const instant& now, effects& out);
  void entry_written(call& c, const instant& now, effects& out);
  void queue_pushes(call& c, const instant& now, effects& out);
  bool within_push_limit(const call& c, const instant& now);

  /// A device of the subscriber registered: its calls are released (SPEC 3.3).
  enum class released : std::uint8_t { all, parked_only };
  void release(const device_list& devices, released which, const instant& now,
               effects& out);
  /// A REGISTER showed that what were two devices is one: it keeps one place in each call (SPEC 3.3).
  void merge(const few<merged_device, 2 * register_contacts_limit>& devices, const instant& now, effects& out);
  void unregister(const device_list& devices, const instant& now, effects& out);
  void step(call& c, call_device& d, parked_event event, const instant& now, effects& out);
  void dial(call& c, call_device& d, sip::response_context::origin from, const instant& now, effects& out);
  /// The device's newest flow that has not failed this call; null when there is none that may be dialled.
  const binding* next_flow(const call_device& d, const instant& now) const;
  /// The flow of its newest branch has failed: no later call goes by it, and this one by another, if there is one.
  void note_failed_flow(call_device& d);
  bool dial_next_flow(call& c, call_device& d, std::uint32_t branch, const instant& now, effects& out);
  void cancel_branch_of(call& c, std::uint32_t branch, std::string_view reason, const instant& now, effects& out);
  void cancel_open_branches(call& c, std::string_view reason, const instant& now, effects& out);
  void withdraw(call& c, call_device& d, effects& out);
  void clear_grace(call& c, call_device& d, effects& out);
  bool met_another_branch(const call& c, const call_device& d, int status) const;
  void dial_after_collision(call& c, call_device& d, int status, const instant& now, effects& out);
  /// The outcome is decided: nothing more is pushed or dialled (SPEC 3.6).
  void end_devices(call& c, const instant& now, effects& out);
  void close_branch(call& c, std::uint32_t branch, effects& out);
  void final_failure(call& c, std::uint32_t branch, const sip::message_ptr& response, const instant& now, effects& out);
  void push_belatedly(call& c, call_device& d, const instant& now, effects& out);
  void answered(call& c, std::uint32_t branch, const sip::message_ptr& response, const instant& now, effects& out);
  /// Sends the final response when it is time, settles and removes the call.
  void progress(call& c, const instant& now, effects& out);
  void send_final(call& c, const sip::response_context::final_answer& answer, const instant& now, effects& out);
  void record_end(call& c, int status, bool answered, const instant& now, effects& out);
  void relay(call& c, const sip::message& response, std::string_view extra, effects& out);
  void answer(call& c, int status, std::string_view extra, effects& out);
  void emit_response(call& c, int status, sip::packet packet, sip::answer_kind kind, effects& out);
  void erase_ended_calls(effects& out);
  void on_deadline(call& c, const instant& now, effects& out);
  void on_call_timer(call& c, const timer_key& timer, const instant& now, effects& out);
  void push_outcome_of(call& c, call_device& d, const pns::push_answer& a, const instant& now, effects& out);
  void add_note(effects& out, trace_step what, const call* c, const call_device* d, int status, std::string_view detail);

  // Missed calls (subscriber_missed.cpp)
  void tell_missed(const device_list& registered, seconds absence, const instant& now,
                   effects& out);
  /// Entries that went for the bounds of the bucket: counted, and off the disk.
  void entries_dropped(const std::vector<call_ref>& dropped, effects& out);
  void send_part(const instant& now, effects& out);
  void on_told(std::uint32_t push, bool accepted, const instant& now, effects& out);
  /// Push bindings with this token that registered before that moment go, each said as `why`. @return the devices that
  /// have none any more.
  device_list remove_token(const prid& token, wall_time before, trace_step why, effects& out);
  void token_answer(const pns::push_outcome& outcome, wall_time queued, const instant& now, effects& out);
};

/// Where a branch to this binding goes: equal means that a second INVITE would reach the same phone at the same place.
std::uint64_t address_of(const binding& b);

}  // namespace reveille
