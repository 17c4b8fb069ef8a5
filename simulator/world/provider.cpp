#include "simulator/world/provider.hpp"

namespace reveille::world {

bool provider::submit(pns::push_order order) {
  const prid& token = order.target.tokens.front().value;
  const auto known = owners_.find(token.str());
  if (known == owners_.end()) {
    truth_.violation("a push to a token that no device ever sent");
    return true;
  }
  truth_.push_ordered(order, known->second.device, has_entry_(known->second.aor_user, order.call));
  const pns::push_id id = order.id;
  waiting_[id] = std::move(order);
  when_.after(when_.between(faults_.fastest, faults_.slowest), [this, id, generation = generation_] {
    const auto found = waiting_.find(id);
    if (generation != generation_ || found == waiting_.end()) return;
    pns::push_order sending = std::move(found->second);
    waiting_.erase(found);
    if (sending.deadline <= when_.now().steady) {
      answer(sending, pns::dropped{pns::dropped::why::deadline}, 0);
    } else {
      process(std::move(sending));
    }
  });
  return true;
}

void provider::withdraw(pns::push_id id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  answer(found->second, pns::dropped{pns::dropped::why::withdrawn}, 0);
  waiting_.erase(found);
}

void provider::process(pns::push_order order) {
  const auto& token = order.target.tokens.front().value;
  const owner& who = owners_.at(token.str());
  truth_.push_on_the_wire(order, who.device);
  double lot = when_.random().unit();
  const auto falls = [&lot](double share) { return (lot -= share) < 0; };
  if (falls(faults_.try_later)) return answer(order, pns::try_later{}, 503);
  const auto refuse = [&](pns::push_outcome why, std::uint16_t status) {
    truth_.push_refused(order, who.device);
    answer(order, std::move(why), status);
  };
  if (falls(faults_.suspect)) truth_.token_suspected(who.device);
  if (lot < 0) return refuse(pns::suspect_token{token}, 400);
  if (falls(faults_.our_fault)) return refuse(pns::our_fault{}, 400);
  if (falls(faults_.credential)) return refuse(pns::credential_fault{}, 403);
  // Dead since before any REGISTER of this world: it may never remove the binding (invariant 5).
  if (falls(faults_.stale_410)) return refuse(pns::dead_token{token, wall_time(std::chrono::hours(1))}, 410);
  ++accepted_;
  if (const auto* missed = std::get_if<pns::missed_calls_content>(&order.content)) {
    truth_.told(who.aor_user, who.device, missed->calls);
  }
  if (!when_.chance(faults_.lost_after_acceptance)) {
    when_.after(when_.between(faults_.fastest, faults_.slowest), [this, token, order] { to_device_(token, order); });
  }
  answer(order, pns::accepted{"virtual"}, 200);
}

void provider::answer(const pns::push_order& order, pns::push_outcome outcome, std::uint16_t status) {
  pns::push_answer a{order.id, std::move(outcome), status, {}};
  when_.in_order("push>" + std::to_string(order.home.value), when_.between(nanoseconds(0), milliseconds(10)),
                 [this, home = order.home, a = std::move(a), generation = generation_]() mutable {
                   if (generation == generation_) to_home_(home, std::move(a));
                 });
}

}  // namespace reveille::world
