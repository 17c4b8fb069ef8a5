#include "engine/shard/shard_core.hpp"
#include "pns/push_params.hpp"

namespace reveille {

/// RFC 3261 18.1.2 and 16.7: only what answers a request of ours, known by the branch that we signed.
void shard::impl::on_response(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now) {
  counters_.responses_received[static_cast<std::size_t>(m->status() / 100)].add();
  const auto branch = read_branch(m->top_via().branch, branch_keys_);
  if (!branch) return drop(drop_reason::forged_branch);
  if (const auto* stateless = std::get_if<stateless_branch>(&*branch)) return return_stateless(*m, *stateless);

  const auto& ours = std::get<transaction_branch>(*branch);
  if (ours.shard != self_) {
    // A shard that is not there any more (fewer after a restart): nobody waits for it.
    if (so_far == hops::handed_over || ours.shard.value >= config_.shards) return drop(drop_reason::stray_response);
    return hand(ours.shard, datagram_for{m, from});
  }
  const std::uint64_t stray = clients_.counters().stray_responses;
  const auto owner = clients_.on_response({ours.index, ours.generation}, *m, now.steady);
  if (clients_.counters().stray_responses != stray) return drop(drop_reason::stray_response);
  if (!owner) return;
  home_->deliver_if_resident(owner->subscriber, response_received{{owner->call, owner->branch}, m}, now);
}

/// The way back is in the branch, so that no Via of the response decides where it goes.
void shard::impl::return_stateless(const sip::message& m, const stateless_branch& branch) {
  if (m.via_count() < 2) return drop(drop_reason::stray_response);
  const auto to = flow_of({branch.listener, branch.back});
  if (!to) return drop(drop_reason::unknown_listener);
  sip::edits e(m);
  e.remove_top_via();
  e.strip_contact_params(&pns::is_push_param);
  const sip::packet bytes = e.serialise(ports_.pool);
  if (bytes.bytes == nullptr) return drop(drop_reason::no_memory);
  counters_.stateless_responses.add();
  count_sent(m.status());
  transmit(*to, bytes);
}

}  // namespace reveille
