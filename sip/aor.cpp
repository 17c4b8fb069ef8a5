// What two URIs have in common: the canonical address-of-record and RFC 3261's equality.
#include <cstddef>

#include <algorithm>
#include <array>

#include "sip/chars.hpp"
#include "sip/grammar.hpp"
#include "sip/limits.hpp"
#include "sip/uri.hpp"

namespace reveille::sip {
namespace {

constexpr char upper_hex[] = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return chars::is(c, chars::alpha | chars::digit) || std::string_view("-_.!~*'()").find(c) != std::string_view::npos;
}

/// One octet of escaped text with its meaning: `%61` and `a` are one and the same, `%2B` and `+` are not (RFC 3261 19.1.4).
struct unit {
  char octet = 0;
  bool escaped = false;
  bool operator==(const unit&) const = default;
};

unit take_unit(std::string_view& rest) {
  unit out{rest[0], false};
  std::size_t size = 1;
  if (rest[0] == '%' && rest.size() >= 3) {
    const int high = chars::hex_value(rest[1]);
    const int low = chars::hex_value(rest[2]);
    if (high >= 0 && low >= 0) {
      out.octet = static_cast<char>(high * 16 + low);
      out.escaped = !is_unreserved(out.octet);
      size = 3;
    }
  } else if (rest[0] == '#') {
    out.escaped = true;  // legal only as %23
  }
  rest.remove_prefix(size);
  return out;
}

enum class letters : std::uint8_t { as_written, caseless };

bool same_text(std::string_view a, std::string_view b, letters how) {
  while (!a.empty() && !b.empty()) {
    unit x = take_unit(a);
    unit y = take_unit(b);
    if (how == letters::caseless) {
      x.octet = chars::lower(x.octet);
      y.octet = chars::lower(y.octet);
    }
    if (x != y) return false;
  }
  return a.empty() && b.empty();
}

/// These never match when only one side has them; any other parameter does (RFC 3261 19.1.4).
bool matters_alone(std::string_view name) {
  for (const std::string_view known : {"user", "ttl", "method", "maddr", "transport"}) {
    if (same_text(name, known, letters::caseless)) return true;
  }
  return false;
}

constexpr std::uint64_t hash_start = 0xcbf29ce484222325U;  // FNV-1a
/// The same for texts that are same_text().
std::uint64_t hash_of(std::string_view text, letters how, std::uint64_t hash = hash_start) {
  while (!text.empty()) {
    const unit u = take_unit(text);
    const char octet = how == letters::caseless ? chars::lower(u.octet) : u.octet;
    hash = (hash ^ (static_cast<unsigned char>(octet) | (u.escaped ? 256U : 0U))) * 0x100000001b3U;
  }
  return hash;
}

/// The parameters of one URI, cut once: comparing each with each is then a matter of their hashes.
class param_table {
 public:
  explicit param_table(const params_view& params) {
    params.for_each([&](std::string_view name, const std::optional<std::string_view>& value) {
      whole_ = count_ < static_cast<std::ptrdiff_t>(params_.size());
      if (whole_) params_[static_cast<std::size_t>(count_++)] = {hash_of(name, letters::caseless), name, value.value_or(std::string_view{})};
      return whole_;
    });
  }
  /// Each of ours that they have has the same value there, and what they lack does not matter.
  bool agrees_with(const param_table& other) const {
    if (!whole_ || !other.whole_) return false;
    return std::all_of(params_.begin(), params_.begin() + count_, [&](const param& ours) {
      const param* const theirs = other.find(ours);
      return theirs != nullptr ? same_text(ours.value, theirs->value, letters::caseless) : !matters_alone(ours.name);
    });
  }

 private:
  struct param {
    std::uint64_t hash = 0;   ///< of the name, unescaped, in small letters
    std::string_view name;
    std::string_view value;
  };
  const param* find(const param& wanted) const {
    for (std::ptrdiff_t i = 0; i < count_; ++i) {
      const param& p = params_[static_cast<std::size_t>(i)];
      if (p.hash == wanted.hash && same_text(p.name, wanted.name, letters::caseless)) return &p;
    }
    return nullptr;
  }

