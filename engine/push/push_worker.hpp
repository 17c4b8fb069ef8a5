/// All senders of one push thread, without I/O. engine/push/push_threads wraps it with a thread and sockets; tests and
/// the virtual world step the same object against mock providers over byte pipes.
///
/// How to drive it without sockets. Implement push_outside: open() notes the id; then, when the seed says so, call
/// opened(id) and join the connection to a http2::server_session by two byte pipes: produce(id) -> server.receive(),
/// server.produce() -> receive(id). wake(id) says that produce(id) has something. When finished(id) and produce(id) gives
/// nothing more, or the pipe is cut, call closed(id) once. After every batch of calls: pump(now). on_timer(now)
/// when next_due() has come, then pump(now). push_outside::answer() is what the home shard hears.
///
/// Threads: one. Every order taken is answered exactly once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/random.hpp"
#include "core/time.hpp"
#include "engine/push/push_counters.hpp"
#include "engine/push/push_outside.hpp"
#include "engine/push/push_plan.hpp"
#include "engine/push/push_sender.hpp"
#include "pns/push_order.hpp"

namespace reveille {

class push_worker {
 public:
  using counter_table = std::array<push_counters, pns::provider_count>;   ///< by pns::provider

  push_worker(std::vector<planned_sender> senders, push_outside& outside, random_source& random, const instant& now);

  /// @param to as push_router::find() said; `nowhere` is answered dropped{no_app}, `switched_off` dropped{provider_off}.
  void take(pns::push_order&& order, const push_destination& to, const instant& now);
  void withdraw(const pns::push_id& id, const instant& now);

  /// Sends what may be sent, in fair shares. Call it after every batch of events.
  /// @return true when there is more to send at once: come back without waiting.
  bool pump(const instant& now);
  void on_timer(const instant& now);
  std::optional<steady_time> next_due(const instant& now);

  void opened(push_connection_id id, const instant& now, push_protocol by = push_protocol::http2);
  void open_failed(push_connection_id id, const instant& now, open_failure why = open_failure::connect,
                   std::string_view what = "");
  void receive(push_connection_id id, std::span<const std::uint8_t> bytes, const instant& now);
  void produce(push_connection_id id, std::vector<std::uint8_t>& out, std::size_t limit);
  bool finished(push_connection_id id);
  /// @param alert TLS's, if the connection ended with one.
  void closed(push_connection_id id, const instant& now, const std::optional<tls_alert>& alert = std::nullopt);
  void purchased(std::uint16_t sender, int status, std::string_view body, const instant& now);
  void purchase_failed(std::uint16_t sender, const instant& now);

  /// Orders that wait or fly.
  std::size_t unanswered() const;
  /// Any thread may read.
  const counter_table& counters() const { return counters_; }
  /// Of every app of every credential, with its provider. Made by any thread; the pointers live as long as the worker.
  std::vector<std::pair<pns::provider, push_app_reading>> apps() const;

 private:
  push_sender* at(std::uint16_t number) { return number < senders_.size() ? senders_[number].get() : nullptr; }
  void publish_levels();

  push_outside& outside_;
  counter_table counters_;
  std::vector<std::unique_ptr<push_sender>> senders_;
  std::vector<pns::provider> provider_of_;
  std::size_t first_ = 0;   ///< who is served first this turn
};

}  // namespace reveille
