// Random events in random order, seeded: what must hold whatever happens (ARCHITECTURE 5, invariants 2, 3, 4, 6, 7, 8).
#include <deque>
#include <map>

#include "sip/call_ref.hpp"
#include "tests/actors/event_referee.hpp"
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class RandomEvents : public ::testing::TestWithParam<int> {
 protected:
  RandomEvents() : random(static_cast<std::uint64_t>(GetParam())) {}

  std::uint64_t below(std::uint64_t n) { return random.below(n); }

  /// @param taken tells the model what was done, before what came of it is judged.
  template <class Taken>
  void apply(const subscriber_event& e, Taken&& taken) {
    out.clear();
    subscriber_.apply(e, now, out);
    taken();
    for (const effect& x : out) tell(x);
    // Which call a new INVITE became is seen from its timer, before anything is judged.
    for (const effect& x : out) {
      if (const auto* t = std::get_if<set_timer>(&x)) {
        timers[t->key] = t->due;
        if (t->key.kind == timer_kind::answer_deadline) {
          referee_.by_transaction[transaction] = t->key.of.call;
          referee_.by_ref[newest] = t->key.of.call;
          event_referee::seen& c = referee_.calls[t->key.of.call];
          for (const auto& b : referee_.devices.all()) {
            if (!b.names.token.empty()) c.waiting.push_back(b.device);
          }
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
    referee_.forget_if_idle();
  }
  void apply(const subscriber_event& e) {
    apply(e, [] {});
  }

  /// The story so far, for whoever has to find out.
  void tell(const std::string& what) {
    story.push_back(what);
    if (story.size() > 60) story.pop_front();
  }
  void tell(const effect& e) {
    const auto name = [](const branch_id& b) { return "call " + std::to_string(b.call) + " branch " + std::to_string(b.branch); };
    if (const auto* f = std::get_if<forward>(&e)) tell("    INVITE " + name(f->branch) + " to " + f->request_uri);
    if (const auto* c = std::get_if<cancel_branch>(&e)) tell("    CANCEL " + name(c->branch));
    if (const auto* s = std::get_if<send>(&e)) tell("    " + std::to_string(s->status) + " to the REGISTER");
    if (const auto* p = std::get_if<push>(&e)) tell("    push to " + p->order.target.tokens.front().value.str());
    if (const auto* n = std::get_if<note>(&e)) tell("    note " + std::string(name_of(n->what)) + " " + name(n->branch) + " " + n->detail);
  }
  std::string told() const {
    std::string all = referee_.devices.text() + "before:\n";
    for (const std::string& line : story) all += line + "\n";
    return all;
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

  /// Four phones, each with a label, an instance and a token of its own (the last one without), which at times do not
  /// say them, or have them from a neighbour: an app that was restored from another phone's backup, a label given anew.
  void do_register() {
    if (below(6) == 0 && !referee_.devices.all().empty()) return do_unregister();
    const std::uint64_t phone = below(4);
    const auto own_or = [&](std::uint64_t none, std::uint64_t other) {
      const std::uint64_t lot = below(100);
      return lot < none ? std::string() : std::to_string(lot < none + other ? below(5) : phone);
    };
    device_names n;
    n.label = own_or(20, 25);
    n.instance = own_or(40, 20);
    const std::string token = own_or(15, 15);
    if (!token.empty() && token < "3") n.token = std::string(2, static_cast<char>('a' + (token[0] - '0'))) + "11";
    if (!n.instance.empty() && below(2) == 0) n.reg_id = std::to_string(1 + below(2));
    const std::string at = "10.0.0." + std::to_string(phone) + ":" + std::to_string(5060 + below(3));
    // Whoever has the same URI says the same of himself; rinstance: another text for the same place.
    n.uri = "sip:p" + std::to_string(phone) + "-" + n.label + "-" + n.instance + "-" + n.token + "-" + n.reg_id + "@" + at +
            ";rinstance=" + std::to_string(below(2));
    const register_received e = register_of(n, at, "3600");
    tell("REGISTER of " + n.uri);
    apply(e, [&] {
      if (!refused()) referee_.devices.registered(n, now.wall);
    });
    if (!refused() && !n.token.empty() && !::testing::Test::HasFatalFailure()) {
      referee_.expect_released(referee_.devices.at(n.uri), out);
    }
  }

  void do_unregister() {
    const auto& all = referee_.devices.all();
    const device_names who = all[below(all.size())].names;
    const std::size_t begin = who.uri.find('@') + 1;
    const register_received e = register_of(who, who.uri.substr(begin, who.uri.find(';') - begin), "0");
    tell("un-REGISTER of " + who.uri);
    apply(e, [&] {
      if (!refused()) referee_.devices.unregistered(who);
    });
  }

  register_received register_of(const device_names& n, const std::string& at, const std::string& expires) {
    ++sequence;
    std::string contact = "<" + n.uri;
    if (!n.token.empty()) contact += ";pn-provider=apns;pn-param=DEF123GHIJ.com.example.app.voip;pn-prid=" + n.token;
    contact += ">";
    if (!n.label.empty()) contact += ";label=d" + n.label;
    if (!n.instance.empty()) contact += ";+sip.instance=\"<urn:uuid:" + n.instance + ">\"";
    if (!n.reg_id.empty()) contact += ";reg-id=" + n.reg_id;
    register_received e;
    e.request = sip::make_message("REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP " + at + ";branch=z9hG4bK-" +
                                  std::to_string(sequence) +
                                  "\nMax-Forwards: 70\nFrom: <sip:103@example.com>;tag=r\nTo: <sip:103@example.com>\nCall-ID: r" +
                                  at + "\nCSeq: " + std::to_string(sequence) + " REGISTER\nContact: " + contact +
                                  "\nExpires: " + expires + "\nContent-Length: 0\n\n");
    e.source.remote = *parse_endpoint(at);
    return e;
  }

  /// The REGISTER changed nothing. A 503 is of the disk: what it asked for is done in memory.
  bool refused() const {
    return std::any_of(out.begin(), out.end(), [](const effect& e) {
      const auto* s = std::get_if<send>(&e);
      return s != nullptr && s->status >= 300 && s->status != 503;
    });
  }

  void do_invite() {
    ++transaction;
    tell("INVITE " + std::to_string(transaction));
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
    event_referee::seen& c = referee_.calls[referee_.by_transaction[which]];
    tell("CANCEL of INVITE " + std::to_string(which));
    apply(cancel_received{{shard_id{0}, which, 0}, nullptr});
    c.decided = true;
  }

  void do_response() {
    if (branches.empty()) return;
    const branch_id b = branches[below(branches.size())];
    static const int statuses[] = {100, 180, 180, 183, 200, 486, 487, 482, 408, 503, 603, 404};
    const int status = statuses[below(std::size(statuses))];
    event_referee::seen& c = referee_.calls[b.call];
    event_referee::branch& seen = c.branches.at(b.branch);
    if (status >= 200 && !seen.open) return;  // its transaction is gone
    if (status > 100 && status < 200) seen.rang = true;
    if (status >= 200) referee_.final_response(b, status);
    if (status >= 200 && status < 300 && !c.decided) {
      for (const auto& [ref, number] : referee_.by_ref) {
        if (number == b.call) referee_.answered.insert(ref);
      }
    }
    tell("response " + std::to_string(status) + " of call " + std::to_string(b.call) + " branch " + std::to_string(b.branch));
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
    if (!referee_.calls[b.call].branches.at(b.branch).open) return;
    referee_.final_response(b, 408);
    tell("failure of call " + std::to_string(b.call) + " branch " + std::to_string(b.branch));
    using why = branch_failed::why;
    static constexpr why causes[] = {why::timeout, why::transport_error, why::no_room};
    apply(branch_failed{causes[below(3)], b});
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
      default: a.outcome = pns::suspect_token{prid("bb11")}; break;
    }
    const bool died = std::holds_alternative<pns::dead_token>(a.outcome);
    apply(push_answered{std::move(a)}, [&] {
      if (died) referee_.devices.token_died("aa11", now.wall);
    });
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
      referee_.timer_fires(key);
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
  shard_context around{config, sip::test_pool(), inner, shard_id{0}};
  instant now{steady_time(std::chrono::hours(1)), wall_time(seconds(1'700'000'000))};
  subscriber subscriber_{around, aor_key{1}, aor("103@example.com"), nullptr, now};
  effects out;
  event_referee referee_;
  std::map<timer_key, steady_time> timers;
  std::vector<store_token> tokens;
  std::vector<pns::push_id> asked;
  std::vector<branch_id> branches;
  std::uint32_t transaction = 0;
  std::uint32_t sequence = 0;
  call_ref newest;
  std::deque<std::string> story;
};

TEST_P(RandomEvents, NeverBreakTheRules) {
  for (int i = 0; i < 400; ++i) {
    step();
    if (HasFatalFailure()) {
      FAIL() << "seed " << GetParam() << ", event " << i << "\n" << told();
    }
  }
  // Faults stop: everything ends by itself (ARCHITECTURE 5, invariant 8).
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
INSTANTIATE_TEST_SUITE_P(Seeds, RandomEvents, ::testing::Range(1, 501));

}  // namespace
}  // namespace reveille
