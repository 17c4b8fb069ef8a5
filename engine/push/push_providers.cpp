#include "engine/push/push_providers.hpp"

#include "engine/push/apns/apns_plan.hpp"
#include "engine/push/apns/apns_setup.hpp"
#include "engine/push/fcm/fcm_plan.hpp"
#include "engine/push/fcm/fcm_setup.hpp"

namespace reveille {
namespace {

constexpr push_provider all[] = {
    {"apns", &read_apns, &plan_apns, [](const push_config& c) -> const push_route& { return c.apns.route; }},
    {"fcm", &read_fcm, &plan_fcm, [](const push_config& c) -> const push_route& { return c.fcm.route; }},
};

}  // namespace

std::span<const push_provider> push_providers() { return all; }

}  // namespace reveille
