#include "simulator/world/http2_truth.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pns/apns_request.hpp"

namespace reveille::world {

namespace {

using nlohmann::json;

/// Hand-overs from the shard to the sender, timers that are late, with room.
constexpr nanoseconds hand_over = milliseconds(25);
/// An answer that came sooner after its request was surely taken for one: senders give up after 5 s.
constexpr nanoseconds surely_awaited = milliseconds(4500);
/// Once faults have stopped: breakers, back-offs and broken connections are over by then.
constexpr nanoseconds recovery = seconds(90);

/// The data of a notification: APNs' own part of the body, or FCM's `data`.
json data_of(const mock_providers::received_push& what) {
  json body = json::parse(what.payload, nullptr, false);
  if (!body.is_object()) return {};
  if (what.provider == pns::provider::fcm) return body;
  for (auto& [name, value] : body.items()) {
    if (name != "aps" && value.is_object()) return value;
  }
  return {};
}

json calls_of(const json& data) {
  const auto found = data.find("calls");
  if (found == data.end()) return json::array();
  return found->is_string() ? json::parse(found->get<std::string>(), nullptr, false) : *found;
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

/// What both sides can know an order by: APNs' apns-id; for FCM, which has none, token and content.
std::string http2_truth::key_of(const pns::push_order& order) {
  std::string key;
  if (order.target.provider != pns::provider::fcm) {
    pns::write_apns_id(order, key);
    return key;
  }
  key = order.target.tokens.front().value.str();
  if (const auto* invite = std::get_if<pns::invite_content>(&order.content)) return key + ' ' + invite->call_id;
  for (const auto& call : std::get<pns::missed_calls_content>(order.content).calls) key += '+' + call.remote_uri;
  return key;
}

std::string http2_truth::key_of(const mock_providers::received_push& what) {
  if (what.provider != pns::provider::fcm) return what.id;
  const json data = data_of(what);
  if (text_of(data, "type") == "invite") return what.token + ' ' + text_of(data, "call_id");
  std::string key = what.token;
  for (const json& call : calls_of(data)) key += '+' + text_of(call, "remote_uri");
  return key;
}

void http2_truth::complain(const order_record& r, std::string_view invariant, const std::string& what) {
  std::string subject = "push to " + r.whose.device;
  if (const auto* invite = std::get_if<pns::invite_content>(&r.order.content)) {
    const auto call = truth_.calls().find(invite->call_id);
    if (call != truth_.calls().end() && call->second.disturbed) return;
    subject += " for " + invite->call_id;
  } else {
    subject += " (missed calls)";
  }
  truth_.violation(std::string(invariant) + ": " + subject + ": " + what);
}

// --- home

void http2_truth::ordered(const pns::push_order& order, bool entry_durable) {
  const auto known = owners_.find(order.target.tokens.front().value.str());
  if (known == owners_.end()) {
    truth_.violation("a push to a token that no device ever sent");
    return;
  }
  truth_.push_ordered(order, known->second.device, entry_durable);
  if (live_.contains(order.id)) truth_.violation("9: two orders of one name in flight");
  live_[order.id] = orders_.size();
  order_record r{order, key_of(order), known->second, when_.now().steady, false, false, {}, {}};
  by_key_[r.key].push_back(orders_.size());
  orders_.push_back(std::move(r));
}

void http2_truth::withdrawn(pns::push_id id) {
  if (const auto found = live_.find(id); found != live_.end()) orders_[found->second].withdrawn = true;
}

void http2_truth::engine_died() {
  engine_died_ = true;
  for (const auto& [id, index] : live_) orders_[index].of_a_dead_engine = true;
  live_.clear();
}

void http2_truth::answered(const pns::push_answer& answer) {
  const auto found = live_.find(answer.id);
  if (found == live_.end()) {
    truth_.violation("9: an answer to an order that nobody made, or a second one");
    return;
  }
  order_record& r = orders_[found->second];
  live_.erase(found);
  const push_end end = end_of(answer.outcome);
  r.end = end;
  check_end(r, end, answer);
  switch (end) {
    case push_end::suspect_token:
    case push_end::dead_token:
      // Dead since before it registered it is not dead (invariant 5).
      if (end == push_end::suspect_token || !std::get<pns::dead_token>(answer.outcome).since) {
        truth_.token_suspected(r.whose.device);
      }
      truth_.push_refused(r.order, r.whose.device);
      break;
    case push_end::our_fault:
    case push_end::credential_fault: truth_.push_refused(r.order, r.whose.device); break;
    case push_end::accepted: case push_end::try_later: case push_end::queue_full: case push_end::deadline:
    case push_end::withdrawn: case push_end::no_app: case push_end::provider_off: case push_end::skipped: break;
  }
}

void http2_truth::check_end(const order_record& r, push_end end, const pns::push_answer& answer) {
  const auto judged = [&](auto... statuses) {
    return std::any_of(r.attempts.begin(), r.attempts.end(),
                       [&](const attempt& a) { return (a.heard || a.begun) && ((a.status == statuses) || ...); });
  };
  const bool surely_accepted = std::any_of(r.attempts.begin(), r.attempts.end(), [](const attempt& a) {
    return a.status == 200 && a.heard && *a.heard - a.written < surely_awaited;
  });
  if (end != push_end::accepted && surely_accepted) {
    complain(r, "9", "accepted, yet called " + std::string(name_of(end)));
  }
  bool backed = true;
  switch (end) {
    case push_end::accepted: backed = judged(200); break;
    case push_end::dead_token: backed = judged(410, 404); break;
    case push_end::suspect_token: backed = judged(400, 410); break;
    case push_end::our_fault: backed = judged(400, 404, 405, 413); break;
    case push_end::credential_fault: backed = judged(401, 403, 404) || answer.reason == "breaker"; break;
    case push_end::withdrawn: backed = r.withdrawn; break;
    case push_end::deadline: backed = when_.now().steady >= r.order.deadline; break;
    case push_end::try_later: break;  // refusals above a GOAWAY and what never left are seen by nobody
    case push_end::queue_full: case push_end::no_app: case push_end::provider_off: case push_end::skipped: backed = false;
  }
  if (!backed) complain(r, "9", "called " + std::string(name_of(end)) + ", which nobody said");
  if (end == push_end::accepted || end == push_end::withdrawn) return;
  if (calm_since_ && r.ordered_at > *calm_since_ + recovery) {
    complain(r, "8", "came to nothing (" + std::string(name_of(end)) + ") though nothing fails any more");
  }
}

// --- the wire

void http2_truth::request_written(std::uint64_t link, std::uint32_t stream) {
  ++requests_written_;
  written_.emplace(wire_place{link, stream}, when_.now().steady);
}

void http2_truth::answer_begun(std::uint64_t link, std::uint32_t stream) {
  const auto found = attempts_.find({link, stream});
  if (found != attempts_.end()) orders_[found->second.first].attempts[found->second.second].begun = true;
}

void http2_truth::answer_arrived(std::uint64_t link, std::uint32_t stream) {
  const auto found = attempts_.find({link, stream});
  if (found == attempts_.end()) return;
  attempt& a = orders_[found->second.first].attempts[found->second.second];
  if (!a.heard) a.heard = when_.now().steady;
}

void http2_truth::refusal_arrived(std::uint64_t link, std::uint32_t stream) {
  const auto found = attempts_.find({link, stream});
  if (found != attempts_.end()) orders_[found->second.first].attempts[found->second.second].refused = true;
}

// --- the provider

http2_truth::order_record* http2_truth::find(const std::string& key, steady_time written) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  // A list of missed calls that was told in vain is told again under the same name.
  for (auto i = found->second.rbegin(); i != found->second.rend(); ++i) {
    if (orders_[*i].ordered_at <= written) return &orders_[*i];
  }
  return nullptr;
}

void http2_truth::judged(std::uint64_t link, std::uint32_t stream, const mock_providers::received_push& what) {
  if (what.token.empty()) return;  // refused before it was read: an access token that is good no more
  const auto when_written = written_.find({link, stream});
  if (when_written == written_.end()) {
    truth_.violation("9: the provider judged a request that was never written");
    return;
  }
  when_.mix(what.token);
  when_.mix(static_cast<std::uint64_t>(what.status));
  order_record* r = find(key_of(what), when_written->second);
  if (r == nullptr) {
    truth_.violation("9: the provider got a push that nobody ordered");
    return;
  }
  const attempt fresh{{link, stream}, when_written->second, what.status, std::nullopt, false, false};
  check_timely(*r, fresh);
  if (!r->attempts.empty()) {
    ++repeated_requests_;
    check_repeat(*r, fresh);
  }
  if (what.status == 200) {
    ++accepted_;
    if (std::holds_alternative<pns::missed_calls_content>(r->order.content)) tell(*r, what);
  }
  attempts_[{link, stream}] = {static_cast<std::size_t>(r - orders_.data()), r->attempts.size()};
  r->attempts.push_back(fresh);
}

void http2_truth::check_timely(const order_record& r, const attempt& a) {
  if (a.written > r.order.deadline + hand_over + slowest_drain_) complain(r, "4", "sent after its deadline");
  const auto* invite = std::get_if<pns::invite_content>(&r.order.content);
  if (invite == nullptr) return;
  const auto call = truth_.calls().find(invite->call_id);
  if (call == truth_.calls().end() || !call->second.final_sent) return;
  if (a.written > *call->second.final_sent + hand_over) complain(r, "4", "sent after the call's final response");
}

void http2_truth::check_repeat(const order_record& r, const attempt& fresh) {
  std::size_t unheard = 0;
  for (const attempt& a : r.attempts) {
    const bool known = (a.heard && *a.heard <= fresh.written) || a.begun;
    if (a.heard && known && a.status == 200 && *a.heard - a.written < surely_awaited) {
      complain(r, "9", "sent again though it was accepted, and the sender knew");
    }
    if (a.heard && known && (a.status == 400 || a.status == 410) && *a.heard - a.written < surely_awaited) {
      complain(r, "9", "sent again though it was refused for good");
    }
    if (!known && !a.refused) ++unheard;
  }
  // Once more where nobody can tell, and not again.
  if (unheard > 1) complain(r, "9", "sent a third time though nobody can tell what became of the first two");
  const bool accepted_before =
      std::any_of(r.attempts.begin(), r.attempts.end(), [](const attempt& a) { return a.status == 200; });
  if (fresh.status == 200 && accepted_before) ++ambiguous_repeats_;
}

/// Each call is told to each device once; a second time only where the first telling came to nothing as far as the sender
/// could know, or the process died in between.
void http2_truth::tell(order_record& r, const mock_providers::received_push& what) {
  const auto index = static_cast<std::size_t>(&r - orders_.data());
  const auto& ordered = std::get<pns::missed_calls_content>(r.order.content).calls;
  const json told = calls_of(data_of(what));
  std::vector<pns::missed_call> fresh;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    if (i >= told.size() || text_of(told[i], "remote_uri") != ordered[i].remote_uri) {
      complain(r, "6", "the notification does not say what was ordered");
      return;
    }
    const auto [before, first] = told_by_.emplace(std::pair{r.whose.device, ordered[i].remote_uri}, index);
    const order_record& earlier = orders_[before->second];
    // A repeat of this very order has been judged by check_repeat().
    const bool excused = !first && (before->second == index || earlier.of_a_dead_engine ||
                                    (earlier.end && *earlier.end != push_end::accepted));
    before->second = index;
    if (excused) {
      ++ambiguous_repeats_;
    } else {
      fresh.push_back(ordered[i]);
    }
  }
  if (told.size() != ordered.size()) complain(r, "6", "the notification tells more than was ordered");
  truth_.told(r.whose.aor_user, r.whose.device, fresh);
}

void http2_truth::conclude() {
  for (const auto& entry : live_) complain(orders_[entry.second], "8", "never answered");
}

}  // namespace reveille::world
