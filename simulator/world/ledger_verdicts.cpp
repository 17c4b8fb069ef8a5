// What the whole story of a call says: releases, pushes, one ringing phone a device, one telling (ARCHITECTURE 5).
#include <algorithm>

#include "simulator/world/ledger.hpp"
#include "simulator/world/ledger_times.hpp"

namespace reveille::world {

void ledger::conclude() {
  for (const auto& [id, call] : calls_) {
    if (!call.reached_engine) continue;  // every transmission of its INVITE was lost
    if (!call.final_sent) call_violation(call, "1", "no final response");
    if (call.finals_seen.size() > 1) call_violation(call, "1", "the caller saw two different final responses");

    const bool answered = call.finals_sent.contains(200);
    const bool tell = call.known_to_bucket && !answered && !(call.cancelled_elsewhere && call.cancel_reached_engine);
    if (tell && call.told.empty()) violation("6: " + id + ": unanswered, never told to " + call.callee);
    if (answered && !call.told.empty()) call_violation(call, "6", "answered, told all the same");
    check_ringing_once(call);
  }
  check_releases();
}

/// Invariant 3: a REGISTER that came between the INVITE and the call's end led to an INVITE for that device.
void ledger::check_releases() {
  for (const auto& [branch, r] : registers_) {
    if (!r.accepted || r.removal || !r.has_push) continue;
    const std::set<std::string> same_device = identities_.of(r.device);
    const auto any = [&](const auto& of) {
      return std::any_of(same_device.begin(), same_device.end(), [&](const std::string& one) { return of.contains(one); });
    };
    const bool alone = same_device.size() > 1 && r.reached_engine < identities_.since(r.device);
    for (const auto& [id, call] : calls_) {
      const bool pushed = alone ? call.pushes.contains(r.device) : any(call.pushes);
      if (call.callee != r.aor_user || !call.reached_engine || !pushed || any(call.refused)) continue;
      const auto before = [&](const std::optional<steady_time>& end) { return end && r.reached_engine + margin() < *end; };
      // When its time is up the call is over, though its final response waits for those whose ringing was cancelled.
      const bool in_time = r.reached_engine > *call.reached_engine + margin() && before(call.final_sent) &&
                           before(*call.reached_engine + parked_for) &&
                           (!call.cancel_reached_engine || before(call.cancel_reached_engine));
      // Away for longer than the grace of SPEC 3.4a it has lost its place.
      if (was_leaving(r.device, *call.reached_engine - margin(), r.reached_engine - left_grace + margin())) continue;
      if (in_time && !any(call.invites)) call_violation(call, "3", r.device + " registered in time, no INVITE followed");
    }
  }
}

/// Invariant 2 for phones that turned out to be one device while both rang: one of them is CANCELled at once.
void ledger::check_ringing_once(const call_record& call) {
  for (const auto& [device, branches] : call.invites) {
    if (!identities_.has_kin(device)) continue;
    for (const std::string& same_device : identities_.of(device)) {
      const auto others = call.invites.find(same_device);
      if (same_device <= device || others == call.invites.end()) continue;
      for (const auto& a : branches) {
        for (const auto& b : others->second) {
          if (!a.provisional || !b.provisional) continue;
          const steady_time since = identities_.since(device);
          if (since == steady_time::max()) continue;
          const steady_time both = std::max({*a.provisional, *b.provisional, since}) + margin();
          if ((!a.over || *a.over > both) && (!b.over || *b.over > both)) {
            call_violation(call, "2", device + " and " + same_device + " are one device, and both rang");
          }
        }
      }
    }
  }
}

bool ledger::device_record::good(steady_time now) const {
  // Not the time of the 200, which may have waited for the disk while the doubt came.
  const bool doubted = suspected && applied && *suspected > *applied;
  return accepted && *accepted + either_order < now && !doubted;
}

/// Invariant 5: no answer of a provider makes us forget a device, unless it doubted the token itself.
void ledger::expect_pushes(call_record& call) {
  const steady_time now = when_.now().steady;
  std::vector<steady_time>& times = called_[call.callee];
  std::erase_if(times, [&](steady_time t) { return t + seconds(60) < now; });
  times.push_back(now);
  // Invariant 10: what was acknowledged before a crash is there after it, once the subscribers can be read again.
  const bool settled = crashes_.empty() || (restarted_ && *restarted_ > crashes_.back() && *restarted_ + cold < now);
  if (times.size() > calls_below_every_limit || !settled) return;
  for (const auto& [name, d] : devices_) {
    const std::set<std::string> same_device = identities_.of(name);
    const bool all_good = std::all_of(same_device.begin(), same_device.end(), [&](const std::string& one) {
      const auto found = devices_.find(one);
      return found != devices_.end() && found->second.has_push && found->second.good(now);
    });
    if (d.aor_user == call.callee && all_good) call.expected.insert(name);
  }
}

void ledger::check_pushed(const call_record& call) {
  // Once the engine has been killed its subscriber may have to be loaded first.
  const steady_time enough = *call.reached_engine + (may_be_cold() ? push_patience + cold : push_patience);
  if (when_.now().steady < enough || (call.cancel_reached_engine && *call.cancel_reached_engine < enough)) return;
  for (const std::string& name : call.expected) {
    const std::set<std::string> same_device = identities_.of(name);
    const auto excused = [&](const std::string& one) {
      const device_record& d = devices_[one];
      return (d.suspected && *d.suspected > *call.reached_engine) ||
             was_leaving(one, *call.reached_engine - margin(), when_.now().steady);
    };
    if (std::any_of(same_device.begin(), same_device.end(), excused)) continue;
    if (std::none_of(same_device.begin(), same_device.end(), [&](const std::string& one) {
          return call.pushes.contains(one) || call.invites.contains(one);
        })) {
      call_violation(call, "5", name + " was registered, yet neither pushed nor dialled");
    }
  }
}

}  // namespace reveille::world
