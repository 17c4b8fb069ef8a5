#include "pns/access_token.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reveille::pns {
namespace {

using nlohmann::json;

constexpr std::string_view scope = "https://www.googleapis.com/auth/firebase.messaging";
constexpr seconds assertion_life{3600};      // Google's maximum
constexpr std::size_t max_file_octets = 65536;
constexpr std::size_t max_answer_octets = 65536;
constexpr std::size_t max_fault_octets = 128;
constexpr seconds longest_life{24 * 3600};   // an absurd expires_in must not overflow
/// A second 401 within this time is no longer the token's age but the account's: pause between purchases.
constexpr seconds refusal_pause{10};

result<std::string> text_field(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    return failure(std::string("service account: no \"") + name + "\"");
  }
  return found->get<std::string>();
}

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, max_fault_octets)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

result<service_account> service_account::parse(std::string_view text) {
  if (text.size() > max_file_octets) return failure("service account: file too long");
  const json file = json::parse(text, nullptr, false);
  if (!file.is_object()) return failure("service account: no JSON object");
  const auto project = text_field(file, "project_id");
  const auto email = text_field(file, "client_email");
  const auto uri = text_field(file, "token_uri");
  const auto pem = text_field(file, "private_key");
  for (const auto* field : {&project, &email, &uri, &pem}) {
    if (!*field) return tl::unexpected(field->error());
  }
  auto key = signing_key::from_pem(*pem);
  if (!key) return failure("service account: " + key.error().what);
  if (key->algorithm() != jwt_algorithm::rs256) return failure("service account: private_key is no RSA key");
  const std::string key_id = file.contains("private_key_id") && file["private_key_id"].is_string()
                                 ? file["private_key_id"].get<std::string>()
                                 : std::string();
  return service_account{*project, *email, key_id, *uri, std::move(*key)};
}

result<std::string> access_token_request(const service_account& account, wall_time now) {
  json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  if (!account.private_key_id.empty()) header["kid"] = account.private_key_id;
  const std::int64_t issued = unix_seconds(now);
  const json claims = {{"iss", account.client_email},
                       {"scope", scope},
                       {"aud", account.token_uri},
                       {"iat", issued},
                       {"exp", issued + assertion_life.count()}};
  const auto replace = json::error_handler_t::replace;
  const auto jwt = make_jwt(account.key, header.dump(-1, ' ', false, replace), claims.dump(-1, ' ', false, replace));
  if (!jwt) return tl::unexpected(jwt.error());
  return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + *jwt;
}

std::string_view access_token::authorization(const instant& now) const {
  return has_token_ && now.steady < good_until_ ? std::string_view(authorization_) : std::string_view();
}

bool access_token::wants_request(const instant& now) {
  if (in_flight_ || now.steady < not_before_) return false;
  if (has_token_ && now.steady < renew_at_) return false;
  in_flight_ = true;
  ++purchases_;
  return true;
}

std::optional<steady_time> access_token::next_look() const {
  if (in_flight_) return std::nullopt;
  return has_token_ ? std::max(renew_at_, not_before_) : not_before_;
}

bool access_token::answered(int status, std::string_view body, const instant& now, random_source& random) {
  in_flight_ = false;
  const json answer = body.size() <= max_answer_octets ? json::parse(body, nullptr, false) : json();
  const bool object = answer.is_object();
  const auto token = object ? answer.find("access_token") : answer.end();
  if (status == 200 && object && token != answer.end() && token->is_string()) {
    const std::string& text = token->get_ref<const std::string&>();
    const bool fit = !text.empty() && text.size() <= 4096 &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
    const auto life = answer.find("expires_in");
    const std::int64_t given = life != answer.end() && life->is_number_integer() ? life->get<std::int64_t>() : 3600;
    if (fit && given > 0) {
      const seconds lasts = std::min(seconds(given), longest_life);
      authorization_ = "Bearer " + text;
      has_token_ = true;
      made_ = now.wall;
      good_until_ = now.steady + lasts;
      renew_at_ = now.steady + std::max<nanoseconds>(lasts - early, nanoseconds(lasts) / 2);
      failures_ = 0;
      fault_.clear();
      return true;
    }
  }
  // 400 and 401 are Google's word about the account or its key; the rest is weather.
  fault_.clear();
  if (status == 400 || status == 401 || status == 403) {
    const auto word = object ? answer.find("error") : answer.end();
    fault_ = object && word != answer.end() && word->is_string() ? printable(word->get_ref<const std::string&>())
                                                                 : "status " + std::to_string(status);
  }
  pause(now, random);
  return false;
}

void access_token::failed(const instant& now, random_source& random) {
  in_flight_ = false;
  pause(now, random);
}

void access_token::refused(std::string_view authorization, const instant& now) {
  if (!has_token_ || authorization != authorization_) return;  // an answer to an older token
  has_token_ = false;
  if (was_refused_ && now.steady - last_refused_ < refusal_pause) not_before_ = now.steady + refusal_pause;
  was_refused_ = true;
  last_refused_ = now.steady;
}

void access_token::pause(const instant& now, random_source& random) {
  const std::uint32_t doublings = std::min<std::uint32_t>(failures_, 6);
  ++failures_;
  const auto most = std::min<milliseconds>(milliseconds(first_pause) * (1 << doublings), milliseconds(longest_pause));
  const auto half = most / 2;
  not_before_ = now.steady + half + milliseconds(random.below(static_cast<std::uint64_t>(half.count()) + 1));
}

}  // namespace reveille::pns
