#include <algorithm>
#include <array>
#include <utility>

#include "engine/shard/shard_core.hpp"
#include "sip/received.hpp"
#include "sip/response.hpp"
#include "sip/stun.hpp"

namespace reveille {
namespace {

bool only_line_ends(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\r' || c == '\n'; });
}

/// RFC 3261 18.2.2: the flow by which the sender of this message is reached, which is not always the one it came by.
/// Set before anybody keeps it, so that the transactions, bindings and dialogs of a sender know one flow. A response
/// comes from where it comes from.
flow reached_by(const sip::message& m, flow from) {
  if (m.is_request() && from.kind == transport::udp) from.remote = sip::answers_to(m.top_via(), from.remote);
  return from;
}

/// STUN's message types begin with two zero bits (RFC 5626 8); in use are 0x00 and 0x01, and a SIP method may begin
/// with any printable token character, whose two bits may be zero too.
bool is_stun(std::string_view bytes) { return static_cast<unsigned char>(bytes.front()) < 0x04; }

sip::sender_standing standing_of(peer_trust trust) {
  return trust == peer_trust::trusted ? sip::sender_standing::trusted : sip::sender_standing::open;
}

}  // namespace

void shard::impl::on_datagram(slab_ptr bytes, std::size_t size, const flow& from, const instant& now) {
  if (const sip::message_ptr m = read(std::move(bytes), size, from, now)) {
    on_message(m, reached_by(*m, from), hops::fresh, now);
  }
}

void shard::impl::on_datagrams(std::span<arrived> all, const instant& now) {
  while (!all.empty()) {
    const std::size_t count = std::min(all.size(), foresight);
    for (std::size_t i = 0; i < count; ++i) {
      foreseen& f = foreseen_[i];
      f.message = read(std::move(all[i].bytes), all[i].size, all[i].from, now);
      f.name.clear();
      if (!f.message) continue;
      f.from = reached_by(*f.message, all[i].from);
      foresee(f);
    }
    for (unsigned step = 0; step < subscribers::prefetch_steps; ++step) {
      for (std::size_t i = 0; i < count; ++i) {
        if (!foreseen_[i].name.empty()) home_->prefetch_further(foreseen_[i].key, step);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      const sip::message_ptr m = std::move(foreseen_[i].message);
      if (!m) continue;
      current_ = &foreseen_[i];
      on_message(m, foreseen_[i].from, hops::fresh, now);
      current_ = nullptr;
      deliver_deferred(now);
    }
    all = all.subspan(count);
  }
}

void shard::impl::foresee(foreseen& f) {
  if (f.message->method() != sip::method::register_) return;
  f.to = f.message->to().uri;
  if (!f.to.is_sip() || !sip::write_aor(f.to, f.name)) return f.name.clear();
  f.key = key_of(f.name, config_.key);
  home_->prefetch(f.key);
}

sip::message_ptr shard::impl::read(slab_ptr bytes, std::size_t size, const flow& from, const instant& now) {
  const auto dropped = [this](drop_reason why) {
    drop(why);
    return nullptr;
  };
  const std::string_view text(bytes->data(), size);
  if (only_line_ends(text)) return dropped(drop_reason::keep_alive);
  if (is_stun(text)) {
    answer_stun(text, from);
    return nullptr;
  }
  const slab_ptr kept = bytes;
  auto parsed = sip::message::parse(std::move(bytes), size, true);
  if (parsed) return std::move(*parsed);

  // Answered like the least of the requests: a flood of rubbish gets no more than its share.
  if (parsed.error().status == 0 || !entrance_.admit(request_class::rest, now.steady)) {
    return dropped(drop_reason::malformed);
  }
  const auto [refusal, to] = sip::build_refusal(text, from.remote, parsed.error(), ports_.pool);
  if (refusal.bytes == nullptr) return dropped(drop_reason::no_memory);
  counters_.malformed_answered.add();
  count_sent(parsed.error().status);
  flow back = from;
  if (back.kind == transport::udp) back.remote = to;
  transmit(back, refusal);
  return nullptr;
}

/// RFC 5626 8: a client tests its flow so. At most 2.4 times what came: other reflectors give far more.
void shard::impl::answer_stun(std::string_view datagram, const flow& from) {
  std::array<char, sip::stun_answer_limit> answer;
  const std::size_t size = sip::answer_stun(datagram, from.remote, answer);
  if (size == 0) return drop(drop_reason::stun);
  sip::packet packet{ports_.pool.take(size), static_cast<std::uint32_t>(size)};
  if (packet.bytes == nullptr) return drop(drop_reason::no_memory);
  std::copy_n(answer.data(), size, packet.bytes->data());
  counters_.stun_answered.add();
  transmit(from, packet);
}

void shard::impl::on_hand_over(hand_over&& what, const instant& now) {
  counters_.taken_over.add();
  if (auto* datagram = std::get_if<datagram_for>(&what)) {
    return on_message(datagram->message, datagram->from, hops::handed_over, now);
  }
  if (auto* event = std::get_if<event_for>(&what)) {
    if (const auto* request = std::get_if<request_received>(&event->event)) {
      // Its transaction's shard has let it in; the subscriber's work is done here, and counts here.
      if (!entrance_.admit(class_of(request->request->method()), now.steady)) {
        return refuse_delivery(request->request, request->transaction, request->source, refusal::credit, now);
      }
    }
    return deliver_event(event->key, event->name, std::move(event->event), now);
  }
  if (auto* adoption = std::get_if<adoption_for>(&what)) return adopt(adoption->key, std::move(adoption->invite), now);
  if (auto* claim = std::get_if<claim_for>(&what)) return do_claim(std::move(claim->claim));
  auto& response = std::get<response_for>(what);
  do_respond(response.transaction, response.status, response.packet, response.kind, now);
}

void shard::impl::on_message(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now) {
  if (m->is_request()) return on_request(m, from, so_far, now);
  on_response(m, from, so_far, now);
}

void shard::impl::on_request(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now) {
  const sip::method method = m->method();
  const bool ack = method == sip::method::ack;
  if (so_far == hops::fresh) counters_.requests[static_cast<std::size_t>(method)].add();
  if (m->version() != "SIP/2.0") return ack ? drop(drop_reason::ack_refused) : reply(*m, from, 505);
  if (m->cseq().method_text != m->method_text()) {
    // RFC 4475 3.1.2.17 and 3.1.2.18.
    return ack ? drop(drop_reason::ack_refused) : reply(*m, from, method == sip::method::other ? 501 : 400);
  }
  if (method == sip::method::register_) return on_register(m, from, now);

  const route_head route = read_route(*m);
  if (!m->to_tag().empty()) {
    if (route.what == route_head::kind::token) {
      entrance_.admit(request_class::unrefusable, now.steady);
      return forward_in_dialog(m, from, *route.token, route.elements);
    }
    if (route.what == route_head::kind::forged) {
      counters_.forged_tokens.add();
      return ack ? drop(drop_reason::ack_refused) : reply(*m, from, 403);
    }
  }

  const std::uint64_t fingerprint = fingerprint_of(*m, from);
  const shard_id owner = shard_of(fingerprint);
  if (owner != self_ && so_far == hops::fresh) return hand_request(owner, m, from);
  if (ack) return on_ack(fingerprint, now);
  if (method == sip::method::cancel) return on_cancel(m, from, fingerprint, now);
  if (const auto known = servers_.find(fingerprint)) {
    counters_.duplicates.add();
    // A stranger among many had no 100; what was not refused by now is waited for.
    if (known->invite && !known->told && !known->decided) return say_trying(*m, from, known->id, now);
    return servers_.repeated(known->id, now.steady);
  }
  if (const auto status = servers_.refused_before(fingerprint, now.steady)) return refuse_again(*m, from, *status);
  on_initial_request(m, from, fingerprint, route, now);
}

/// To the shard of its transaction. What begins work is refused when there is no room for it, not dropped: its sender may
/// go elsewhere. But without memory here it is dropped: it may repeat what the other has in hand, and comes again.
void shard::impl::hand_request(shard_id to, const sip::message_ptr& m, const flow& from) {
  const bool begins_work = !sip::ends_work(*m);
  if (begins_work && !ports_.pool.has_room_for_work()) return drop(drop_reason::no_memory);
  if (hand(to, datagram_for{m, from})) return;
  if (begins_work) return refuse(*m, from, refusal::inbox);
  drop(drop_reason::inbox_full);
}

/// RFC 3261 16.3 in its order, then whose it is.
void shard::impl::on_initial_request(const sip::message_ptr& m, const flow& from, std::uint64_t fingerprint,
                                     const route_head& route, const instant& now) {
  const auto target = sip::parse_uri(m->request_uri());
  if (!target) return reply(*m, from, 400);
  const bool to_us = target->is_sip() && target->user.empty() && (names_.served(target->host) || names_.self(*target));
  if (const int status = fault_of(*m, route, *target, to_us); status != 0) return reply(*m, from, status);
  if (m->count(sip::header::proxy_require) != 0) {
    if (const std::string tags = unsupported(*m, sip::header::proxy_require, {}); !tags.empty()) {
      return reply(*m, from, 420, tags);
    }
  }
  if (to_us) {
    if (m->method() == sip::method::options) return answer_options(*m, from);
    return reply(*m, from, 404);
  }
  start_call(m, from, fingerprint, now);
}

int shard::impl::fault_of(const sip::message& m, const route_head& route, const sip::uri_view& target, bool to_us) {
  if (!target.is_sip() && !target.is_tel()) return 416;
  const bool last_hop = to_us && m.method() == sip::method::options;
  if (m.max_forwards() == 0U && !last_hop) {
    counters_.max_forwards_used_up.add();
    return 483;
  }
  if (m.via_count() > 1 && loops(m)) {
    counters_.loops.add();
    return 482;
  }
  const bool here = target.is_tel() || names_.served(target.host) || names_.self(target);
  if (route.what == route_head::kind::foreign || !here) {
    counters_.relay_refused.add();
    return 403;  // no open relay
  }
  if (!m.to_tag().empty()) return 481;  // in a dialog that never went by us, or lost its route
  if (!to_us && target.is_sip() && !names_.served(target.host)) return 404;
  return 0;
}

void shard::impl::start_call(const sip::message_ptr& m, const flow& from, std::uint64_t fingerprint,
                             const instant& now) {
  const bool invite = m->method() == sip::method::invite;
  if (invite && draining_) return refuse(*m, from, refusal::draining);
  if (!entrance_.admit(class_of(m->method()), now.steady)) return refuse(*m, from, refusal::credit);
  if (!ports_.pool.has_room_for_work()) return refuse(*m, from, refusal::memory);
  const auto room = static_cast<double>(servers_.capacity()) * config_.limits.rest_share;
  if (!invite && static_cast<double>(servers_.size()) >= room) return refuse(*m, from, refusal::transactions);

  const auto target = sip::parse_uri(m->request_uri());
  if (!target || !write_request_aor(*target)) return reply(*m, from, 404);
  const aor_key key = key_of(aor_, config_.key);
  const peer_trust trust = trust_of(from);
  const auto id = servers_.create(fingerprint, invite, from, standing_of(trust), key, now.steady);
  if (!id) {
    const bool full = servers_.size() == servers_.capacity();
    return refuse(*m, from, full ? refusal::transactions : refusal::strangers);
  }
  if (invite && servers_.wants_trying(*id)) say_trying(*m, from, *id, now);
  request_received event{m, {self_, id->index, id->generation}, from, trust};
  const shard_id home = home_of(key, config_.shards);
  if (home == self_) return deliver_event(key, aor_, std::move(event), now);
  const server_transaction_id transaction = event.transaction;
  if (!hand(home, event_for{key, {}, std::move(event)})) refuse_delivery(m, transaction, from, refusal::inbox, now);
}

void shard::impl::say_trying(const sip::message& m, const flow& from, const sip::server_transactions::handle& id,
                             const instant& now) {
  const sip::packet trying = sip::build_response(m, from.remote, 100, {}, {}, ports_.pool);
  if (trying.bytes == nullptr) return drop(drop_reason::no_memory);
  count_sent(100);
  servers_.respond(id, 100, trying, now.steady);
}

/// A resumed call's INVITE gets its place among the transactions back, at the shard where its CANCEL will arrive.
void shard::impl::adopt(aor_key key, adopt_invite&& what, const instant& now) {
  const std::uint64_t fingerprint = fingerprint_of(*what.request, what.source);
  const shard_id owner = shard_of(fingerprint);
  if (owner != self_) {
    hand(owner, adoption_for{key, std::move(what)});
    return;
  }
  const auto known = servers_.find(fingerprint);  // its sender was faster: the INVITE came again
  if (known && (!known->invite || known->decided)) return;
  const auto id = known ? known->id : servers_.create(fingerprint, true, what.source, standing_of(trust_of(what.source)),
                                                           key, now.steady);
  if (!id) return counters_.refusals[static_cast<std::size_t>(refusal::transactions)].add();
  if (!known) say_trying(*what.request, what.source, *id, now);
  events_.push_back({key, {}, invite_adopted{what.call, {self_, id->index, id->generation}}});
}

void shard::impl::deliver_event(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) {
  if (auto* registering = std::get_if<register_received>(&event)) {
    if (name.empty() && sip::write_aor(registering->request->to().uri, aor_)) name = aor_;
    return register_at_home(key, name, std::move(*registering), now);
  }
  if (auto* request = std::get_if<request_received>(&event)) {
    const sip::message_ptr m = request->request;
    if (const auto target = sip::parse_uri(m->request_uri()); name.empty() && target && write_request_aor(*target)) {
      name = aor_;
    }
    const server_transaction_id transaction = request->transaction;
    const flow from = request->source;
    if (!home_->deliver(key, name, std::move(event), now)) refuse_delivery(m, transaction, from, refusal::home_full, now);
    return;
  }
  if (auto* cancel = std::get_if<cancel_received>(&event)) {
    // Queued behind its INVITE while that waits for its subscriber to be loaded, hence not "if resident".
    const auto target = sip::parse_uri(cancel->cancel->request_uri());
    if (target && write_request_aor(*target) && key_of(aor_, config_.key) == key) {
      home_->deliver(key, aor_, std::move(event), now);
      return;
    }
  }
  if (!name.empty()) {
    home_->deliver(key, name, std::move(event), now);  // whoever names the subscriber wants it made: parked calls of before
    return;
  }
  home_->deliver_if_resident(key, std::move(event), now);
}

void shard::impl::refuse_delivery(const sip::message_ptr& m, server_transaction_id transaction, const flow& from,
                                  refusal why, const instant& now) {
  counters_.refusals[static_cast<std::size_t>(why)].add();
  write_retry_after();
  sip::packet bytes = sip::build_response(*m, from.remote, 503, sip::tag_of(m->top_via().branch), lines_, ports_.pool);
  if (transaction.shard == self_) return do_respond(transaction, 503, bytes, sip::answer_kind::refused, now);
  hand(transaction.shard, response_for{transaction, 503, std::move(bytes), sip::answer_kind::refused});
}

/// RFC 3261 16.10: 200 at once, for as long as the INVITE's transaction lives; its subscriber hears of it once.
void shard::impl::on_cancel(const sip::message_ptr& m, const flow& from, std::uint64_t fingerprint,
                            const instant& now) {
  entrance_.admit(request_class::unrefusable, now.steady);
  const auto invite = servers_.find(fingerprint);
  if (!invite || !invite->invite) {
    counters_.cancels_unknown.add();
    return reply(*m, from, 481);
  }
  reply(*m, from, 200);
  if (invite->decided || invite->cancelled) return;
  servers_.mark_cancelled(invite->id);
  cancel_received event{{self_, invite->id.index, invite->id.generation}, m};
  const shard_id home = home_of(invite->owner, config_.shards);
  if (home == self_) return deliver_event(invite->owner, {}, std::move(event), now);
  hand(home, event_for{invite->owner, {}, std::move(event)});
}

std::uint64_t shard::impl::fingerprint_of(const sip::message& m, const flow& from) const {
  if (config_.planted.match_by_branch_alone) {
    const bool of_invite = m.method() == sip::method::ack || m.method() == sip::method::cancel;
    return sip::chained_hash(config_.key)
        .add(of_invite ? sip::name_of(sip::method::invite) : m.method_text())
        .add(m.top_via().branch)
        .add(m.top_via().host)
        .add(m.top_via().port)
        .value();
  }
  return sip::server_fingerprint(m, config_.key, sender_of(from.remote, config_.key));
}

/// RFC 3261 8.2.7: without a transaction, with the To tag of before.
void shard::impl::refuse_again(const sip::message& m, const flow& from, int status) {
  std::string_view extra = {};
  if (status == 480) extra = "Reason: Q.850;cause=20\r\n";
  if (status == 503) {
    write_retry_after();
    extra = lines_;
  }
  const sip::packet bytes =
      sip::build_response(m, from.remote, status, sip::tag_of(m.top_via().branch), extra, ports_.pool);
  if (bytes.bytes == nullptr) return drop(drop_reason::no_memory);
  count_sent(status);
  transmit(from, bytes);
}

void shard::impl::on_ack(std::uint64_t fingerprint, const instant& now) {
  // An ACK for a 2xx with the INVITE's own branch breaks RFC 3261 13.2.2.4, and without our Route has nowhere to go.
  if (servers_.acknowledged(fingerprint, now.steady) != sip::server_transactions::ack_result::absorbed) {
    drop(drop_reason::stray_ack);
  }
}

shard::impl::route_head shard::impl::read_route(const sip::message& m) const {
  route_head out;
  if (m.count(sip::header::route) == 0) return out;
  const bool in_dialog = !m.to_tag().empty();
  m.for_each_element(sip::header::route, [&](std::string_view element) {
    const bool top = out.elements++ == 0;
    const auto address = sip::parse_name_addr(element);
    const bool ours = address && address->uri.is_sip() && names_.self(address->uri);
    if (!top) {
      if (!ours && out.what == route_head::kind::ours) out.what = route_head::kind::foreign;
      return;
    }
    out.what = ours ? route_head::kind::ours : route_head::kind::foreign;
    if (!ours || !in_dialog || address->uri.user.empty()) return;
    out.token = read_flow_token(address->uri.user, m.call_id(), config_.secret);
    out.what = out.token ? route_head::kind::token : route_head::kind::forged;
  });
  return out;
}

/// RFC 3261 16.3 item 4: a Via of ours whose hash says that the request came here before exactly as it is now.
bool shard::impl::loops(const sip::message& m) const {
  bool found = false;
  const std::uint32_t now = loop_hash(m);
  m.for_each_element(sip::header::via, [&](std::string_view element) {
    const auto params = element.find(';');
    if (found || params == std::string_view::npos) return;
    const auto text = sip::params_view(element.substr(params)).find("branch");
    const auto branch = text ? read_branch(*text, branch_keys_) : std::nullopt;
    const auto* ours = branch ? std::get_if<transaction_branch>(&*branch) : nullptr;
    found = ours != nullptr && ours->loop_hash == now;
  });
  return found;
}

/// What decides where a request goes (RFC 5393 4.2). Route is left out: the entrance lets in none but our own.
std::uint32_t shard::impl::loop_hash(const sip::message& m) const {
  return static_cast<std::uint32_t>(sip::chained_hash(config_.key)
                                        .add(m.request_uri())
                                        .add(m.call_id())
                                        .add(m.from_tag())
                                        .add(m.to_tag())
                                        .add(m.cseq().number)
                                        .add(m.cseq().method_text)
                                        .value());
}

request_class shard::impl::class_of(sip::method m) const {
  if (m == sip::method::invite) return request_class::invite;
  const bool awaited = m == sip::method::bye || m == sip::method::prack;
  return awaited ? request_class::unrefusable : request_class::rest;
}

/// By the upper bits: the table takes its places by the lower ones.
shard_id shard::impl::shard_of(std::uint64_t fingerprint) const {
  return {static_cast<std::uint16_t>(((fingerprint >> 32) * config_.shards) >> 32)};
}

peer_trust shard::impl::trust_of(const flow& from) const {
  return names_.trusted(from.remote) ? peer_trust::trusted : peer_trust::open;
}

/// Into aor_. tel: numbers belong to the first served domain.
bool shard::impl::write_request_aor(const sip::uri_view& target) {
  if (target.is_sip()) return !target.user.empty() && sip::write_aor(target, aor_);
  auto of = sip::aor_of(target, config_.domains.front());
  if (!of) return false;
  aor_ = of->str();
  return true;
}

}  // namespace reveille
