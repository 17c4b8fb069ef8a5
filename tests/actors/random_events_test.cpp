// Random events in random order, seeded: what must hold whatever happens (DESIGN 5, invariants 2, 4, 6, 7, 8).
#include <map>
#include <set>

#include "sip/call_ref.hpp"
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

/// Watches the effects of one subscriber and knows the rules.
class referee {
 public:
  struct seen {
    std::map<std::uint32_t, std::string> open;   ///< INVITEs out without a final response, by branch
    std::set<std::uint32_t> cancelled;
    int finals = 0;
    bool success = false;
    bool decided = false;                        ///< final upstream, CANCEL taken, or deadline passed
    bool cancel = false;
    std::map<std::string, int> pushes;           ///< by token
  };

  void watch(const effects& out) {
    for (const effect& e : out) {
      if (const auto* f = std::get_if<forward>(&e)) {
        seen& c = calls[f->branch.call];
        ASSERT_FALSE(c.decided) << "an INVITE after the outcome";
        for (const auto& [branch, device] : c.open) {
          ASSERT_TRUE(device != device_of(*f) || c.cancelled.contains(branch)) << "two live INVITEs to one device";
        }
        c.open[f->branch.branch] = device_of(*f);
      } else if (const auto* x = std::get_if<cancel_branch>(&e)) {
        calls[x->branch.call].cancelled.insert(x->branch.branch);
      } else if (const auto* r = std::get_if<respond>(&e)) {
        if (r->status < 200) continue;
        seen& c = calls[by_transaction[r->transaction.index]];
        if (r->status >= 300) {
          ASSERT_FALSE(c.success) << "a failure after a 2xx";
          ASSERT_EQ(c.finals, 0) << "two final responses";
        } else {
          ASSERT_TRUE(c.finals == 0 || c.success) << "a 2xx after a failure";
          c.success = true;
        }
        if (!(r->status < 300 && c.finals > 0)) ++c.finals;
        c.decided = true;
      } else if (const auto* p = std::get_if<push>(&e)) {
        if (std::holds_alternative<pns::missed_calls_content>(p->order.content)) {
          for (const auto& m : std::get<pns::missed_calls_content>(p->order.content).calls) {
            ASSERT_FALSE(answered.contains(m.call)) << "an answered call is told";
          }
          continue;
        }
        seen& c = calls[by_ref[p->order.call]];
        ASSERT_FALSE(c.decided) << "a push after the outcome";
        ASSERT_EQ(++c.pushes[p->order.target.tokens.front().value.str()], 1) << "two pushes to one device";
      } else if (const auto* w = std::get_if<write>(&e)) {
        if (const auto* a = std::get_if<add_bucket_entry>(&w->mutation)) {
          // A failed write is repeated, without the INVITE.
          const bool first = entries.insert(a->entry.call).second;
          ASSERT_TRUE(first || !a->invite) << "two entries of one call";
        } else if (const auto* gone = std::get_if<remove_bucket_entries>(&w->mutation)) {
          for (const call_ref& c : gone->calls) ASSERT_TRUE(entries.contains(c)) << "an entry removed that never was";
        }
      }
    }
  }

  static std::string device_of(const forward& f) {
    return f.request_uri.substr(f.request_uri.find(':') + 1, f.request_uri.find('@') - f.request_uri.find(':') - 1);
  }

  std::map<std::uint32_t, seen> calls;
  std::map<std::uint32_t, std::uint32_t> by_transaction;
  std::map<call_ref, std::uint32_t> by_ref;
  std::set<call_ref> entries;
  std::set<call_ref> answered;
};

class RandomEvents : public ::testing::TestWithParam<int> {
 protected:
  RandomEvents() : random(static_cast<std::uint64_t>(GetParam())) {}

  std::uint64_t below(std::uint64_t n) { return random.below(n); }

