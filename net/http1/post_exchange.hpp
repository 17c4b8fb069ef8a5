/// One HTTP/1.1 request and its answer over any byte mover, without I/O: OAuth token purchases, on-premises gateways.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/tls/byte_session.hpp"

namespace reveille::http1 {

struct post_request {
  std::string host;          ///< for Host, with ":port" unless it is 443
  std::string target;        ///< "/token"
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;   ///< further ones
};

struct post_answer {
  int status = 0;            ///< 0 = none: the connection was lost, or what came is no HTTP
  std::string body;
  std::string retry_after;
  std::string date;
};

/// @param done called exactly once: with the answer, or with status 0 when the connection closed before it was
///        complete. Called from receive() or closed().
/// @param body_limit an answer longer than that counts as none.
std::unique_ptr<byte_session> make_post(const post_request& request, std::size_t body_limit,
                                               std::function<void(post_answer, const instant&)> done);

}  // namespace reveille::http1
