/// APNs' answers, sorted (PROVIDERS 1.5, SPEC 6.5). Never fails, whatever the body holds.
#pragma once

#include <string>
#include <string_view>

#include "pns/answer.hpp"

namespace reveille::pns {

/// @param token the one that the request was sent to.
verdict sort_apns_answer(const http_answer& answer, const prid& token, wall_time now);

/// The `reason` in a GOAWAY's debug data; "" when it holds none. Same words as in answers.
std::string apns_goaway_reason(std::string_view debug_data);

}  // namespace reveille::pns
