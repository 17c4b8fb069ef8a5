#include "mock_providers/fcm/oauth_mock.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::string_view jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr seconds longest_assertion{3600};
constexpr seconds clock_tolerance{300};

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::string form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) && hex_value(text[i + 2])) {
      out += static_cast<char>(*hex_value(text[i + 1]) * 16 + *hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string form_field(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) return form_decoded(pair.substr(equals + 1));
  }
  return {};
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::int64_t> number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

}  // namespace

void oauth_mock::use(const std::vector<fcm_project_account>& projects) {
  accounts_.clear();
  for (const fcm_project_account& p : projects) {
    if (auto half = verifying_half(p.key_pem)) accounts_.push_back({p.client_email, p.project, std::move(*half)});
  }
}

provider_answer oauth_mock::refuse(std::string_view error, std::string_view description) const {
  provider_answer a;
  a.status = 400;
  a.reason = error;
  a.content_type = "application/json; charset=utf-8";
  a.body = json{{"error", error}, {"error_description", description}}.dump();
  return a;
}

provider_answer oauth_mock::answer(const provider_request& request, const instant& now) {
  if (request.method != "POST") return refuse("invalid_request", "Method must be POST.");
  const std::string grant = form_field(request.body, "grant_type");
  if (grant.empty()) return refuse("invalid_request", "Required parameter is missing: grant_type");
  if (grant != jwt_bearer) return refuse("unsupported_grant_type", "Invalid grant_type: " + grant.substr(0, 100));
  const std::string assertion = form_field(request.body, "assertion");
  const auto parts = pns::split_jwt(assertion);
  if (!parts) return refuse("invalid_grant", "Bad Request");
  const json header = json::parse(parts->header, nullptr, false);
  const json claims = json::parse(parts->claims, nullptr, false);
  if (!header.is_object() || !claims.is_object()) return refuse("invalid_grant", "Bad Request");
  const std::string issuer = text_of(claims, "iss");
  const auto account = std::find_if(accounts_.begin(), accounts_.end(), [&](const service_account& s) { return s.client_email == issuer; });
  if (account == accounts_.end()) return refuse("invalid_grant", "Invalid grant: account not found");
  if (text_of(header, "alg") != "RS256" || !account->key.verify(parts->signed_text, parts->signature)) {
    return refuse("invalid_grant", "Invalid JWT Signature.");
  }
  const std::string audience = text_of(claims, "aud");
  if (std::find(config_.audiences.begin(), config_.audiences.end(), audience) == config_.audiences.end()) {
    return refuse("invalid_grant", "Invalid JWT: Failed audience check. The right audience is " +
                                       (config_.audiences.empty() ? std::string("unknown") : config_.audiences.front()));
  }
  const auto issued = number_of(claims, "iat");
  const auto ends = number_of(claims, "exp");
  const std::int64_t present = unix_seconds(now.wall);
  if (!issued || !ends || *issued > present + clock_tolerance.count() || *ends <= present || *ends <= *issued ||
      *ends - *issued > longest_assertion.count()) {
    return refuse("invalid_grant",
                  "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                  "Check your iat and exp values in the JWT claim.");
  }
  const std::string scope = text_of(claims, "scope");
  if (scope.find("https://www.googleapis.com/auth/firebase.messaging") == std::string::npos &&
      scope.find("https://www.googleapis.com/auth/cloud-platform") == std::string::npos) {
    return refuse("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
  }
  return issue(account->project, now);
}

provider_answer oauth_mock::issue(const std::string& project, const instant& now) {
  if (tokens_.size() >= max_tokens) std::erase_if(tokens_, [&](const auto& t) { return t.second.end <= now.steady; });
  if (tokens_.size() >= max_tokens) tokens_.clear();
  std::string token = "ya29.mock-";
  for (int i = 0; i < 4; ++i) token += std::to_string(random_.next());
  tokens_["Bearer " + token] = {now.steady + config_.token_life, project};
  provider_answer a;
  a.accepted = true;
  a.content_type = "application/json; charset=utf-8";
  a.body = json{{"access_token", token}, {"expires_in", config_.token_life.count()}, {"token_type", "Bearer"}}.dump();
  return a;
}

const std::string* oauth_mock::project_of(std::string_view authorization, const instant& now) const {
  const auto found = tokens_.find(authorization);
  return found != tokens_.end() && now.steady < found->second.end ? &found->second.project : nullptr;
}

}  // namespace reveille::mock_providers
