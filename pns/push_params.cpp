#include "pns/push_params.hpp"

#include <algorithm>
#include <array>

namespace reveille::pns {
namespace {

/// SPEC 2.1: all of pn-prid, both tokens of the combined form together.
constexpr std::size_t max_prid_octets = 4096;
/// Apple allows 155 in a bundle id, Google 30 in a project id; domain-scoped projects are longer.
constexpr std::size_t max_app_octets = 255;
/// One token for each token_service.
constexpr std::size_t max_tokens = 2;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

/// Octets of which a token may be made: one look-up each, since tokens are long and every new binding is checked.
using alphabet = std::array<bool, 256>;
template <class Belongs>
constexpr alphabet alphabet_of(Belongs belongs) {
  alphabet out{};
  for (unsigned c = 0; c < out.size(); ++c) out[c] = belongs(static_cast<char>(c));
  return out;
}
bool made_of(const alphabet& octets, std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [&](char c) { return octets[static_cast<unsigned char>(c)]; });
}

/// Apple promises hexadecimal digits and no length (PROVIDERS 1.1); octets come in pairs.
bool is_apns_token(std::string_view token) {
  static constexpr alphabet hexadecimal =
      alphabet_of([](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); });
  return token.size() % 2 == 0 && made_of(hexadecimal, token);
}

/// Google promises nothing; what it has ever issued is base64url with ':' and '.', older ids plain base64.
bool is_fcm_token(std::string_view token) {
  static constexpr alphabet base64_and_more = alphabet_of([](char c) {
    return is_digit(c) || is_letter(c) || std::string_view("-_:.~=+/").find(c) != std::string_view::npos;
  });
  return made_of(base64_and_more, token);
}

/// What may stand in a team id, bundle id or project id: these words go into HTTP headers and paths.
bool is_app_word(std::string_view word, std::string_view also) {
  return !word.empty() && word.size() <= max_app_octets && std::all_of(word.begin(), word.end(), [also](char c) {
    return is_digit(c) || is_letter(c) || also.find(c) != std::string_view::npos;
  });
}

std::optional<token_service> service_of(std::string_view word) {
  if (word == "remote") return token_service::plain;
  if (word == "voip") return token_service::voip;
  return std::nullopt;
}

/// `TEAM.bundle.id[.service[&service]]` (RFC 8599 4.1; two services are Linphone's).
struct apns_param {
  std::string_view team;
  std::string_view bundle;
  std::array<token_service, max_tokens> services{};
  std::size_t service_count = 0;  ///< 0 when none was written, which means `remote`
};

std::optional<apns_param> parse_apns_param(std::string_view text) {
  const std::size_t team_end = text.find('.');
  if (team_end == std::string_view::npos) return std::nullopt;
  apns_param out{text.substr(0, team_end), text.substr(team_end + 1), {}, 0};
  const std::size_t last_dot = out.bundle.rfind('.');
  if (last_dot != std::string_view::npos) {
    std::string_view words = out.bundle.substr(last_dot + 1);
    // A last part that names no service belongs to the bundle id.
    const bool combined = words.find('&') != std::string_view::npos;
    if (combined || service_of(words)) {
      for (bool more = true; more;) {
        const std::size_t cut = words.find('&');
        more = cut != std::string_view::npos;
        const std::optional<token_service> service = service_of(words.substr(0, cut));
        if (!service || out.service_count == max_tokens) return std::nullopt;
        out.services[out.service_count++] = *service;
        if (more) words.remove_prefix(cut + 1);
      }
      out.bundle = out.bundle.substr(0, last_dot);
    }
  }
  if (!is_app_word(out.team, "") || !is_app_word(out.bundle, "-._")) return std::nullopt;
  return out;
}

struct named_token {
  std::string_view value;
  std::optional<token_service> service;  ///< as its suffix says, if it has one
};

struct apns_tokens {
  std::array<named_token, max_tokens> tokens{};
  std::size_t count = 0;
};

/// `<token>[:service]`, or two with their services joined by '&'.
std::optional<apns_tokens> split_apns_prid(std::string_view text) {
  apns_tokens out;
  for (bool more = true; more;) {
    const std::size_t cut = text.find('&');
    more = cut != std::string_view::npos;
    std::string_view part = text.substr(0, cut);
    if (more) text.remove_prefix(cut + 1);
    named_token token{part, std::nullopt};
    if (const std::size_t colon = part.find(':'); colon != std::string_view::npos) {
      token = {part.substr(0, colon), service_of(part.substr(colon + 1))};
      if (!token.service) return std::nullopt;
    }
    if (!is_apns_token(token.value) || out.count == max_tokens) return std::nullopt;
    out.tokens[out.count++] = token;
  }
  // Several tokens must say which is which, and each service can have but one.
  const auto& [first, second] = out.tokens;
  if (out.count > 1 && (!first.service || !second.service || first.service == second.service)) return std::nullopt;
  return out;
}

