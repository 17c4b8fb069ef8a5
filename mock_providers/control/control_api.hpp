/// The control port's HTTP: which request does what. Every answer is JSON but the list of endpoints and the metrics; every
/// mistake is answered {"error":{"status","what",…}}, with the field or, in a script, line and column. Pure.
#pragma once

#include <string>
#include <string_view>

#include "mock_providers/control/controlled_mock.hpp"

namespace reveille::mock_providers {

/// Views live during the call.
struct control_request {
  std::string_view method;
  std::string_view target;   ///< as in the request line
  std::string_view body;
  bool from_page = false;    ///< it has an Origin: some web page in a browser asks, which has no business here
};

struct control_answer {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string allow = {};    ///< the methods that the path has, with 405
};

control_answer answer_control(const control_request& request, controlled_mock& mock);

/// What the conversation itself says: to heads that are no HTTP, and to bodies that are too long.
control_answer control_refusal(int status, std::string_view what);

/// The endpoints, a line each.
std::string control_help();

}  // namespace reveille::mock_providers
