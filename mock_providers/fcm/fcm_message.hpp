/// The body of messages:send, read as Google's proto3 JSON reader does: unknown names, wrong types and wrong values are
/// refused in its words. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "mock_providers/requests/provider_answer.hpp"

namespace reveille::mock_providers {

struct fcm_message {
  std::string token;              ///< "" when the target is a topic or condition
  std::string data;               ///< the `data` object as JSON text
  std::optional<seconds> ttl;     ///< rounded down; nullopt = four weeks
  bool validate_only = false;
  std::string collapse_key;       ///< android.collapse_key
  bool high_priority = false;     ///< asked for, or a message with a notification that asks for nothing
};

/// @param fault filled when the result is nullopt.
std::optional<fcm_message> read_fcm_message(std::string_view body, provider_answer& fault);

/// The error object of every Google API. `error_code` adds an FcmError detail, `field` a BadRequest one.
provider_answer google_error(int status, std::string_view message, std::string_view error_code = {},
                             std::string_view field = {}, std::string_view description = {});

/// 429 with its QuotaFailure detail. @param subject whose quota it was: "project:x", "device".
provider_answer google_quota_error(std::string_view subject);

/// What has ever been a registration token: at least 8 characters of base64url, ':' and '.'.
bool is_registration_token(std::string_view token);

}  // namespace reveille::mock_providers
