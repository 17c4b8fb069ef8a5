/// A request as the mocks judge it, and their answer. Pure; the sessions carry them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http2/header.hpp"

namespace reveille::mock_providers {

/// Views live during the call.
struct provider_request {
  std::string_view method;
  std::string_view path;
  const http2::header_block& headers;  ///< names in lower case, without pseudo-headers
  std::string_view body;
  bool truncated = false;              ///< the body was longer than a mock reads
};

struct provider_answer {
  int status = 200;
  std::string reason;   ///< the provider's word, "" when accepted
  std::string id;       ///< `apns-id` of every answer; FCM's message id
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers;  ///< besides content-type; names are static text
  std::string_view content_type;                                  ///< "" = none
  bool accepted = false;
  std::string_view also = {};   ///< what else is wrong, hidden behind `reason` by the order of checks; static text
};

}  // namespace reveille::mock_providers
