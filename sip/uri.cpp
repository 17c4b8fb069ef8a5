#include "sip/uri.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "sip/grammar.hpp"
#include "sip/limits.hpp"

namespace reveille::sip {

std::string_view text_of(fault f) {
  switch (f) {
    case fault::none: return "no fault";
    case fault::scheme: return "URI has no scheme";
    case fault::user: return "malformed user part";
    case fault::host: return "malformed host";
    case fault::port: return "port is not 1 to 65535";
    case fault::uri_params: return "malformed URI parameters";
    case fault::uri_headers: return "malformed URI headers";
    case fault::opaque: return "malformed URI";
    case fault::quoted_string: return "unterminated quoted string";
    case fault::display_name: return "malformed display name";
    case fault::brackets: return "missing or misplaced <>";
    case fault::params: return "malformed parameters";
    case fault::too_many_params: return "too many parameters";
    case fault::sent_protocol: return "malformed sent-protocol";
    case fault::trailing: return "more than one element";
  }
  return "no fault";
}

namespace grammar {
namespace {

constexpr std::ptrdiff_t longest_ipv6 = 48;   // with brackets and an embedded IPv4 address
constexpr std::ptrdiff_t longest_name = 255;  // RFC 1035 2.3.4

bool fail(fault& why, fault what) {
  why = what;
  return false;
}

/// `*(";" pname ["=" pvalue])` up to `?` or the end; no blanks anywhere.
const char* uri_params(const char* p, const char* end, params_view& out, fault& why) {
  using namespace chars;
  const char* const begin = p;
  for (std::size_t count = 0; p != end && *p == ';'; ++count) {
    if (count == limits::params) {
      why = fault::too_many_params;
      return nullptr;
    }
    const char* const name = ++p;
    p = skip_escaped(p, end, uri_param);
    if (p == name || *name == '=') {
      why = fault::uri_params;
      return nullptr;
    }
  }
  out = params_view(between(begin, p));
  return p;
}

bool sip_uri(const char* p, const char* end, uri_view& out, fault& why) {
  using chars::between, chars::skip_escaped;
  if (const void* at = std::memchr(p, '@', static_cast<std::size_t>(end - p))) {
    // User info cannot hold an unescaped '@', so the first one ends it whatever stands before (RFC 4475 3.1.1.9).
    const char* const user_end = static_cast<const char*>(at);
    const char* const begin = p;
    p = skip_escaped(p, user_end, chars::user);
    out.user = between(begin, p);
    if (p == begin) return fail(why, fault::user);
    if (p != user_end) {
      if (*p != ':') return fail(why, fault::user);
      const char* const secret = ++p;
      p = skip_escaped(p, user_end, chars::password);
      if (p != user_end) return fail(why, fault::user);
      out.password = between(secret, p);
    }
    p = user_end + 1;
  }
  if ((p = host(p, end, out.host, why)) == nullptr) return false;
  if (p != end && *p == ':' && (p = port(p + 1, end, out.port, why)) == nullptr) return false;
  if (p != end && *p == ';') {
    p = uri_params(p, end, out.params, why);
    if (p == nullptr) return false;
  }
  if (p != end && *p == '?') {
    const char* const begin = ++p;
    p = skip_escaped(p, end, chars::uri_header);
    if (p == begin) return fail(why, fault::uri_headers);
    out.headers = between(begin, p);
    if (p != end) return fail(why, fault::uri_headers);
    // Two URIs are compared header by header.
    if (std::count(begin, end, '&') >= static_cast<std::ptrdiff_t>(limits::params)) return fail(why, fault::too_many_params);
  }
  if (p != end) return fail(why, out.params.text().empty() ? fault::host : fault::uri_params);
  return true;
}

bool tel_uri(const char* p, const char* end, uri_view& out, fault& why) {
  using namespace chars;
  const char* const begin = p;
  bool digits = false;
  while (p != end && *p != ';') {
    const char c = *p;
    const bool separator = c == '-' || c == '.' || c == '(' || c == ')' || (c == '+' && p == begin);
    if (!separator && !is(c, hex) && c != '*' && c != '#') return fail(why, fault::opaque);
    if (!separator) digits = true;
    ++p;
  }
  if (!digits) return fail(why, fault::opaque);
  out.opaque = between(begin, p);
  if (p == end) return true;
  p = uri_params(p, end, out.params, why);
  if (p == nullptr) return false;
  return p == end || fail(why, fault::uri_params);
}

}  // namespace

const char* host(const char* p, const char* end, std::string_view& out, fault& why) {
  const char* const begin = p;
  if (p != end && *p == '[') {
    // Loosely, so that the three-colon form of RFC 5118 4.10 passes: what the address means is the resolver's to judge.
    int colons = 0;
    for (++p; p != end && (chars::is(*p, chars::hex) || *p == ':' || *p == '.'); ++p) colons += *p == ':' ? 1 : 0;
    if (p == end || *p != ']' || colons < 2 || p - begin > longest_ipv6) {
      why = fault::host;
      return nullptr;
    }
    ++p;
  } else {
    p = chars::skip(p, end, chars::host);
    if (p == begin || p - begin > longest_name) {
      why = fault::host;
      return nullptr;
    }
  }
  out = chars::between(begin, p);
  return p;
}

const char* port(const char* p, const char* end, std::uint16_t& out, fault& why) {
  const char* const begin = p;
  std::uint32_t value = 0;
  for (; p != end && chars::is(*p, chars::digit) && p - begin < 6; ++p) {
    value = value * 10 + static_cast<std::uint32_t>(*p - '0');
  }
  if (p == begin || value == 0 || value > 65535) {
    why = fault::port;
    return nullptr;
  }
  out = static_cast<std::uint16_t>(value);
  return p;
}

bool uri(const char* p, const char* end, uri_view& out, fault& why) {
  using namespace chars;
  out = uri_view{};
  out.text = between(p, end);
  if (p == end || !is(*p, alpha)) return fail(why, fault::scheme);
  const char* const begin = p;
  p = skip(p, end, scheme);
  if (p == end || *p != ':') return fail(why, fault::scheme);
  out.scheme = between(begin, p);
  ++p;
  if (out.is_sip()) return sip_uri(p, end, out, why);
  if (out.is_tel()) return tel_uri(p, end, out, why);
  out.opaque = between(p, end);
  return all(out.opaque, opaque) || fail(why, fault::opaque);
}

}  // namespace grammar

bool uri_view::is_sip() const {
  if (scheme.size() != 3 && scheme.size() != 4) return false;
  return chars::lower(scheme[0]) == 's' && chars::lower(scheme[1]) == 'i' && chars::lower(scheme[2]) == 'p' &&
         (scheme.size() == 3 || chars::lower(scheme[3]) == 's');
}

bool uri_view::is_tel() const { return chars::iequal(scheme, "tel"); }

result<uri_view> parse_uri(std::string_view text) {
  uri_view out;
  fault why = fault::none;
  if (!grammar::uri(text.data(), text.data() + text.size(), out, why)) return failure(std::string(text_of(why)));
  return out;
}

params_view params_of_checked(std::string_view uri) {
  const std::size_t at = uri.find('@');  // ends the user info, which may hold semicolons; nothing behind it holds another
  const std::size_t begin = uri.find(';', at == std::string_view::npos ? 0 : at);
  if (begin == std::string_view::npos) return params_view();
  return params_view(uri.substr(begin, uri.find('?', begin) - begin));
}

std::string unescape(std::string_view escaped) {
  if (escaped.find('%') == std::string_view::npos) return std::string(escaped);
  std::string out;
  out.reserve(escaped.size());
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] == '%' && i + 2 < escaped.size()) {
      const int high = chars::hex_value(escaped[i + 1]);
      const int low = chars::hex_value(escaped[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += escaped[i];
  }
  return out;
}

}  // namespace reveille::sip
