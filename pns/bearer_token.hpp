/// APNs' provider token (PROVIDERS 1.3): one for each key, shared by every connection and app that the key serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "pns/jwt.hpp"

namespace reveille::pns {

/// Apple refuses tokens older than 60 min, and answers 429 TooManyProviderTokenUpdates to those who mint more often
/// than every 20 min. In between: renewed at 50 min.
inline constexpr seconds bearer_token_least_age{20 * 60};
inline constexpr seconds bearer_token_renewal_age{50 * 60};

/// Pure; signs (20 us) once per renewal. Threads: one at a time.
class bearer_token {
 public:
  /// @param key_id Apple's 10 characters (`kid`); team_id likewise (`iss`). @pre key is es256.
  bearer_token(std::string key_id, std::string team_id, signing_key key);

  /// "bearer <jwt>" for the header `authorization`; minted when there is none, the last is 50 min old, or the civil
  /// clock was set. The view lives until the next call. Errors are OpenSSL's: a credential fault.
  result<std::string_view> authorization(const instant& now);

  /// APNs said ExpiredProviderToken: mints anew if the token is at least 20 min old.
  /// @return false when it is younger: then the clock is wrong or the key is, and minting would only bring 429.
  bool renew(const instant& now);

  /// Counts mintings, so that a connection can tell whether the token it began with is still the current one.
  std::uint64_t generation() const { return generation_; }
  std::optional<wall_time> made() const { return minted_ ? std::optional(minted_->wall) : std::nullopt; }
  const std::string& key_id() const { return key_id_; }
  const std::string& team_id() const { return team_id_; }
  std::string fingerprint() const { return key_.fingerprint(); }

 private:
  bool mint(const instant& now);
  std::string key_id_;
  std::string team_id_;
  signing_key key_;
  std::string authorization_;
  std::optional<instant> minted_;
  std::string last_error_;
  std::uint64_t generation_ = 0;
};

}  // namespace reveille::pns