/// Hexadecimal digits in either case name the same device.
prid apns_prid(std::string_view token) {
  std::string text(token);
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return prid(std::move(text));
}

/// @pre the prid is valid
push_target apns_target(provider p, const push_params& params) {
  const apns_tokens found = *split_apns_prid(params.prid);
  std::optional<apns_param> param = parse_apns_param(params.param);
  // Linphone's form wants as many services as tokens; a param that says otherwise selects nothing (SPEC 2.1).
  if (param && std::max<std::size_t>(param->service_count, 1) != found.count) param.reset();

  push_target target;
  target.provider = p;
  if (param) {
    target.team = param->team;
    target.app = param->bundle;
  }
  const token_service unsaid = param && param->service_count == 1 ? param->services[0] : token_service::plain;
  for (std::size_t i = 0; i < found.count; ++i) {
    const named_token& token = found.tokens[i];
    target.tokens.push_back({apns_prid(token.value), token.service.value_or(unsaid)});
  }
  return target;
}

/// @pre the prid is valid
push_target fcm_target(const push_params& params) {
  push_target target;
  target.provider = provider::fcm;
  if (is_app_word(params.param, "-._:")) target.app = params.param;  // "example.com:project" is a domain's project
  target.tokens.push_back({prid(params.prid), token_service::plain});
  return target;
}

/// A value as it was meant: header parameters may quote it, both escape it.
std::string decoded(std::string_view raw) {
  return raw.starts_with('"') ? sip::unescape(sip::unquote(raw)) : sip::unescape(raw);
}

}  // namespace

std::string_view name_of(provider p) {
  switch (p) {
    case provider::apns: return "apns";
    case provider::apns_dev: return "apns.dev";
    case provider::fcm: return "fcm";
  }
  return "";
}

std::optional<provider> provider_of(std::string_view name) {
  struct row {
    std::string_view name;
    pns::provider provider;
  };
  // The last two are what clients in the field wrongly send for FCM (PROVIDERS 4.1).
  static constexpr row rows[] = {{"apns", provider::apns},
                                 {"apns.dev", provider::apns_dev},
                                 {"fcm", provider::fcm},
                                 {"firebase", provider::fcm},
                                 {"android", provider::fcm}};
  for (const row& r : rows) {
    if (same_word(r.name, name)) return r.provider;
  }
  return std::nullopt;
}

std::optional<push_params> read_push_params(const sip::params_view& uri_params,
                                            const sip::params_view& header_params) {
  push_params out;
  bool has_prid = false;
  bool has_param = false;
  const auto take = [&](std::string_view name, std::optional<std::string_view> value) {
    if (name.size() < 3 || !same_word(name.substr(0, 3), "pn-")) return true;
    if (!out.provider_present && same_word(name, "pn-provider")) {
      out.provider_present = true;
      out.provider = decoded(value.value_or(""));
    } else if (!has_prid && same_word(name, "pn-prid")) {
      has_prid = true;
      out.prid = decoded(value.value_or(""));
    } else if (!has_param && (same_word(name, "pn-param") || same_word(name, "pn-params"))) {
      has_param = true;
      out.param = decoded(value.value_or(""));
    }
    return true;
  };
  uri_params.for_each(take);  // first, so the URI's win
  header_params.for_each(take);
  if (!out.provider_present) return std::nullopt;
  return out;
}

result<provider, push_params_fault> check_push_target(const push_params& params) {
  if (params.prid.empty()) return tl::unexpected(push_params_fault::query);
  const std::optional<provider> p = provider_of(params.provider);
  if (!p) return tl::unexpected(push_params_fault::unknown_provider);
  if (params.prid.size() > max_prid_octets) return tl::unexpected(push_params_fault::prid_too_long);
  const bool valid = *p == provider::fcm ? is_fcm_token(params.prid) : split_apns_prid(params.prid).has_value();
  if (!valid) return tl::unexpected(push_params_fault::bad_prid);
  return *p;
}

result<push_target, push_params_fault> parse_push_target(const push_params& params) {
  const auto p = check_push_target(params);
  if (!p) return tl::unexpected(p.error());
  return *p == provider::fcm ? fcm_target(params) : apns_target(*p, params);
}

bool is_push_param(std::string_view name) {
  return (name.size() > 3 && same_word(name.substr(0, 3), "pn-")) || same_word(name, "app-id");
}

}  // namespace reveille::pns
