#include "engine/shard/shard_core.hpp"
#include "pns/push_params.hpp"
#include "sip/peer_set.hpp"

namespace reveille {

/// RFC 3261 18.1.2 and 16.7: only what answers a request of ours, known by the branch that we signed.
void shard::impl::on_response(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now) {
  counters_.responses_received[static_cast<std::size_t>(m->status() / 100)].add();
  const auto branch = read_branch(m->top_via().branch, branch_keys_);
  if (!branch) return drop(drop_reason::forged_branch);
  if (const auto* stateless = std::get_if<stateless_branch>(&*branch)) {
    if (stateless->asked != asked_hash(from.remote) && !config_.planted.believe_any_responder) {
      return drop(drop_reason::wrong_source);
    }
    return return_stateless(*m, *stateless);
  }

  const auto& ours = std::get<transaction_branch>(*branch);
  if (ours.shard != self_) {
    // A shard that is not there any more (fewer after a restart): nobody waits for it.
    if (so_far == hops::handed_over || ours.shard.value >= config_.shards) return drop(drop_reason::stray_response);
    if (!hand(ours.shard, datagram_for{m, from})) drop(drop_reason::inbox_full);
    return;
  }
  const flow* asked = clients_.asked({ours.index, ours.generation});
  if (asked != nullptr && !speaks_for(from.remote, asked->remote) && !config_.planted.believe_any_responder) {
    return drop(drop_reason::wrong_source);
  }
  const std::uint64_t stray = clients_.counters().stray_responses;
  const auto owner = clients_.on_response({ours.index, ours.generation}, *m, now.steady);
  if (clients_.counters().stray_responses != stray) return drop(drop_reason::stray_response);
  if (!owner) return;
  home_->deliver_if_resident(owner->subscriber, response_received{{owner->call, owner->branch}, m}, now);
}

/// Trusted peers stand for each other, anybody else for his own address. Not for his port: phones that know no RFC 3581
/// answer from another, and who knows a branch that we signed has been asked, or has read what was sent (SPEC 10a.2).
bool shard::impl::speaks_for(const endpoint& answering, const endpoint& asked) const {
  return sip::same_host(answering, asked) || (names_.trusted(answering) && names_.trusted(asked));
}

/// Keyed as the branch that holds it, which outlives the process.
std::uint32_t shard::impl::asked_hash(const endpoint& peer) const {
  return static_cast<std::uint32_t>(sender_of(peer, config_.secret));
}

std::uint64_t shard::impl::sender_of(const endpoint& peer, hash_key key) const {
  if (names_.trusted(peer)) return 0;
  endpoint host = peer;
  host.port = 0;
  return sip::hash_of(key, host);
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
