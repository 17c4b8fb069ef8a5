#include "pns/bearer_token.hpp"

#include <cassert>

namespace reveille::pns {
namespace {

/// How far the civil clock may drift from the steady one before a token is minted for the new time: `iat` counts for Apple.
constexpr seconds tolerated_step{300};

std::string quoted(std::string_view word) {
  std::string out = "\"";
  for (char c : word) {  // key and team ids are letters and digits; anything else cannot be right and must not break out
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) out += c;
  }
  return out + '"';
}

}  // namespace

bearer_token::bearer_token(std::string key_id, std::string team_id, signing_key key)
    : key_id_(std::move(key_id)), team_id_(std::move(team_id)), key_(std::move(key)) {
  assert(key_.algorithm() == jwt_algorithm::es256);
}

result<std::string_view> bearer_token::authorization(const instant& now) {
  bool due = !minted_;
  if (minted_) {
    const nanoseconds age = now.steady - minted_->steady;
    const auto step = std::chrono::abs((now.wall - minted_->wall) - std::chrono::duration_cast<milliseconds>(age));
    due = age >= bearer_token_renewal_age || step > tolerated_step;
  }
  if (due && !mint(now)) return failure(last_error_);
  return std::string_view(authorization_);
}

bool bearer_token::renew(const instant& now) {
  if (minted_ && now.steady - minted_->steady < bearer_token_least_age) return false;
  return mint(now);
}

bool bearer_token::mint(const instant& now) {
  const auto jwt = make_jwt(key_, R"({"alg":"ES256","kid":)" + quoted(key_id_) + "}",
                            R"({"iss":)" + quoted(team_id_) + R"(,"iat":)" + std::to_string(unix_seconds(now.wall)) + "}");
  if (!jwt) {
    last_error_ = jwt.error().what;
    return false;
  }
  authorization_ = "bearer " + *jwt;
  minted_ = now;
  ++generation_;
  return true;
}

}  // namespace reveille::pns
