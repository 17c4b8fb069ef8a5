#include "mock_providers/apns/apns_mock.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "mock_providers/requests/json_check.hpp"
#include "pns/payload.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::size_t max_collapse_id = 64;
constexpr std::size_t max_token = 200;           // hexadecimal digits; Apple promises no length, but has a limit
constexpr std::size_t max_verified = 256;        // tokens remembered; then all are forgotten
constexpr seconds token_life{3600};
constexpr seconds clock_tolerance{60};           // for an iat ahead of our clock
constexpr seconds token_update_pause{20 * 60};

struct push_type_row {
  std::string_view name;
  std::string_view suffix;
};
constexpr push_type_row push_types[] = {{"alert", ""},
                                        {"background", ""},
                                        {"voip", ".voip"},
                                        {"complication", ".complication"},
                                        {"fileprovider", ".pushkit.fileprovider"},
                                        {"location", ".location-query"},
                                        {"liveactivity", ".push-type.liveactivity"},
                                        {"pushtotalk", ".voip-ptt"},
                                        {"widgets", ".push-type.widgets"},
                                        {"controls", ".push-type.controls"},
                                        {"mdm", ""}};

/// The fields that a push may have, once each.
enum field : std::uint8_t { id_field, topic_field, type_field, priority_field, expiration_field, collapse_field, authorization_field, field_count };
constexpr std::string_view field_names[field_count] = {"apns-id",         "apns-topic",       "apns-push-type", "apns-priority",
                                                       "apns-expiration", "apns-collapse-id", "authorization"};

struct known_fields {
  std::optional<std::string_view> at[field_count];
  bool doubled = false;

  explicit known_fields(const http2::header_block& headers) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
      const http2::header h = headers.at(i);
      if (h.name.size() < 7 || h.name.front() != 'a') continue;
      for (std::size_t f = 0; f < field_count; ++f) {
        if (h.name != field_names[f]) continue;
        doubled |= at[f].has_value();
        at[f] = h.value;
        break;
      }
    }
  }
  std::string_view of(field f) const { return at[f].value_or(std::string_view()); }
};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_canonical_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i]) || (text[i] >= 'A' && text[i] <= 'F')) return false;
  }
  return true;
}

}  // namespace

struct apns_mock::fault {
  int status;
  std::string_view reason;
  std::optional<wall_time> stamp = std::nullopt;
};

struct apns_mock::parsed {
  explicit parsed(const provider_request& request) : fields(request.headers) {}
  known_fields fields;
  std::string_view id;
  std::string_view topic;
  std::string_view bundle;      ///< topic without the push type's suffix
  std::string_view push_type;   ///< "" when absent
  std::string_view token;
  std::optional<wall_time> expires;
  bool low_priority = false;    ///< 5 or 1: the device's power comes first
};

apns_mock::apns_mock(pns::provider environment, const apns_mock_config& config, const device_table& devices,
                     random_source& random)
    : environment_(environment), config_(config), devices_(devices), random_(random), device_limits_(config.per_device_per_minute) {}

void apns_mock::use(const std::vector<apns_team_account>& teams) {
  verified_.clear();  // it holds pointers into keys_
  keys_.clear();
  for (const apns_team_account& team : teams) {
    for (const apns_key_account& key : team.keys) {
      auto half = verifying_half(key.key_pem);
      if (!half) continue;
      // A key for some topics only is good for those of them that the team has.
      keys_.push_back({key.key_id, team.team_id, key.scope, key.bundles.empty() ? team.bundles : key.bundles, std::move(*half)});
    }
  }
}

std::string apns_mock::new_id() {
  static constexpr char hex[] = "0123456789abcdef";
  const std::uint64_t bits[2] = {random_.next(), random_.next()};
  std::string id;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) id += '-';
    id += i == 12 ? '4' : hex[(bits[i / 16] >> (4 * (i % 16))) & 15];
  }
  return id;
}

