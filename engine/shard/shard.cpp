#include "engine/shard/shard.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "engine/shard/shard_core.hpp"

namespace reveille {

std::string_view name_of(drop_reason why) {
  switch (why) {
    case drop_reason::keep_alive: return "keep-alive";
    case drop_reason::stun: return "stun";
    case drop_reason::malformed: return "malformed";
    case drop_reason::no_memory: return "no-memory";
    case drop_reason::forged_branch: return "forged-branch";
    case drop_reason::stray_response: return "stray-response";
    case drop_reason::stray_ack: return "stray-ack";
    case drop_reason::ack_refused: return "ack-refused";
    case drop_reason::unknown_listener: return "unknown-listener";
    case drop_reason::send_failed: return "send-failed";
    case drop_reason::late_response: return "late-response";
    case drop_reason::wrong_source: return "wrong-source";
    case drop_reason::final_response: return "final-response";
    case drop_reason::inbox_full: return "inbox-full";
  }
  return "unknown";
}

std::string_view name_of(refusal why) {
  switch (why) {
    case refusal::credit: return "credit";
    case refusal::transactions: return "transactions";
    case refusal::home_full: return "home-full";
    case refusal::draining: return "draining";
    case refusal::strangers: return "strangers";
    case refusal::memory: return "memory";
    case refusal::inbox: return "inbox";
  }
  return "unknown";
}

namespace {

/// At least one, however small the table of a test.
std::uint32_t part_of(std::uint32_t capacity, double share) {
  return std::max(1U, static_cast<std::uint32_t>(static_cast<double>(capacity) * share));
}

sip::client_transaction_bounds bounds_of(const shard_limits& limits) {
  /// Peers that have answered: 512 KB. A phone that was forgotten gets four requests instead of seven, until it answers.
  constexpr std::uint32_t heard_peers = 65536;
  const std::uint32_t silent = std::max(64U, part_of(limits.client_transactions, limits.silent_share));
  return {static_cast<std::uint32_t>(limits.client_transactions * limits.woken_share),
          part_of(limits.client_transactions, limits.unheard_share), silent, silent,
          std::min(limits.client_transactions, heard_peers)};
}

std::uint32_t for_strangers(const shard_config& config) {
  if (config.planted.keep_refused_strangers) return config.limits.server_transactions;
  return part_of(config.limits.server_transactions, config.limits.stranger_share);
}

}  // namespace

shard::impl::impl(shard_id self, const shard_config& config, const shard_ports& ports, const instant& start)
    : self_(self),
      config_(config),
      branch_keys_{config.secret, config.start},
      ports_(ports),
      names_(config),
      stages_(counters_),
      entrance_(config.limits),
      wheel_(start.steady),
      // The response context's own timers (C, 64*T1 after CANCEL) all end before this.
      servers_(config.timing, config.limits.server_transactions, for_strangers(config),
               config.timer_c * 2 + config.timing.long_wait() * 2, config.key, wheel_, *this),
      clients_(config.timing, config.limits.client_transactions, bounds_of(config.limits),
               config.timer_c + config.timing.long_wait(), config.key, wheel_, ports.pool, *this, *this),
      tokens_(config.limits.token_owner_bytes),
      home_(ports.make_subscribers(*this, start)) {
  publish();
}

bool shard::impl::transmit(const flow& to, const sip::packet& what) {
  if (ports_.out.transmit(to, what)) return true;
  drop(drop_reason::send_failed);
  return false;
}

void shard::impl::client_failed(const sip::client_transactions::owner& of, sip::client_transactions::failure why) {
  const auto cause = [why] {
    switch (why) {
      case sip::client_transactions::failure::timeout: return branch_failed::why::timeout;
      case sip::client_transactions::failure::transport_error: return branch_failed::why::transport_error;
      case sip::client_transactions::failure::no_room: return branch_failed::why::no_room;
    }
    std::abort();  // unreachable: the switch is complete
  };
  failed_branches_.push_back({of.subscriber, {cause(), {of.call, of.branch}}});
}

void shard::impl::deliver_deferred(const instant& now) {
  if (failed_branches_.empty() && refused_pushes_.empty() && events_.empty()) return;
  // By index: a subscriber that hears of one may cause the next of any kind.
  std::size_t branch = 0, push = 0, event = 0;
  while (branch < failed_branches_.size() || push < refused_pushes_.size() || event < events_.size()) {
    if (event < events_.size()) {
      event_for next = std::move(events_[event++]);
      const shard_id home = home_of(next.key, config_.shards);
      if (home == self_) {
        deliver_event(next.key, next.name, std::move(next.event), now);
      } else {
        hand(home, std::move(next));
      }
    } else if (branch < failed_branches_.size()) {
      const failed_branch next = failed_branches_[branch++];
      home_->deliver_if_resident(next.key, next.event, now);
    } else {
      pns::push_answer next = std::move(refused_pushes_[push++]);
      const aor_key key = next.id.subscriber;
      home_->deliver_if_resident(key, push_answered{std::move(next)}, now);
    }
  }
  failed_branches_.clear();
  refused_pushes_.clear();
  events_.clear();
}

void shard::impl::on_push_answer(pns::push_answer&& answer, const instant& now) {
  const aor_key key = answer.id.subscriber;
  home_->deliver_if_resident(key, push_answered{std::move(answer)}, now);
  deliver_deferred(now);
}

void shard::impl::on_unreachable(const flow& to, const instant& now) {
  clients_.on_unreachable(to.remote, now.steady);
  deliver_deferred(now);
}

void shard::impl::on_queue_delay(nanoseconds delay, const instant& now) {
  entrance_.on_queue_delay(delay, now.steady);
}

void shard::impl::on_timer(const instant& now) {
  wheel_.advance(now.steady, [&](std::uint64_t payload) {
    switch (sip::timer_kind_of(payload)) {
      case sip::transaction_timer::server_repeat:
      case sip::transaction_timer::server_life: return servers_.on_timer(payload, now.steady);
      case sip::transaction_timer::client_repeat:
      case sip::transaction_timer::client_life: return clients_.on_timer(payload, now.steady);
    }
  });
  home_->on_timer(now);
  deliver_deferred(now);
  publish();
}

std::optional<steady_time> shard::impl::next_due() const {
  const auto a = wheel_.next_due();
  const auto b = home_->next_due();
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

bool shard::impl::idle() const { return servers_.undecided() == 0 && clients_.undecided() == 0; }

void shard::impl::reply(const sip::message& m, const flow& to, int status, std::string_view extra) {
  const sip::packet bytes = sip::build_response(m, to.remote, status, local_tag(m), extra, ports_.pool);
  if (bytes.bytes == nullptr) return drop(drop_reason::no_memory);
  count_sent(status);
  transmit(to, bytes);
}

void shard::impl::refuse(const sip::message& m, const flow& to, refusal why) {
  counters_.refusals[static_cast<std::size_t>(why)].add();
  write_retry_after();
  reply(m, to, 503, lines_);
}

void shard::impl::write_retry_after() {
  const auto least = config_.limits.retry_after_least.count();
  const auto spread = config_.limits.retry_after_most.count() - least + 1;
  const auto wait = least + static_cast<std::int64_t>(ports_.random.below(static_cast<std::uint64_t>(spread)));
  lines_ = "Retry-After: ";
  lines_ += std::to_string(wait);
  lines_ += "\r\n";
}

/// The same for every repetition of a request, so that answering without state is answering once (RFC 3261 8.2.7).
std::string_view shard::impl::local_tag(const sip::message& m) {
  std::uint64_t bits = sip::chained_hash(config_.secret)
                           .add("tag")
                           .add(m.call_id())
                           .add(m.from_tag())
                           .add(m.top_via().branch)
                           .value();
  for (char& c : tag_) {
    c = "0123456789abcdef"[bits & 15];
    bits >>= 4;
  }
  return {tag_, sizeof tag_};
}

void shard::impl::count_sent(int status) {
  const int klass = std::clamp(status / 100, 1, 6);
  counters_.responses_sent[static_cast<std::size_t>(klass)].add();
}

bool shard::impl::hand(shard_id to, hand_over&& what) {
  if (!ports_.out.hand_over_to(to, std::move(what))) return false;
  counters_.handed_over.add();
  return true;
}

void shard::impl::publish() {
  const auto& s = servers_.counters();
  const auto& c = clients_.counters();
  counters_.credit.set(entrance_.credit());
  counters_.server_transactions.set(servers_.size());
  counters_.client_transactions.set(clients_.size());
  counters_.server_strangers.set(servers_.strangers());
  counters_.server_forgotten.set(s.forgotten);
  counters_.server_refused_again.set(s.refused_again);
  counters_.senders_forgotten.set(servers_.senders_forgotten());
  counters_.refusals_forgotten.set(servers_.refusals_forgotten());
  counters_.peers_forgotten.set(clients_.peers_forgotten());
  counters_.server_abandoned.set(s.abandoned);
  counters_.server_no_ack.set(s.no_ack);
  counters_.server_responses_repeated.set(s.responses_repeated);
  counters_.client_timeouts.set(c.timeouts);
  counters_.client_transport_errors.set(c.transport_errors);
  counters_.client_requests_repeated.set(c.requests_repeated);
  counters_.client_orphaned.set(c.orphaned);
  counters_.cancels_sent.set(c.cancels_sent);
}

shard::shard(shard_id self, const shard_config& config, const shard_ports& ports, const instant& start)
    : impl_(std::make_unique<impl>(self, config, ports, start)) {}
shard::~shard() = default;

void shard::on_datagram(slab_ptr bytes, std::size_t size, const flow& from, const instant& now) {
  impl_->on_datagram(std::move(bytes), size, from, now);
  impl_->deliver_deferred(now);
}
void shard::on_datagrams(std::span<arrived> all, const instant& now) { impl_->on_datagrams(all, now); }
void shard::on_hand_over(hand_over&& what, const instant& now) {
  impl_->on_hand_over(std::move(what), now);
  impl_->deliver_deferred(now);
}
void shard::on_push_answer(pns::push_answer&& answer, const instant& now) {
  impl_->on_push_answer(std::move(answer), now);
}
void shard::on_loaded(aor_key key, const aor& name, store_token token,
                      result<std::optional<subscriber_record>>&& record, const instant& now) {
  impl_->home().on_loaded(key, name, token, std::move(record), now);
  impl_->deliver_deferred(now);
}
void shard::on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) {
  impl_->home().on_written(key, name, token, ok, now);
  impl_->deliver_deferred(now);
}
void shard::on_unreachable(const flow& to, const instant& now) { impl_->on_unreachable(to, now); }
void shard::on_queue_delay(nanoseconds delay, const instant& now) { impl_->on_queue_delay(delay, now); }
void shard::on_sent(const instant& now) { impl_->on_sent(now); }
void shard::on_timer(const instant& now) { impl_->on_timer(now); }
std::optional<steady_time> shard::next_due() const { return impl_->next_due(); }
void shard::on_memory(memory_state now) { impl_->on_memory(now); }
void shard::drain() { impl_->drain(); }
bool shard::idle() const { return impl_->idle(); }
const shard_counters& shard::counters() const { return impl_->counters(); }
subscribers& shard::home() { return impl_->home(); }

}  // namespace reveille
