#include "engine/push/push_worker.hpp"

namespace reveille {

namespace {

/// Pushes a sender may submit before the others have their turn: pushes cost much the same, so equal counts are
/// equal shares (deficit round-robin with a constant cost).
constexpr std::size_t quantum = 128;

}  // namespace

push_worker::push_worker(std::vector<planned_sender> senders, push_outside& outside, random_source& random,
                         const instant& now)
    : outside_(outside) {
  for (planned_sender& s : senders) {
    provider_of_.push_back(s.provider);
    senders_.push_back(std::make_unique<push_sender>(std::move(s.parts), outside, random,
                                                     counters_[static_cast<std::size_t>(s.provider)], now));
  }
}

void push_worker::take(pns::push_order&& order, const push_destination& to, const instant& now) {
  if (push_sender* s = at(to.sender)) return s->take(std::move(order), to.app, now);
  push_counters& c = counters_[static_cast<std::size_t>(order.target.provider)];
  c.orders.add();
  using why = pns::dropped::why;
  const pns::push_outcome end = pns::dropped{to.sender == push_destination::switched_off ? why::provider_off : why::no_app};
  c.ended[static_cast<std::size_t>(end_of(end))].add();
  outside_.answer(order.home, {order.id, end, 0, ""});
}

void push_worker::withdraw(const pns::push_id& id, const instant& now) {
  for (const auto& s : senders_) {
    if (s->withdraw(id, now)) return;
  }
}

bool push_worker::pump(const instant& now) {
  bool more = false;
  const std::size_t n = senders_.size();
  for (std::size_t i = 0; i < n; ++i) more |= senders_[(first_ + i) % n]->pump(now, quantum);
  if (n > 0) first_ = (first_ + 1) % n;
  publish_levels();
  return more;
}

void push_worker::publish_levels() {
  struct levels {
    std::size_t waiting = 0, flying = 0, connections = 0, capacity = 0, open = 0;
  };
  std::array<levels, pns::provider_count> sums{};
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    const push_sender& s = *senders_[i];
    levels& l = sums[static_cast<std::size_t>(provider_of_[i])];
    l.waiting += s.waiting();
    l.flying += s.flying();
    l.connections += s.usable_connections();
    l.capacity += s.stream_capacity();
    l.open += s.open_breakers();
    senders_[i]->publish();
  }
  for (std::size_t p = 0; p < sums.size(); ++p) {
    counters_[p].waiting.set(sums[p].waiting);
    counters_[p].in_flight.set(sums[p].flying);
    counters_[p].connections.set(sums[p].connections);
    counters_[p].stream_capacity.set(sums[p].capacity);
    counters_[p].breakers_open.set(sums[p].open);
  }
}

void push_worker::on_timer(const instant& now) {
  for (const auto& s : senders_) s->on_timer(now);
}

std::optional<steady_time> push_worker::next_due(const instant& now) {
  std::optional<steady_time> due;
  for (const auto& s : senders_) {
    const auto d = s->next_due(now);
    if (d && (!due || *d < *due)) due = d;
  }
  return due;
}

void push_worker::opened(push_connection_id id, const instant& now, push_protocol by) {
  if (push_sender* s = at(id.sender)) s->opened(id, by, now);
}
void push_worker::open_failed(push_connection_id id, const instant& now, open_failure why, std::string_view what) {
  if (push_sender* s = at(id.sender)) s->open_failed(id, why, what, now);
}
void push_worker::receive(push_connection_id id, std::span<const std::uint8_t> bytes, const instant& now) {
  if (push_sender* s = at(id.sender)) s->receive(id, bytes, now);
}
void push_worker::produce(push_connection_id id, std::vector<std::uint8_t>& out, std::size_t limit) {
  if (push_sender* s = at(id.sender)) s->produce(id, out, limit);
}
bool push_worker::finished(push_connection_id id) {
  push_sender* s = at(id.sender);
  return s == nullptr || s->finished(id);
}
void push_worker::closed(push_connection_id id, const instant& now, const std::optional<tls_alert>& alert) {
  if (push_sender* s = at(id.sender)) s->closed(id, alert, now);
}
void push_worker::purchased(std::uint16_t sender, int status, std::string_view body, const instant& now) {
  if (push_sender* s = at(sender)) s->purchased(status, body, now);
}
void push_worker::purchase_failed(std::uint16_t sender, const instant& now) {
  if (push_sender* s = at(sender)) s->purchase_failed(now);
}

std::vector<std::pair<pns::provider, push_app_reading>> push_worker::apps() const {
  std::vector<std::pair<pns::provider, push_app_reading>> out;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    for (push_app_reading& r : senders_[i]->apps()) out.emplace_back(provider_of_[i], std::move(r));
  }
  return out;
}

std::size_t push_worker::unanswered() const {
  std::size_t n = 0;
  for (const auto& s : senders_) n += s->waiting() + s->flying();
  return n;
}

}  // namespace reveille