provider_answer apns_mock::answer(apns_connection& connection, const provider_request& request, const instant& now,
                                  notification& out) {
  parsed p(request);
  std::optional<fault> found = check_headers(connection, request, p);
  const auto check_sender = [&](apns_connection& of) {
    return of.certificate ? check_certificate(*of.certificate, p) : check_authorization(of, p, now);
  };
  std::string_view also;
  if (!found && (found = check_device(request, p))) {
    // Who pushes to tokens that are not known should still hear of a wrong key, though not from the answer (PROVIDERS 1.6).
    apns_connection untouched = connection;
    if (const auto second = check_sender(untouched)) also = second->reason;
  } else if (!found) {
    found = check_sender(connection);
  }
  if (!found) found = check_body(request, p);
  if (!found) found = check_rate(p, now);

  provider_answer a;
  a.id = p.id.empty() ? new_id() : std::string(p.id);
  a.headers.emplace_back("apns-id", a.id);
  if (environment_ == pns::provider::apns_dev) a.headers.emplace_back("apns-unique-id", new_id());
  // What the record shows even of refused pushes.
  out.provider = environment_;
  out.token = p.token;
  out.app = p.bundle;
  out.push_type = p.push_type;
  out.id = a.id;
  out.payload = request.body;
  out.accepted_at = now.wall;
  out.expires = p.expires;
  out.low_priority = p.low_priority;
  out.collapse_key = p.fields.of(collapse_field);
  out.own_id = !p.id.empty();
  if (found) {
    a.status = found->status;
    a.reason = found->reason;
    a.also = also;
    a.content_type = "application/json";
    a.body = R"({"reason":")" + a.reason + '"';
    if (found->stamp) a.body += R"(,"timestamp":)" + std::to_string(found->stamp->time_since_epoch().count());
    a.body += '}';
    return a;
  }
  a.accepted = true;
  return a;
}

