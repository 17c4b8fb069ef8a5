#include "engine/shard/shard_core.hpp"
#include "pns/push_params.hpp"

namespace reveille {
namespace {

/// The value of realm in credentials, without its quotes; "" when there is none.
std::string_view realm_in(std::string_view credentials) {
  constexpr std::string_view name = "realm=\"";
  const auto at = credentials.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = credentials.substr(at + name.size());
  return rest.substr(0, rest.find('"'));
}

}  // namespace

std::optional<flow> shard::impl::flow_of(const flow_token::end& end) const {
  if (end.listener >= names_.listener_count() || end.remote.empty()) return std::nullopt;
  flow out;
  out.remote = end.remote;
  out.local = names_.at(end.listener).address;
  return out;
}

/// Where the other party is. The flow of the token, whatever Request-URI and further Routes say: the dialog's first
/// request went that way. Only towards a caller behind proxies a literal address in the next Route (or Request-URI) is
/// followed, and only for the callee itself.
std::optional<flow> shard::impl::next_hop(const sip::message& m, const flow& from, const flow_token& token,
                                          std::size_t routes) {
  const bool from_caller = tag_hash(m.from_tag(), config_.secret) == token.caller_tag;
  if (from_caller) return flow_of(token.callee);
  auto to_caller = flow_of(token.caller);
  if (token.caller_direct || !to_caller || !sip::same_host(from.remote, token.callee.remote)) return to_caller;

  std::string_view next = m.request_uri();
  result<sip::name_addr_view> second = failure("");
  if (routes > 1) {
    std::size_t n = 0;
    m.for_each_element(sip::header::route, [&](std::string_view element) {
      if (n++ == 1) second = sip::parse_name_addr(element);
    });
    if (!second) return to_caller;
  } else if (auto uri = sip::parse_uri(next)) {
    second = sip::name_addr_view{{}, *uri, {}};
  }
  if (!second || !second->uri.is_sip()) return to_caller;
  const std::uint16_t port = second->uri.port == 0 ? std::uint16_t{5060} : second->uri.port;
  if (const auto literal = parse_address(second->uri.host, port)) to_caller->remote = *literal;
  return to_caller;
}

/// The same for a request, its repetitions, its CANCEL and the ACK of its failure (RFC 3261 16.11): no method, no To
/// tag in it.
std::uint64_t shard::impl::upstream_hash(const sip::message& m) const {
  const sip::via_view& via = m.top_via();
  return sip::chained_hash(config_.secret)
      .add(sip::has_transaction_branch(m) ? via.branch : via.text)
      .add(via.host)
      .add(via.port)
      .add(m.call_id())
      .add(m.from_tag())
      .add(m.cseq().number)
      .add(m.request_uri())
      .value();
}

void shard::impl::forward_in_dialog(const sip::message_ptr& m, const flow& from, const flow_token& token,
                                    std::size_t routes) {
  const bool ack = m->method() == sip::method::ack;
  if (m->max_forwards() == 0U) {
    counters_.max_forwards_used_up.add();
    return ack ? drop(drop_reason::ack_refused) : reply(*m, from, 483);
  }
  const auto to = next_hop(*m, from, token, routes);
  if (!to) return drop(drop_reason::unknown_listener);

  const branch_text branch =
      write_branch(stateless_branch{upstream_hash(*m), asked_hash(to->remote), names_.listener_of(from.local), from.remote},
                   branch_keys_);
  lines_ = "Via: SIP/2.0/UDP ";
  lines_ += names_.at(names_.listener_of(to->local)).sent_by;
  lines_ += ";rport;branch=";
  lines_ += branch.view();
  lines_ += "\r\n";
  sip::edits e(*m);
  e.insert_before_first_via(lines_);
  e.set_top_via_received(from.remote);
  e.remove_first_element(sip::header::route);
  e.decrement_max_forwards();
  e.strip_contact_params(&pns::is_push_param);
  drop_own_credentials(*m, e);
  const sip::packet bytes = e.serialise(ports_.pool);
  if (bytes.bytes == nullptr) return drop(drop_reason::no_memory);
  counters_.in_dialog_forwarded.add();
  counters_.requests_sent[static_cast<std::size_t>(m->method())].add();
  if (!transmit(*to, bytes) && !ack) reply(*m, from, 500);  // RFC 3261 16.9: as if 503 had come, hence 500 (16.7 step 6)
}

/// RFC 3261 22.3: credentials for our realm are ours to read, nobody else's.
void shard::impl::drop_own_credentials(const sip::message& m, sip::edits& e) {
  if (m.count(sip::header::proxy_authorization) == 0) return;
  kept_lines_.clear();
  bool found = false;
  m.for_each(sip::header::proxy_authorization, [&](std::string_view value) {
    if (realm_in(value) == names_.realm()) {
      found = true;
      return;
    }
    kept_lines_ += "Proxy-Authorization: ";
    kept_lines_ += value;
    kept_lines_ += "\r\n";
  });
  if (!found) return;
  e.remove_all(sip::header::proxy_authorization);
  if (!kept_lines_.empty()) e.append(kept_lines_);
}

}  // namespace reveille
