#include "actors/push_bucket.hpp"

#include <algorithm>
#include <cassert>

namespace reveille {
namespace {

pns::missed_call told_form(const bucket_entry& e) { return {e.date, e.remote_uri, e.display_name, e.call}; }

/// A round's answers all come by its pushes' deadline; this much later they are taken for lost.
constexpr seconds answers_late{30};

}  // namespace

namespace {
std::size_t text_of(const bucket_entry& e) { return e.remote_uri.size() + e.display_name.size(); }
}  // namespace

const bucket_entry* push_bucket::find(const call_ref& call) const {
  const auto e = std::find_if(entries_.begin(), entries_.end(), [&](const bucket_entry& x) { return x.call == call; });
  return e == entries_.end() ? nullptr : &*e;
}

bool push_bucket::add(bucket_entry entry, wall_time now, const subscriber_config& config,
                      std::vector<call_ref>& dropped) {
  if (find(entry.call)) return false;
  prune(now, config, dropped);
  while (entries_.size() >= config.bucket_entries) {
    dropped.push_back(entries_.front().call);
    text_bytes_ -= text_of(entries_.front());
    entries_.erase(entries_.begin());
  }
  const auto place = std::upper_bound(entries_.begin(), entries_.end(), entry.date,
                                      [](wall_time date, const bucket_entry& e) { return date < e.date; });
  text_bytes_ += text_of(entry);
  entries_.insert(place, std::move(entry));
  return true;
}

void push_bucket::prune(wall_time now, const subscriber_config& config, std::vector<call_ref>& dropped) {
  const auto kept = std::find_if(entries_.begin(), entries_.end(),
                                 [&](const bucket_entry& e) { return e.date + config.bucket_age > now; });
  for (auto e = entries_.begin(); e != kept; ++e) {
    dropped.push_back(e->call);
    text_bytes_ -= text_of(*e);
  }
  entries_.erase(entries_.begin(), kept);
}

bool push_bucket::remove(const call_ref& call) {
  return std::erase_if(entries_, [&](const bucket_entry& e) {
           if (e.call != call) return false;
           text_bytes_ -= text_of(e);
           return true;
         }) > 0;
}

const bucket_entry* push_bucket::mark_over(const call_ref& call) {
  for (bucket_entry& e : entries_) {
    if (e.call != call) continue;
    e.over = true;
    return &e;
  }
  return nullptr;
}

void push_bucket::revive(const call_ref& call, wall_time deadline) {
  for (bucket_entry& e : entries_) {
    if (e.call != call) continue;
    e.over = false;
    e.deadline = deadline;
  }
}

std::vector<std::vector<call_ref>> push_bucket::split(const std::vector<pns::missed_call>& calls,
                                                      const subscriber_config& config) {
  std::vector<std::vector<call_ref>> parts;
  for (std::span<const pns::missed_call> rest(calls); !rest.empty();) {
    // One call always goes, or it would wait for ever (the sender refuses what is too large).
    const std::size_t fits = pns::missed_calls_that_fit(rest, config.missed_cost);
    std::vector<call_ref>& part = parts.emplace_back();
    for (const pns::missed_call& call : rest.first(fits)) part.push_back(call.call);
    rest = rest.subspan(fits);
  }
  return parts;
}

bool push_bucket::start_round(std::vector<recipient> to, const instant& now, const subscriber_config& config,
                              std::span<const call_ref> in_progress) {
  if (round_ || to.empty()) return false;
  std::vector<pns::missed_call> calls;
  for (const bucket_entry& e : entries_) {
    const bool waits = std::find(in_progress.begin(), in_progress.end(), e.call) != in_progress.end();
    if (!waits && is_over(e, now.wall, config)) calls.push_back(told_form(e));
  }
  if (calls.empty()) return false;
  round r;
  r.to = std::move(to);
  r.parts = split(calls, config);
  r.started = now.steady;
  r.gives_up = now.steady + (config.missed_ttl + answers_late) * static_cast<int>(r.parts.size());
  round_ = std::move(r);
  if (enter_part(0)) return true;
  round_.reset();
  return false;
}

bool push_bucket::enter_part(std::size_t index) {
  round& r = *round_;
  for (; index < r.parts.size(); ++index) {
    // A call may have left meanwhile: dropped for the bounds.
    std::erase_if(r.parts[index], [&](const call_ref& c) { return find(c) == nullptr; });
    const bool newest = index + 1 == r.parts.size();
    r.now_to.clear();
    for (const recipient& to : r.to) {
      if (newest || !to.voip_only) r.now_to.push_back(to);
    }
    // Oldest parts that no voip token may carry stay in the bucket for a registration with a plain one.
    if (r.parts[index].empty() || r.now_to.empty()) continue;
    r.at = index;
    r.waiting.clear();
    r.accepted = false;
    return true;
  }
  return false;
}

const std::vector<push_bucket::recipient>& push_bucket::recipients() const {
  static const std::vector<recipient> nobody;
  return round_ ? round_->now_to : nobody;
}

pns::missed_calls_content push_bucket::part(wall_time now) const {
  assert(round_);
  pns::missed_calls_content content;
  content.date = now;
  const std::vector<call_ref>& calls = round_->parts[round_->at];
  for (const call_ref& c : calls) {
    if (const bucket_entry* e = find(c)) content.calls.push_back(told_form(*e));
  }
  // The oldest call of a part names it: told again after a crash it replaces itself (SPEC 4.4).
  content.collapse_id = "missed-" + calls.front().hex();
  return content;
}

void push_bucket::sent(std::uint32_t push, device_id device) {
  assert(round_);
  round_->waiting.emplace_back(push, device);
}

bool push_bucket::is_waiting_for(std::uint32_t push) const {
  return round_ && std::any_of(round_->waiting.begin(), round_->waiting.end(),
                               [&](const auto& w) { return w.first == push; });
}

push_bucket::progress push_bucket::answered(std::uint32_t push, bool accepted) {
  progress out;
  if (!is_waiting_for(push)) return out;
  round& r = *round_;
  out.known = true;
  std::erase_if(r.waiting, [&](const auto& w) { return w.first == push; });
  if (accepted && !r.accepted) {
    r.accepted = true;
    for (const call_ref& c : r.parts[r.at]) {
      if (remove(c)) out.told.push_back(c);  // others went meanwhile
    }
  }
  if (!r.waiting.empty()) return out;
  if (r.accepted && enter_part(r.at + 1)) {
    out.next_part = true;
    return out;
  }
  out.failed = !r.accepted;
  out.over = true;
  round_.reset();
  return out;
}

void push_bucket::give_up_late_round(steady_time now) {
  if (round_ && round_->gives_up <= now) round_.reset();
}

steady_time push_bucket::round_started() const { return round_ ? round_->started : steady_time{}; }

std::size_t push_bucket::resident_bytes() const {
  return entries_.capacity() * sizeof(bucket_entry) + text_bytes_;
}

}  // namespace reveille