std::optional<apns_mock::fault> apns_mock::check_headers(const apns_connection& connection,
                                                         const provider_request& request, parsed& p) const {
  const known_fields& h = p.fields;
  if (h.doubled) return fault{400, "DuplicateHeaders"};
  if (h.at[id_field]) {
    if (!is_canonical_uuid(*h.at[id_field])) return fault{400, "BadMessageId"};
    p.id = *h.at[id_field];
  }
  if (request.method != "POST") return fault{405, "MethodNotAllowed"};
  p.topic = h.of(topic_field);
  // A certificate's subject is its default topic.
  if (p.topic.empty() && connection.certificate) p.topic = connection.certificate->bundle;
  p.bundle = p.topic;
  if (p.topic.empty()) return fault{400, "MissingTopic"};
  if (h.of(collapse_field).size() > max_collapse_id) return fault{400, "BadCollapseId"};

  const std::string_view priority = h.at[priority_field].value_or("10");
  if (priority != "10" && priority != "5" && priority != "1") return fault{400, "BadPriority"};
  p.low_priority = priority != "10";
  const auto type = h.at[type_field];
  if (type) {
    const auto* row = std::find_if(std::begin(push_types), std::end(push_types),
                                   [&](const push_type_row& r) { return r.name == *type; });
    if (row == std::end(push_types)) return fault{400, "InvalidPushType"};
    p.push_type = *type;
    // Apple: location is for token authentication only; no word is documented, this one leads to the right header.
    if (*type == "location" && connection.certificate) return fault{400, "InvalidPushType"};
    // Apple: background "5 only, 10 is an error".
    if (*type == "background" && priority != "5") return fault{400, "BadPriority"};
    // Apple documents no word for a topic whose suffix is another push type's; BadTopic leads to the right header.
    if (!p.topic.ends_with(row->suffix) || p.topic.size() == row->suffix.size()) return fault{400, "BadTopic"};
    if (row->suffix.empty() && *type != "mdm" && p.topic.ends_with(".voip")) return fault{400, "BadTopic"};
    p.bundle.remove_suffix(row->suffix.size());
  } else {
    // Old clients name no type; the topic's suffix still is none of the bundle's.
    for (const push_type_row& row : push_types) {
      if (!row.suffix.empty() && p.topic.ends_with(row.suffix) && p.topic.size() > row.suffix.size() && p.bundle == p.topic) {
        p.bundle.remove_suffix(row.suffix.size());
      }
    }
  }
  if (const auto expiration = h.at[expiration_field]) {
    std::int64_t stamp = 0;
    const auto [end, code] = std::from_chars(expiration->data(), expiration->data() + expiration->size(), stamp);
    const bool number = code == std::errc{} && end == expiration->data() + expiration->size();
    if (!number || stamp < 0 || stamp > 253'402'300'799) return fault{400, "BadExpirationDate"};
    p.expires = wall_time(seconds(stamp));
  }
  return std::nullopt;
}

std::optional<apns_mock::fault> apns_mock::check_device(const provider_request& request, parsed& p) const {
  constexpr std::string_view prefix = "/3/device/";
  if (!request.path.starts_with(prefix)) return fault{404, "BadPath"};
  const std::string_view token = request.path.substr(prefix.size());
  if (token.empty()) return fault{400, "MissingDeviceToken"};
  p.token = token;
  const bool hex = token.size() % 2 == 0 && token.size() <= max_token && std::all_of(token.begin(), token.end(), is_hex);
  if (!hex || !devices_.is_known(environment_, token)) return fault{400, "BadDeviceToken"};
  if (const device* d = devices_.find(environment_, token)) {
    if (!d->app.empty() && d->app != p.topic) return fault{400, "DeviceTokenNotForTopic"};
    if (d->unregistered_at) return fault{410, d->expired ? "ExpiredToken" : "Unregistered", d->unregistered_at};
  }
  return std::nullopt;
}

const apns_mock::verified_token& apns_mock::verify(const std::string& jwt) {
  const auto known = verified_.find(jwt);
  if (known != verified_.end()) return known->second;
  if (verified_.size() >= max_verified) verified_.clear();
  verified_token& out = verified_[jwt];
  const auto parts = pns::split_jwt(jwt);
  if (!parts) return out;
  if (!is_json_object(parts->header) || !is_json_object(parts->claims)) return out;   // and none too deep to be copied
  const json header = json::parse(parts->header, nullptr, false);
  const json claims = json::parse(parts->claims, nullptr, false);
  if (header.value("alg", json()) != "ES256" || !header.value("kid", json()).is_string()) return out;
  const json issued = claims.value("iat", json());
  if (!issued.is_number_integer() || issued.get<std::int64_t>() < 0 || issued.get<std::int64_t>() > 253'402'300'799) return out;
  const std::string& key_id = header["kid"].get_ref<const std::string&>();
  for (const signing_key_of_team& key : keys_) {
    if (key.key_id != key_id || claims.value("iss", json()) != key.team_id) continue;
    if (!key.key.verify(parts->signed_text, parts->signature)) continue;
    out.key = &key;
    out.issued = wall_time(seconds(issued.get<std::int64_t>()));
  }
  return out;
}

std::optional<apns_mock::fault> apns_mock::check_authorization(apns_connection& connection,
                                                               const parsed& p, const instant& now) {
  const auto value = p.fields.at[authorization_field];
  if (!value || value->empty()) return fault{403, "MissingProviderToken"};
  if (connection.token_expired) return fault{403, "ExpiredProviderToken"};
  if (*value != connection.authorization) {
    if (!value->starts_with("bearer ")) return fault{403, "InvalidProviderToken"};
    const verified_token& token = verify(std::string(value->substr(7)));
    if (!token.key || token.issued > now.wall + clock_tolerance) return fault{403, "InvalidProviderToken"};
    const key_scope elsewhere = environment_ == pns::provider::apns ? key_scope::sandbox : key_scope::production;
    if (token.key->scope == elsewhere) return fault{403, "BadEnvironmentKeyIdInToken"};
    if (!connection.team_id.empty() && connection.team_id != token.key->team_id) return fault{403, "InvalidProviderToken"};
    if (!connection.key_id.empty() && connection.key_id != token.key->key_id) return fault{403, "UnrelatedKeyIdInToken"};
    const bool too_soon = !connection.authorization.empty() && now.steady - connection.first_seen < token_update_pause;
    if (config_.token_update_limit && too_soon) return fault{429, "TooManyProviderTokenUpdates"};
    connection.key_id = token.key->key_id;
    connection.team_id = token.key->team_id;
    connection.authorization = *value;
    connection.bundles = token.key->bundles;
    connection.issued = token.issued;
    connection.first_seen = now.steady;
  }
  if (now.wall - connection.issued > token_life) {
    connection.token_expired = true;
    return fault{403, "ExpiredProviderToken"};
  }
  if (!connection.bundles.empty() &&
      std::find(connection.bundles.begin(), connection.bundles.end(), p.bundle) == connection.bundles.end()) {
    return fault{400, "TopicDisallowed"};
  }
  return std::nullopt;
}

std::optional<apns_mock::fault> apns_mock::check_certificate(const client_certificate& certificate, const parsed& p) const {
  if (certificate.bundle.empty() || (!certificate.production && !certificate.sandbox)) return fault{403, "BadCertificate"};
  const bool fits = environment_ == pns::provider::apns ? certificate.production : certificate.sandbox;
  if (!fits) return fault{403, "BadCertificateEnvironment"};
  if (!certificate.allows(p.topic)) return fault{400, "BadTopic"};   // as pushy's mock says
  return std::nullopt;
}

std::optional<apns_mock::fault> apns_mock::check_body(const provider_request& request, const parsed& p) const {
  if (request.body.empty()) return fault{400, "PayloadEmpty"};
  const std::size_t limit = p.push_type == "voip" ? pns::voip_payload_limit : pns::payload_limit;
  if (request.truncated || request.body.size() > limit) return fault{413, "PayloadTooLarge"};
  // Apple documents no word for a body that is no JSON object; it carries no payload, so:
  if (!is_json_object(request.body)) return fault{400, "PayloadEmpty"};
  return std::nullopt;
}

std::optional<apns_mock::fault> apns_mock::check_rate(const parsed& p, const instant& now) {
  return device_limits_.add(p.token, now) > 0 ? std::optional(fault{429, "TooManyRequests"}) : std::nullopt;
}

}  // namespace reveille::mock_providers
