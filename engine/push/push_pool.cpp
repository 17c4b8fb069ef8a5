#include "engine/push/push_pool.hpp"

#include <algorithm>
#include <utility>

#include "engine/push/backoff.hpp"

namespace reveille {

namespace {

/// A connection that ends younger than this without any answer is trouble, an older one was idle.
constexpr seconds short_life{5};

}  // namespace

push_pool::push_pool(std::uint16_t sender, const std::string& name, push_endpoint endpoint, push_route route,
                     const push_limits& limits, push_connection_owner& owner, push_outside& outside,
                     random_source& random, push_counters& counters, push_credential_counters& own)
    : sender_(sender),
      name_(name),
      endpoint_(std::move(endpoint)),
      route_(std::move(route)),
      limits_(limits),
      owner_(owner),
      outside_(outside),
      random_(random),
      counters_(counters),
      own_(own),
      // Each connection once: a service that is restarted ends them all, and each is replaced at once.
      pace_(std::uint32_t{limits.connections} + limits.spare_connections, limits.first_reconnect_pause,
            limits.longest_reconnect_pause, limits.reconnect_memory) {}

push_connection* push_pool::find(push_connection_id id) {
  if (id.sender != sender_ || id.slot >= places_.size()) return nullptr;
  place& p = places_[id.slot];
  return p.generation == id.generation ? p.connection.get() : nullptr;
}

push_connection* push_pool::choose(std::optional<push_connection_id> but) {
  // One connection is filled before the next is touched, so that frames share TLS records; turns change the first.
  push_connection* spare = nullptr;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const place& p = places_[(turn_ + i) % places_.size()];
    push_connection* c = p.connection.get();
    if (c == nullptr || c->capacity() == 0 || (but && c->id() == *but)) continue;
    if (!p.spare) return c;
    spare = c;
  }
  return but ? spare : nullptr;
}

void push_pool::begin_turn() {
  ++turn_;
  if (limits_.spare_connections == 0) return;
  for (place& p : places_) {
    std::size_t older = 0;
    for (const place& other : places_) {
      older += other.connection && other.connection->usable() && other.opened < p.opened ? 1U : 0U;
    }
    p.spare = older >= limits_.connections;
  }
}

std::size_t push_pool::warm() const {
  return limits_.warm_connections == 0 ? 0U : std::size_t{limits_.warm_connections} + limits_.spare_connections;
}

std::size_t push_pool::alive() const {
  std::size_t n = 0;
  for (const place& p : places_) n += p.connection && (p.opening || p.connection->usable()) ? 1U : 0U;
  return n;
}

std::size_t push_pool::usable() const {
  std::size_t n = 0;
  for (const place& p : places_) n += p.connection && p.connection->usable() ? 1U : 0U;
  return n;
}

std::size_t push_pool::stream_capacity() const {
  std::size_t n = 0;
  for (const place& p : places_) n += p.connection && p.connection->usable() ? p.connection->stream_limit() : 0U;
  return n;
}

void push_pool::want(std::size_t wanted, const instant& now) {
  if (limits_.planted.never_reconnect && counters_.connects.value() > 0) return;
  if (pace_.calmed(now.steady)) {
    outside_.tell({push_notice::weight::info, name_ + ": connections to " + endpoint_.host + " last again"});
  }
  // Draining ones still have their streams; together they are bounded, whatever the peer does.
  const std::size_t bound = 2U * limits_.connections + 4U;
  std::size_t living = alive();
  std::size_t all = 0;
  for (const place& p : places_) all += p.connection ? 1U : 0U;
  wanted = allowed(std::max(wanted, warm()));
  while (living < wanted && all < bound && now.steady >= opens_at()) {
    if (failures_ > 0 && living > usable()) return;  // one attempt at a time while they fail
    std::size_t i = 0;
    while (i < places_.size() && places_[i].connection) ++i;
    if (i == places_.size()) places_.emplace_back();
    place& p = places_[i];
    const push_connection_id id{sender_, static_cast<std::uint16_t>(i), ++p.generation};
    p.connection = std::make_unique<push_connection>(owner_, id, limits_);
    p.opening = true;
    p.leaving = false;
    ++living;
    ++all;
    outside_.open(id, endpoint_, route_);
  }
}

void push_pool::remove(push_connection_id id) {
  place& p = places_[id.slot];
  p.connection.reset();
  p.opening = false;
}

void push_pool::follow_token(std::uint64_t version) {
  if (version == token_version_) return;
  token_version_ = version;
  for (place& p : places_) {
    if (!p.connection || !p.connection->usable() || !p.connection->used()) continue;
    p.leaving = true;
    p.connection->drain();
    wake_later(p.connection->id());
  }
}

