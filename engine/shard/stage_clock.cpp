#include "engine/shard/stage_clock.hpp"

#include <functional>

namespace reveille {
namespace {

double since(steady_time from, steady_time to) { return std::chrono::duration<double>(to - from).count(); }
bool set(steady_time t) { return t != steady_time{}; }

}  // namespace

stage_clock::place* stage_clock::find(const call_ref& call) {
  place& p = places_[std::hash<call_ref>{}(call) % places];
  return p.call == call && set(p.invite_in) ? &p : nullptr;
}

void stage_clock::note_of(const note& what, steady_time now) {
  if (what.what == trace_step::invite_in) {
    place& p = places_[std::hash<call_ref>{}(what.call) % places];
    if (set(p.invite_in)) counters_.stage_clock_overwritten.add();
    p = {};
    p.call = what.call;
    p.invite_in = now;
    return;
  }
  place* p = find(what.call);
  if (p == nullptr) return;
  // An if-chain, not a switch: most stages have no time, and new ones need none.
  if (what.what == trace_step::push_queued && !set(p->push_queued)) {
    p->push_queued = now;
    counters_.push_queued.observe(since(p->invite_in, now));
  } else if (what.what == trace_step::push_accepted && !set(p->push_accepted) && set(p->push_queued)) {
    p->push_accepted = now;
    counters_.push_accepted.observe(since(p->push_queued, now));
  } else if (what.what == trace_step::register_in) {
    if (!set(p->registered) && set(p->push_accepted)) counters_.wake.observe(since(p->push_accepted, now));
    p->registered = now;
  } else if (what.what == trace_step::invite_out && set(p->registered)) {
    if (leaving_.size() < leaving_limit) {
      leaving_.push_back(p->registered);
    } else {
      counters_.stage_clock_overwritten.add();
    }
  } else if ((what.what == trace_step::ringing || what.what == trace_step::answered) && !p->heard) {
    p->heard = true;
    counters_.post_dial.observe(since(p->invite_in, now));
  }
  const bool over = what.what == trace_step::answered || what.what == trace_step::cancelled ||
                    what.what == trace_step::not_woken || what.what == trace_step::rejected || what.what == trace_step::failed;
  if (over) *p = {};
}

void stage_clock::sent(steady_time now) {
  for (const steady_time registered : leaving_) counters_.release.observe(since(registered, now));
  leaving_.clear();
}

}  // namespace reveille
