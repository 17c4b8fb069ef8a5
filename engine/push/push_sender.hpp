/// Sends the pushes of one credential: queues, deadlines, retries (SPEC 6.3, 6.4; ARCHITECTURE 3 "Push threads"). Each of its apps
/// has a lane of its own; its connections are those of engine/push/push_pool.
///
/// Pure: orders, bytes and the time go in; requests, answers and wishes come out through push_outside.
/// Threads: that of its push worker.
///
/// What is promised: every order taken is answered exactly once. No attempt starts after its deadline. A stream that
/// was refused or never left is sent again with the same apns-id; one that was lost after its END_STREAM once more and
/// counted; nothing else is repeated but what the answer asks for.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "core/timer_wheel.hpp"
#include "engine/push/circuit_breaker.hpp"
#include "engine/push/push_connection.hpp"
#include "engine/push/push_counters.hpp"
#include "engine/push/push_credential.hpp"
#include "engine/push/push_lane.hpp"
#include "engine/push/push_outside.hpp"
#include "engine/push/push_pool.hpp"
#include "engine/push/push_table.hpp"
#include "engine/push/rate_limit.hpp"

namespace reveille {

/// What a sender is made of; all but the credential outlive it.
struct push_sender_parts {
  std::uint16_t number = 0;                 ///< its place in the worker
  std::string name;                         ///< for logs and as a label: key id, fingerprint, project; never a secret
  std::vector<push_app_parts> apps;         ///< none counts as one
  std::unique_ptr<push_credential> credential;
  push_endpoint endpoint;
  push_route route;
  push_limits limits;
  std::string token_url;                    ///< where access tokens are bought, or ""
};

class push_sender final : public push_connection_owner {
 public:
  push_sender(push_sender_parts parts, push_outside& outside, random_source& random, push_counters& counters,
              const instant& now);

  void take(pns::push_order&& order, app_index app, const instant& now);
  /// @return false when the order is not here (any more).
  bool withdraw(const pns::push_id& id, const instant& now);

  /// Submits up to `quantum` pushes. @return true when it could have gone on: others first (fair share).
  bool pump(const instant& now, std::size_t quantum);
  void on_timer(const instant& now);
  std::optional<steady_time> next_due(const instant& now);

  void opened(push_connection_id id, push_protocol by, const instant& now) { pool_.opened(id, by, now); }
  void open_failed(push_connection_id id, open_failure why, std::string_view what, const instant& now);
  void receive(push_connection_id id, std::span<const std::uint8_t> bytes, const instant& now);
  void produce(push_connection_id id, std::vector<std::uint8_t>& out, std::size_t limit);
  bool finished(push_connection_id id);
  void closed(push_connection_id id, const std::optional<tls_alert>& alert, const instant& now);
  void purchased(int status, std::string_view body, const instant& now);
  void purchase_failed(const instant& now);

  std::size_t waiting() const { return table_.used() - flying_; }
  std::size_t flying() const { return flying_; }
  std::size_t usable_connections() const { return pool_.usable(); }
  std::size_t stream_capacity() const { return pool_.stream_capacity(); }   ///< of the usable connections altogether
  std::size_t open_breakers() const;     ///< of the credential and its apps
  /// At the end of a turn: what operators see; and a burst's memory goes.
  void publish() {
    table_.rest();
    const auto made = parts_.credential->token_made();
    own_.token_made.set(made ? static_cast<std::uint64_t>(unix_seconds(*made)) : 0);
    own_.breaker_open.set(breaker_.is_closed() ? 0 : 1);
  }
  /// What each app counts; the pointers live as long as the sender, any thread may read.
  std::vector<push_app_reading> apps() const;

 private:
  // queueing
  push_lane& lane_of(const push_slot& s) { return lanes_[s.app.value]; }
  void enqueue(push_slot& s);
  bool anything_queued(const instant& now);
  bool may_send(const instant& now);
  /// @param capacity streams of all usable connections, those in use among them.
  push_slot* next_queued(std::size_t capacity, const instant& now);
  void drop_expired(deadline_queue& queue, const instant& now);
  void resend_later(push_slot& s, nanoseconds delay, pns::push_outcome otherwise, int status, std::string reason,
                    const instant& now);
  void finish(push_slot& s, pns::push_outcome outcome, int status, std::string reason, const instant& now);
  /// Those whose deadline is not after `before`.
  void flush(push_lane& lane, const pns::push_outcome& outcome, std::string_view reason, steady_time before,
             const instant& now);

  // flying
  bool submit(push_slot& s, push_connection& by, const instant& now);
  void land(push_slot& s);
  void lost(push_slot& s, http2::loss how, const instant& now);
  void expire_flying(const instant& now);
  void apply(push_slot& s, push_connection& from, pns::verdict v, int status, const instant& now);
  void on_answer(push_connection& from, std::uint64_t tag, const http2::response& answer) override;
  void on_loss(push_connection& from, std::uint64_t tag, http2::loss how) override;
  void on_goaway(push_connection& from, const http2::goaway_notice& notice) override;

  void on_reachability(push_pool::reachability w, const instant& now);
  void failed(push_lane& lane, circuit_breaker::fault what, std::string_view reason, const instant& now);
  void succeeded(push_lane& lane);
  void watch_tokens(push_lane& lane, const pns::verdict& v);
  std::string who(const push_lane& lane) const;
  void tell_of_purchase(std::string fault);

  push_sender_parts parts_;
  push_outside& outside_;
  random_source& random_;
  push_counters& counters_;
  push_credential_counters own_;
  push_pool pool_;
  push_table table_;
  std::deque<push_app_counters> apps_;
  std::vector<push_lane> lanes_;
  std::size_t next_lane_ = 0;            ///< whose turn it is
  std::size_t flying_ = 0;
  std::uint32_t oldest_ = push_slot::nil;
  std::uint32_t newest_ = push_slot::nil;
  timer_wheel retries_;
  rate_limit rate_;
  circuit_breaker breaker_;              ///< counts connections that fail; answers are the apps'
  composed_push composed_;
  std::vector<http2::header> fields_;
  std::string purchase_fault_;           ///< as last told
  std::string last_goaway_;
};

}  // namespace reveille
