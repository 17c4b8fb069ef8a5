#include "mock_providers/delivery/dispatcher.hpp"

#include <algorithm>

namespace reveille::mock_providers {
namespace {

/// A notification that may be tried only once is never stored, and never expires on its way.
bool is_try_once(const notification& n) { return n.expires && *n.expires <= n.accepted_at; }

}  // namespace

void dispatcher::accept(notification what, const instant& now) {
  if (delay_.loses(random_)) {
    ++counters_.lost;
    return;
  }
  nanoseconds delay = delay_.draw(random_);
  if (what.low_priority) delay += low_priority_delay_.draw(random_);
  if (delay <= nanoseconds(0)) return arrive(std::move(what), now);
  if (waiting_.size() >= max_waiting) {
    ++counters_.queue_full;
    return;
  }
  waiting_.push_back({now.steady + delay, order_++, std::move(what)});
  std::push_heap(waiting_.begin(), waiting_.end(), later{});
  counters_.waiting = waiting_.size();
}

void dispatcher::advance(const instant& now) {
  while (!waiting_.empty() && waiting_.front().due <= now.steady) {
    std::pop_heap(waiting_.begin(), waiting_.end(), later{});
    notification what = std::move(waiting_.back().what);
    waiting_.pop_back();
    arrive(std::move(what), now);
  }
  counters_.waiting = waiting_.size();
}

std::optional<steady_time> dispatcher::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().due;
}

void dispatcher::arrive(notification what, const instant& now) {
  const device* at = devices_.find(what.provider, what.token);
  const bool once = is_try_once(what);
  if (what.expires && !once && *what.expires <= now.wall) {
    ++counters_.expired;
    return;
  }
  if (!at || (at->reachable && !at->unregistered_at)) return deliver(what, now);
  if (once || at->unregistered_at) {
    ++counters_.expired;
    return;
  }
  store(std::move(what));
}

/// APNs keeps the newest for each app and device; FCM the newest of each of four collapse keys, and a hundred without.
void dispatcher::store(notification what) {
  shelf& kept = stored_[{device_table::key_of(what.provider, what.token), what.app}];
  const bool apple = what.provider != pns::provider::fcm;
  const auto drop = [&](shelf::iterator at) {
    ++counters_.replaced;
    --stored_count_;
    return kept.erase(at);
  };
  const auto same = [&](const notification& n) { return apple || (!what.collapse_key.empty() && n.collapse_key == what.collapse_key); };
  if (const auto old = std::find_if(kept.begin(), kept.end(), same); old != kept.end()) {
    drop(old);
  } else if (!apple) {
    const auto keyed = [](const notification& n) { return !n.collapse_key.empty(); };
    const auto with_key = static_cast<std::size_t>(std::count_if(kept.begin(), kept.end(), keyed));
    if (!what.collapse_key.empty() && with_key >= max_collapse_keys) drop(std::find_if(kept.begin(), kept.end(), keyed));
    if (what.collapse_key.empty() && kept.size() - with_key >= max_plain_messages) {
      for (auto at = kept.begin(); at != kept.end();) at = keyed(*at) ? at + 1 : drop(at);
    }
  }
  if (stored_count_ >= max_stored) {
    ++counters_.queue_full;
    return;
  }
  ++counters_.stored;
  ++stored_count_;
  kept.push_back(std::move(what));
}

void dispatcher::reachable(pns::provider provider, std::string_view token, const instant& now) {
  const std::string name = device_table::key_of(provider, token);
  for (auto it = stored_.lower_bound({name, ""}); it != stored_.end() && it->first.first == name;) {
    const shelf kept = std::move(it->second);
    it = stored_.erase(it);
    stored_count_ -= kept.size();
    for (const notification& what : kept) {
      if (what.expires && *what.expires <= now.wall) {
        ++counters_.expired;
      } else {
        deliver(what, now);
      }
    }
  }
}

std::vector<const notification*> dispatcher::kept_for(pns::provider provider, std::string_view token) const {
  std::vector<const notification*> out;
  const std::string name = device_table::key_of(provider, token);
  for (auto it = stored_.lower_bound({name, ""}); it != stored_.end() && it->first.first == name; ++it) {
    for (const notification& n : it->second) out.push_back(&n);
  }
  return out;
}

void dispatcher::deliver(const notification& what, const instant& now) {
  ++counters_.delivered;
  sink_.deliver({what.provider, what.token, what.app, what.push_type, what.id, what.payload, what.accepted_at, now.wall});
}

}  // namespace reveille::mock_providers
