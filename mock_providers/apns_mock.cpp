#include "mock_providers/apns_mock.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "pns/payload.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::size_t max_collapse_id = 64;
constexpr std::size_t max_token = 200;           // hexadecimal digits; Apple promises no length, but has a limit
constexpr std::size_t max_verified = 256;        // tokens remembered; then all are forgotten
constexpr std::size_t max_rates = 100'000;
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

constexpr std::string_view single_headers[] = {"apns-id",         "apns-topic",       "apns-push-type", "apns-priority",
                                               "apns-expiration", "apns-collapse-id", "authorization"};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_canonical_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i]) || (text[i] >= 'A' && text[i] <= 'F')) return false;
  }
  return true;
}

/// The first field of that name; nullopt when there is none at all.
std::optional<std::string_view> find(const http2::header_block& headers, std::string_view name) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const http2::header h = headers.at(i);
    if (h.name == name) return h.value;
  }
  return std::nullopt;
}

}  // namespace

struct apns_mock::fault {
  int status;
  std::string_view reason;
  std::optional<wall_time> stamp = std::nullopt;
};

struct apns_mock::parsed {
  std::string_view id;
  std::string_view topic;
  std::string_view bundle;      ///< topic without the push type's suffix
  std::string_view push_type;   ///< "" when absent
  std::string_view token;
  std::optional<wall_time> expires;
};

apns_mock::apns_mock(pns::provider environment, apns_mock_config config, const device_table& devices,
                     random_source& random)
    : environment_(environment), config_(std::move(config)), devices_(devices), random_(random) {}

void apns_mock::add_key(apns_signing_key key) {
  verified_.clear();  // it holds pointers into keys_
  keys_.push_back(std::move(key));
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
  parsed p;
  std::optional<fault> found = check_headers(request, p);
  if (!found) found = check_device(request, p);
  if (!found) found = check_authorization(connection, request, p, now);
  if (!found) found = check_body(request, p);
  if (!found) found = check_rate(p, now);

  provider_answer a;
  a.id = is_canonical_uuid(p.id) ? std::string(p.id) : new_id();
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
  if (found) {
    a.status = found->status;
    a.reason = found->reason;
    a.content_type = "application/json";
    a.body = R"({"reason":")" + a.reason + '"';
    if (found->stamp) a.body += R"(,"timestamp":)" + std::to_string(found->stamp->time_since_epoch().count());
    a.body += '}';
    return a;
  }
  a.accepted = true;
  return a;
}

