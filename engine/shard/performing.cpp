#include <type_traits>
#include <utility>

#include "engine/shard/shard_core.hpp"
#include "pns/push_params.hpp"

namespace reveille {
namespace {

/// Requests that begin a dialog, or may: their successors must come by us.
bool forms_dialog(sip::method m) {
  return m == sip::method::invite || m == sip::method::subscribe || m == sip::method::refer;
}

}  // namespace

void shard::impl::perform(aor_key key, effect&& what, const instant& now) {
  std::visit(
      [&](auto& e) {
        using kind = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<kind, send>) {
          if (e.packet.bytes == nullptr) return drop(drop_reason::no_memory);
          count_sent(e.status);
          transmit(e.to, e.packet);
        } else if constexpr (std::is_same_v<kind, respond>) {
          if (e.packet.bytes == nullptr && e.status < 200) return drop(drop_reason::no_memory);
          if (e.transaction.shard == self_) return do_respond(e.transaction, e.status, e.packet, e.kind, now);
          hand(e.transaction.shard, response_for{e.transaction, e.status, std::move(e.packet), e.kind});
        } else if constexpr (std::is_same_v<kind, adopt_invite>) {
          adopt(key, std::move(e), now);
        } else if constexpr (std::is_same_v<kind, forward>) {
          do_forward(key, std::move(e), now);
        } else if constexpr (std::is_same_v<kind, cancel_branch>) {
          clients_.cancel({key, e.branch.call, e.branch.branch}, e.reason, now.steady);
        } else if constexpr (std::is_same_v<kind, resend_branch>) {
          clients_.resend({key, e.branch.call, e.branch.branch}, now.steady);
        } else if constexpr (std::is_same_v<kind, push>) {
          const pns::push_id id = e.order.id;
          if (ports_.pushes.submit(std::move(e.order))) return;
          counters_.pushes_refused.add();
          refused_pushes_.push_back({id, pns::dropped{pns::dropped::why::queue_full}, 0, {}});
        } else if constexpr (std::is_same_v<kind, claim_token>) {
          do_claim(std::move(e));
        } else if constexpr (std::is_same_v<kind, withdraw_push>) {
          ports_.pushes.withdraw(e.id);
        } else if constexpr (std::is_same_v<kind, note>) {
          note_it(key, e, now);
        }
        // Timers and writes are the home's own; they never come here (actors/ports/home_outlet.hpp).
      },
      what);
}

void shard::impl::do_claim(claim_token&& what) {
  const hash_key of_provider{config_.key.k0 ^ static_cast<std::uint64_t>(what.provider), config_.key.k1};
  const std::uint64_t token = siphash(of_provider, what.token.view());
  const shard_id keeper{static_cast<std::uint16_t>(token % config_.shards)};
  if (keeper != self_) {
    hand(keeper, claim_for{std::move(what)});
    return;
  }
  const token_owners::outcome outcome = tokens_.claim(token, what.by, what.since, what.source);
  if (outcome.forgotten > 0) counters_.stages[static_cast<std::size_t>(trace_step::token_owners_full)].add(outcome.forgotten);
  if (!outcome.lost) return;
  const aor& loser = outcome.lost->whose;
  events_.push_back({key_of(loser.view(), config_.key), loser.str(), token_claimed{std::move(what.token), outcome.lost->since}});
}

void shard::impl::do_respond(const server_transaction_id& to, int status, const sip::packet& bytes,
                             sip::answer_kind kind, const instant& now) {
  if (bytes.bytes == nullptr) {
    // Not even the reserve had room. Nobody would ever answer: the sender's repetition begins anew.
    if (servers_.give_up({to.index, to.generation})) drop(drop_reason::final_response);
    return;
  }
  if (config_.planted.keep_refused_strangers) kind = sip::answer_kind::decided;
  if (!servers_.respond({to.index, to.generation}, status, bytes, now.steady, kind)) {
    return drop(drop_reason::late_response);
  }
  count_sent(status);
}

bool shard::impl::has_room(const forward& what, sip::client_transactions::reservation& place) {
  using errand = sip::client_transactions::errand;
  errand e;
  e.why = what.why == forward::cause::woken ? errand::cause::woken : errand::cause::request;
  e.to = what.to.remote;
  if (!names_.trusted(what.caller.remote)) e.caller = what.caller.remote;
  place = clients_.reserve(e);
  if (place.missing == sip::lack::none) return true;
  counters_.branches_refused[static_cast<std::size_t>(place.missing)].add();
  return false;
}

/// RFC 3261 16.6: a copy for one target, on a client transaction of its own.
void shard::impl::do_forward(aor_key key, forward&& what, const instant& now) {
  const sip::client_transactions::owner owner{key, what.branch.call, what.branch.branch};
  sip::client_transactions::reservation place;
  // A lack of ours says nothing of the phone: its flow stays good (SPEC 3.3).
  if (!has_room(what, place)) return client_failed(owner, sip::client_transactions::failure::no_room);
  const sip::message& m = *what.request;
  const listener& out_by = names_.at(names_.listener_of(what.to.local));
  const branch_text branch = write_branch(
      transaction_branch{self_, place.id.index, place.id.generation, loop_hash(m)}, branch_keys_);
  lines_.clear();
  if (forms_dialog(m.method())) {
    const flow_token token{{names_.listener_of(what.to.local), what.to.remote},
                           {names_.listener_of(what.caller.local), what.caller.remote},
                           m.via_count() == 1,
                           tag_hash(m.from_tag(), config_.secret)};
    lines_ += "Record-Route: <sip:";
    lines_ += write_flow_token(token, m.call_id(), config_.secret).view();
    lines_ += '@';
    lines_ += out_by.sent_by;
    lines_ += ";lr>\r\n";
  }
  if (!what.route.empty()) {
    lines_ += "Route: ";
    lines_ += what.route;
    lines_ += "\r\n";
  }
  lines_ += "Via: SIP/2.0/UDP ";
  lines_ += out_by.sent_by;
  lines_ += ";rport;branch=";
  lines_ += branch.view();
  lines_ += "\r\n";

  sip::edits e(m);
  e.replace_request_uri(what.request_uri);
  e.insert_before_first_via(lines_);
  e.set_top_via_received(what.caller.remote);
  // The entrance has let in no Route but our own (fault_of).
  if (m.count(sip::header::route) != 0) e.remove_all(sip::header::route);
  e.decrement_max_forwards();
  e.strip_contact_params(&pns::is_push_param);
  drop_own_credentials(m, e);
  sip::packet bytes = e.serialise(ports_.pool);
  if (bytes.bytes == nullptr) {
    drop(drop_reason::no_memory);
    clients_.drop(place.id);
    return client_failed(owner, sip::client_transactions::failure::no_room);
  }
  counters_.requests_sent[static_cast<std::size_t>(m.method())].add();
  clients_.start(place.id, m.method() == sip::method::invite, owner, what.to, std::move(bytes), now.steady);
}

void shard::impl::note_it(aor_key key, const note& what, const instant& now) {
  counters_.stages[static_cast<std::size_t>(what.what)].add();
  stages_.note_of(what, now.steady);
  if (ports_.notes != nullptr) ports_.notes->noted(key, what, now);
}

}  // namespace reveille
