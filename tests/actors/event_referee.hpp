/// The judge of the random events: sees one subscriber's effects, keeps its own model of the devices, knows the rules of
/// ARCHITECTURE 5.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "actors/effects.hpp"
#include "actors/events.hpp"
#include "tests/actors/device_model.hpp"

namespace reveille {

class event_referee {
 public:
  struct branch {
    int device = 0;
    bool open = true;                            ///< no final response yet
    bool cancelled = false;
    bool rang = false;
    bool waited_for = true;                      ///< open, and 64*T1 have not passed since its CANCEL
  };
  struct seen {
    std::map<std::uint32_t, branch> branches;
    std::vector<int> waiting;                    ///< push devices that were bound when the INVITE came
    std::vector<int> spoke;                      ///< devices that gave the call a final response of their own
    std::vector<int> pushed;
    int finals = 0;
    bool success = false;
    bool decided = false;                        ///< final upstream, CANCEL taken, or deadline passed
    bool given_up = false;                       ///< a device's place ended undialled, with a recorded reason
    bool lingers = false;                        ///< answered; repeats of the 2xx are passed on

    bool over() const {
      return finals > 0 && !lingers &&
             std::none_of(branches.begin(), branches.end(), [](const auto& b) { return b.second.waited_for; });
    }
  };

  void watch(const effects& out) {
    for (const effect& e : out) {
      if (const auto* f = std::get_if<forward>(&e)) {
        see(*f);
      } else if (const auto* x = std::get_if<cancel_branch>(&e)) {
        calls[x->branch.call].branches.at(x->branch.branch).cancelled = true;
      } else if (const auto* r = std::get_if<respond>(&e)) {
        see(*r);
      } else if (const auto* p = std::get_if<push>(&e)) {
        see(*p);
      } else if (const auto* w = std::get_if<write>(&e)) {
        see(*w);
      } else if (const auto* n = std::get_if<note>(&e); n != nullptr && n->what == trace_step::not_woken) {
        if (const auto c = calls.find(n->branch.call); c != calls.end()) c->second.given_up = true;
      } else if (const auto* t = std::get_if<set_timer>(&e); t != nullptr && is_linger(t->key)) {
        calls[t->key.of.call].lingers = true;
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
    for (auto& [number, c] : calls) ASSERT_NO_FATAL_FAILURE(at_most_one_live(c));
  }

  /// Invariant 3: this device has registered, and `out` is what came of it.
  void expect_released(int device, const effects& out) {
    for (auto& [number, c] : calls) {
      if (c.decided || c.finals > 0 || c.given_up || !one_of(c.waiting, device) || one_of(c.spoke, device)) continue;
      const bool has_one = std::any_of(c.branches.begin(), c.branches.end(), [&](const auto& b) {
        return b.second.open && !b.second.cancelled && devices.one(b.second.device, device);
      });
      ASSERT_TRUE(has_one) << "registered, and no INVITE of call " << number << " is out to it; effects: " << out.size();
    }
  }

  void final_response(const branch_id& of, int status) {
    seen& c = calls[of.call];
    branch& b = c.branches.at(of.branch);
    const bool lost = !b.rang && (status == 408 || status == 503);
    if (!b.cancelled && !lost) c.spoke.push_back(b.device);
    c.decided = c.decided || (!b.cancelled && status >= 600);
    b.open = b.waited_for = false;
  }

  static bool is_linger(const timer_key& key) { return key.kind == timer_kind::cancel_give_up && key.of.branch == 0; }
  void timer_fires(const timer_key& key) {
    if (key.kind != timer_kind::cancel_give_up) return;
    if (is_linger(key)) {
      calls[key.of.call].lingers = false;
    } else {
      calls[key.of.call].branches.at(key.of.branch).waited_for = false;
    }
  }

  /// Nobody left is waited for by any call.
  void forget_if_idle() {
    const bool idle = std::all_of(calls.begin(), calls.end(), [](const auto& c) { return c.second.over(); });
    if (idle) devices.forget_gone();
  }

  device_model devices;
  std::map<std::uint32_t, seen> calls;
  std::map<std::uint32_t, std::uint32_t> by_transaction;
  std::map<call_ref, std::uint32_t> by_ref;
  std::set<call_ref> entries;
  std::set<call_ref> answered;

 private:
  bool one_of(const std::vector<int>& some, int device) const {
    return std::any_of(some.begin(), some.end(), [&](int d) { return devices.one(d, device); });
  }

  void at_most_one_live(const seen& c) const {
    for (const auto& [number, b] : c.branches) {
      for (const auto& [other, x] : c.branches) {
        const bool live = b.open && !b.cancelled && x.open && !x.cancelled;
        ASSERT_FALSE(live && number < other && devices.one(b.device, x.device))
            << "two live INVITEs to one device: branches " << number << " and " << other;
      }
    }
  }

  void see(const forward& f) {
    seen& c = calls[f.branch.call];
    ASSERT_FALSE(c.decided) << "an INVITE after the outcome";
    const int device = devices.at(f.request_uri);
    ASSERT_NE(device, 0) << "an INVITE to nobody: " << f.request_uri;
    c.branches[f.branch.branch].device = device;
    ASSERT_NO_FATAL_FAILURE(at_most_one_live(c));  // the older one is cancelled first
  }

  void see(const respond& r) {
    if (r.status < 200) return;
    seen& c = calls[by_transaction[r.transaction.index]];
    if (r.status >= 300) {
      ASSERT_FALSE(c.success) << "a failure after a 2xx";
      ASSERT_EQ(c.finals, 0) << "two final responses";
    } else {
      ASSERT_TRUE(c.finals == 0 || c.success) << "a 2xx after a failure";
      c.success = true;
    }
    if (!(r.status < 300 && c.finals > 0)) ++c.finals;
    c.decided = true;
  }

  void see(const push& p) {
    if (const auto* missed = std::get_if<pns::missed_calls_content>(&p.order.content)) {
      for (const auto& m : missed->calls) ASSERT_FALSE(answered.contains(m.call)) << "an answered call is told";
      return;
    }
    seen& c = calls[by_ref[p.order.call]];
    ASSERT_FALSE(c.decided) << "a push after the outcome";
    const int device = devices.with_token(p.order.target.tokens.front().value.str());
    ASSERT_NE(device, 0) << "a push to nobody";
    ASSERT_FALSE(one_of(c.pushed, device)) << "two pushes to one device";
    c.pushed.push_back(device);
  }

  void see(const write& w) {
    if (const auto* a = std::get_if<add_bucket_entry>(&w.mutation)) {
      // A failed write is repeated, without the INVITE.
      const bool first = entries.insert(a->entry.call).second;
      ASSERT_TRUE(first || !a->invite) << "two entries of one call";
    } else if (const auto* gone = std::get_if<remove_bucket_entries>(&w.mutation)) {
      for (const call_ref& c : gone->calls) ASSERT_TRUE(entries.contains(c)) << "an entry removed that never was";
    }
  }
};

}  // namespace reveille