std::optional<apns_mock::fault> apns_mock::check_headers(const provider_request& request, parsed& p) const {
  const http2::header_block& h = request.headers;
  for (std::string_view name : single_headers) {
    if (h.count_of(name) > 1) return fault{400, "DuplicateHeaders"};
  }
  const auto id = find(h, "apns-id");
  if (id && !is_canonical_uuid(*id)) return fault{400, "BadMessageId"};
  p.id = id.value_or("");
  if (request.method != "POST") return fault{405, "MethodNotAllowed"};
  p.topic = find(h, "apns-topic").value_or("");
  p.bundle = p.topic;
  if (p.topic.empty()) return fault{400, "MissingTopic"};
  if (find(h, "apns-collapse-id").value_or("").size() > max_collapse_id) return fault{400, "BadCollapseId"};

  const std::string_view priority = find(h, "apns-priority").value_or("10");
  if (priority != "10" && priority != "5" && priority != "1") return fault{400, "BadPriority"};
  const auto type = find(h, "apns-push-type");
  if (type) {
    const auto* row = std::find_if(std::begin(push_types), std::end(push_types),
                                   [&](const push_type_row& r) { return r.name == *type; });
    if (row == std::end(push_types)) return fault{400, "InvalidPushType"};
    p.push_type = *type;
    // Apple: background "5 only, 10 is an error".
    if (*type == "background" && priority != "5") return fault{400, "BadPriority"};
    // Apple documents no word for a topic whose suffix is another push type's; BadTopic leads to the right header.
    if (!p.topic.ends_with(row->suffix) || p.topic.size() == row->suffix.size()) return fault{400, "BadTopic"};
    if (row->suffix.empty() && *type != "mdm" && p.topic.ends_with(".voip")) return fault{400, "BadTopic"};
    p.bundle.remove_suffix(row->suffix.size());
  }
  if (const auto expiration = find(h, "apns-expiration")) {
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
  const json header = json::parse(parts->header, nullptr, false);
  const json claims = json::parse(parts->claims, nullptr, false);
  if (!header.is_object() || !claims.is_object()) return out;
  if (header.value("alg", json()) != "ES256" || !header.value("kid", json()).is_string()) return out;
  const json issued = claims.value("iat", json());
  if (!issued.is_number_integer() || issued.get<std::int64_t>() < 0 || issued.get<std::int64_t>() > 253'402'300'799) return out;
  const std::string& key_id = header["kid"].get_ref<const std::string&>();
  for (const apns_signing_key& key : keys_) {
    if (key.key_id != key_id || claims.value("iss", json()) != key.team_id) continue;
    if (!key.key.verify(parts->signed_text, parts->signature)) continue;
    out.key = &key;
    out.issued = wall_time(seconds(issued.get<std::int64_t>()));
  }
  return out;
}

std::optional<apns_mock::fault> apns_mock::check_authorization(apns_connection& connection,
                                                               const provider_request& request, const parsed& p,
                                                               const instant& now) {
  const auto value = find(request.headers, "authorization");
  if (!value || value->empty()) return fault{403, "MissingProviderToken"};
  if (connection.token_expired) return fault{403, "ExpiredProviderToken"};
  if (*value != connection.authorization) {
    if (!value->starts_with("bearer ")) return fault{403, "InvalidProviderToken"};
    const verified_token& token = verify(std::string(value->substr(7)));
    if (!token.key || token.issued > now.wall + clock_tolerance) return fault{403, "InvalidProviderToken"};
    if (!connection.team_id.empty() && connection.team_id != token.key->team_id) return fault{403, "InvalidProviderToken"};
    if (!connection.key_id.empty() && connection.key_id != token.key->key_id) return fault{403, "UnrelatedKeyIdInToken"};
    const bool too_soon = !connection.authorization.empty() && now.steady - connection.first_seen < token_update_pause;
    if (config_.token_update_limit && too_soon) return fault{429, "TooManyProviderTokenUpdates"};
    connection.key_id = token.key->key_id;
    connection.team_id = token.key->team_id;
    connection.authorization = *value;
    connection.issued = token.issued;
    connection.first_seen = now.steady;
  }
  if (now.wall - connection.issued > token_life) {
    connection.token_expired = true;
    return fault{403, "ExpiredProviderToken"};
  }
  for (const apns_team& team : config_.teams) {
    if (team.team_id != connection.team_id || team.bundles.empty()) continue;
    if (std::find(team.bundles.begin(), team.bundles.end(), p.bundle) == team.bundles.end()) {
      return fault{400, "TopicDisallowed"};
    }
  }
  return std::nullopt;
}

std::optional<apns_mock::fault> apns_mock::check_body(const provider_request& request, const parsed& p) const {
  if (request.body.empty()) return fault{400, "PayloadEmpty"};
  const std::size_t limit = p.push_type == "voip" ? pns::voip_payload_limit : pns::payload_limit;
  if (request.truncated || request.body.size() > limit) return fault{413, "PayloadTooLarge"};
  // Apple documents no word for a body that is no JSON object; it carries no payload, so:
  const std::size_t first = request.body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || request.body[first] != '{' || !json::accept(request.body)) {
    return fault{400, "PayloadEmpty"};
  }
  return std::nullopt;
}

std::optional<apns_mock::fault> apns_mock::check_rate(const parsed& p, const instant& now) {
  if (config_.per_device_per_minute == 0) return std::nullopt;
  if (rates_.size() >= max_rates) rates_.clear();
  rate& r = rates_[std::string(p.token)];
  if (r.count == 0 || now.steady - r.minute >= seconds(60)) r = {now.steady, 0};
  if (++r.count > config_.per_device_per_minute) return fault{429, "TooManyRequests"};
  return std::nullopt;
}

}  // namespace reveille::mock_providers
