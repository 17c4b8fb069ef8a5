#include "sip/caller_identity.hpp"

#include <optional>

#include "sip/chars.hpp"

namespace reveille::sip {
namespace {

constexpr std::size_t longest_display_name = 128;  // octets; more than any screen shows, less than a payload's bound

/// RFC 3323 4.1.1: anonymous@anonymous.invalid is the form, the rest is what is seen in its place.
bool is_anonymous(const name_addr_view& of) {
  if (!of.uri.is_sip()) return false;
  if (chars::iequal(of.uri.user, "anonymous")) return true;
  constexpr std::string_view invalid = "anonymous.invalid";
  return of.uri.host.size() >= invalid.size() &&
         chars::iequal(of.uri.host.substr(of.uri.host.size() - invalid.size()), invalid);
}

/// Privacy values that hide who calls (RFC 3323 4.2; `id` RFC 3325 9.3). `none` asks that nothing be hidden.
bool privacy_wanted(const message& request) {
  bool hide = false;
  bool none = false;
  request.for_each(header::privacy, [&](std::string_view value) {
    while (!value.empty()) {
      const std::size_t end = value.find_first_of(";,");
      const std::string_view word = chars::trim(value.substr(0, end));
      if (chars::iequal(word, "id") || chars::iequal(word, "user")) hide = true;
      if (chars::iequal(word, "header")) hide = true;
      if (chars::iequal(word, "none")) none = true;
      value = end == std::string_view::npos ? std::string_view{} : value.substr(end + 1);
    }
  });
  return hide && !none;
}

constexpr int most_identities = 2;  // RFC 3325 9.1: one sip or sips, one tel

/// The first identity that names a sip, sips or tel URI.
std::optional<name_addr_view> asserted(const message& request) {
  std::optional<name_addr_view> out;
  int seen = 0;
  request.for_each_element(header::p_asserted_identity, [&](std::string_view element) {
    if (out || ++seen > most_identities) return;
    const auto parsed = parse_name_addr(element);
    if (parsed && (parsed->uri.is_tel() || (parsed->uri.is_sip() && !parsed->uri.user.empty()))) out = *parsed;
  });
  return out;
}

/// Length of the well-formed UTF-8 sequence at the front (RFC 3629), 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  if (size == 3 && ((lead == 0xe0 && at(1) < 0xa0) || (lead == 0xed && at(1) > 0x9f))) return 0;
  if (size == 4 && ((lead == 0xf0 && at(1) < 0x90) || (lead == 0xf4 && at(1) > 0x8f))) return 0;
  return size;
}

/// Fit for a screen: broken UTF-8 and control characters become U+FFFD and blanks, too long names end whole.
std::string shown(std::string_view raw) {
  const std::string plain = unquote(raw);
  std::string out;
  for (std::string_view rest = plain; !rest.empty();) {
    const std::size_t size = utf8_length(rest);
    const bool control = size == 1 && (static_cast<unsigned char>(rest[0]) < 0x20 || rest[0] == 0x7f);
    const std::string_view piece = size == 0 ? std::string_view("\xef\xbf\xbd") : control ? " " : rest.substr(0, size);
    if (out.size() + piece.size() > longest_display_name) break;
    out += piece;
    rest.remove_prefix(size == 0 ? 1 : size);
  }
  return std::string(chars::trim(out));
}

std::string number_of(const uri_view& uri, std::string_view callee_domain) {
  if (uri.is_tel()) {
    const auto canonical = aor_of(uri, "tel");  // without visual separators; the domain is cut off again
    return canonical ? canonical->str().substr(0, canonical->str().rfind('@')) : std::string(uri.opaque);
  }
  const auto canonical = aor_of(uri);
  if (!canonical) return uri.is_sip() ? std::string(uri.host) : std::string(uri.text);
  const std::string& whole = canonical->str();
  const std::size_t at = whole.rfind('@');
  return chars::iequal(whole.substr(at + 1), callee_domain) ? whole.substr(0, at) : whole;
}

}  // namespace

caller_identity caller_identity_of(const message& request, asserted_identity trust, std::string_view callee_domain) {
  if (privacy_wanted(request)) return {"anonymous", {}};
  const auto identity = trust == asserted_identity::believe ? asserted(request) : std::nullopt;
  const name_addr_view from = request.from();
  const name_addr_view& who = identity ? *identity : from;
  if (is_anonymous(who)) return {"anonymous", {}};
  caller_identity out{number_of(who.uri, callee_domain), shown(who.display_name)};
  // An asserted identity often comes bare: the name that From shows is then better than none.
  if (out.display_name.empty() && identity && !is_anonymous(from)) out.display_name = shown(from.display_name);
  return out;
}

}  // namespace reveille::sip