  void apply(const subscriber_event& e) {
    out.clear();
    subscriber_.apply(e, now, out);
    // Which call a new INVITE became is seen from its timer, before anything is judged.
    for (const effect& x : out) {
      if (const auto* t = std::get_if<set_timer>(&x)) {
        timers[t->key] = t->due;
        if (t->key.kind == timer_kind::answer_deadline) {
          referee_.by_transaction[transaction] = t->key.of.call;
          referee_.by_ref[newest] = t->key.of.call;
        }
      } else if (const auto* c = std::get_if<clear_timer>(&x)) {
        timers.erase(c->key);
      } else if (const auto* w = std::get_if<write>(&x)) {
        if (w->token != store_token{}) tokens.push_back(w->token);
      } else if (const auto* p = std::get_if<push>(&x)) {
        asked.push_back(p->order.id);
      } else if (const auto* f = std::get_if<forward>(&x)) {
        branches.push_back(f->branch);
      }
    }
    referee_.watch(out);
  }

  void step() {
    switch (below(12)) {
      case 0:
      case 1: return do_register();
      case 2: return do_invite();
      case 3: return do_cancel();
      case 4:
      case 5:
      case 6: return do_response();
      case 7: return do_write();
      case 8: return do_push_answer();
      case 9: return do_branch_failure();
      default: return do_time();
    }
  }

  void do_register() {
    const std::uint64_t device = below(4);
    const std::string port = std::to_string(5060 + below(3));
    static const char* const tokens_of[] = {"aa11", "bb22", "cc33", ""};
    std::string contact = "<sip:device" + std::to_string(device) + "@10.0.0.1:" + port;
    if (device < 3) contact += ";pn-provider=apns;pn-param=DEF123GHIJ.com.example.app.voip;pn-prid=" + std::string(tokens_of[device]);
    if (below(4) == 0) contact += ";rinstance=" + std::to_string(below(3));  // another text for the same place
    contact += ">;label=d" + std::to_string(device);
    register_received e;
    ++sequence;
    e.request = sip::make_message("REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1:" + port + ";branch=z9hG4bK-" +
                                  std::to_string(sequence) +
                                  "\nMax-Forwards: 70\nFrom: <sip:103@example.com>;tag=r\nTo: <sip:103@example.com>\nCall-ID: r" +
                                  std::to_string(device) + "\nCSeq: " + std::to_string(sequence) +
                                  " REGISTER\nContact: " + contact + "\nExpires: " + (below(6) == 0 ? "0" : "3600") +
                                  "\nContent-Length: 0\n\n");
    e.source.remote = *parse_endpoint("10.0.0.1:" + port);
    apply(e);
  }

  void do_invite() {
    ++transaction;
    request_received e;
    e.request = sip::make_message("INVITE sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-i" +
                                  std::to_string(transaction) +
                                  "\nMax-Forwards: 70\nFrom: <sip:101@example.com>;tag=c\nTo: <sip:103@example.com>\nCall-ID: i" +
                                  std::to_string(transaction) + "\nCSeq: 1 INVITE\nContent-Length: 0\n\n");
    e.transaction = {shard_id{0}, transaction, 0};
    e.source.remote = *parse_endpoint("198.51.100.1:5060");
    newest = ref_of("i" + std::to_string(transaction));
    referee_.by_transaction[transaction] = 0xffff0000 + transaction;  // if it is refused at once it becomes no call
    apply(e);
  }

  static call_ref ref_of(const std::string& call_id) { return sip::call_ref_of(call_id); }

  void do_cancel() {
    if (transaction == 0) return;
    const auto which = static_cast<std::uint32_t>(1 + below(transaction));
    referee::seen& c = referee_.calls[referee_.by_transaction[which]];
    apply(cancel_received{{shard_id{0}, which, 0}, nullptr});
    c.decided = true;
  }

  void do_response() {
    if (branches.empty()) return;
    const branch_id b = branches[below(branches.size())];
    static const int statuses[] = {100, 180, 180, 183, 200, 486, 487, 482, 408, 503, 603, 404};
    const int status = statuses[below(std::size(statuses))];
    referee::seen& c = referee_.calls[b.call];
    if (status >= 200 && !c.open.contains(b.branch)) return;  // its transaction is gone
    if (status >= 200) c.open.erase(b.branch);
    if (status >= 200 && status < 300 && !c.decided) {
      for (const auto& [ref, number] : referee_.by_ref) {
        if (number == b.call) referee_.answered.insert(ref);
      }
    }
    response_received e;
    e.branch = b;
    e.response = sip::make_message("SIP/2.0 " + std::to_string(status) +
                                   " X\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-o\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-i\n"
                                   "From: <sip:101@example.com>;tag=c\nTo: <sip:103@example.com>;tag=p\nCall-ID: i\n"
                                   "CSeq: 1 INVITE\nContent-Length: 0\n\n");
    apply(e);
  }

