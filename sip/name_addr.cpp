#include <cstring>

#include "sip/grammar.hpp"

namespace reveille::sip {
namespace grammar {
namespace {

/// `<` URI `>`; p stands on the `<`. Returns behind the `>`.
const char* bracketed_uri(const char* p, const char* end, uri_view& out, fault& why) {
  ++p;
  const void* close = std::memchr(p, '>', static_cast<std::size_t>(end - p));
  if (close == nullptr) {
    why = fault::brackets;
    return nullptr;
  }
  const char* const stop = static_cast<const char*>(close);
  return uri(p, stop, out, why) ? stop + 1 : nullptr;
}

/// A URI without <>: it ends where a parameter, a comma or a blank begins (RFC 3261 20.10).
const char* bare_uri(const char* p, const char* end, uri_view& out, fault& why) {
  const char* const begin = p;
  while (p != end && *p != ';' && *p != ',' && !chars::is(*p, chars::blank)) {
    if (*p == '?' || *p == '<' || *p == '>' || *p == '"') {
      why = fault::brackets;
      return nullptr;
    }
    ++p;
  }
  return uri(begin, p, out, why) ? p : nullptr;
}

}  // namespace

const char* name_addr(const char* p, const char* end, name_addr_view& out, fault& why) {
  return name_addr(p, end, out, why, [](std::string_view, std::string_view) {});
}

const char* name_addr_uri(const char* p, const char* end, name_addr_view& out, fault& why) {
  using namespace chars;
  p = skip_blanks(p, end);
  const char* const begin = p;
  out.display_name = {};
  if (p != end && *p == '"') {
    p = skip_quoted(p + 1, end);
    if (p == nullptr) {
      why = fault::quoted_string;
      return nullptr;
    }
    out.display_name = between(begin, p);
    p = skip_blanks(p, end);
    if (p == end || *p != '<') {
      why = fault::brackets;
      return nullptr;
    }
  } else {
    p = skip(p, end, display);
    if (p != end && *p == '<') {
      out.display_name = trim(between(begin, p));
    } else if (p != end && *p == ':') {
      return bare_uri(begin, end, out.uri, why);
    } else {
      why = fault::display_name;
      return nullptr;
    }
  }
  return bracketed_uri(p, end, out.uri, why);
}

}  // namespace grammar

result<name_addr_view> parse_name_addr(std::string_view text) {
  name_addr_view out;
  fault why = fault::none;
  const char* const end = text.data() + text.size();
  const char* const stop = grammar::name_addr(text.data(), end, out, why);
  if (stop == nullptr) return failure(std::string(text_of(why)));
  if (stop != end) return failure(std::string(text_of(fault::trailing)));
  return out;
}

std::string unquote(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"') return std::string(quoted);
  quoted = quoted.substr(1, quoted.size() - 2);
  std::string out;
  out.reserve(quoted.size());
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 1 < quoted.size()) ++i;
    out += quoted[i];
  }
  return out;
}

}  // namespace reveille::sip
