#include "tests/engine/shard/shard_bench.hpp"

#include "engine/shard/shard_inbox.hpp"

#include <gtest/gtest.h>

namespace reveille {

bool simple_subscribers::deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) {
  if (full) return false;
  if (name.empty()) ADD_FAILURE() << "delivered without a name";
  names[key] = name;
  handle(key, event, now);
  return true;
}

bool simple_subscribers::deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) {
  if (!names.contains(key)) return false;
  handle(key, event, now);
  return true;
}

void simple_subscribers::handle(aor_key key, subscriber_event& event, const instant& now) {
  last_key = key;
  if (auto* e = std::get_if<register_received>(&event)) {
    log.push_back("register " + names[key]);
    last_request = e->request;
    const auto value = e->request->first(sip::header::contact);
    if (value) contacts_[key] = {std::string(sip::parse_name_addr(*value)->uri.text), e->source};
    perform(key, send{e->source, sip::build_response(*e->request, e->source.remote, 200, "reg", {}, pool_), 200}, now);
  } else if (auto* r = std::get_if<request_received>(&event)) {
    log.push_back("request " + std::string(r->request->method_text()));
    last_transaction = r->transaction;
    last_request = r->request;
    last_source = r->source;
    if (!forwards) return;
    const auto to = contacts_.find(key);
    if (to == contacts_.end()) {
      perform(key,
              respond{r->transaction, 404,
                      sip::build_response(*r->request, r->source.remote, 404,
                                          sip::tag_of(r->request->top_via().branch), {}, pool_),
                      sip::answer_kind::refused},
              now);
      return;
    }
    last_branch = {next_call_++, 1};
    calls_[last_branch] = *r;
    perform(key, forward{last_branch, r->request, to->second.uri, path, to->second.by, r->source, why}, now);
  } else if (auto* a = std::get_if<response_received>(&event)) {
    log.push_back("response " + std::to_string(a->response->status()));
    if (a->response->status() == 100) return;
    sip::edits e2(*a->response);
    e2.remove_top_via();
    perform(key, respond{calls_.at(a->branch).transaction, a->response->status(), e2.serialise(pool_), sip::answer_kind::of_phone}, now);
  } else if (auto* c = std::get_if<cancel_received>(&event)) {
    log.push_back("cancel");
    for (const auto& [branch, call] : calls_) {
      if (call.transaction == c->transaction) perform(key, cancel_branch{branch, "SIP;cause=487"}, now);
    }
  } else if (auto* f = std::get_if<branch_failed>(&event)) {
    const bool timeout = f->cause == branch_failed::why::timeout;
    const bool ours = f->cause == branch_failed::why::no_room;
    log.push_back(timeout ? "timeout" : ours ? "no room" : "transport error");
    if (const auto call = calls_.find(f->branch); call != calls_.end()) {
      const request_received& of = call->second;
      const int status = timeout ? 408 : ours ? 503 : 500;
      perform(key,
              respond{of.transaction, status,
                      sip::build_response(*of.request, of.source.remote, status, "h", {}, pool_)},
              now);
    }
  } else if (const auto* adoption = std::get_if<invite_adopted>(&event)) {
    adopted = adoption->call;
    adopted_by = adoption->transaction;
  } else if (const auto* claimed = std::get_if<token_claimed>(&event)) {
    log.push_back("token claimed " + std::string(claimed->token.view()));
  } else if (std::get_if<push_answered>(&event) != nullptr) {
    log.push_back("push answered");
  }
}

shard_bench::shard_bench(std::uint16_t count, std::function<void(shard_config&)> change, slab_pool& pool) {
  config.shards = count;
  config.listeners = {{at("198.51.100.1:5060"), ""}};
  config.domains = {"example.com", "example.net"};
  config.key = {11, 22};
  config.secret = {33, 44};
  config.limits.server_transactions = 1000;
  config.limits.client_transactions = 1000;
  if (change) change(config);
  for (std::uint16_t i = 0; i < count; ++i) {
    shard_ports ports{*this, *this, random, pool, [&](home_outlet& out, const instant&) {
                        auto home = std::make_unique<simple_subscribers>(out, sip::test_pool());
                        homes.push_back(home.get());
                        return home;
                      }};
    shards.push_back(std::make_unique<shard>(shard_id{i}, config, ports, now));
  }
}

void shard_bench::arrive(std::string_view text, std::uint16_t port, std::uint16_t to_shard) {
  arrive_octets(sip::with_crlf(text), port, to_shard);
}

void shard_bench::arrive_from(const endpoint& sender, std::string_view text, std::uint16_t to_shard) {
  arrived d = datagram(sip::with_crlf(text), 0);
  d.from.remote = sender;
  shards[to_shard]->on_datagram(std::move(d.bytes), d.size, d.from, now);
  run_hand_overs();
}

arrived shard_bench::datagram(std::string_view octets, std::uint16_t port) const {
  slab_ptr bytes = sip::test_pool().take(octets.size() + sip::message::index_room);
  if (!octets.empty()) std::memcpy(bytes->data(), octets.data(), octets.size());
  flow from;
  from.remote = phone(port);
  from.local = config.listeners.front().address;
  return {std::move(bytes), octets.size(), from};
}

void shard_bench::arrive_octets(std::string_view octets, std::uint16_t port, std::uint16_t to_shard) {
  arrived d = datagram(octets, port);
  shards[to_shard]->on_datagram(std::move(d.bytes), d.size, d.from, now);
  run_hand_overs();
}

