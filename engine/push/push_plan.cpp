#include "engine/push/push_plan.hpp"

#include "engine/push/push_planner.hpp"
#include "engine/push/push_providers.hpp"

namespace reveille {

result<push_plan, std::vector<error>> plan_pushes(const push_config& config) {
  push_planner planner(config);
  for (const push_provider& provider : push_providers()) provider.plan(planner);
  return std::move(planner).finish();
}

}  // namespace reveille
