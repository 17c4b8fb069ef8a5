#include "sip/derived_requests.hpp"

#include <cstring>

#include "sip/writer.hpp"

namespace reveille::sip {
namespace {

/// The kept octets are shared with the transport, and parsing wants a slab of its own.
message_ptr reparse(const packet& kept, slab_pool& pool) {
  slab_ptr own = pool.take(kept.size + message::index_room);
  if (own == nullptr) return nullptr;
  std::memcpy(own->data(), kept.bytes->data(), kept.size);
  auto parsed = message::parse(std::move(own), kept.size, true);
  return parsed.has_value() ? *parsed : nullptr;
}

packet build(const packet& sent, std::string_view method_name, const message* response, std::string_view reason,
             slab_pool& pool) {
  if (sent.bytes == nullptr) return {};
  const message_ptr request = reparse(sent, pool);
  if (request == nullptr || !request->is_request()) return {};
  const message& to_of = response != nullptr ? *response : *request;
  const auto from = request->first(header::from);
  const auto to = to_of.first(header::to);
  if (!from || !to) return {};

  writer out(pool, sent.size + to->size() + reason.size() + 64, slab_use::ending);
  out.text(method_name).text(" ").text(request->request_uri()).text(" SIP/2.0\r\n");
  out.line("Via", request->top_via().text);
  out.text("Max-Forwards: 70\r\n");
  request->for_each(header::route, [&](std::string_view value) { out.line("Route", value); });
  out.line("From", *from).line("To", *to).line("Call-ID", request->call_id());
  out.text("CSeq: ").number(request->cseq().number).text(" ").text(method_name).text("\r\n");
  if (!reason.empty()) out.line("Reason", reason);
  out.text("Content-Length: 0\r\n\r\n");
  return out.finish();
}

}  // namespace

packet build_ack(const packet& invite, const message& response, slab_pool& pool) {
  return build(invite, name_of(method::ack), &response, {}, pool);
}

packet build_cancel(const packet& request, std::string_view reason, slab_pool& pool) {
  return build(request, name_of(method::cancel), nullptr, reason, pool);
}

}  // namespace reveille::sip