  std::array<param, limits::params> params_;
  std::ptrdiff_t count_ = 0;
  bool whole_ = true;   ///< no more than a parsed URI may have
};

bool params_agree(const params_view& a, const params_view& b) {
  if (a.text().empty() && b.text().empty()) return true;
  const param_table left(a);
  const param_table right(b);
  return left.agrees_with(right) && right.agrees_with(left);
}

std::size_t count_headers(std::string_view headers) {
  std::size_t n = headers.empty() ? 0 : 1;
  for (const char c : headers) n += c == '&' ? 1 : 0;
  return n;
}

/// Takes `name=value` off the front of `rest`.
bool next_header(std::string_view& rest, std::string_view& name, std::string_view& value) {
  if (rest.empty()) return false;
  const std::size_t end = rest.find('&');
  const std::string_view piece = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  const std::size_t equals = piece.find('=');
  name = piece.substr(0, equals);
  value = equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1);
  return true;
}

bool headers_agree(std::string_view a, std::string_view b) {
  const std::size_t count = count_headers(a);
  if (count != count_headers(b) || count > limits::params) return false;  // no parsed URI has more
  struct field {
    std::uint64_t hash = 0;  ///< of both
    std::string_view name;
    std::string_view value;
  };
  std::array<field, limits::params> theirs;
  const auto end = theirs.begin() + static_cast<std::ptrdiff_t>(count);
  const auto next = [](std::string_view& rest, field& out) {
    if (!next_header(rest, out.name, out.value)) return false;
    out.hash = hash_of(out.value, letters::as_written, hash_of(out.name, letters::caseless));
    return true;
  };
  for (auto f = theirs.begin(); f != end && next(b, *f); ++f) {}
  for (field ours; next(a, ours);) {
    const bool found = std::any_of(theirs.begin(), end, [&](const field& f) {
      return f.hash == ours.hash && same_text(ours.name, f.name, letters::caseless) &&
             same_text(ours.value, f.value, letters::as_written);
    });
    if (!found) return false;
  }
  return true;
}

bool append_aor(const uri_view& uri, std::string_view default_host, std::string& out) {
  if (uri.is_tel()) {
    if (default_host.empty()) return false;
    for (const char c : uri.opaque) {  // visual separators mean nothing (RFC 3966 5.1.1)
      if (c != '-' && c != '.' && c != '(' && c != ')') out += c;
    }
    out += '@';
    for (const char c : default_host) out += chars::lower(c);
    return true;
  }
  if (!uri.is_sip() || uri.user.empty()) return false;
  const std::size_t plain = std::min(uri.user.find('%'), uri.user.find('#'));  // nearly always all of it
  out += uri.user.substr(0, plain);
  for (std::string_view rest = plain < uri.user.size() ? uri.user.substr(plain) : ""; !rest.empty();) {
    const unit u = take_unit(rest);
    if (u.escaped) {
      const auto octet = static_cast<unsigned char>(u.octet);
      out += '%';
      out += upper_hex[octet >> 4];
      out += upper_hex[octet & 15];
    } else {
      out += u.octet;
    }
  }
  out += '@';
  const std::size_t host = out.size();
  out += uri.host;
  for (std::size_t i = host; i < out.size(); ++i) out[i] = chars::lower(out[i]);
  return true;
}

}  // namespace

bool equivalent(const uri_view& a, const uri_view& b) {
  if (a.text == b.text) return true;  // also when a parameter comes twice, which would differ from itself
  if (!a.is_sip() || !b.is_sip()) return false;
  return chars::iequal(a.scheme, b.scheme) && same_text(a.user, b.user, letters::as_written) &&
         same_text(a.password, b.password, letters::as_written) && chars::iequal(a.host, b.host) && a.port == b.port &&
         params_agree(a.params, b.params) && headers_agree(a.headers, b.headers);
}

result<aor> aor_of(const uri_view& uri, std::string_view default_host) {
  std::string out;
  if (!append_aor(uri, default_host, out)) return failure("no address-of-record in a URI without user, or of this scheme");
  return aor(std::move(out));
}

bool write_aor(const uri_view& uri, std::string& out) {
  out.clear();
  return append_aor(uri, {}, out);
}

}  // namespace reveille::sip
