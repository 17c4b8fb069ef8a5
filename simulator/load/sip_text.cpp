#include "simulator/load/sip_text.hpp"

#include <charconv>

namespace reveille::load {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), into);
  return fault == std::errc{} && end == text.data() + text.size();
}

/// Takes one line off the front; without its CRLF. A bare LF ends a line too (RFC 3261 does not allow it, but it is
/// the engine's business, not the phone's, to refuse it).
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

bool sip_text::take_header(std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view full, char compact) {
    return name.size() == 1 ? lower(name[0]) == compact && compact != 0 : same(name, full);
  };
  switch (lower(name.empty() ? '\0' : name[0])) {
    case 'v':
      if (is("via", 'v')) {
        if (via_count_ == max_vias) return false;
        vias_[via_count_++] = value;
      }
      break;
    case 'f': if (is("from", 'f')) from = value; break;
    case 't': if (is("to", 't')) to = value; break;
    case 'i': if (is("call-id", 'i')) call_id = value; break;
    case 'm': if (is("contact", 'm')) contact = value; break;
    case 'c':
      if (is("call-id", 0)) call_id = value;
      if (is("contact", 0)) contact = value;
      if (is("cseq", 0)) {
        const std::size_t blank = value.find(' ');
        if (blank == value.npos || !read_number(value.substr(0, blank), cseq)) return false;
        cseq_method = trimmed(value.substr(blank));
      }
      break;
    case 'r':
      if (is("record-route", 0)) {
        if (route_count_ == max_record_routes) return false;
        routes_[route_count_++] = value;
      }
      if (is("retry-after", 0)) retry_after = value;
      break;
    default: break;
  }
  return true;
}

std::optional<sip_text> read_sip(std::string_view datagram) {
  sip_text out;
  std::string_view rest = datagram;
  const std::string_view start = take_line(rest);
  if (start.starts_with("SIP/2.0 ")) {
    if (start.size() < 11 || !read_number(start.substr(8, 3), out.status) || out.status < 100 || out.status > 699) {
      return std::nullopt;
    }
  } else {
    const std::size_t first = start.find(' ');
    const std::size_t last = start.rfind(' ');
    if (first == start.npos || first == last || start.substr(last + 1) != "SIP/2.0") return std::nullopt;
    out.method = start.substr(0, first);
    out.request_uri = start.substr(first + 1, last - first - 1);
  }
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !out.take_header(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)))) {
      return std::nullopt;
    }
  }
  if (out.via_count_ == 0 || out.from.empty() || out.to.empty() || out.call_id.empty() || out.cseq_method.empty()) {
    return std::nullopt;
  }
  // The first of several elements in one line: its parameters end at the comma.
  const std::string_view top = out.vias_[0].substr(0, out.vias_[0].find(','));
  out.branch = parameter(top, "branch");
  return out;
}

std::string_view parameter(std::string_view value, std::string_view name) {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && quoted) {
      ++i;
      continue;
    }
    if (value[i] == '"') quoted = !quoted;
    if (quoted || value[i] != ';') continue;
    const std::string_view from = value.substr(i + 1);
    const std::size_t end = std::min(from.find_first_of(";>,"), from.size());
    const std::string_view item = trimmed(from.substr(0, end));
    const std::size_t equals = item.find('=');
    if (equals != item.npos && same(trimmed(item.substr(0, equals)), name)) return trimmed(item.substr(equals + 1));
  }
  return {};
}

std::string_view uri_in(std::string_view value) {
  const std::size_t quote = value.find('"');
  std::size_t from = 0;
  if (quote == 0) {
    for (from = 1; from < value.size() && value[from] != '"'; ++from) {
      if (value[from] == '\\') ++from;
    }
    from = std::min(from, value.size());
  }
  const std::size_t open = value.find('<', from);
  if (open != value.npos) {
    const std::size_t close = value.find('>', open);
    return close == value.npos ? std::string_view{} : value.substr(open + 1, close - open - 1);
  }
  return value.substr(0, value.find(';'));
}

std::string_view user_of(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == uri.npos) return {};
  const std::string_view rest = uri.substr(colon + 1);
  const std::size_t at = rest.find('@');
  return at == rest.npos ? std::string_view{} : rest.substr(0, at);
}

std::optional<endpoint> address_of(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == uri.npos) return std::nullopt;
  std::string_view rest = uri.substr(colon + 1);
  const std::size_t at = rest.find('@');
  if (at != rest.npos) rest.remove_prefix(at + 1);
  rest = rest.substr(0, rest.find_first_of(";?"));
  const std::size_t bracket = rest.rfind(']');
  const std::size_t port_at = rest.find(':', bracket == rest.npos ? 0 : bracket);
  std::uint16_t port = 5060;
  if (port_at != rest.npos && !read_number(rest.substr(port_at + 1), port)) return std::nullopt;
  return parse_address(rest.substr(0, port_at), port);
}

}  // namespace reveille::load
