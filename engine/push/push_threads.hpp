/// The production push_gateway: push threads with their own io_context, each the home of some credentials.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "actors/ports/push_gateway.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "engine/push/push_config.hpp"
#include "engine/push/push_worker.hpp"

namespace reveille {

/// Port: where answers go. Called on a push thread, once per shard and turn; takes what it wants out of `batch`.
class push_answer_sink {
 public:
  virtual ~push_answer_sink() = default;
  virtual void answered(shard_id home, std::vector<pns::push_answer>& batch) = 0;
};

/// Threads: submit() and withdraw() from any; the rest from the one that made it.
/// Hand-over: a lock-free ring to each push thread (push_config::hand_over_limit), which is woken only when it sleeps.
class push_threads final : public push_gateway {
 public:
  /// Starts the threads. Faults: unusable keys, profiles, service accounts or CA texts, all at once.
  /// @param sink and time outlive the object.
  static result<std::unique_ptr<push_threads>, std::vector<error>> make(const push_config& config,
                                                                        push_answer_sink& sink, const clock& time);
  ~push_threads() override;

  bool submit(pns::push_order order) override;
  void withdraw(pns::push_id id) override;

  /// Joins the threads; what is not answered by then never is. Idempotent.
  void stop();

  std::size_t threads() const { return threads_.size(); }
  /// Any thread may read. @pre thread < threads()
  const push_worker::counter_table& counters(std::size_t thread) const;
  /// Withdrawals that found a full hand-over ring: their pushes go out unless their deadline passes first.
  std::uint64_t withdrawals_lost() const;
  /// Turns that found no memory. Any thread.
  std::uint64_t turns_failed() const;
  /// What each app counts; any thread may read.
  std::vector<std::pair<pns::provider, push_app_reading>> apps() const;
  const std::vector<planned_certificate>& certificates() const { return certificates_; }
  /// What operators should read once, at the start (push_plan::advice).
  const std::vector<std::string>& advice() const { return advice_; }
  /// Whether the app that pn-param names is configured (SPEC 2.1: else the binding is kept, and an alarm says why).
  bool has_app(const pns::push_target& target) const { return router_.find(target).has_value(); }

 private:
  class thread;
  push_threads() = default;
  push_router router_;
  std::vector<planned_certificate> certificates_;
  std::vector<std::string> advice_;
  std::vector<std::unique_ptr<thread>> threads_;
};

}  // namespace reveille
