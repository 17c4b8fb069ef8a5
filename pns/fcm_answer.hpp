/// FCM's answers, sorted: HTTP v1 (PROVIDERS 2.2) and legacy (PROVIDERS 3). Never fails, whatever the body holds.
#pragma once

#include "pns/answer.hpp"

namespace reveille::pns {

/// Looks the errorCode up in `details` by @type, then error.status; a 404 without FcmError is a wrong project, and
/// touches no token.
verdict sort_fcm_answer(const http_answer& answer, const prid& token, wall_time now);

/// One target per request, so `results[0]` decides.
verdict sort_fcm_legacy_answer(const http_answer& answer, const prid& token, wall_time now);

}  // namespace reveille::pns
