/// Which senders Apple's push service needs: one per key or certificate, environment and endpoint.
#pragma once

#include "engine/push/push_planner.hpp"

namespace reveille {

void plan_apns(push_planner& planner);

}  // namespace reveille
