// The telling of missed calls (SPEC 4.3 to 4.5), and what a provider's verdict does to a token (SPEC 6.5).
#include <algorithm>

#include "actors/subscriber_state.hpp"
#include "actors/token_claims.hpp"

namespace reveille {

void subscriber::state::entries_dropped(const std::vector<call_ref>& dropped, effects& out) {
  if (dropped.empty()) return;
  for (const call_ref& old : dropped) {
    add_note(out, trace_step::bucket_dropped, nullptr, nullptr, 0, "");
    std::get<note>(out.back()).call = old;
  }
  write_bucket(remove_bucket_entries{dropped}, dropped, out);
}

void subscriber::state::tell_missed(const device_list& registered, seconds absence,
                                    const instant& now, effects& out) {
  push_bucket& bucket = *bucket_;
  bucket.give_up_late_round(now.steady);
  std::vector<call_ref> dropped;
  bucket.prune(now.wall, config(), dropped);
  entries_dropped(dropped, out);
  if (bucket.in_round() || absence < config().missed_min_absence) return;
  std::vector<push_bucket::recipient> to;
  for (const binding& b : bindings.all()) {
    if (bindings.find_push(b.device(), config()) != &b || b.facts().quarantined) continue;
    if (config().missed_to == missed_calls_to::registered && !registered.contains(b.device())) continue;
    const auto target = b.push_target();
    if (target) to.push_back({b.device(), target->token_for(pns::token_service::plain) == nullptr});
  }
  std::vector<call_ref> in_progress;
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    if (!busy_->calls[i]->settled) in_progress.push_back(busy_->calls[i]->ref);
  }
  if (bucket.start_round(std::move(to), now, config(), in_progress)) send_part(now, out);
}

void subscriber::state::send_part(const instant& now, effects& out) {
  push_bucket& bucket = *bucket_;
  const std::vector<push_bucket::recipient> to = bucket.recipients();
  const pns::missed_calls_content content = bucket.part(now.wall);
  bool any = false;
  for (const push_bucket::recipient& r : to) {
    const binding* b = bindings.find_push(r.device, config());
    if (!b) continue;
    auto target = b->push_target();
    if (!target) continue;
    pns::push_order order;
    order.id = {key, new_push_number()};
    order.home = around.home;
    order.target = std::move(*target);
    order.content = content;
    order.deadline = now.steady + config().missed_ttl;
    order.expires = now.wall + config().missed_ttl;
    bucket.sent(order.id.number, r.device);
    out.emplace_back(push{std::move(order)});
    any = true;
  }
  if (!any) bucket.abandon_round();
}

void subscriber::state::on_told(std::uint32_t number, bool accepted, const instant& now, effects& out) {
  push_bucket::progress p = bucket_->answered(number, accepted);
  if (!p.told.empty()) {
    for (std::size_t i = 0; i < p.told.size(); ++i) add_note(out, trace_step::missed_told, nullptr, nullptr, 0, "");
    for (std::size_t i = 0; i < p.told.size(); ++i) {
      std::get<note>(out[out.size() - p.told.size() + i]).call = p.told[i];
    }
    write_bucket(remove_bucket_entries{p.told}, p.told, out);
  }
  if (p.next_part) send_part(now, out);
  if (p.failed) add_note(out, trace_step::missed_failed, nullptr, nullptr, 0, "");
}

device_list subscriber::state::remove_token(const prid& token, wall_time before, trace_step why, effects& out) {
  const bool calls = busy_ && !busy_->calls.empty();
  const std::uint32_t unchanged = bindings.version();
  const device_list gone = bindings.remove_token(token, before, calls);
  if (bindings.version() == unchanged) return gone;
  for (std::size_t i = 0; i < std::max<std::size_t>(1, gone.size()); ++i) add_note(out, why, nullptr, nullptr, 0, "");
  write_unheld(write_urgency::now, out);
  return gone;
}

void subscriber::state::token_answer(const pns::push_outcome& outcome, wall_time queued, const instant& now,
                                     effects& out) {
  if (const auto* dead = std::get_if<pns::dead_token>(&outcome)) {
    // A stamp is compared with the last REGISTER that carried the token; without one, the push's own age counts.
    wall_time before = dead->since ? *dead->since : queued;
    if (around.config.planted.remove_token_on_stale_410) before = now.wall + seconds(1);
    remove_token(dead->token, before, trace_step::token_removed, out);
  } else if (const auto* suspect = std::get_if<pns::suspect_token>(&outcome)) {
    if (!bindings.quarantine_token(suspect->token, queued)) return;
    add_note(out, trace_step::token_quarantined, nullptr, nullptr, 0, "");
    write_soft(now.steady, out);
  } else if (const auto* taken = std::get_if<pns::accepted>(&outcome); taken != nullptr && taken->renamed) {
    if (!bindings.rename_token(taken->renamed->from, taken->renamed->to)) return;
    add_note(out, trace_step::token_renamed, nullptr, nullptr, 0, "");
    write_unheld(write_urgency::now, out);
    for (const binding& b : bindings.all()) {
      for_each_claim(name, b, config().apps, [&](claim_token&& c) {
        if (c.token == taken->renamed->to) out.emplace_back(std::move(c));
      });
    }
  }
}

}  // namespace reveille
