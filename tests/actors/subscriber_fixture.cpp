#include "tests/actors/subscriber_fixture.hpp"

#include <algorithm>

namespace reveille {

const char* name_of(timer_kind k) {
  switch (k) {
    case timer_kind::answer_deadline: return "answer_deadline";
    case timer_kind::refused_grace: return "refused_grace";
    case timer_kind::left_grace: return "left_grace";
    case timer_kind::bucket_write_late: return "bucket_write_late";
    case timer_kind::cancel_give_up: return "cancel_give_up";
    case timer_kind::timer_c: return "timer_c";
    case timer_kind::soft_write: return "soft_write";
    case timer_kind::pending_write: return "pending_write";
  }
  return "?";
}

const char* name_of(trace_step s) {
  static constexpr const char* names[] = {
      "invite_in", "push_queued", "push_accepted", "push_refused", "register_in", "invite_out", "ringing", "answered",
      "cancelled", "not_woken", "rejected", "failed",
      "bucket_added", "bucket_removed", "bucket_dropped", "missed_told", "missed_failed",
      "push_limited", "bucket_write_late", "contacts_full", "contact_octets_full", "contact_too_long", "contacts_unlisted",
      "removal_refused", "aors_full", "binding_evicted", "parked_full", "messages_full", "branch_withheld",
      "register_write_failed", "register_write_late", "list_full",
      "token_removed", "token_quarantined", "token_renamed", "token_moved", "token_owners_full", "stale_push_answer"};
  return names[static_cast<std::size_t>(s)];
}

void SubscriberTest::start(const subscriber_record* record) {
  timers_.clear();
  around_ = std::make_unique<shard_context>(shard_context{config_, sip::test_pool(), random_, shard_id{0}, ++process_, stored_});
  subscriber_ = std::make_unique<subscriber>(*around_, aor_key{42}, aor("103@example.com"), record, now_);
  record_ = record ? *record : subscriber_record{};
}

void SubscriberTest::reload() {
  --process_;
  const subscriber_record record = record_;
  start(&record);
}

std::string SubscriberTest::iphone(std::string_view host, std::string_view token, std::string_view more) {
  return "<sip:103@" + std::string(host) + ";pn-provider=apns;pn-param=DEF123GHIJ.com.example.app.voip;pn-prid=" +
         std::string(token) + ">" + std::string(more);
}
std::string SubscriberTest::android(std::string_view host, std::string_view token, std::string_view more) {
  return "<sip:103@" + std::string(host) + ";pn-provider=fcm;pn-param=project-1;pn-prid=" + std::string(token) + ">" +
         std::string(more);
}
std::string SubscriberTest::desk(std::string_view host, std::string_view more) {
  return "<sip:103@" + std::string(host) + ">" + std::string(more);
}

namespace {

std::string address_in(const std::string& contact) {
  const auto at = contact.find('@');
  if (at != std::string::npos) {
    const std::string host = contact.substr(at + 1, contact.find_first_of(";>", at) - at - 1);
    if (parse_endpoint(host)) return host;
  }
  return "10.0.0.1:5060";
}

}  // namespace

std::string SubscriberTest::register_(const std::string& contact, const register_options& o) {
  const std::string from = o.from.empty() ? address_in(contact) : o.from;
  const std::string branch = o.branch.empty() ? "z9hG4bK-" + o.call_id + "-" + std::to_string(o.cseq) : o.branch;
  register_received e;
  e.request = sip::make_message("REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP " + from + ";branch=" + branch +
                                ";rport\nMax-Forwards: 70\nFrom: <sip:103@example.com>;tag=r\nTo: <sip:103@example.com>\n" +
                                "Call-ID: " + o.call_id + "\nCSeq: " + std::to_string(o.cseq) + " REGISTER\n" +
                                (contact.empty() ? "" : "Contact: " + contact + "\n") +
                                (o.expires.empty() ? "" : "Expires: " + o.expires + "\n") + o.lines +
                                "Content-Length: 0\n\n");
  e.source.remote = *parse_endpoint(from);
  e.trust = o.trust;
  e.source.local = *parse_endpoint("192.0.2.1:5060");
  return apply(e);
}

std::string SubscriberTest::wake(const std::string& contact, std::string_view from) {
  register_options o;
  o.call_id = "wake-" + std::to_string(++wakes_);
  o.from = from;
  return register_(contact, o);
}

std::string SubscriberTest::invite(std::string_view call_id, std::string_view lines, std::string_view from,
                                   peer_trust trust) {
  ++transactions_;
  request_received e;
  e.request = sip::make_message(
      "INVITE sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK-up-" +
      std::to_string(transactions_) + "\nMax-Forwards: 70\nFrom: \"Ann\" <" + std::string(from) +
      ">;tag=caller\nTo: <sip:103@example.com>\nCall-ID: " + std::string(call_id) + "\nCSeq: 1 INVITE\n" +
      "Contact: <sip:101@198.51.100.1:5060>\n" + std::string(lines) + "Content-Length: 0\n\n");
  e.transaction = {shard_id{0}, transactions_, 0};
  e.source.remote = *parse_endpoint(caller_);
  e.source.local = *parse_endpoint("192.0.2.1:5060");
  e.trust = trust;
  return apply(e);
}

std::string SubscriberTest::message(std::string_view call_id) {
  ++transactions_;
  request_received e;
  e.request = sip::make_message("MESSAGE sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK-up-" +
                                std::to_string(transactions_) +
                                "\nMax-Forwards: 70\nFrom: <sip:101@example.com>;tag=caller\nTo: <sip:103@example.com>\n"
                                "Call-ID: " + std::string(call_id) + "\nCSeq: 1 MESSAGE\nContent-Length: 0\n\n");
  e.transaction = {shard_id{0}, transactions_, 0};
  e.source.remote = *parse_endpoint("198.51.100.1:5060");
  return apply(e);
}

std::string SubscriberTest::adopted(std::uint32_t transaction) {
  return apply(invite_adopted{adoptions_.back().call, {shard_id{0}, transaction, 0}});
}

std::string SubscriberTest::cancel(std::uint32_t transaction, std::string_view lines) {
  cancel_received e;
  e.transaction = {shard_id{0}, transaction, 0};
  e.cancel = sip::make_message("CANCEL sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK-up-1\n"
                               "Max-Forwards: 70\nFrom: <sip:101@example.com>;tag=caller\nTo: <sip:103@example.com>\n"
                               "Call-ID: call-1\nCSeq: 1 CANCEL\n" + std::string(lines) + "Content-Length: 0\n\n");
  return apply(e);
}

std::string SubscriberTest::response(std::uint32_t branch, int status, std::string_view lines, std::string_view tag) {
  response_received e;
  e.branch = {newest_call_, branch};
  e.response = sip::make_message(
      "SIP/2.0 " + std::to_string(status) + " Whatever\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-ours\n"
      "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK-up-1\nFrom: <sip:101@example.com>;tag=caller\n"
      "To: <sip:103@example.com>;tag=" + std::string(tag) + "\nCall-ID: call-1\nCSeq: 1 INVITE\n" +
      std::string(lines) + "Content-Length: 0\n\n");
  return apply(e);
}

std::string SubscriberTest::fail(std::uint32_t branch, branch_failed::why cause) {
  return apply(branch_failed{cause, {newest_call_, branch}});
}

std::string SubscriberTest::push_answer(std::size_t push, pns::push_outcome outcome) {
  pns::push_answer a;
  a.id = pushes_.at(push).id;
  a.outcome = std::move(outcome);
  return apply(push_answered{std::move(a)});
}

std::string SubscriberTest::written(std::size_t write, bool ok) { return apply(write_finished{tokens_.at(write), ok}); }

std::string SubscriberTest::pass(milliseconds time) {
  std::string text;
  const instant end = now_ + time;
  for (;;) {
    auto next = timers_.end();
    for (auto t = timers_.begin(); t != timers_.end(); ++t) {
      if (t->second <= end.steady && (next == timers_.end() || t->second < next->second)) next = t;
    }
    if (next == timers_.end()) break;
    const timer_key key = next->first;
    if (next->second > now_.steady) now_ = now_ + (next->second - now_.steady);
    timers_.erase(next);
    const std::string more = apply(timer_fired{key});
    if (!text.empty() && !more.empty()) text += "; ";
    text += more;
  }
  now_ = now_ + (end.steady - now_.steady);
  return text;
}

void SubscriberTest::keep_written(const store_mutation& m) {
  if (const auto* put = std::get_if<put_bindings>(&m)) {
    record_.bindings = put->encoded;
  } else if (const auto* add = std::get_if<add_bucket_entry>(&m)) {
    std::erase_if(record_.bucket, [&](const bucket_entry& e) { return e.call == add->entry.call; });
    record_.bucket.push_back(add->entry);
    if (add->invite) record_.parked.push_back(*add->invite);
  } else if (const auto* update = std::get_if<update_bucket_entry>(&m)) {
    for (bucket_entry& e : record_.bucket) {
      if (e.call == update->entry.call) e = update->entry;
    }
  } else if (const auto* remove = std::get_if<remove_bucket_entries>(&m)) {
    std::erase_if(record_.bucket, [&](const bucket_entry& e) {
      return std::find(remove->calls.begin(), remove->calls.end(), e.call) != remove->calls.end();
    });
  } else if (const auto* parked = std::get_if<remove_parked>(&m)) {
    std::erase_if(record_.parked, [&](const parked_invite& p) { return p.call == parked->call; });
  }
}

subscriber_record SubscriberTest::stored() const { return record_; }

std::string SubscriberTest::describe(const effect& e) {
  struct {
    SubscriberTest& t;
    std::string operator()(const send& s) const {
      t.last_packet_ = s.packet.view();
      t.last_flow_ = s.to;
      return "send " + std::to_string(s.status);
    }
    std::string operator()(const respond& r) const {
      t.last_packet_ = r.packet.view();
      return "respond " + std::to_string(r.status);
    }
    std::string operator()(const adopt_invite& a) const {
      t.adoptions_.push_back(a);
      return "adopt";
    }
    std::string operator()(const forward& f) const {
      t.newest_call_ = f.branch.call;
      t.forwards_.push_back(f);
      return "forward b" + std::to_string(f.branch.branch) + " " + f.request_uri + (f.route.empty() ? "" : " via " + f.route);
    }
    std::string operator()(const cancel_branch& c) const {
      return "cancel b" + std::to_string(c.branch.branch) + (c.reason.empty() ? "" : " " + c.reason);
    }
    std::string operator()(const resend_branch& r) const { return "resend b" + std::to_string(r.branch.branch); }
    std::string operator()(const write& w) const {
      t.mutations_.push_back(w.mutation);
      t.tokens_.push_back(w.token);
      t.keep_written(w.mutation);
      static constexpr const char* names[] = {"write bindings", "write entry", "write over", "write remove-entry",
                                              "write remove-parked"};
      return names[w.mutation.index()];
    }
    std::string operator()(const claim_token& c) const {
      t.claims_.push_back(c);
      return "claim " + std::string(c.token.view().substr(0, 4));
    }
    std::string operator()(const push& p) const {
      t.pushes_.push_back(p.order);
      const auto* missed = std::get_if<pns::missed_calls_content>(&p.order.content);
      return "push " + std::string(pns::name_of(p.order.target.provider)) +
             (missed ? " missed " + std::to_string(missed->calls.size()) : " invite");
    }
    std::string operator()(const withdraw_push& w) const {
      for (std::size_t i = 0; i < t.pushes_.size(); ++i) {
        if (t.pushes_[i].id == w.id) return "withdraw p" + std::to_string(i + 1);
      }
      return "withdraw ?";
    }
    std::string operator()(const set_timer& s) const {
      t.timers_[s.key] = s.due;
      if (s.key.of.call != 0) t.newest_call_ = s.key.of.call;
      return "timer " + std::string(name_of(s.key.kind)) + " +" +
             std::to_string(std::chrono::duration_cast<milliseconds>(s.due - t.now_.steady).count());
    }
    std::string operator()(const clear_timer& c) const {
      t.timers_.erase(c.key);
      return "clear " + std::string(name_of(c.key.kind));
    }
    std::string operator()(const note& n) const {
      t.notes_.push_back(std::string(name_of(n.what)) + (n.detail.empty() ? "" : " " + n.detail));
      return "";
    }
  } visitor{*this};
  return std::visit(visitor, e);
}

std::string SubscriberTest::apply(const subscriber_event& event) {
  effects out;
  const std::size_t first_write = tokens_.size();
  subscriber_->apply(event, now_, out);
  std::string text;
  for (const effect& e : out) {
    const std::string one = describe(e);
    if (one.empty()) continue;
    if (!text.empty()) text += "; ";
    text += one;
  }
  if (store_ == store_manner::silent) return text;
  const std::size_t last_write = tokens_.size();
  for (std::size_t i = first_write; i < last_write; ++i) {
    if (tokens_[i] == store_token{}) continue;
    const std::string more = apply(write_finished{tokens_[i], true});
    if (!more.empty()) text += " | " + more;
  }
  return text;
}

bool SubscriberTest::noted(std::string_view what) const {
  return std::any_of(notes_.begin(), notes_.end(), [&](const std::string& n) { return n.substr(0, what.size()) == what; });
}

std::size_t SubscriberTest::count(std::string_view text, std::string_view what) const {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace reveille
