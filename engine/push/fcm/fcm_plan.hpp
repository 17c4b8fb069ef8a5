/// Which senders Google's push service needs: one per project, or per gateway that speaks the legacy API.
#pragma once

#include "engine/push/push_planner.hpp"

namespace reveille {

void plan_fcm(push_planner& planner);

}  // namespace reveille