void shard_bench::arrive_together(const std::vector<std::string>& octets, std::uint16_t port, std::uint16_t to_shard) {
  std::vector<arrived> all;
  for (const std::string& o : octets) all.push_back(datagram(o, port));
  shards[to_shard]->on_datagrams(all, now);
  run_hand_overs();
}

void shard_bench::run_hand_overs() {
  for (std::size_t n = 0; !on_the_way_.empty(); ++n) {
    ASSERT_LT(n, 100u) << "a message bounces between shards";
    auto [to, what] = std::move(on_the_way_.front());
    on_the_way_.pop_front();
    shards[to.value]->on_hand_over(std::move(what), now);
  }
}

void shard_bench::pass(nanoseconds by, nanoseconds step) {
  for (const steady_time end = now.steady + by; now.steady < end;) {
    now = now + step;
    for (auto& s : shards) s->on_timer(now);
    run_hand_overs();
  }
}

std::vector<shard_bench::sent> shard_bench::take() { return std::exchange(sent_, {}); }

std::vector<std::string> shard_bench::take_lines() {
  std::vector<std::string> out;
  for (const sent& s : take()) out.push_back(s.line());
  return out;
}

shard_bench::sent shard_bench::only() {
  auto all = take();
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? sent{} : all.front();
}

std::uint64_t shard_bench::sum(slot shard_counters::*which) const {
  std::uint64_t n = 0;
  for (const auto& s : shards) n += (s->counters().*which).value();
  return n;
}
std::uint64_t shard_bench::drops(drop_reason why) const {
  std::uint64_t n = 0;
  for (const auto& s : shards) n += s->counters().drops[static_cast<std::size_t>(why)].value();
  return n;
}
std::uint64_t shard_bench::branches_refused(sip::lack why) const {
  std::uint64_t n = 0;
  for (const auto& s : shards) n += s->counters().branches_refused[static_cast<std::size_t>(why)].value();
  return n;
}
std::uint64_t shard_bench::refusals(refusal why) const {
  std::uint64_t n = 0;
  for (const auto& s : shards) n += s->counters().refusals[static_cast<std::size_t>(why)].value();
  return n;
}

std::uint16_t shard_bench::home_index(std::string_view user) const {
  return home_of(key_of(std::string(user) + "@example.com", config.key), config.shards).value;
}
simple_subscribers& shard_bench::home_of_user(std::string_view user) { return *homes[home_index(user)]; }

std::vector<std::string> shard_bench::logs() const {
  std::vector<std::string> out;
  for (const auto* h : homes) out.insert(out.end(), h->log.begin(), h->log.end());
  return out;
}

bool shard_bench::transmit(const flow& to, const sip::packet& packet) {
  if (broken || (refused_port != 0 && to.remote.port == refused_port)) return false;
  sent_.push_back({to, std::string(packet.view())});
  return true;
}

bool shard_bench::hand_over_to(shard_id to, hand_over&& what) {
  if (!has_room_for(what, on_the_way_.size(), inbox_limit)) return false;
  ++handed;
  on_the_way_.emplace_back(to, std::move(what));
  return true;
}

bool shard_bench::submit(pns::push_order) { return !push_full; }

std::string request_text::text() const {
  const std::string m(method);
  const std::string address = "192.0.2.1:" + std::to_string(port);
  return m + " " + uri + " SIP/2.0\nVia: SIP/2.0/UDP " + address + ";branch=" + branch + (rport ? ";rport\n" : "\n") + more_vias +
         "Max-Forwards: " + std::to_string(max_forwards) + "\nFrom: <sip:" + from + "@example.com>;tag=" + from_tag +
         "\nTo: <sip:" + to + "@example.com>" + (to_tag.empty() ? "" : ";tag=" + to_tag) + "\nCall-ID: " + call_id +
         "\nCSeq: " + std::to_string(cseq) + " " + m + "\nContact: <sip:" + from + "@" + address + ">\n" + extra +
         "Content-Length: 0\n\n";
}

std::string register_text(std::string_view user, std::uint16_t port, std::string_view extra) {
  const std::string u(user), address = "192.0.2.1:" + std::to_string(port);
  return "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP " + address + ";branch=z9hG4bKr" + u + ";rport\n" +
         "Max-Forwards: 70\nFrom: <sip:" + u + "@example.com>;tag=r\nTo: <sip:" + u + "@example.com>\nCall-ID: reg-" + u +
         "\nCSeq: 1 REGISTER\nContact: <sip:" + u + "@" + address + ">\n" + std::string(extra) +
         "Content-Length: 0\n\n";
}

std::string answer_text(const sip::message& request, int status, std::string_view to_tag, std::string_view extra) {
  std::string out = "SIP/2.0 " + std::to_string(status) + " X\n";
  for (const sip::header h : {sip::header::via, sip::header::record_route}) {
    for (const std::string& v : values(request, h)) {
      out += std::string(sip::name_of(h)) + ": " + v + "\n";
    }
  }
  out += "From: " + std::string(*request.first(sip::header::from)) + "\nTo: " +
         std::string(*request.first(sip::header::to));
  if (request.to_tag().empty() && status > 100) out += ";tag=" + std::string(to_tag);
  out += "\nCall-ID: " + std::string(request.call_id()) + "\nCSeq: " + std::string(*request.first(sip::header::cseq)) +
         "\n" + std::string(extra) + "Content-Length: 0\n\n";
  return out;
}

std::vector<std::string> values(const sip::message& m, sip::header h) {
  std::vector<std::string> out;
  m.for_each_element(h, [&](std::string_view v) { out.emplace_back(v); });
  return out;
}

}  // namespace reveille
