#include <algorithm>
#include <utility>

#include "engine/shard/shard_core.hpp"
#include "sip/chars.hpp"

namespace reveille {

/// RFC 3261 10.3 steps 1 to 5; what follows is the subscriber's. No server transaction over UDP (ARCHITECTURE 3).
void shard::impl::on_register(const sip::message_ptr& m, const flow& from, const instant& now) {
  const auto target = sip::parse_uri(m->request_uri());
  if (!target) return reply(*m, from, 400);
  if (!target->is_sip()) return reply(*m, from, 416);
  if (!names_.served(target->host) && !names_.self(*target)) {
    counters_.relay_refused.add();
    return reply(*m, from, 403);
  }
  const bool known = current_ != nullptr && !current_->name.empty();
  const sip::uri_view of = known ? current_->to : m->to().uri;
  if (!of.is_sip()) return reply(*m, from, 400);
  if (of.user.empty() || !names_.served(of.host)) return reply(*m, from, 404);
  if (m->count(sip::header::require) != 0) {
    if (const std::string tags = unsupported(*m, sip::header::require, {"path", "outbound"}); !tags.empty()) {
      return reply(*m, from, 420, tags);
    }
  }
  if (!known && !sip::write_aor(of, aor_)) return reply(*m, from, 400);
  const std::string_view name = known ? current_->name : aor_;
  const aor_key key = known ? current_->key : key_of(name, config_.key);
  const shard_id home = home_of(key, config_.shards);
  if (!ports_.pool.has_room_for_work()) return refuse(*m, from, refusal::memory);
  if (home == self_) return register_at_home(key, name, {m, from, trust_of(from)}, now);
  if (!hand(home, event_for{key, {}, register_received{m, from, trust_of(from)}})) refuse(*m, from, refusal::inbox);
}

/// Only while somebody must be refused does it matter who it is.
void shard::impl::register_at_home(aor_key key, std::string_view name, register_received&& event,
                                   const instant& now) {
  if (!entrance_.admit(request_class::refresh, now.steady)) {
    const subscriber_standing standing = home_->standing(key);
    const bool refused =
        standing == subscriber_standing::resident ||
        !entrance_.admit(standing == subscriber_standing::awaited ? request_class::unrefusable
                                                                   : request_class::registration,
                         now.steady);
    if (refused) return refuse(*event.request, event.source, refusal::credit);
  }
  const sip::message_ptr m = event.request;
  const flow from = event.source;
  if (!home_->deliver(key, name, std::move(event), now)) refuse(*m, from, refusal::home_full);
}

void shard::impl::answer_options(const sip::message& m, const flow& from) {
  if (m.count(sip::header::require) != 0) {
    if (const std::string tags = unsupported(m, sip::header::require, {"path", "outbound"}); !tags.empty()) {
      return reply(m, from, 420, tags);
    }
  }
  reply(m, from, 200,
        "Allow: INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, MESSAGE, SUBSCRIBE, NOTIFY, PRACK, UPDATE, INFO, REFER, "
        "PUBLISH\r\n"
        "Accept: application/sdp\r\n"
        "Supported: path, outbound\r\n");
}

/// An Unsupported line with the option tags of `which` that are not in `known`; "" when there is none.
std::string shard::impl::unsupported(const sip::message& m, sip::header which,
                                     std::initializer_list<std::string_view> known) const {
  std::string out;
  m.for_each_element(which, [&](std::string_view tag) {
    const bool supported =
        std::any_of(known.begin(), known.end(), [&](std::string_view k) { return sip::chars::iequal(k, tag); });
    if (supported) return;
    out += out.empty() ? "Unsupported: " : ", ";
    out += tag;
  });
  if (!out.empty()) out += "\r\n";
  return out;
}

}  // namespace reveille
