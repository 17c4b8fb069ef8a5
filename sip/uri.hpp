/// URIs and name-addr without allocation: every view points into the text it was parsed from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace reveille::sip {

/// Parameters as they stand: ";a=b;c". Names compare without regard to case; values may be quoted strings.
class params_view {
 public:
  params_view() = default;
  explicit params_view(std::string_view text) : text_(text) {}

  /// Raw value of the first parameter of that name: "" when it has no '=', nullopt when absent.
  /// Quoted strings come with their quotes.
  std::optional<std::string_view> find(std::string_view name) const;
  /// visit(name, optional<value>) in order; stops when it returns false.
  template <class Visit>
  void for_each(Visit&& visit) const;
  std::string_view text() const { return text_; }

 private:
  /// Takes the next parameter off the front of `rest`; false at the end.
  static bool next(std::string_view& rest, std::string_view& name, std::optional<std::string_view>& value);
  std::string_view text_;
};

template <class Visit>
void params_view::for_each(Visit&& visit) const {
  std::string_view rest = text_;
  std::string_view name;
  std::optional<std::string_view> value;
  while (next(rest, name, value)) {
    if (!visit(name, value)) return;
  }
}

/// sip:, sips: and tel: in parts; any other scheme has only `scheme` and `opaque`.
struct uri_view {
  std::string_view text;      ///< all of it
  std::string_view scheme;    ///< as written
  std::string_view user;      ///< still escaped; "" when none
  std::string_view password;
  std::string_view host;      ///< IPv6 with its brackets
  std::uint16_t port = 0;     ///< 0 = not given
  params_view params;
  std::string_view headers;   ///< after '?'
  std::string_view opaque;    ///< tel: the number; others: all after the colon

  bool is_sip() const;        ///< sip or sips
  bool is_tel() const;
};

/// Strict (RFC 3261 25.1); splits first, unescapes never.
result<uri_view> parse_uri(std::string_view text);
/// The parameters of a sip or sips URI that parse_uri() has accepted before, found without judging it again.
params_view params_of_checked(std::string_view uri);

/// From, To, Contact, Route...: `"Ann" <sip:ann@example.com>;tag=1` or `sip:ann@example.com;tag=1`.
struct name_addr_view {
  std::string_view display_name;  ///< raw: with its quotes, or tokens; "" when none
  uri_view uri;
  params_view params;             ///< header parameters
};
/// One element (no comma list). Without <> the parameters belong to the header and the URI may not hold '?' or ','.
result<name_addr_view> parse_name_addr(std::string_view text);

/// Display name without quotes and backslashes.
std::string unquote(std::string_view quoted);
/// %HH undone, everything else as it is; malformed escapes stay.
std::string unescape(std::string_view escaped);

/// RFC 3261 19.1.4 equality, for sip and sips; others octet by octet.
bool equivalent(const uri_view& a, const uri_view& b);

/// Canonical user@host of a sip, sips or tel URI (see reveille::aor); tel numbers take `default_host`.
/// Error for other schemes.
result<aor> aor_of(const uri_view& uri, std::string_view default_host = {});
/// The same into `out` (cleared first): no allocation once `out` has grown. False for other schemes.
bool write_aor(const uri_view& uri, std::string& out);

}  // namespace reveille::sip
