#include "engine/telemetry/engine_families.hpp"

namespace reveille {
namespace {

using threads_view = std::span<const shard_thread_counters>;

template <class Part, class Number>
std::uint64_t sum(threads_view threads, Part shard_thread_counters::*part, Number Part::*member) {
  std::uint64_t total = 0;
  for (const shard_thread_counters& t : threads) total += static_cast<std::uint64_t>(t.*part.*member);
  return total;
}

void add_subscribers(metric_sink& to, threads_view threads) {
  const auto home = [&](auto member) { return sum(threads, &shard_thread_counters::home, member); };
  const auto level = [&](auto member) { return static_cast<double>(home(member)); };
  to.gauge("reveille_resident_subscribers", "Subscribers in memory.", {}, level(&home_counters::resident));
  to.gauge("reveille_resident_bytes", "What the subscribers in memory hold.", {}, level(&home_counters::resident_bytes));
  to.gauge("reveille_subscriber_loads_waiting_items", "Subscribers that wait until the store has room to read them.", {},
           level(&home_counters::loads_waiting));
  to.counter("reveille_subscribers_left_early_total", "Subscribers whose address was written before its time, to make room.",
             {}, home(&home_counters::left_early));
  to.gauge("reveille_resident_bindings", "Bindings of the subscribers in memory.", {}, level(&home_counters::bindings));
  to.gauge("reveille_calls_parked", "INVITEs held while a device wakes.", {}, level(&home_counters::parked));
  to.gauge("reveille_subscriber_timers", "Timers of subscribers that run.", {}, level(&home_counters::timers));
  constexpr std::string_view moves = "reveille_subscriber_moves_total";
  to.counter(moves, "Subscribers that came into memory or left it.", {{"direction", "in"}},
             home(&home_counters::spawned));
  to.counter(moves, "", {{"direction", "out"}}, home(&home_counters::left));
  constexpr std::string_view loads = "reveille_subscriber_loads_total";
  to.counter(loads, "Subscribers asked for from the store.", {{"outcome", "asked"}}, home(&home_counters::loads));
  to.counter(loads, "", {{"outcome", "spared"}}, home(&home_counters::loads_spared));
  to.counter(loads, "", {{"outcome", "failed"}}, home(&home_counters::load_failures));
  constexpr std::string_view refused = "reveille_home_refused_total";
  constexpr std::string_view help = "Work that a home's bound refused.";
  to.counter(refused, help, {{"bound", "queue"}}, home(&home_counters::queue_full));
  to.counter(refused, help, {{"bound", "loads"}}, home(&home_counters::loads_refused));
  to.counter(refused, help, {{"bound", "loads_late"}}, home(&home_counters::loads_late));
  to.counter(refused, help, {{"bound", "residents"}}, home(&home_counters::residents_refused));
  to.counter(refused, help, {{"bound", "resident_bytes"}}, home(&home_counters::bytes_refused));
  to.counter(refused, help, {{"bound", "writes"}}, home(&home_counters::writes_refused));
  to.counter(refused, help, {{"bound", "deferred"}}, home(&home_counters::deferred_refused));
  to.counter(refused, help, {{"bound", "mailbox"}}, home(&home_counters::mail_refused));
  to.counter("reveille_home_collisions_total", "Addresses-of-record refused because another has the same key.", {},
             home(&home_counters::collisions));
  to.counter("reveille_handler_failures_total", "Exceptions that a handler kept inside; each is a bug.", {},
             home(&home_counters::handler_failures));
}

void add_sockets(metric_sink& to, threads_view threads) {
  const auto udp = [&](auto member) { return sum(threads, &shard_thread_counters::udp, member); };
  constexpr std::string_view datagrams = "reveille_udp_datagrams_total";
  to.counter(datagrams, "Datagrams received or sent.", {{"direction", "in"}}, udp(&udp_counters::received));
  to.counter(datagrams, "", {{"direction", "out"}}, udp(&udp_counters::sent));
  constexpr std::string_view octets = "reveille_udp_bytes_total";
  to.counter(octets, "Octets of datagrams received or sent.", {{"direction", "in"}},
             udp(&udp_counters::received_bytes));
  to.counter(octets, "", {{"direction", "out"}}, udp(&udp_counters::sent_bytes));
  constexpr std::string_view lost = "reveille_udp_lost_total";
  constexpr std::string_view help = "Datagrams lost on this node.";
  to.counter(lost, help, {{"reason", "receive_buffer"}}, udp(&udp_counters::kernel_drops));
  to.counter(lost, help, {{"reason", "no_memory"}}, udp(&udp_counters::pool_drops));
  to.counter(lost, help, {{"reason", "truncated"}}, udp(&udp_counters::truncated));
  to.counter(lost, help, {{"reason", "too_large"}}, udp(&udp_counters::too_large));
  to.counter(lost, help, {{"reason", "send_buffer"}}, udp(&udp_counters::send_full));
  to.counter(lost, help, {{"reason", "send_error"}}, udp(&udp_counters::send_errors));
  to.counter("reveille_udp_unreachable_total", "ICMP errors that told of a closed port or host.", {},
             udp(&udp_counters::unreachable));
}

}  // namespace

void add_thread_families(metric_sink& to, std::span<const shard_thread_counters> shards) {
  add_subscribers(to, shards);
  add_sockets(to, shards);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string number = std::to_string(i);
    const shard_thread_counters& shard = shards[i];
    to.counter("reveille_shard_busy_seconds_total", "Time a shard's thread spent working.", {{"shard", number}},
               std::chrono::duration<double>(shard.busy).count());
    to.counter("reveille_shard_turns_total", "Turns of a shard's thread.", {{"shard", number}}, shard.turns);
    to.counter("reveille_shard_turns_failed_total", "Turns that found no memory; their datagrams are lost.", {{"shard", number}},
               shard.turns_failed);
    to.counter("reveille_shard_inbox_items_total", "What other threads gave a shard.", {{"shard", number}},
               shard.inbox_items);
    to.counter("reveille_shard_inbox_dropped_total", "Messages that found a shard's inbox full: refused with 503, or dropped when they begin no work.",
               {{"shard", number}}, shard.inbox_dropped);
    to.gauge("reveille_shard_queue_delay_seconds", "How long the oldest of the last batch had waited, in the kernel and in inboxes.",
             {{"shard", number}}, std::chrono::duration<double>(shard.queue_delay).count());
    to.gauge("reveille_shard_pool_bytes", "Message buffers of a shard.", {{"shard", number}},
             static_cast<double>(shard.pool_bytes));
    to.counter("reveille_shard_pool_refused_total", "Message buffers refused because a shard's pool was at its bound.",
               {{"shard", number}}, shard.pool_refused);
  }
}

