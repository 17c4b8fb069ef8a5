/// Google's OAuth2 access token for FCM v1 (PROVIDERS 2.3): the service account, the request that buys a token, and
/// the state that says when to buy. No I/O: the caller posts, and reports what came back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "pns/jwt.hpp"

namespace reveille::pns {

/// What Google's console hands out as a JSON file.
struct service_account {
  std::string project_id;
  std::string client_email;
  std::string private_key_id;
  std::string token_uri;   ///< honoured as it stands, so that a file made by the mocks leads to the mocks
  signing_key key;

  /// Errors name the field, never its value.
  static result<service_account> parse(std::string_view json);
};

/// Form body (application/x-www-form-urlencoded) of the POST to token_uri.
result<std::string> access_token_request(const service_account& account, wall_time now);

/// When to buy: `early` before the token ends, never twice at once, with growing pauses after failures.
///
/// Pure. Threads: one at a time, the thread of the credential.
class access_token {
 public:
  static constexpr seconds early{300};          ///< renewed so long before its end, or at half-time of a short one
  static constexpr seconds first_pause{1};      ///< after a failure; doubles, with jitter
  static constexpr seconds longest_pause{60};

  /// "Bearer ya29..." while it is good; "" when pushes must wait. The view lives until the next non-const call.
  std::string_view authorization(const instant& now) const;

  /// True exactly once for each purchase that is due: the caller then posts access_token_request() and must report
  /// with taken() or failed(), even if it never hears (a timeout is a failure).
  bool wants_request(const instant& now);
  bool in_flight() const { return in_flight_; }
  /// When to ask wants_request() again; nullopt while a request is in flight.
  std::optional<steady_time> next_look() const;

  /// The endpoint answered. Sorts status and body by itself.
  /// @return true when there is a good token now. Else fault() tells whether it is the credential's.
  bool answered(int status, std::string_view body, const instant& now, random_source& random);
  /// No answer: connection refused, TLS, timeout.
  void failed(const instant& now, random_source& random);
  /// FCM refused this token with 401: forgets it if it is still the current one (an answer may be late).
  void refused(std::string_view authorization, const instant& now);

  /// "" or the endpoint's words for a refusal that no retry will cure (invalid_grant, invalid_client).
  const std::string& fault() const { return fault_; }
  /// When the current one came; nullopt when there is none.
  std::optional<wall_time> made() const { return has_token_ ? std::optional(made_) : std::nullopt; }
  std::uint64_t purchases() const { return purchases_; }

 private:
  void pause(const instant& now, random_source& random);
  std::string authorization_;
  steady_time good_until_{};
  steady_time renew_at_{};
  wall_time made_{};
  steady_time not_before_{};
  steady_time last_refused_{};
  bool has_token_ = false;
  bool was_refused_ = false;
  bool in_flight_ = false;
  std::uint32_t failures_ = 0;
  std::uint64_t purchases_ = 0;
  std::string fault_;
};

}  // namespace reveille::pns
