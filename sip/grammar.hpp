/// The scanning functions under uri, via and message: a position in, a position and views out. Internal to sip/.
///
/// All take [p, end) and return where they stopped, or nullptr with `why` set. None allocates, none reads past end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sip/chars.hpp"
#include "sip/limits.hpp"
#include "sip/uri.hpp"
#include "sip/via.hpp"

namespace reveille::sip {

enum class fault : std::uint8_t {
  none, scheme, user, host, port, uri_params, uri_headers, opaque, quoted_string, display_name, brackets, params,
  too_many_params, sent_protocol, trailing,
};
/// A sentence for a person.
std::string_view text_of(fault f);

namespace grammar {

/// A URI that fills [p, end).
bool uri(const char* p, const char* end, uri_view& out, fault& why);

/// Host name or address; stops behind it.
const char* host(const char* p, const char* end, std::string_view& out, fault& why);
/// 1 to 65535; stops behind it.
const char* port(const char* p, const char* end, std::uint16_t& out, fault& why);

/// `*(SEMI generic-param)`; stops at a comma or the end. visit(name, value) for each; the value of
/// a parameter without '=' has no data().
template <class Visit>
const char* header_params(const char* p, const char* end, params_view& out, fault& why, Visit&& visit);

/// The display name and URI of one name-addr or addr-spec; stops where its parameters begin.
const char* name_addr_uri(const char* p, const char* end, name_addr_view& out, fault& why);
/// One name-addr or addr-spec with its parameters; stops at a comma or the end.
template <class Visit>
const char* name_addr(const char* p, const char* end, name_addr_view& out, fault& why, Visit&& visit) {
  p = name_addr_uri(p, end, out, why);
  return p == nullptr ? nullptr : header_params(p, end, out.params, why, visit);
}
const char* name_addr(const char* p, const char* end, name_addr_view& out, fault& why);

/// One Via element; stops at a comma or the end.
const char* via(const char* p, const char* end, via_view& out, fault& why);

/// 1*DIGIT that fills `text`; larger numbers than `cap` become `cap`.
std::optional<std::uint32_t> number(std::string_view text, std::uint32_t cap);

/// One parameter, from its semicolon to before the next: what params_view walks and edits cut.
struct param {
  std::string_view name;
  std::optional<std::string_view> value;
  std::string_view text;
};
/// Takes the next parameter off the front of `rest`; false at the end. Never fails: garbage becomes odd names.
bool next_param(std::string_view& rest, param& out);

template <class Visit>
const char* header_params(const char* p, const char* end, params_view& out, fault& why, Visit&& visit) {
  using namespace chars;
  const char* const begin = p;
  const char* stop = p;  // behind the last parameter, blanks not counted
  for (std::size_t count = 0;; ++count) {
    p = skip_blanks(p, end);
    if (p == end || *p == ',') break;
    if (*p != ';') {
      why = fault::params;
      return nullptr;
    }
    if (count == limits::params) {
      why = fault::too_many_params;
      return nullptr;
    }
    p = skip_blanks(p + 1, end);
    const char* const name = p;
    p = skip(p, end, token);
    if (p == name) {
      why = fault::params;
      return nullptr;
    }
    stop = p;
    const std::string_view name_text = between(name, p);
    p = skip_blanks(p, end);
    if (p == end || *p != '=') {
      visit(name_text, std::string_view{});
      continue;
    }
    p = skip_blanks(p + 1, end);
    const char* const value = p;
    if (p != end && *p == '"') {
      p = skip_quoted(p + 1, end);
      if (p == nullptr) {
        why = fault::quoted_string;
        return nullptr;
      }
    } else {
      p = skip(p, end, param_value);
    }
    stop = p;
    visit(name_text, between(value, p));
  }
  out = params_view(between(begin, stop));
  return p;
}

}  // namespace grammar
}  // namespace reveille::sip