push_pool::reachability push_pool::trouble(const instant& now) {
  not_before_ =
      now.steady + jittered_backoff(limits_.first_connect_pause, limits_.longest_connect_pause, failures_, random_);
  ++failures_;
  return reachability::bad;
}

void push_pool::opened(push_connection_id id, push_protocol by, const instant& now) {
  push_connection* c = find(id);
  if (c == nullptr) return;
  places_[id.slot].opening = false;
  places_[id.slot].opened = ++openings_;
  counters_.connects.add();
  if (told_ && !told_of_alert_) tell_good();
  c->opened(by, now);
}

/// Once a change, not once an attempt.
void push_pool::tell_bad(open_failure why, std::string_view done, std::string_view what) {
  own_.connect_failures[static_cast<std::size_t>(why)].add();
  if (told_ == why) return;
  told_ = why;
  outside_.tell({push_notice::weight::warning, name_ + ": " + std::string(done) + ' ' + endpoint_.host + " (" +
                                                   std::string(name_of(why)) + "): " + std::string(what)});
}

void push_pool::tell_good() {
  told_.reset();
  told_of_alert_ = false;
  outside_.tell({push_notice::weight::info, name_ + ": connected to " + endpoint_.host + " again"});
}

push_pool::reachability push_pool::open_failed(push_connection_id id, open_failure why, std::string_view what,
                                          const instant& now) {
  if (find(id) == nullptr) return reachability::good;
  counters_.connect_failures.add();
  tell_bad(why, "cannot connect to", what);
  told_of_alert_ = false;
  remove(id);
  return trouble(now);
}

push_pool::reachability push_pool::closed(push_connection_id id, const std::optional<tls_alert>& alert, const instant& now) {
  push_connection* c = find(id);
  if (c == nullptr) return reachability::good;
  if (alert && !c->has_answered()) {
    tell_bad(alert->why, "refused by", alert->what);
    told_of_alert_ = true;
  }
  if (c->usable() && c->has_answered() && !c->may_close_at_will()) ended_by_service(id, now);
  c->closed(now);  // every open stream gets its loss
  const bool in_vain = !c->has_answered() && !c->lived(short_life, now);
  remove(id);
  return in_vain ? trouble(now) : reachability::good;
}

void push_pool::ended_by_service(push_connection_id id, const instant& now) {
  push_connection* c = find(id);
  if (c == nullptr || std::exchange(places_[id.slot].leaving, true)) return;
  if (c->answers() >= limits_.connection_worth || c->lived(limits_.connection_lasts, now)) return;
  const bool paused = pace_.pauses();
  if (!pace_.ended_early(now.steady, random_)) return;
  own_.reconnect_pauses.add();
  if (paused) return;
  outside_.tell({push_notice::weight::warning, name_ + ": " + endpoint_.host +
                                                   " ends each connection after a few pushes: the next ones wait"});
}

std::size_t push_pool::check(const instant& now) {
  std::size_t silent = 0;
  bool retired = false;
  for (place& p : places_) {
    push_connection* c = p.connection.get();
    if (c == nullptr || p.opening) continue;
    bool produced = false;
    if (c->check(now, produced) == push_connection::health::silent) {
      counters_.silent_connections.add();
      ++silent;
      p.leaving = true;
      c->drain();
      outside_.abort(c->id());
    } else if (c->usable() && c->too_old(now) && !retired && may_retire(p, now)) {
      p.leaving = true;
      c->drain();
      retired = limits_.spare_connections > 0;
      produced = true;
    }
    if (produced) wake_later(c->id());
  }
  return silent;
}

/// An idle spare makes room for a young one first, which then takes over from those that carry pushes, one by one.
bool push_pool::may_retire(const place& old, const instant& now) const {
  if (limits_.spare_connections == 0 || old.spare) return true;
  return std::any_of(places_.begin(), places_.end(), [&](const place& p) {
    return p.spare && p.connection && p.connection->usable() && !p.connection->too_old(now);
  });
}

void push_pool::wake_now() {
  for (const push_connection_id id : to_wake_) outside_.wake(id);
  to_wake_.clear();
}

steady_time push_pool::next_due(bool waiting, const instant& now) const {
  steady_time due = steady_time::max();
  for (const place& p : places_) {
    if (p.connection) due = std::min(due, p.connection->next_check());
  }
  const std::size_t wanted = std::max<std::size_t>(waiting ? 1 : 0, warm());
  if (opens_at() > now.steady && alive() < allowed(wanted)) due = std::min(due, opens_at());
  if (pace_.pauses()) due = std::min(due, std::max(pace_.calm_at(), now.steady));
  return due;
}

}  // namespace reveille
