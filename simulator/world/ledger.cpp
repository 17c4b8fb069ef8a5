#include "simulator/world/ledger.hpp"

#include <algorithm>
#include <cstdio>

#include "simulator/world/ledger_times.hpp"

namespace reveille::world {

namespace {

std::string user_of(std::string_view uri_text) {
  const auto uri = sip::parse_uri(uri_text);
  return uri ? std::string(uri->user) : std::string();
}

}  // namespace

void ledger::violation(std::string what) { violations_.push_back(std::move(what)); }

void ledger::call_offered(const std::string& call_id, const std::string& number, const std::string& callee) {
  call_record& call = calls_[call_id];
  call.call_id = call_id;
  call.caller_number = number;
  call.callee = callee;
  call.offered = when_.now().steady;
  call_of_number_[number] = call_id;
}

void ledger::caller_cancelled(const std::string& call_id, bool elsewhere) {
  call_record& call = calls_[call_id];
  call.cancelled = when_.now().steady;
  call.cancelled_elsewhere = elsewhere;
}

void ledger::caller_got_final(const std::string& call_id, int status) {
  calls_[call_id].finals_seen.insert(status < 300 ? 200 : status);
}

void ledger::phone_rings_twice(const std::string& call_id, const std::string& device) {
  if (has_left_a_flow(calls_[call_id], device)) return;
  if (identities_.has_kin(device)) return;  // the device was another phone in between, and what was out here is given up
  call_violation(calls_[call_id], "2", "device " + device + " rings for two INVITEs of one call");
}

void ledger::dialog_broken(const std::string& call_id, std::string_view what) {
  call_violation(calls_[call_id], "dialog", std::string(what));
}

void ledger::tell(std::string_view callee, std::string_view call_id, std::string line) {
  if (story_of_.empty()) return;
  const auto wanted = calls_.find(story_of_);
  if (call_id != story_of_ && (wanted == calls_.end() || wanted->second.callee != callee)) return;
  char at[32];
  std::snprintf(at, sizeof at, "%10.4f ", std::chrono::duration<double>(when_.now().steady.time_since_epoch()).count());
  story_.push_back(at + std::move(line));
}

void ledger::tell(const sip::message& m, std::string_view direction, const endpoint& peer) {
  if (story_of_.empty()) return;
  const std::string_view line = m.text().substr(0, m.text().find('\r'));
  const bool of_phone = m.is_request() && m.method() == sip::method::register_;
  const std::string contact(of_phone ? m.first(sip::header::contact).value_or("") : "");
  tell(m.to().uri.user, m.call_id(),
       std::string(direction) + " " + peer.text() + " " + std::string(line) + " [" + std::string(m.call_id()) + " " +
           std::string(m.cseq().method_text) + " " + std::to_string(m.cseq().number) + " " +
           std::string(m.top_via().branch) + "] " + contact);
}

void ledger::engine_received(const sip::message& m, const endpoint& from) {
  tell(m, "<-", from);
  if (from == forger_) return;
  if (!m.is_request()) {
    const auto found = calls_.find(std::string(m.call_id()));
    if (found == calls_.end() || m.cseq().method != sip::method::invite || m.status() <= 100) return;
    for (auto& [device, branches] : found->second.invites) {
      for (auto& b : branches) {
        if (b.id != m.top_via().branch) continue;
        if (m.status() >= 200) {
          if (!b.over) b.over = when_.now().steady;
        } else if (!b.provisional) {
          b.provisional = when_.now().steady;
        }
      }
    }
    return;
  }
  if (m.method() == sip::method::register_) {
    if (is_strangers(m.call_id())) return;  // whatever it wants, nothing may follow from it
    registration_record& r = registers_[std::string(m.top_via().branch)];
    if (r.reached_engine == steady_time{}) r.reached_engine = when_.now().steady;
    r.aor_user = m.to().uri.user;
    phone_names names;
    m.for_each_element(sip::header::contact, [&](std::string_view text) {
      const auto contact = sip::parse_name_addr(text);
      if (!contact) return;
      r.device = contact->uri.user;
      r.has_push = contact->uri.params.find("pn-prid").has_value();
      r.removal = contact->params.find("expires") == "0";
      r.of_flow = contact->params.find("reg-id").has_value();
      names.label = contact->params.find("label").value_or("");
      names.instance = contact->params.find("+sip.instance").value_or("");
      names.token = contact->uri.params.find("pn-prid").value_or("");
    });
    device_record& d = devices_[r.device];
    d.aor_user = r.aor_user;
    d.has_push = r.has_push;
    d.flows = d.flows || r.of_flow;
    if (r.removal) {
      for (const std::string& same_device : identities_.of(r.device)) {  // it may be all of them that leave
        devices_[same_device].leavings.push_back(when_.now().steady);
        devices_[same_device].accepted.reset();
      }
    } else {
      d.reached = when_.now().steady;
      identities_.said(r.device, r.aor_user, names, m.cseq().number, when_.now().steady);
    }
  } else if (m.method() == sip::method::invite && m.to_tag().empty()) {
    auto found = calls_.find(std::string(m.call_id()));
    if (found != calls_.end() && !found->second.reached_engine) {
      found->second.reached_engine = when_.now().steady;
      expect_pushes(found->second);
    }
  } else if (m.method() == sip::method::cancel) {
    auto found = calls_.find(std::string(m.call_id()));
    if (found != calls_.end() && !found->second.cancel_reached_engine) {
      found->second.cancel_reached_engine = when_.now().steady;
    }
  }
}

void ledger::engine_sent(const sip::message& m, const endpoint& to) {
  tell(m, "->", to);
  if (to == forger_) return;
  if (!m.is_request() && m.cseq().method == sip::method::register_) return register_answered(m);
  const auto found = calls_.find(std::string(m.call_id()));
  if (found == calls_.end()) return;
  call_record& call = found->second;
  if (!m.is_request()) {
    if (m.cseq().method == sip::method::cancel) check_cancel_answer(call, m.status());
    if (m.cseq().method == sip::method::invite && m.status() >= 200) final_went_up(call, m.status());
  } else if (m.method() == sip::method::invite && m.to_tag().empty()) {
    invite_went_out(call, m, to);
  } else if (m.method() == sip::method::cancel) {
    for (auto& [d, branches] : call.invites) {
      for (auto& b : branches) {
        if (b.id == m.top_via().branch && !b.over) b.over = when_.now().steady;
      }
    }
  }
}

bool ledger::is_strangers(std::string_view name) { return name.starts_with("stranger"); }

void ledger::invite_went_out(call_record& call, const sip::message& m, const endpoint& to) {
  const std::string device = user_of(m.request_uri());
  if (is_strangers(device)) return;  // it registered a contact, which is open to it, and is silent
  auto& branches = call.invites[device];
  const std::string id(m.top_via().branch);
  const bool known = std::any_of(branches.begin(), branches.end(), [&](const auto& b) { return b.id == id; });
  if (known) return;  // a retransmission
  check_registered_since(call, device);
  // Behind an edge the flow is everybody's: the Request-URI tells where the phone is.
  const bool by_path = m.count(sip::header::route) > 0;
  const call_record::branch fresh{id, to.text() + (by_path ? " " + std::string(m.request_uri()) : ""), std::nullopt, std::nullopt};
  check_live_invites(call, device, fresh);
  branches.push_back(fresh);
  const bool died_since = call.cancel_accepted && !crashes_.empty() && crashes_.back() > *call.cancel_accepted;
  if (call.cancel_accepted && !died_since && *call.cancel_accepted + margin() < when_.now().steady) {
    violation("3.4a: " + call.call_id + ": INVITE to " + device + " after the 200 to its CANCEL");
  }
  if (call.final_sent && !call.finals_sent.contains(200)) {
    call_violation(call, "3.4a", "INVITE to " + device + " after the final response");
  }
}

void ledger::register_answered(const sip::message& m) {
  if (m.status() >= 300) return;
  const auto found = registers_.find(std::string(m.top_via().branch));
  if (found == registers_.end() || found->second.accepted) return;
  registration_record& r = found->second;
  r.accepted = when_.now().steady;
  identities_.accepted(r.device, m.cseq().number, r.reached_engine, when_.now().steady);
  device_record& d = devices_[r.device];
  if (r.removal) {
    if (!r.of_flow) d.left = r.reached_engine;
    return;
  }
  if (was_leaving(r.device, r.reached_engine - margin(), when_.now().steady)) return;
  d.accepted = when_.now().steady;
  d.applied = r.reached_engine;
}

void ledger::final_went_up(call_record& call, int status) {
  if (!call.final_sent) {
    call.final_sent = when_.now().steady;
    const bool refused = status == 503 && small_bounds_;
    if (call.reached_engine && !refused) check_pushed(call);
  }
  if (status == 482) call_violation(call, "3.3", "what a phone said of a copy of its own call went up");
  if (!forger_.empty()) {
    if (status == 603) call_violation(call, "10a.2", "what a stranger answered for a phone went up");
    if (status == 487 && !call.cancelled) call_violation(call, "10a.2", "a stranger's CANCEL ended it");
    if (status == 503 && !small_bounds_) call_violation(call, "10a.1", "refused, while strangers call nobody");
  }
  call.finals_sent.insert(status < 300 ? 200 : status);
  if (call.finals_sent.size() > 1) {
    std::string all;
    for (int s : call.finals_sent) all += " " + std::to_string(s);
    call_violation(call, "1/7", "more than one final response went upstream:" + all);
  }
}

/// A call that outlived the process hears its caller hang up (SPEC 9).
void ledger::check_cancel_answer(call_record& call, int status) {
  const steady_time now = when_.now().steady;
  if (status < 300 && !call.cancel_accepted) call.cancel_accepted = now;
  if (status != 481 || !call.disturbed || !call.known_to_bucket || call.final_sent || !call.reached_engine) return;
  const bool resumed = restarted_ && *restarted_ > crashes_.back() && *restarted_ + cold < now;
  if (resumed && now + cold < *call.reached_engine + parked_for) {
    violation("9: " + call.call_id + ": 481 to the CANCEL of a call that was parked before the restart");
  }
}

void ledger::check_live_invites(call_record& call, const std::string& device, const call_record::branch& fresh) {
  const steady_time now = when_.now().steady;
  for (const std::string& same_device : identities_.of(device)) {
    for (const auto& b : call.invites[same_device]) {
      if (b.over) continue;
      const bool other = same_device != device;
      if (other && !is_family(device, now)) continue;
      // An older one has been given up already: its CANCEL crosses the response.
      if (b.provisional && *b.provisional + margin() < now && &b == &call.invites[same_device].back()) {
        call_violation(call, "2", "a second INVITE to " + device + " though the first answered provisionally" +
                                      (other ? ", at " + same_device + ", the same device" : ""));
      } else if (!other && b.to == fresh.to && !identities_.has_kin(device) && !has_left_a_flow(call, device)) {  // else it may have been elsewhere meanwhile
        call_violation(call, "2", "a second live INVITE to " + device + " at the same address " + fresh.to);
      }
    }
  }
}

/// The flow that its INVITE went by may have been un-registered since: then it follows the device to another, and back.
bool ledger::has_left_a_flow(const call_record& call, const std::string& device) const {
  const auto found = devices_.find(device);
  return found != devices_.end() && found->second.flows && call.reached_engine &&
         was_leaving(device, *call.reached_engine - margin(), when_.now().steady);
}

bool ledger::is_family(const std::string& device, steady_time at) const {
  return identities_.has_kin(device) && identities_.since(device) < at - margin();
}

nanoseconds ledger::margin() const { return may_be_cold() ? cold : either_order; }

void ledger::check_registered_since(const call_record& call, const std::string& device) {
  const auto found = devices_.find(device);
  if (found == devices_.end() || !found->second.has_push || !call.reached_engine) return;
  if (!found->second.reached || *found->second.reached + margin() < *call.reached_engine) {
    call_violation(call, "3.3", "INVITE to " + device + ", which has not registered since the call came");
  }
}

void ledger::push_on_the_wire(const pns::push_order& order, const std::string& device) {
  const auto* invite = std::get_if<pns::invite_content>(&order.content);
  if (invite == nullptr) return;
  const call_record& call = calls_[invite->call_id];
  if (call.final_sent) call_violation(call, "4", "a push to " + device + " left after the final response");
}

void ledger::push_ordered(const pns::push_order& order, const std::string& device, bool entry_durable) {
  const auto* invite = std::get_if<pns::invite_content>(&order.content);
  if (invite == nullptr) return;
  auto found = calls_.find(invite->call_id);
  if (found == calls_.end()) {
    violation("4: a push for a call that nobody made: " + invite->call_id);
    return;
  }
  call_record& call = found->second;
  tell(call.callee, call.call_id, "push invite to " + device + " [" + call.call_id + "]");
  call.known_to_bucket = true;
  call.ref = order.call;
  if (!entry_durable && call.reached_engine && when_.now().steady < *call.reached_engine + bucket_write_late) {
    call_violation(call, "10", "a push to " + device + " before its bucket entry is durable");
  }
  ++call.pushes[device];
  check_push_count(call, device);
  if (call.final_sent) call_violation(call, "4", "a push to " + device + " after the final response");
  check_left(call, device);
}

void ledger::check_push_count(const call_record& call, const std::string& device) {
  // Whether an order of before had been accepted died with the process: one more for each time it did (SPEC 3.2).
  const auto deaths = std::count_if(crashes_.begin(), crashes_.end(), [&](steady_time t) {
    return call.reached_engine && t > *call.reached_engine;
  });
  int pushes = 0;
  for (const std::string& same_device : identities_.of(device)) {
    const auto found = call.pushes.find(same_device);
    const bool counts = same_device == device || (call.reached_engine && is_family(device, *call.reached_engine));
    if (found != call.pushes.end() && counts) pushes += found->second;
  }
  if (pushes > 1 + deaths) {
    violation("4: " + call.call_id + ": push " + std::to_string(pushes) + " to " + device + ", " + std::to_string(deaths) +
              " restarts");
  }
}

/// SPEC 2.3a, 3.4a: who has un-registered and heard 200 is not pushed, until it registers again.
void ledger::check_left(const call_record& call, const std::string& device) {
  const device_record& d = devices_[device];
  if (!d.left || *d.left + cold > when_.now().steady) return;
  for (const std::string& same_device : identities_.of(device)) {
    const auto& reached = devices_[same_device].reached;
    if (reached && *reached + margin() > *d.left) return;
  }
  violation("2.3a: " + call.call_id + ": a push to " + device + ", which has un-registered");
}

bool ledger::was_leaving(const std::string& device, steady_time from, steady_time to) const {
  const auto found = devices_.find(device);
  return found != devices_.end() && std::any_of(found->second.leavings.begin(), found->second.leavings.end(),
                                                [&](steady_time t) { return from <= t && t <= to; });
}

void ledger::push_refused(const pns::push_order& order, const std::string& device) {
  if (const auto* invite = std::get_if<pns::invite_content>(&order.content)) {
    calls_[invite->call_id].refused.insert(device);
    tell(calls_[invite->call_id].callee, invite->call_id, "push to " + device + " refused [" + invite->call_id + "]");
  }
}

void ledger::told(const std::string& aor_user, const std::string& device, const std::vector<pns::missed_call>& calls) {
  for (const auto& missed : calls) {
    const auto found = call_of_number_.find(missed.remote_uri);
    if (found == call_of_number_.end()) {
      violation("6: " + aor_user + " is told of a call by " + missed.remote_uri + ", whom nobody knows");
      continue;
    }
    call_record& call = calls_[found->second];
    tell(aor_user, call.call_id, "told " + device + " of " + call.call_id);
    if (call.callee != aor_user) call_violation(call, "6", "told to " + aor_user + ", was for " + call.callee);
    // Every push client hears of it once (SPEC 4.3); a crash between the telling and its record allows a repeat (4.4).
    if (++call.told[device] > 1 && crashes_.empty()) call_violation(call, "6", "told twice to " + device);
  }
}

void ledger::engine_crashed(const std::function<bool(const std::string& user, const call_ref& call)>& durable) {
  crashes_.push_back(when_.now().steady);
  for (auto& [id, call] : calls_) {
    if (!call.final_sent || *call.final_sent + removal_durable > when_.now().steady) call.disturbed = true;
    if (call.known_to_bucket && !durable(call.callee, call.ref)) call.known_to_bucket = false;
  }
}

/// What becomes of a call that was under way when the engine died is only asked of its bucket entry.
void ledger::call_violation(const call_record& call, std::string_view invariant, const std::string& what) {
  if (!call.disturbed) violation(std::string(invariant) + ": " + call.call_id + ": " + what);
}

}  // namespace reveille::world
