#include "engine/push/push_sender.hpp"

#include <algorithm>
#include <cassert>

namespace reveille {

using phase = push_slot::phase;

namespace {

/// A repeat that must go elsewhere looks for another connection so often, avoid_pause apart, and then takes any.
constexpr std::uint8_t avoid_turns_limit = 50;
constexpr milliseconds avoid_pause{10};
/// Refused or unsent for the third time and more: no hurry, or a server that refuses all would be hammered.
constexpr milliseconds refused_pause{20};
constexpr milliseconds longest_refused_pause{1000};
/// A connection that ends younger than this without any answer is trouble, an older one was idle.
constexpr seconds short_life{5};

std::size_t bit(pns::remedy r) { return static_cast<std::size_t>(r); }

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
      retries_(now.steady),
      rate_(parts_.limits.rate, parts_.limits.burst, now.steady),
      breaker_(parts_.limits.breaker_failures, parts_.limits.breaker_pause, parts_.limits.longest_breaker_pause) {}

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
  std::size_t& held = s.call ? calls_held_ : missed_held_;
  const std::size_t limit = s.call ? parts_.limits.calls_queued : parts_.limits.missed_calls_queued;
  ++held;
  if (held > limit) return finish(s, pns::dropped{pns::dropped::why::queue_full}, 0, "", now);
  if (s.order.deadline <= now.steady) return finish(s, pns::dropped{pns::dropped::why::deadline}, 0, "", now);
  if (breaker_.refuses_credential(now.steady)) return finish(s, pns::credential_fault{}, 0, "breaker", now);
  enqueue(s);
}

bool push_sender::withdraw(const pns::push_id& id, const instant& now) {
  push_slot* s = table_.find(id);
  if (s == nullptr) return false;
  if (parts_.limits.planted.forget_to_withdraw) return true;
  if (s->at == phase::flying) {
    push_connection* c = connection(s->connection);
    if (c == nullptr || !c->withdraw(s->stream)) {
      s->withdrawn = true;  // on the wire: its answer is awaited, but nothing is repeated
      return true;
    }
    breaker_.probe_lost();
    land(*s);
  }
  finish(*s, pns::dropped{pns::dropped::why::withdrawn}, 0, "", now);
  return true;
}

void push_sender::enqueue(push_slot& s) {
  s.at = phase::queued;
  (s.call ? calls_ : missed_).add(s.order.deadline, s.tag());
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

push_slot* push_sender::next_queued(const instant& now) {
  for (deadline_queue* queue : {&calls_, &missed_}) {  // calls before missed calls (SPEC 6.3)
    drop_expired(*queue, now);
    if (!queue->empty()) return table_.by_tag(queue->front().tag);
  }
  return nullptr;
}

nanoseconds push_sender::backoff(nanoseconds first, nanoseconds longest, std::uint32_t attempt) {
  const nanoseconds full = std::min(longest, first * (std::int64_t{1} << std::min(attempt, 20U)));
  return nanoseconds(static_cast<std::int64_t>(static_cast<double>(full.count()) * (0.5 + 0.5 * random_.unit())));
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
  const push_end end = end_of(outcome);
  counters_.ended[static_cast<std::size_t>(end)].add();
  if (end == push_end::accepted) {
    counters_.order_seconds.observe(std::chrono::duration<double>(now.steady - s.taken).count());
  }
  outside_.answer(s.order.home, {s.order.id, std::move(outcome), static_cast<std::uint16_t>(status), std::move(reason)});
  --(s.call ? calls_held_ : missed_held_);
  table_.strike(s);
  table_.release(s);
}

void push_sender::flush(const pns::push_outcome& outcome, std::string_view reason, const instant& now) {
  for (deadline_queue* queue : {&calls_, &missed_}) {
    while (!queue->empty()) {
      push_slot* s = table_.by_tag(queue->front().tag);
      queue->pop();
      if (s != nullptr && s->at == phase::queued) finish(*s, outcome, 0, std::string(reason), now);
    }
  }
}

// --- sending

bool push_sender::pump(const instant& now, std::size_t quantum) {
  if (auto form = parts_.credential->purchase(now)) {
    counters_.token_purchases.add();
    outside_.purchase(parts_.number, parts_.token_url, parts_.route, std::move(*form));
  }
  starved_ = false;
  bool more = false;
  bool elsewhere = false;
  ++turn_;
  for (std::size_t n = 0;;) {
    push_slot* s = next_queued(now);
    if (s == nullptr) break;
    if (breaker_.refuses_credential(now.steady)) {
      flush(pns::credential_fault{}, "breaker", now);
      break;
    }
    if (!breaker_.allows(now.steady)) break;
    if (parts_.credential->authorization(now).empty()) {
      const std::string_view fault = parts_.credential->fault();
      if (!fault.empty()) flush(pns::credential_fault{}, fault, now);
      break;  // else a purchase is under way
    }
    follow_token();
    push_connection* c = choose(*s);
    if (c == nullptr && elsewhere_possible(*s)) {
      (s->call ? calls_ : missed_).pop();
      ++s->avoid_turns;
      elsewhere = true;
      resend_later(*s, avoid_pause, pns::try_later{}, 0, "", now);
      continue;
    }
    if (c == nullptr) {
      starved_ = true;
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
    (s->call ? calls_ : missed_).pop();
    if (submit(*s, *c, now)) ++n;
  }
  const std::size_t sized = elsewhere ? parts_.limits.connections + 1U : starved_ ? parts_.limits.connections : 0U;
  want_connections(std::max<std::size_t>(sized, parts_.limits.warm_connections), now);
  for (const push_connection_id id : to_wake_) outside_.wake(id);
  to_wake_.clear();
  return more;
}

bool push_sender::submit(push_slot& s, push_connection& by, const instant& now) {
  composed_.body.swap(s.body);  // the slot's memory is used again
  const auto made = parts_.credential->compose(s.order, s.app, now.wall, composed_);
  composed_.body.swap(s.body);
  if (!made) {
    finish(s, outcome_of(made.error()), 0, std::string(name_of(made.error())), now);
    return false;
  }
  fields_.clear();
  fields_.push_back({"authorization", parts_.credential->authorization(now), http2::indexing::never});
  const auto headers = composed_.headers();
  fields_.insert(fields_.end(), headers.begin(), headers.end());
  http2::request r;
  r.authority = parts_.credential->authority();
  r.path = composed_.path;
  r.headers = fields_;
  r.body = s.body;
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
  breaker_.sent();
  counters_.sent.add();
  if (to_wake_.empty() || to_wake_.back() != by.id()) to_wake_.push_back(by.id());
  return true;
}

void push_sender::land(push_slot& s) {
  (s.older == push_slot::nil ? oldest_ : table_.at(s.older).newer) = s.newer;
  (s.newer == push_slot::nil ? newest_ : table_.at(s.newer).older) = s.older;
  s.older = s.newer = push_slot::nil;
  --flying_;
}

// --- what came of it

void push_sender::on_answer(push_connection& from, std::uint64_t tag, const http2::response& answer) {
  push_slot* s = table_.by_tag(tag);
  if (s == nullptr || s->at != phase::flying) return;
  const instant& now = from.now();
  counters_.answer_seconds.observe(std::chrono::duration<double>(now.steady - s->submitted).count());
  land(*s);
  connect_failures_ = 0;
  const pns::http_answer text{answer.status, answer.body, answer.headers.value_of("apns-id"),
                              answer.headers.value_of("retry-after")};
  apply(*s, from, parts_.credential->sort(text, s->token->value, now.wall), answer.status, now);
}

void push_sender::apply(push_slot& s, push_connection& from, pns::verdict v, int status, const instant& now) {
  if (v.connection_spent && from.usable()) {
    from.drain();
    to_wake_.push_back(from.id());
  }
  if (status >= 500) {
    failure(circuit_breaker::fault::service, now);
  } else if (std::holds_alternative<pns::credential_fault>(v.outcome) && v.remedy == pns::remedy::none) {
    failure(circuit_breaker::fault::credential, now);
  } else {
    breaker_.succeeded();
  }
  const std::uint8_t used = s.remedies[bit(v.remedy)];
  const bool may = v.remedy != pns::remedy::none && !s.withdrawn && (v.repeats == 255 || used < v.repeats);
  if (s.withdrawn && std::holds_alternative<pns::try_later>(v.outcome)) {
    v.outcome = pns::dropped{pns::dropped::why::withdrawn};
  }
  if (!may && parts_.limits.planted.repeat_refusals && (status == 400 || status == 410) && !s.withdrawn && s.ambiguous == 0) {
    ++s.ambiguous;
    return enqueue(s);
  }
  if (!may) return finish(s, std::move(v.outcome), status, std::move(v.reason), now);
  if (used < 254) ++s.remedies[bit(v.remedy)];
  nanoseconds delay = v.delay;
  switch (v.remedy) {
    case pns::remedy::none: break;
    case pns::remedy::wait:
      delay = std::max<nanoseconds>(delay, backoff(parts_.limits.first_backoff, parts_.limits.longest_backoff, used));
      break;
    case pns::remedy::other_connection: s.avoid_turns = 1; break;
    case pns::remedy::new_bearer_token:
      // Of the many answers that one old token brings, only the first mints; the others find the new one.
      s.avoid_turns = 1;
      if (s.token_version == parts_.credential->token_version()) {
        if (!parts_.credential->renew_bearer(now)) {
          return finish(s, std::move(v.outcome), status, std::move(v.reason), now);
        }
        counters_.bearer_tokens.add();
      }
      break;
    case pns::remedy::new_access_token:
      if (s.token_version == parts_.credential->token_version()) parts_.credential->access_refused(now);
      break;
  }
  counters_.retries.add();
  resend_later(s, delay, std::move(v.outcome), status, std::move(v.reason), now);
}

void push_sender::on_loss(push_connection& from, std::uint64_t tag, http2::loss how) {
  push_slot* s = table_.by_tag(tag);
  if (s == nullptr || s->at != phase::flying) return;
  land(*s);
  lost(*s, how, from.now());
}

void push_sender::lost(push_slot& s, http2::loss how, const instant& now) {
  breaker_.probe_lost();
  const bool ambiguous = how == http2::loss::ambiguous;
  if (ambiguous) counters_.ambiguous.add();
  if (s.withdrawn) return finish(s, pns::dropped{pns::dropped::why::withdrawn}, 0, "", now);
  if (ambiguous && parts_.limits.planted.forget_lost_streams) {
    s.at = phase::waiting;
    return;
  }
  if (how == http2::loss::refused && parts_.limits.planted.ignore_goaway_last_id) return finish(s, pns::accepted{}, 0, "", now);
  if (!ambiguous) {
    if (s.free_resends >= parts_.limits.free_resends) return finish(s, pns::try_later{}, 0, "refused", now);
    ++s.free_resends;
    counters_.resent_unprocessed.add();
    const nanoseconds pause =
        s.free_resends < 3 ? nanoseconds(0) : backoff(refused_pause, longest_refused_pause, s.free_resends - 3U);
    return resend_later(s, pause, pns::try_later{}, 0, "refused", now);
  }
  // Nobody can tell whether it was processed: once more with the same apns-id, and not again.
  if (s.ambiguous > 0 && !parts_.limits.planted.resend_ambiguous_blindly) return finish(s, pns::try_later{}, 0, "lost", now);
  ++s.ambiguous;
  s.avoid_turns = 1;
  if (s.order.deadline > now.steady) counters_.resent_ambiguous.add();
  resend_later(s, nanoseconds(0), pns::try_later{}, 0, "lost", now);
}

void push_sender::expire_flying(const instant& now) {
  while (oldest_ != push_slot::nil) {
    push_slot& s = table_.at(oldest_);
    if (now.steady - s.submitted < parts_.limits.answer_timeout) return;
    push_connection* c = connection(s.connection);
    const auto how = c == nullptr ? std::nullopt : c->abandon(s.stream);
    if (c != nullptr) to_wake_.push_back(c->id());
    land(s);
    failure(circuit_breaker::fault::service, now);
    lost(s, how.value_or(http2::loss::ambiguous), now);
  }
}

void push_sender::failure(circuit_breaker::fault what, const instant& now) {
  if (breaker_.failed(what, now.steady)) counters_.breaker_opened.add();
}

void push_sender::on_goaway(push_connection&, const http2::goaway_notice&) { counters_.goaways.add(); }

// --- connections

push_connection* push_sender::connection(push_connection_id id) {
  if (id.sender != parts_.number || id.slot >= places_.size()) return nullptr;
  place& p = places_[id.slot];
  return p.generation == id.generation ? p.connection.get() : nullptr;
}

push_connection* push_sender::choose(const push_slot& s) {
  // One connection is filled before the next is touched, so that frames share TLS records; turns change the first.
  const bool avoid = s.avoid_turns > 0 && s.avoid_turns < avoid_turns_limit;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    push_connection* c = places_[(turn_ + i) % places_.size()].connection.get();
    if (c != nullptr && c->capacity() > 0 && !(avoid && c->id() == s.connection)) return c;
  }
  return nullptr;
}

/// A repeat that must go elsewhere stands in front, while others could go: it steps aside.
bool push_sender::elsewhere_possible(const push_slot& s) const {
  if (s.avoid_turns == 0 || s.avoid_turns >= avoid_turns_limit) return false;
  for (const place& p : places_) {
    if (p.connection && p.connection->capacity() > 0) return true;
  }
  return false;
}

std::size_t push_sender::connections_alive() const {
  std::size_t n = 0;
  for (const place& p : places_) n += p.connection && (p.opening || p.connection->usable()) ? 1U : 0U;
  return n;
}

std::size_t push_sender::usable_connections() const {
  std::size_t n = 0;
  for (const place& p : places_) n += p.connection && p.connection->usable() ? 1U : 0U;
  return n;
}

std::size_t push_sender::stream_capacity() const {
  std::size_t n = 0;
  for (const place& p : places_) n += p.connection && p.connection->usable() ? p.connection->stream_limit() : 0U;
  return n;
}

void push_sender::want_connections(std::size_t wanted, const instant& now) {
  if (parts_.limits.planted.never_reconnect && counters_.connects.value() > 0) return;
  // Draining ones still have their streams; together they are bounded, whatever the peer does.
  const std::size_t bound = 2U * parts_.limits.connections + 4U;
  std::size_t alive = connections_alive();
  std::size_t all = 0;
  for (const place& p : places_) all += p.connection ? 1U : 0U;
  while (alive < wanted && all < bound && now.steady >= connect_not_before_) {
    if (connect_failures_ > 0 && alive > usable_connections()) return;  // one attempt at a time while they fail
    std::size_t i = 0;
    while (i < places_.size() && places_[i].connection) ++i;
    if (i == places_.size()) places_.emplace_back();
    place& p = places_[i];
    const push_connection_id id{parts_.number, static_cast<std::uint16_t>(i), ++p.generation};
    p.connection = std::make_unique<push_connection>(*this, id, parts_.limits);
    p.opening = true;
    ++alive;
    ++all;
    outside_.open(id, parts_.endpoint, parts_.route);
  }
}

void push_sender::remove(push_connection_id id) {
  place& p = places_[id.slot];
  p.connection.reset();
  p.opening = false;
}

/// A new token travels on connections that have carried no other.
void push_sender::follow_token() {
  const std::uint64_t version = parts_.credential->token_version();
  if (version == token_version_ || !parts_.credential->token_binds_connection()) return;
  token_version_ = version;
  for (place& p : places_) {
    if (!p.connection || !p.connection->usable() || !p.connection->used()) continue;
    p.connection->drain();
    to_wake_.push_back(p.connection->id());
  }
}

void push_sender::connection_trouble(const instant& now) {
  connect_not_before_ = now.steady + backoff(parts_.limits.first_connect_pause, parts_.limits.longest_connect_pause,
                                             connect_failures_);
  ++connect_failures_;
  failure(circuit_breaker::fault::service, now);
}

void push_sender::opened(push_connection_id id, const instant& now) {
  push_connection* c = connection(id);
  if (c == nullptr) return;
  places_[id.slot].opening = false;
  counters_.connects.add();
  c->opened(now);
}

void push_sender::open_failed(push_connection_id id, const instant& now) {
  if (connection(id) == nullptr) return;
  counters_.connect_failures.add();
  remove(id);
  connection_trouble(now);
}

void push_sender::receive(push_connection_id id, std::span<const std::uint8_t> bytes, const instant& now) {
  if (push_connection* c = connection(id)) c->receive(bytes, now);
}

void push_sender::produce(push_connection_id id, std::vector<std::uint8_t>& out, std::size_t limit) {
  if (push_connection* c = connection(id)) c->produce(out, limit);
}

bool push_sender::finished(push_connection_id id) {
  push_connection* c = connection(id);
  return c == nullptr || c->finished();
}

void push_sender::closed(push_connection_id id, const instant& now) {
  push_connection* c = connection(id);
  if (c == nullptr) return;
  c->closed(now);  // every open stream gets its loss
  const bool trouble = !c->has_answered() && !c->lived(short_life, now);
  remove(id);
  if (trouble) connection_trouble(now);
}

void push_sender::check_connections(const instant& now) {
  for (place& p : places_) {
    push_connection* c = p.connection.get();
    if (c == nullptr || p.opening) continue;
    bool produced = false;
    if (c->check(now, produced) == push_connection::health::silent) {
      counters_.silent_connections.add();
      failure(circuit_breaker::fault::service, now);
      c->drain();
      outside_.abort(c->id());
    } else if (c->usable() && c->too_old(now)) {
      c->drain();
      produced = true;
    }
    if (produced) to_wake_.push_back(c->id());
  }
}

void push_sender::purchased(int status, std::string_view body, const instant& now) {
  if (!parts_.credential->purchased(status, body, now, random_)) counters_.token_failures.add();
}

void push_sender::purchase_failed(const instant& now) {
  counters_.token_failures.add();
  parts_.credential->purchase_failed(now, random_);
}

// --- time

void push_sender::on_timer(const instant& now) {
  retries_.advance(now.steady, [this](std::uint64_t tag) {
    push_slot* s = table_.by_tag(tag);
    if (s != nullptr && s->at == phase::waiting) enqueue(*s);
  });
  expire_flying(now);
  drop_expired(calls_, now);
  drop_expired(missed_, now);
  check_connections(now);
}

std::optional<steady_time> push_sender::next_due(const instant& now) {
  steady_time due = steady_time::max();
  const auto sooner = [&due](std::optional<steady_time> t) {
    if (t) due = std::min(due, *t);
  };
  const bool queued = !calls_.empty() || !missed_.empty();
  if (!calls_.empty()) sooner(calls_.front().deadline);
  if (!missed_.empty()) sooner(missed_.front().deadline);
  sooner(retries_.next_due());
  if (oldest_ != push_slot::nil) sooner(table_.at(oldest_).submitted + parts_.limits.answer_timeout);
  for (const place& p : places_) {
    if (p.connection) sooner(p.connection->next_check());
  }
  if (queued) {
    sooner(breaker_.reopens());
    sooner(rate_.next(now.steady));
  }
  if (connect_not_before_ > now.steady && connections_alive() < std::max<std::size_t>(queued ? 1 : 0, parts_.limits.warm_connections)) {
    sooner(connect_not_before_);
  }
  sooner(parts_.credential->next_purchase());
  return due == steady_time::max() ? std::nullopt : std::optional(due);
}

}  // namespace reveille
