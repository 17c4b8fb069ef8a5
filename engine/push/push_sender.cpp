#include "engine/push/push_sender.hpp"

#include <algorithm>
#include <cassert>

namespace reveille {

using phase = push_slot::phase;

namespace {

/// A repeat that must go elsewhere looks for another connection so often, avoid_pause apart, and then takes any.
constexpr std::uint8_t avoid_turns_limit = 50;
constexpr milliseconds avoid_pause{10};
pns::push_outcome outcome_of(pns::request_fault fault) {
  switch (fault) {
    case pns::request_fault::no_token:
    case pns::request_fault::voip_token_skipped: return pns::dropped{pns::dropped::why::skipped};
    case pns::request_fault::too_large:
    case pns::request_fault::no_template: return pns::our_fault{};
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace

push_sender::push_sender(push_sender_parts parts, push_outside& outside, random_source& random, push_counters& counters,
                         const instant& now)
    : parts_(std::move(parts)),
      outside_(outside),
      random_(random),
      counters_(counters),
      pool_(parts_.number, parts_.name, parts_.endpoint, parts_.route, parts_.limits, *this, outside, random, counters,
            own_),
      retries_(now.steady),
      rate_(parts_.limits.rate, parts_.limits.burst, now.steady, {parts_.limits.ramp_floor, parts_.limits.ramp_time}),
      breaker_(parts_.limits.breaker_failures, parts_.limits.breaker_pause, parts_.limits.longest_breaker_pause) {
  if (parts_.apps.empty()) parts_.apps.push_back({});
  lanes_.reserve(parts_.apps.size());
  for (const push_app_parts& app : parts_.apps) {
    apps_.emplace_back();
    lanes_.emplace_back(parts_.limits, app, apps_.back(), now.steady);
  }
}

// --- orders

void push_sender::take(pns::push_order&& order, app_index app, const instant& now) {
  counters_.orders.add();
  push_slot& s = table_.take();
  s.order = std::move(order);
  s.app = app;
  s.call = std::holds_alternative<pns::invite_content>(s.order.content);
  s.at = phase::queued;
  s.withdrawn = false;
  s.taken = now.steady;
  s.connection = {};
  s.connection.sender = 0xffff;  // nowhere yet
  s.remedies = {};
  s.free_resends = s.ambiguous = s.avoid_turns = 0;
  table_.enlist(s);
  push_lane& lane = lane_of(s);
  if (s.call && lane.call_ttl > milliseconds(0)) s.order.expires = std::min(s.order.expires, now.wall + lane.call_ttl);
  const std::size_t limit = s.call ? parts_.limits.calls_queued : parts_.limits.missed_calls_queued;
  if (++lane.held(s.call) > limit) return finish(s, pns::dropped{pns::dropped::why::queue_full}, 0, "", now);
  if (s.order.deadline <= now.steady) return finish(s, pns::dropped{pns::dropped::why::deadline}, 0, "", now);
  if (lane.breaker.refuses_credential(now.steady)) return finish(s, pns::credential_fault{}, 0, "breaker", now);
  const steady_time held = parts_.credential->held_until();
  if (held > now.steady && s.order.deadline <= held) return finish(s, pns::try_later{}, 0, "held", now);
  enqueue(s);
  lane.publish();
}

bool push_sender::withdraw(const pns::push_id& id, const instant& now) {
  push_slot* s = table_.find(id);
  if (s == nullptr) return false;
  if (parts_.limits.planted.forget_to_withdraw) return true;
  if (s->at == phase::flying) {
    push_connection* c = pool_.find(s->connection);
    if (c == nullptr || !c->withdraw(s->stream)) {
      s->withdrawn = true;  // on the wire: its answer is awaited, but nothing is repeated
      return true;
    }
    pool_.wake_later(c->id());  // one that had begun is reset
    land(*s);
  }
  finish(*s, pns::dropped{pns::dropped::why::withdrawn}, 0, "", now);
  return true;
}

void push_sender::enqueue(push_slot& s) {
  s.at = phase::queued;
  lane_of(s).queue_of(s.call).add(s.order.deadline, s.tag());
}

void push_sender::drop_expired(deadline_queue& queue, const instant& now) {
  while (!queue.empty()) {
    push_slot* s = table_.by_tag(queue.front().tag);
    const bool here = s != nullptr && s->at == phase::queued;
    if (here && s->order.deadline > now.steady) return;
    queue.pop();
    if (here) finish(*s, pns::dropped{pns::dropped::why::deadline}, 0, "", now);
  }
}

void push_sender::resend_later(push_slot& s, nanoseconds delay, pns::push_outcome otherwise, int status,
                               std::string reason, const instant& now) {
  const steady_time due = now.steady + delay;
  if (due >= s.order.deadline) return finish(s, std::move(otherwise), status, std::move(reason), now);
  if (delay <= nanoseconds(0)) return enqueue(s);
  s.at = phase::waiting;
  s.retry = retries_.schedule(due, s.tag());
}

void push_sender::finish(push_slot& s, pns::push_outcome outcome, int status, std::string reason, const instant& now) {
  if (s.at == phase::waiting) retries_.cancel(s.retry);
  push_lane& lane = lane_of(s);
  const push_end end = end_of(outcome);
  counters_.ended[static_cast<std::size_t>(end)].add();
  lane.counters.ended[static_cast<std::size_t>(end)].add();
  if (end == push_end::accepted) {
    counters_.order_seconds.observe(std::chrono::duration<double>(now.steady - s.taken).count());
  } else {
    lane.counters.reasons[pns::reason_index(reason)].add();
  }
  outside_.answer(s.order.home, {s.order.id, std::move(outcome), static_cast<std::uint16_t>(status), std::move(reason)});
  --lane.held(s.call);
  lane.publish();
  const bool call = s.call;
  table_.strike(s);
  table_.release(s);
  lane.queue_of(call).prune(lane.held(call), [this](const deadline_queue::item& i) {
    const push_slot* waits = table_.by_tag(i.tag);
    return waits == nullptr || waits->at != phase::queued;
  });
}

void push_sender::flush(push_lane& lane, const pns::push_outcome& outcome, std::string_view reason, steady_time before,
                        const instant& now) {
  for (deadline_queue* queue : {&lane.calls, &lane.missed}) {
    while (!queue->empty() && queue->front().deadline <= before) {
      push_slot* s = table_.by_tag(queue->front().tag);
      queue->pop();
      if (s != nullptr && s->at == phase::queued) finish(*s, outcome, 0, std::string(reason), now);
    }
  }
}

// --- sending

bool push_sender::anything_queued(const instant& now) {
  bool any = false;
  for (push_lane& lane : lanes_) {
    drop_expired(lane.calls, now);
    drop_expired(lane.missed, now);
    if (lane.empty()) continue;
    if (lane.breaker.refuses_credential(now.steady)) {
      flush(lane, pns::credential_fault{}, "breaker", steady_time::max(), now);
    } else {
      any = true;
    }
  }
  return any;
}

/// Whether the credential lets anything leave now; what cannot wait for it is answered.
bool push_sender::may_send(const instant& now) {
  if (!breaker_.allows(now.steady)) return false;
  if (const steady_time held = parts_.credential->held_until(); held > now.steady) {
    for (push_lane& lane : lanes_) flush(lane, pns::try_later{}, "held", held, now);
    return false;
  }
  if (!parts_.credential->sends_authorization() || !parts_.credential->authorization(now).empty()) return true;
  if (const std::string fault(parts_.credential->fault()); !fault.empty()) {
    for (push_lane& lane : lanes_) flush(lane, pns::credential_fault{}, fault, steady_time::max(), now);
  }
  return false;  // a purchase is under way
}

/// Calls before missed calls (SPEC 6.3), apps in turns, in each the earliest deadline first.
push_slot* push_sender::next_queued(std::size_t capacity, const instant& now) {
  // Thrice what is free: one app that gets no answers holds three quarters of the streams, two hold three sevenths each,
  // and however many they are, some are left to the others.
  const std::size_t share =
      lanes_.size() == 1 ? table_.used() + 1 : std::max<std::size_t>(1, 3 * (capacity - std::min(capacity, flying_)));
  for (const bool calls : {true, false}) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      push_lane& lane = lanes_[(next_lane_ + i) % lanes_.size()];
      deadline_queue& queue = lane.queue_of(calls);
      if (queue.empty()) continue;
      drop_expired(queue, now);
      if (queue.empty() || lane.flying >= share || !lane.breaker.allows(now.steady)) continue;
      if (lane.pace.next(now.steady)) {
        counters_.throttled.add();
        continue;
      }
      next_lane_ = (next_lane_ + i + 1) % lanes_.size();
      return table_.by_tag(queue.front().tag);
    }
  }
  return nullptr;
}

bool push_sender::pump(const instant& now, std::size_t quantum) {
  if (auto form = parts_.credential->purchase(now)) {
    counters_.token_purchases.add();
    outside_.purchase(parts_.number, parts_.token_url, parts_.route, std::move(*form));
  }
  bool more = false;
  bool starved = false;      // a queued push found no stream
  bool elsewhere = false;
  pool_.begin_turn();
  if (anything_queued(now) && may_send(now)) {
    if (parts_.credential->token_binds_connection()) pool_.follow_token(parts_.credential->token_version());
    const std::size_t capacity = stream_capacity();
    for (std::size_t n = 0;;) {
      push_slot* s = next_queued(capacity, now);
      if (s == nullptr || !breaker_.allows(now.steady)) break;
      deadline_queue& queue = lane_of(*s).queue_of(s->call);
      const bool avoid = s->avoid_turns > 0 && s->avoid_turns < avoid_turns_limit;
      push_connection* c = avoid ? pool_.choose(s->connection) : pool_.choose();
      if (c == nullptr && avoid && pool_.choose() != nullptr) {
        // A repeat that must go elsewhere stands in front, while others could go: it steps aside.
        queue.pop();
        ++s->avoid_turns;
        elsewhere = true;
        resend_later(*s, avoid_pause, pns::try_later{}, 0, "", now);
        continue;
      }
      if (c == nullptr) {
        starved = true;
        break;
      }
      if (n == quantum) {
        more = true;
        break;
      }
      if (!rate_.take(now.steady)) {
        counters_.throttled.add();
        break;
      }
      lane_of(*s).pace.take(now.steady);
      queue.pop();
      if (submit(*s, *c, now)) ++n;
    }
  }
  // As many as there are pushes for, up to the bound: an HTTP/1.1 connection carries one at a time.
  const std::size_t busy = std::min<std::size_t>(parts_.limits.connections, table_.used());
  const std::size_t sized = elsewhere ? parts_.limits.connections + 1U : starved ? busy : 0U;
  pool_.want(sized, now);
  pool_.wake_now();
  return more;
}

bool push_sender::submit(push_slot& s, push_connection& by, const instant& now) {
  const auto made = parts_.credential->compose(s.order, s.app, now.wall, composed_);
  if (!made) {
    finish(s, outcome_of(made.error()), 0, std::string(name_of(made.error())), now);
    return false;
  }
  fields_.clear();
  if (parts_.credential->sends_authorization()) {
    fields_.push_back({"authorization", parts_.credential->authorization(now), http2::indexing::never});
  }
  const auto headers = composed_.headers();
  fields_.insert(fields_.end(), headers.begin(), headers.end());
  http2::request r;
  r.authority = parts_.credential->authority();
  r.path = composed_.path;
  r.headers = fields_;
  r.own_body = &composed_.body;
  s.token = composed_.token;
  s.token_version = parts_.credential->token_version();
  s.connection = by.id();
  s.submitted = now.steady;
  s.at = phase::flying;
  s.avoid_turns = 0;
  s.stream = by.submit(r, s.tag());
  s.older = newest_;
  s.newer = push_slot::nil;
  (newest_ == push_slot::nil ? oldest_ : table_.at(newest_).newer) = s.index;
  newest_ = s.index;
  ++flying_;
  push_lane& lane = lane_of(s);
  ++lane.flying;
  lane.publish();
  if (composed_.cannot_wake) lane.counters.cannot_wake.add();
  lane.breaker.sent();
  breaker_.sent();
  counters_.sent.add();
  pool_.wake_later(by.id());
  return true;
}

void push_sender::land(push_slot& s) {
  (s.older == push_slot::nil ? oldest_ : table_.at(s.older).newer) = s.newer;
  (s.newer == push_slot::nil ? newest_ : table_.at(s.newer).older) = s.older;
  s.older = s.newer = push_slot::nil;
  --flying_;
  push_lane& lane = lane_of(s);
  --lane.flying;
  breaker_.landed();
  lane.breaker.landed();
}

// --- for operators

std::size_t push_sender::open_breakers() const {
  std::size_t n = breaker_.is_closed() ? 0 : 1;
  for (const push_lane& lane : lanes_) n += lane.breaker.is_closed() ? 0U : 1U;
  return n;
}

std::vector<push_app_reading> push_sender::apps() const {
  std::vector<push_app_reading> out;
  for (std::size_t i = 0; i < apps_.size(); ++i) out.push_back({parts_.name, parts_.apps[i].name, &apps_[i], &own_});
  return out;
}

// --- time

void push_sender::on_timer(const instant& now) {
  retries_.advance(now.steady, [this](std::uint64_t tag) {
    push_slot* s = table_.by_tag(tag);
    if (s != nullptr && s->at == phase::waiting) enqueue(*s);
  });
  expire_flying(now);
  for (push_lane& lane : lanes_) {
    drop_expired(lane.calls, now);
    drop_expired(lane.missed, now);
  }
  for (std::size_t silent = pool_.check(now); silent > 0; --silent) on_reachability(push_pool::reachability::bad, now);
}

std::optional<steady_time> push_sender::next_due(const instant& now) {
  steady_time due = steady_time::max();
  const auto sooner = [&due](std::optional<steady_time> t) {
    if (t) due = std::min(due, *t);
  };
  bool queued = false;
  for (push_lane& lane : lanes_) {
    if (lane.empty()) continue;
    queued = true;
    if (!lane.calls.empty()) sooner(lane.calls.front().deadline);
    if (!lane.missed.empty()) sooner(lane.missed.front().deadline);
    // One that is due already waits for what holds the whole credential, or for a stream.
    if (const auto reopens = lane.breaker.reopens(); reopens && *reopens > now.steady) sooner(reopens);
    sooner(lane.pace.next(now.steady));
  }
  sooner(retries_.next_due());
  if (oldest_ != push_slot::nil) sooner(table_.at(oldest_).submitted + parts_.limits.answer_timeout);
  due = std::min(due, pool_.next_due(queued, now));
  if (queued) {
    sooner(breaker_.reopens());
    sooner(rate_.next(now.steady));
    if (const steady_time held = parts_.credential->held_until(); held > now.steady) sooner(held);
  }
  sooner(parts_.credential->next_purchase());
  return due == steady_time::max() ? std::nullopt : std::optional(due);
}

}  // namespace reveille
