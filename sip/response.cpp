#include "sip/response.hpp"

#include "core/hash.hpp"

#include "sip/grammar.hpp"
#include "sip/list.hpp"
#include "sip/received.hpp"

namespace reveille::sip {
namespace {

void write_top_via(writer& out, const via_view& via, const endpoint& source) {
  const received_rule rule = received_rule_of(via, source);
  if (!rule.set_rport && !rule.cut_received) {
    out.text(via.text);
  } else {
    const std::string_view params = via.params.text();
    out.text(via.text.substr(0, via.text.size() - params.size()));
    std::string_view rest = params;
    grammar::param p;
    while (grammar::next_param(rest, p)) {
      const bool gone = chars::iequal(p.name, "received") || (rule.set_rport && chars::iequal(p.name, "rport"));
      if (!gone) out.text(p.text);
    }
    if (rule.set_rport) out.text(";rport=").number(source.port);
  }
  if (rule.set_received) out.text(";received=").address(source);
}

void write_status_line(writer& out, int status, std::string_view reason) {
  out.text("SIP/2.0 ").number(static_cast<std::uint64_t>(status)).text(" ");
  out.text(reason.empty() ? reason_phrase(status) : reason).text("\r\n");
}

void write_vias(writer& out, const message& request, const endpoint& source) {
  bool top = true;
  request.for_each(header::via, [&](std::string_view value) {
    out.text("Via: ");
    if (top) {
      const std::string_view element = request.top_via().text;
      write_top_via(out, request.top_via(), source);
      value.remove_prefix(element.size());
      top = false;
    }
    out.text(value).text("\r\n");
  });
}

}  // namespace

bool is_address_of(std::string_view host, const endpoint& source) {
  char shown[address_room];
  const std::size_t size = write_address(source, shown);
  if (host == std::string_view(shown, size)) return true;
  if (host.empty() || (host[0] != '[' && !chars::is(host[0], chars::digit))) return false;
  const auto parsed = parse_address(host, source.port);
  return parsed && *parsed == source;
}

received_rule received_rule_of(const via_view& via, const endpoint& source) {
  received_rule rule;
  rule.set_rport = via.rport.has_value();
  rule.cut_received = via.received.has_value();
  rule.set_received = rule.set_rport || !is_address_of(via.host, source);
  return rule;
}

endpoint answers_to(const via_view& top, const endpoint& source) {
  constexpr std::uint16_t default_port = 5060;
  endpoint out = source;
  if (!top.rport) out.port = top.port == 0 ? default_port : top.port;
  return out;
}

std::size_t response_room(const message& request) {
  std::size_t room = 256;  // status line, names, tag, rport, received, Content-Length
  request.for_each(header::via, [&](std::string_view value) { room += value.size() + 8; });
  for (const header h : {header::from, header::to, header::call_id, header::cseq}) {
    room += request.first_line_text(h).size();
  }
  return room;
}

void begin_response(writer& out, const message& request, const endpoint& source, int status, std::string_view to_tag,
                    std::string_view reason) {
  write_status_line(out, status, reason);
  write_vias(out, request, source);
  out.text(request.first_line_text(header::from));
  if (status > 100 && !to_tag.empty() && request.to_tag().empty()) {
    out.text("To: ").text(*request.first(header::to)).text(";tag=").text(to_tag).text("\r\n");
  } else {
    out.text(request.first_line_text(header::to));
  }
  out.text(request.first_line_text(header::call_id)).text(request.first_line_text(header::cseq));
  if (status == 100) {
    if (const auto timestamp = request.first("Timestamp")) out.line("Timestamp", *timestamp);
  }
}

packet end_response(writer& out) {
  out.text("Content-Length: 0\r\n\r\n");
  return out.finish();
}

packet build_response(const message& request, const endpoint& source, int status, std::string_view to_tag,
                      std::string_view extra, slab_pool& pool, std::string_view reason) {
  return build_response_with(
      request, source, status, to_tag, pool, extra.size(), [&](writer& out) { out.text(extra); }, reason);
}

std::string tag_of(std::string_view branch) {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t h = siphash({0x7461675f6f66ULL, 0}, branch);
  std::string tag(12, '0');
  for (char& c : tag) {
    c = digits[h & 15];
    h >>= 4;
  }
  return tag;
}

}  // namespace reveille::sip