  void do_branch_failure() {
    if (branches.empty()) return;
    const branch_id b = branches[below(branches.size())];
    referee::seen& c = referee_.calls[b.call];
    if (c.open.erase(b.branch) == 0) return;
    apply(branch_failed{below(2) == 0 ? branch_failed::why::timeout : branch_failed::why::transport_error, b});
  }

  void do_write() {
    if (tokens.empty()) return;
    const std::size_t i = below(tokens.size());
    const store_token t = tokens[i];
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i));
    apply(write_finished{t, below(5) != 0});
  }

  void do_push_answer() {
    if (asked.empty()) return;
    const std::size_t i = below(asked.size());
    pns::push_answer a;
    a.id = asked[i];
    asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(i));
    switch (below(5)) {
      case 0: a.outcome = pns::accepted{}; break;
      case 1: a.outcome = pns::try_later{}; break;
      case 2: a.outcome = pns::our_fault{}; break;
      case 3: a.outcome = pns::dead_token{prid("aa11"), now.wall}; break;
      default: a.outcome = pns::suspect_token{prid("bb22")}; break;
    }
    apply(push_answered{std::move(a)});
  }

  void do_time() { pass(milliseconds(below(below(4) == 0 ? 20000 : 100))); }

  void pass(milliseconds time) {
    const instant end = now + time;
    for (;;) {
      auto next = timers.end();
      for (auto t = timers.begin(); t != timers.end(); ++t) {
        if (t->second <= end.steady && (next == timers.end() || t->second < next->second)) next = t;
      }
      if (next == timers.end()) break;
      const timer_key key = next->first;
      if (next->second > now.steady) now = now + (next->second - now.steady);
      timers.erase(next);
      apply(timer_fired{key});
      if (key.kind == timer_kind::answer_deadline) referee_.calls[key.of.call].decided = true;
    }
    now = now + (end.steady - now.steady);
  }

  seeded_random random;
  seeded_random inner{7};
  subscriber_config config = [] {
    subscriber_config c;
    c.parked_calls = 4;
    c.pushes_per_minute = 5;
    return c;
  }();
  surroundings around{config, sip::test_pool(), inner, shard_id{0}};
  instant now{steady_time(std::chrono::hours(1)), wall_time(seconds(1'700'000'000))};
  subscriber subscriber_{around, aor_key{1}, aor("103@example.com"), nullptr, now};
  effects out;
  referee referee_;
  std::map<timer_key, steady_time> timers;
  std::vector<store_token> tokens;
  std::vector<pns::push_id> asked;
  std::vector<branch_id> branches;
  std::uint32_t transaction = 0;
  std::uint32_t sequence = 0;
  call_ref newest;
};

TEST_P(RandomEvents, NeverBreakTheRules) {
  for (int i = 0; i < 400; ++i) {
    step();
    if (HasFatalFailure()) {
      FAIL() << "seed " << GetParam() << ", event " << i;
    }
  }
  // Faults stop: everything ends by itself (DESIGN 5, invariant 8).
  while (!tokens.empty()) do_write();
  for (int i = 0; i < 10; ++i) {
    pass(seconds(60));
    while (!asked.empty()) do_push_answer();
    while (!tokens.empty()) {
      const store_token t = tokens.back();
      tokens.pop_back();
      apply(write_finished{t, true});
    }
  }
  for (const auto& [index, number] : referee_.by_transaction) {
    EXPECT_EQ(referee_.calls[number].finals, 1) << "INVITE " << index << ", seed " << GetParam();
  }
  EXPECT_TRUE(subscriber_.at_rest()) << "seed " << GetParam();
  EXPECT_EQ(subscriber_.parked_count(), 0u);
  EXPECT_TRUE(timers.empty());
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomEvents, ::testing::Range(1, 201));

}  // namespace
}  // namespace reveille
