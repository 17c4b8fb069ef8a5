// What reaches a sender from outside besides answers: its connections' fates, and the access tokens that it buys.
#include "engine/push/push_sender.hpp"

namespace reveille {

void push_sender::open_failed(push_connection_id id, open_failure why, std::string_view what, const instant& now) {
  on_reachability(pool_.open_failed(id, why, what, now), now);
}

void push_sender::receive(push_connection_id id, std::span<const std::uint8_t> bytes, const instant& now) {
  if (push_connection* c = pool_.find(id)) c->receive(bytes, now);
}

void push_sender::produce(push_connection_id id, std::vector<std::uint8_t>& out, std::size_t limit) {
  if (push_connection* c = pool_.find(id)) c->produce(out, limit);
}

bool push_sender::finished(push_connection_id id) {
  push_connection* c = pool_.find(id);
  return c == nullptr || c->finished();
}

void push_sender::closed(push_connection_id id, const std::optional<tls_alert>& alert, const instant& now) {
  on_reachability(pool_.closed(id, alert, now), now);
}

void push_sender::on_reachability(push_pool::reachability w, const instant& now) {
  if (w == push_pool::reachability::bad && breaker_.failed(circuit_breaker::fault::service, now.steady)) {
    counters_.breaker_opened.add();
  }
}

void push_sender::purchased(int status, std::string_view body, const instant& now) {
  const bool bought = parts_.credential->purchased(status, body, now, random_);
  if (!bought) counters_.token_failures.add();
  std::string state = bought ? "" : std::string(parts_.credential->fault());
  if (!bought && state.empty()) state = "status " + std::to_string(status);
  tell_of_purchase(std::move(state));
}

void push_sender::purchase_failed(const instant& now) {
  counters_.token_failures.add();
  parts_.credential->purchase_failed(now, random_);
  tell_of_purchase("no answer");
}

/// Once a change, not once an attempt.
void push_sender::tell_of_purchase(std::string fault) {
  if (fault == purchase_fault_) return;
  purchase_fault_ = std::move(fault);
  if (purchase_fault_.empty()) {
    outside_.tell({push_notice::weight::info, parts_.name + ": access tokens are to be had again"});
  } else {
    outside_.tell({push_notice::weight::warning, parts_.name + ": no access token: " + purchase_fault_});
  }
}

}  // namespace reveille