void add_admin_families(metric_sink& to, const http1::server_counters& counters) {
  to.counter("reveille_admin_requests_total", "Requests to the admin server.", {}, counters.requests);
  to.counter("reveille_admin_refused_connections_total", "Connections closed in favour of others, or for want of a place, descriptor or memory.", {},
             counters.refused_connections);
  to.counter("reveille_admin_bad_requests_total", "Requests that were malformed, too large, too slow or of a foreign web page.", {},
             counters.bad_requests);
  to.counter("reveille_admin_failed_requests_total", "Requests that found no memory or met an exception.", {},
             counters.failed_requests);
  to.gauge("reveille_admin_connections", "Open connections to the admin server.", {},
           static_cast<double>(counters.connections));
}

void add_lifecycle_families(metric_sink& to, const lifecycle& now) {
  to.gauge("reveille_draining", "1 while draining.", {}, now.draining ? 1 : 0);
  to.gauge("reveille_ready", "1 while new calls are served, as /readyz says.", {}, now.ready ? 1 : 0);
  to.gauge("reveille_memory_short", "1 while the system refuses memory and new calls and registrations get 503.", {},
           now.short_of_memory ? 1 : 0);
  to.counter("reveille_memory_reserve_used_total", "Times the memory that is kept back was needed.", {}, now.memory_refused);
}

}  // namespace reveille
