/// The push services that are built in, each a folder beside this file and a row here.
#pragma once

#include <span>
#include <string_view>

namespace reveille {

class push_planner;      // engine/push/push_planner.hpp
class settings_reader;   // engine/push/settings_reader.hpp
struct push_config;
struct push_route;

struct push_provider {
  std::string_view name;   ///< its table in the configuration, and in messages
  void (*read)(settings_reader& from, push_config& into);
  void (*plan)(push_planner& planner);
  const push_route& (*route)(const push_config& config);
};

/// In the order of the configuration.
std::span<const push_provider> push_providers();

}  // namespace reveille
