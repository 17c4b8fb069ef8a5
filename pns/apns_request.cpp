#include "pns/apns_request.hpp"

#include <array>
#include <charconv>

#include "core/hash.hpp"
#include "pns/json_text.hpp"

namespace reveille::pns {
namespace {

constexpr std::size_t max_collapse_id_octets = 64;  // PROVIDERS 1.2

/// SPEC 5, last paragraphs: calls go to the voip token where there is one, missed calls to the plain one.
result<const push_token*, request_fault> choose_token(const push_order& order, const apns_app& app) {
  const push_token* voip = order.target.token_for(token_service::voip);
  const push_token* plain = order.target.token_for(token_service::plain);
  if (std::holds_alternative<invite_content>(order.content)) {
    if (voip || plain) return voip ? voip : plain;
    return tl::unexpected(request_fault::no_token);
  }
  if (plain) return plain;
  if (!voip) return tl::unexpected(request_fault::no_token);
  // Since iOS 13 an app that gets a voip push and reports no call is killed; only clients that expect it may get one.
  if (app.on_voip_token == missed_calls_on_voip_token::skip) return tl::unexpected(request_fault::voip_token_skipped);
  return voip;
}

void append_hex(std::string& out, std::uint64_t bits, int digits) {
  static constexpr char hex[] = "0123456789abcdef";
  for (int i = digits - 1; i >= 0; --i) out += hex[(bits >> (4 * i)) & 15];
}

}  // namespace

void write_apns_id(const push_order& order, std::string& out) {
  // Push numbers start again with the process, so they take no part: whom, about which call, is the push's name.
  struct {
    std::uint64_t subscriber;
    std::uint64_t token;
    std::array<std::uint8_t, 16> call;
    std::int64_t date;
    std::uint64_t collapse;
  } name{order.id.subscriber.value, 0, order.call.bytes, 0, 0};
  if (!order.target.tokens.empty()) name.token = siphash({}, order.target.tokens.front().value.view());
  if (const auto* missed = std::get_if<missed_calls_content>(&order.content)) {
    name.collapse = siphash({}, missed->collapse_id);  // stable over repeats, where the date of sending is not
  } else {
    name.date = std::get<invite_content>(order.content).date.time_since_epoch().count();
  }
  const std::string_view octets(reinterpret_cast<const char*>(&name), sizeof name);
  std::uint64_t high = siphash({0x7265766569, 0x6c6c65}, octets);
  std::uint64_t low = siphash({0x61706e73, 0x6964}, octets);
  high = (high & ~0xf000ULL) | 0x5000;                            // version 5: made from a name
  low = (low & ~(0x3ULL << 62)) | (0x2ULL << 62);                 // RFC 4122 4.1.1
  out.clear();
  append_hex(out, high >> 32, 8);
  out += '-';
  append_hex(out, high >> 16, 4);
  out += '-';
  append_hex(out, high, 4);
  out += '-';
  append_hex(out, low >> 48, 4);
  out += '-';
  append_hex(out, low, 12);
}

result<void, request_fault> make_apns_request(const push_order& order, const apns_app& app, wall_time now,
                                              apns_request& out) {
  const auto token = choose_token(order, app);
  if (!token) return tl::unexpected(token.error());
  const bool voip = (*token)->service == token_service::voip;
  const bool invite = std::holds_alternative<invite_content>(order.content);
  const payload_template* body =
      app.profile ? app.profile->find(payload_wire::apns, invite ? payload_kind::invite : payload_kind::missed_calls)
                  : nullptr;
  if (!body) return tl::unexpected(request_fault::no_template);

  out.token = *token;
  out.path = "/3/device/";
  out.path += (*token)->value.view();
  out.topic = app.bundle;
  if (voip) out.topic += ".voip";
  out.push_type = voip ? "voip" : "alert";
  out.priority = "10";
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), unix_seconds(order.expires)).ptr;
  out.expiration.assign(digits.data(), end);
  write_apns_id(order, out.id);
  out.collapse_id.clear();
  if (const auto* missed = std::get_if<missed_calls_content>(&order.content)) {
    out.collapse_id = cut_utf8(missed->collapse_id, max_collapse_id_octets);
  } else if (!voip && order.call != call_ref{}) {
    // An alert that is sent again replaces itself. A voip push is shown by nobody but the app.
    for (const std::uint8_t octet : order.call.bytes) append_hex(out.collapse_id, octet, 2);
  }
  // The token is in the path, so it does not count for the body's limit.
  if (!body->render({order, "", now, (*token)->service}, voip ? voip_payload_limit : payload_limit, out.body)) {
    return tl::unexpected(request_fault::too_large);
  }
  return {};
}

}  // namespace reveille::pns
