#include "simulator/world/ledger.hpp"

#include <algorithm>

namespace reveille::world {

namespace {

using std::chrono::milliseconds;

/// How long the engine may take from a REGISTER's arrival to the INVITE while the store and the hand-overs are slow:
/// hand-overs, a cold load and a durable write of the fake store, with room.
constexpr nanoseconds release_margin = milliseconds(1500);

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
  violation("2: " + call_id + ": device " + device + " rings for two INVITEs of one call");
}

void ledger::dialog_broken(const std::string& call_id, std::string_view what) {
  violation("dialog: " + call_id + ": " + std::string(what));
}

bool ledger::final_sent(const std::string& call_id) const {
  const auto found = calls_.find(call_id);
  return found != calls_.end() && found->second.final_sent.has_value();
}

void ledger::engine_received(const sip::message& m, const endpoint&) {
  if (!m.is_request()) {
    const auto found = calls_.find(std::string(m.call_id()));
    if (found == calls_.end() || m.cseq().method != sip::method::invite || m.status() <= 100) return;
    for (auto& [device, branches] : found->second.invites) {
      for (auto& b : branches) {
        if (b.id != m.top_via().branch) continue;
        (m.status() < 200 ? b.provisional : b.over) = true;
      }
    }
    return;
  }
  if (m.method() == sip::method::register_) {
    registration_record& r = registers_[std::string(m.top_via().branch)];
    if (r.reached_engine == steady_time{}) r.reached_engine = when_.now().steady;
    r.aor_user = m.to().uri.user;
    m.for_each_element(sip::header::contact, [&](std::string_view text) {
      const auto contact = sip::parse_name_addr(text);
      if (!contact) return;
      r.device = contact->uri.user;
      r.has_push = contact->uri.params.find("pn-prid").has_value();
      r.removal = contact->params.find("expires") == "0";
    });
  } else if (m.method() == sip::method::invite && m.to_tag().empty()) {
    auto found = calls_.find(std::string(m.call_id()));
    if (found != calls_.end() && !found->second.reached_engine) found->second.reached_engine = when_.now().steady;
  } else if (m.method() == sip::method::cancel) {
    auto found = calls_.find(std::string(m.call_id()));
    if (found != calls_.end() && !found->second.cancel_reached_engine) {
      found->second.cancel_reached_engine = when_.now().steady;
    }
  }
}

void ledger::engine_sent(const sip::message& m, const endpoint& to) {
  if (m.is_request()) {
    auto found = calls_.find(std::string(m.call_id()));
    if (found == calls_.end()) return;
    call_record& call = found->second;
    const std::string device = user_of(m.request_uri());
    if (m.method() == sip::method::invite && m.to_tag().empty()) {
      auto& branches = call.invites[device];
      const std::string id(m.top_via().branch);
      const bool known = std::any_of(branches.begin(), branches.end(), [&](const auto& b) { return b.id == id; });
      if (known) return;  // a retransmission
      const call_record::branch fresh{id, to.text(), false, false};
      check_live_invites(call, device, fresh);
      branches.push_back(fresh);
      if (call.final_sent && !call.finals_sent.contains(200)) {
        violation("3.4a: " + call.call_id + ": INVITE to " + device + " after the final response");
      }
    } else if (m.method() == sip::method::cancel) {
      for (auto& [d, branches] : call.invites) {
        for (auto& b : branches) {
          if (b.id == m.top_via().branch) b.over = true;
        }
      }
    }
    return;
  }
  if (m.cseq().method == sip::method::register_ && m.status() < 300) {
    auto found = registers_.find(std::string(m.top_via().branch));
    if (found != registers_.end() && !found->second.accepted) found->second.accepted = when_.now().steady;
    return;
  }
  if (m.cseq().method != sip::method::invite || m.status() < 200) return;
  auto found = calls_.find(std::string(m.call_id()));
  if (found == calls_.end()) return;
  call_record& call = found->second;
  if (!call.final_sent) call.final_sent = when_.now().steady;
  call.finals_sent.insert(m.status() < 300 ? 200 : m.status());
  if (call.finals_sent.size() > 1) {
    std::string all;
    for (int s : call.finals_sent) all += " " + std::to_string(s);
    violation("1/7: " + call.call_id + ": more than one final response went upstream:" + all);
  }
}

void ledger::check_live_invites(call_record& call, const std::string& device, const call_record::branch& fresh) {
  for (const auto& b : call.invites[device]) {
    if (b.over) continue;
    if (b.provisional) {
      violation("2: " + call.call_id + ": a second INVITE to " + device + " though the first answered provisionally");
    } else if (b.to == fresh.to) {
      violation("2: " + call.call_id + ": a second live INVITE to " + device + " at the same address " + fresh.to);
    }
  }
}

void ledger::push_ordered(const pns::push_order& order, const std::string& device) {
  const auto* invite = std::get_if<pns::invite_content>(&order.content);
  if (invite == nullptr) return;
  auto found = calls_.find(invite->call_id);
  if (found == calls_.end()) {
    violation("4: a push for a call that nobody made: " + invite->call_id);
    return;
  }
  call_record& call = found->second;
  call.known_to_bucket = true;
  if (++call.pushes[device] > 1) violation("4: " + call.call_id + ": a second push to " + device);
  if (call.final_sent) violation("4: " + call.call_id + ": a push to " + device + " after the final response");
}

void ledger::told(const std::string& aor_user, const std::vector<pns::missed_call>& calls, bool repeat_allowed) {
  for (const auto& missed : calls) {
    const auto found = call_of_number_.find(missed.remote_uri);
    if (found == call_of_number_.end()) {
      violation("6: " + aor_user + " is told of a call by " + missed.remote_uri + ", whom nobody knows");
      continue;
    }
    call_record& call = calls_[found->second];
    if (call.callee != aor_user) violation("6: " + call.call_id + ": told to " + aor_user + ", was for " + call.callee);
    if (++call.told > 1 && !repeat_allowed) violation("6: " + call.call_id + ": told twice");
  }
}

void ledger::engine_crashed() { crashes_.push_back(when_.now().steady); }

void ledger::conclude() {
  for (const auto& [id, call] : calls_) {
    if (!call.reached_engine) continue;  // every transmission of its INVITE was lost
    const bool crashed_over_it = std::any_of(crashes_.begin(), crashes_.end(), [&](steady_time t) {
      return t >= *call.reached_engine && (!call.final_sent || t <= *call.final_sent + milliseconds(100));
    });
    if (!call.final_sent && !crashed_over_it) violation("1: " + id + ": no final response");
    if (call.finals_seen.size() > 1) violation("1: " + id + ": the caller saw two different final responses");

    const bool answered = call.finals_sent.contains(200);
    const bool tell = call.known_to_bucket && !answered && !(call.cancelled_elsewhere && call.cancel_reached_engine);
    if (tell && call.told == 0) violation("6: " + id + ": unanswered, never told to " + call.callee);
    if (answered && call.told > 0 && !crashed_over_it) violation("6: " + id + ": answered, told all the same");
  }
  // Invariant 3: a REGISTER that came between the INVITE and the call's end led to an INVITE for that device.
  for (const auto& [branch, r] : registers_) {
    if (!r.accepted || r.removal || !r.has_push) continue;
    for (const auto& [id, call] : calls_) {
      if (call.callee != r.aor_user || !call.reached_engine || !call.pushes.contains(r.device)) continue;
      const bool in_time = r.reached_engine > *call.reached_engine + release_margin && call.final_sent &&
                           r.reached_engine + release_margin < *call.final_sent;
      if (in_time && !call.invites.contains(r.device)) {
        violation("3: " + id + ": " + r.device + " registered in time, no INVITE followed");
      }
    }
  }
}

}  // namespace reveille::world
