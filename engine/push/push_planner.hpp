/// What the planners of all push services share while a push_plan is made: threads are dealt out in turn, profiles compiled,
/// faults gathered. Used on one thread, then thrown away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "engine/push/push_config.hpp"
#include "engine/push/push_plan.hpp"
#include "pns/payload.hpp"
#include "pns/push_params.hpp"

namespace reveille {

class push_planner {
 public:
  /// @param config outlives the planner
  explicit push_planner(const push_config& config);

  const push_config& config() const { return config_; }
  push_plan& plan() { return plan_; }
  void refuse(std::string fault) { faults_.push_back({std::move(fault)}); }
  /// nullptr after a fault. @param who the app, for messages
  std::shared_ptr<const pns::payload_profile> profile(const std::string& who, const std::string& name,
                                                      const pns::payload_properties& properties);
  std::uint16_t next_thread() { return static_cast<std::uint16_t>(turn_++ % plan_.threads.size()); }
  /// Numbers the sender and gives it to its thread. @return where its first app is found
  push_destination place(std::uint16_t thread, pns::provider provider, push_sender_parts parts);

  /// Where orders of an app go that is switched off or paused.
  static constexpr push_destination off{0, push_destination::switched_off, {}};
  /// What a message begins with: the place in the file, if there is one.
  static std::string whose(const std::string& written_at, const std::string& app) {
    return written_at.empty() ? app : written_at + ": " + app;
  }

  result<push_plan, std::vector<error>> finish() &&;

 private:
  const push_config& config_;
  push_plan plan_;
  std::vector<error> faults_;
  std::size_t turn_ = 0;
};

}  // namespace reveille
