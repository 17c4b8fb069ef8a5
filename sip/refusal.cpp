// Answers to requests that could not be parsed. Nothing here trusts an index: lines are cut again, leniently.
#include <algorithm>
#include <array>

#include "sip/grammar.hpp"
#include "sip/parser.hpp"
#include "sip/received.hpp"
#include "sip/response.hpp"

namespace reveille::sip {
namespace {

/// The next line without its end (CRLF or LF); false at the empty line or when there is no whole line left.
bool next_line(std::string_view& rest, std::string_view& out) {
  const std::size_t lf = rest.find('\n');
  if (lf == std::string_view::npos) return false;
  out = rest.substr(0, lf);
  rest.remove_prefix(lf + 1);
  if (!out.empty() && out.back() == '\r') out.remove_suffix(1);
  return !out.empty();
}

/// What an answer needs. Values with control characters are not copied.
struct salvage {
  static constexpr std::array<header, 5> wanted = {header::via, header::from, header::to, header::call_id, header::cseq};
  std::array<std::string_view, limits::vias> vias;   ///< values of lines
  std::size_t via_lines = 0;
  std::array<std::string_view, wanted.size()> values;  ///< of all but via
  std::string_view method;
  bool whole = true;   ///< every Via line could be kept
};

bool is_plain(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

void take_line(std::string_view text, salvage& out) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return;
  const header id = header_of(chars::trim(text.substr(0, colon)));
  const std::string_view value = chars::trim(text.substr(colon + 1));
  if (id == header::via) {
    if (out.via_lines == out.vias.size() || !is_plain(value)) {
      out.whole = false;
    } else {
      out.vias[out.via_lines++] = value;
    }
    return;
  }
  for (std::size_t i = 1; i < salvage::wanted.size(); ++i) {
    if (salvage::wanted[i] == id && out.values[i].empty() && is_plain(value)) out.values[i] = value;
  }
}

/// Looks no further than a message that is accepted may reach: what the answer needs and stands behind that is lost.
salvage salvage_of(std::string_view text) {
  salvage out;
  while (text.size() >= 2 && text[0] == '\r' && text[1] == '\n') text.remove_prefix(2);
  text = text.substr(0, limits::header_section);
  std::string_view line;
  if (!next_line(text, line)) return out;
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.substr(0, 4) == "SIP/") return out;
  out.method = line.substr(0, space);
  if (!chars::all(out.method, chars::token) || out.method == "ACK") return out;  // nobody answers these
  for (std::size_t n = 0; n < limits::lines && next_line(text, line); ++n) {
    if (!chars::is(line[0], chars::blank)) take_line(line, out);
  }
  return out;
}

bool top_via_of(const salvage& kept, via_view& out) {
  if (kept.via_lines == 0 || !kept.whole) return false;
  fault why = fault::none;
  return grammar::via(kept.vias[0].data(), kept.vias[0].data() + kept.vias[0].size(), out, why) != nullptr;
}

bool readable_cseq(std::string_view value) {
  const std::size_t digits = std::min(value.find_first_not_of("0123456789"), value.size());
  return digits > 0 && chars::all(chars::trim(value.substr(digits)), chars::token);
}

}  // namespace

int status_for(std::string_view text, std::string_view reason) {
  const salvage kept = salvage_of(text);
  via_view via;
  if (!chars::all(kept.method, chars::token) || kept.method == "ACK" || !readable_cseq(kept.values[4]) ||
      !top_via_of(kept, via)) {
    return 0;
  }
  if (reason == reasons::out_of_memory) return 503;
  if (reason == reasons::message_too_long || reason == reasons::header_too_long || reason == reasons::too_many_lines ||
      reason == reasons::value_too_long || reason == reasons::name_too_long) {
    return 513;
  }
  return 400;
}

refusal_answer build_refusal(std::string_view text, const endpoint& source, const reject& why, slab_pool& pool) {
  if (why.status == 0) return {};
  const salvage kept = salvage_of(text);
  via_view top;
  if (!top_via_of(kept, top)) return {};
  writer out(pool, 1024, slab_use::ending);
  out.text("SIP/2.0 ").number(static_cast<std::uint64_t>(why.status)).text(" ").text(reason_phrase(why.status));
  out.text("\r\n");
  for (std::size_t i = 0; i < kept.via_lines; ++i) {
    out.text("Via: ");
    std::string_view value = kept.vias[i];
    if (i == 0) {
      // received and rport are written whatever the sender claimed; here a copy of the element is not worth sparing.
      const std::string_view params = top.params.text();
      const char* const end = top.text.data() + top.text.size();
      out.text(chars::between(value.data(), end - params.size()));
      std::string_view rest = params;
      grammar::param p;
      while (grammar::next_param(rest, p)) {
        if (!chars::iequal(p.name, "received") && !chars::iequal(p.name, "rport")) out.text(p.text);
      }
      if (top.rport) out.text(";rport=").number(source.port);
      out.text(";received=").address(source);
      value = chars::between(end, value.data() + value.size());
    }
    out.text(value).text("\r\n");
  }
  for (std::size_t i = 1; i < salvage::wanted.size(); ++i) {
    if (!kept.values[i].empty()) out.line(name_of(salvage::wanted[i]), kept.values[i]);
  }
  // The closed set of reasons is ours, so it is safe in a quoted string.
  out.text("Warning: 399 reveille \"").text(why.reason).text("\"\r\n");
  return {end_response(out), answers_to(top, source)};
}

}  // namespace reveille::sip
