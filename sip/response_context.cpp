#include "sip/response_context.hpp"

#include <algorithm>
#include <cassert>

namespace reveille::sip {

response_context::branch* response_context::find(std::uint32_t number) {
  const auto b = std::find_if(branches_.begin(), branches_.end(), [&](const branch& x) { return x.number == number; });
  return b == branches_.end() ? nullptr : &*b;
}
const response_context::branch* response_context::find(std::uint32_t number) const {
  return const_cast<response_context*>(this)->find(number);
}

void response_context::end_place() {
  assert(places_ > 0);
  --places_;
  undialled_ = true;
}

void response_context::end_all_places() {
  undialled_ = undialled_ || places_ > 0;
  places_ = 0;
}

void response_context::dial(std::uint32_t number, origin from) {
  assert(!find(number));
  if (from == origin::place) {
    assert(places_ > 0);
    --places_;
  }
  branch b;
  b.number = number;
  branches_.push_back(b);
}

void response_context::abandon(std::uint32_t number) {
  if (branch* b = find(number)) b->abandoned = true;
}

void response_context::abandon_silent() {
  for (branch& b : branches_) b.abandoned = b.abandoned || (b.open && !b.heard);
}

void response_context::on_sign_of_life(std::uint32_t number) {
  if (branch* b = find(number)) b->heard = true;
}

void response_context::park_again(std::uint32_t number) {
  if (branch* b = find(number)) b->open = false;
  ++places_;
}

void response_context::take_back(std::uint32_t number) {
  std::erase_if(branches_, [&](const branch& b) { return b.number == number; });
  ++places_;
}

void response_context::mark_cancelled(std::uint32_t number) {
  if (branch* b = find(number)) b->cancelled = true;
}

bool response_context::is_open(std::uint32_t number) const {
  const branch* b = find(number);
  return b && b->open;
}
bool response_context::is_abandoned(std::uint32_t number) const {
  const branch* b = find(number);
  return b && b->abandoned;
}
bool response_context::is_cancelled(std::uint32_t number) const {
  const branch* b = find(number);
  return b && b->cancelled;
}
bool response_context::knows(std::uint32_t number) const { return find(number) != nullptr; }
bool response_context::rang(std::uint32_t number) const {
  const branch* b = find(number);
  return b && b->rang;
}

bool response_context::heard(std::uint32_t number) const {
  const branch* b = find(number);
  return b && b->heard;
}

std::vector<std::uint32_t> response_context::to_cancel() const {
  std::vector<std::uint32_t> out;
  for (const branch& b : branches_) {
    if (b.open && !b.cancelled) out.push_back(b.number);
  }
  return out;
}

std::vector<std::uint32_t> response_context::open() const {
  std::vector<std::uint32_t> out;
  for (const branch& b : branches_) {
    if (b.open) out.push_back(b.number);
  }
  return out;
}

bool response_context::all_closed() const {
  return std::none_of(branches_.begin(), branches_.end(), [](const branch& b) { return b.open; });
}

response_context::relay response_context::on_provisional(std::uint32_t number) {
  branch* b = find(number);
  if (!b || !b->open || b->abandoned) return relay::absorb;
  b->rang = true;
  any_rang_ = true;
  return final_sent_ || outcome_ != fork_outcome::undecided ? relay::absorb : relay::forward;
}

response_context::relay response_context::on_success(std::uint32_t number) {
  branch* b = find(number);
  if (!b) return relay::absorb;
  b->open = false;
  // A non-2xx final response has left: the server transaction cannot take it back (SPEC 3.4a, never both).
  if (final_sent_ && final_status_ >= 300) return relay::absorb;
  if (final_sent_ && kind_ == kind::other) return relay::absorb;
  final_sent_ = true;
  if (final_status_ == 0) final_status_ = 200;
  if (outcome_ == fork_outcome::undecided) outcome_ = fork_outcome::answered;
  end_all_places();
  return relay::forward;
}

void response_context::on_failure(std::uint32_t number, message_ptr response) {
  branch* b = find(number);
  if (!b || !b->open) return;
  b->open = false;
  if (b->abandoned) return;
  const int status = response->status();
  // 487 is the echo of our own CANCEL: the device said nothing of its own.
  if (b->cancelled && status == 487) {
    undialled_ = true;
    return;
  }
  if (status == 401 || status == 407) collect_challenges(response);
  consider(status, std::move(response));
  if (status >= 600) decide(fork_outcome::rejected);
}

void response_context::on_no_answer(std::uint32_t number, no_answer why) {
  branch* b = find(number);
  if (!b || !b->open) return;
  b->open = false;
  if (b->abandoned) return;
  switch (why) {
    case no_answer::silent: silent_ = true; return;
    case no_answer::unreachable: unreachable_ = true; return;
    case no_answer::no_room: no_room_ = true; return;
  }
}

void response_context::give_up(std::uint32_t number) {
  branch* b = find(number);
  if (!b || !b->open) return;
  b->open = false;
  undialled_ = true;
}

bool response_context::decide(fork_outcome o) {
  if (outcome_ != fork_outcome::undecided || final_sent_) return false;
  outcome_ = o;
  end_all_places();
  return true;
}

int response_context::rank(int status) {
  if (status >= 600) return 0;
  switch (status) {
    case 401:
    case 407: return 40;  // tells the caller how to try again
    case 415:
    case 420:
    case 484: return 41;
    default: return status / 100 * 10 + 2;
  }
}

void response_context::consider(int status, message_ptr response) {
  if (best_ && rank(best_status_) <= rank(status)) return;
  best_status_ = status;
  best_ = std::move(response);
}

void response_context::collect_challenges(const message_ptr& response) {
  challenge c;
  c.from = response;
  for (const header h : {header::www_authenticate, header::proxy_authenticate}) {
    response->for_each(h, [&](std::string_view value) {
      c.lines += name_of(h);
      c.lines += ": ";
      c.lines += value;
      c.lines += "\r\n";
    });
  }
  challenges_.push_back(std::move(c));
}

bool response_context::ready() const {
  if (final_sent_ || places_ > 0) return false;
  // The caller's CANCEL waits for every branch that was sent (a 2xx may come from any); everything else does not wait
  // for an abandoned one, which may be an address where nobody listens any more.
  const bool abandoned_count = outcome_ == fork_outcome::cancelled;
  return std::none_of(branches_.begin(), branches_.end(),
                      [&](const branch& b) { return b.open && (abandoned_count || !b.abandoned); });
}

std::optional<response_context::final_answer> response_context::take_final() {
  if (!ready()) return std::nullopt;
  final_answer answer;
  if (outcome_ == fork_outcome::cancelled) {
    answer.status = 487;
  } else if (best_) {
    answer.status = best_status_;
    answer.response = best_;
    if (best_status_ == 401 || best_status_ == 407) {
      for (const challenge& c : challenges_) {
        if (c.from != best_) answer.challenges += c.lines;
      }
    } else if (best_status_ == 503) {
      answer.status = 500;  // 16.7 step 6: the 503 spoke of a phone, not of us
      answer.response = nullptr;
    }
  } else {
    // A place that ended says more than branches without an answer, and RFC 4320 forbids 408 to other requests.
    const bool ended = undialled_ || outcome_ == fork_outcome::expired;
    answer.status = ended           ? 480
                    : silent_       ? (kind_ == kind::invite ? 408 : 480)
                    : no_room_      ? 503
                    : unreachable_  ? 500
                                    : 480;
  }
  final_sent_ = true;
  final_status_ = answer.status;
  best_ = nullptr;
  challenges_.clear();
  return answer;
}

std::string reasons_of(const message& m) {
  std::string out;
  m.for_each(header::reason, [&](std::string_view value) {
    if (!out.empty()) out += ", ";
    out += value;
  });
  return out;
}

bool says_answered_elsewhere(const message& m) {
  bool found = false;
  m.for_each_element(header::reason, [&](std::string_view value) {
    const std::size_t end = value.find(';');
    if (end == std::string_view::npos) return;
    std::string_view protocol = value.substr(0, end);
    while (!protocol.empty() && (protocol.back() == ' ' || protocol.back() == '\t')) protocol.remove_suffix(1);
    const bool sip = protocol.size() == 3 && (protocol[0] | 0x20) == 's' && (protocol[1] | 0x20) == 'i' &&
                     (protocol[2] | 0x20) == 'p';
    found = found || (sip && params_view(value.substr(end)).find("cause") == "200");
  });
  return found;
}

}  // namespace reveille::sip
