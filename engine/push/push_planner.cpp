#include "engine/push/push_planner.hpp"

#include <algorithm>

namespace reveille {

push_planner::push_planner(const push_config& config) : config_(config) {
  plan_.threads.resize(std::max<std::size_t>(1, config.threads));
}

std::shared_ptr<const pns::payload_profile> push_planner::profile(const std::string& who, const std::string& name,
                                                                  const pns::payload_properties& properties) {
  const auto own = std::find_if(config_.profiles.begin(), config_.profiles.end(),
                                [&](const profile_text& p) { return p.name == name; });
  profile_text source;
  if (own != config_.profiles.end()) {
    source = *own;
  } else {
    source = {name, name + ".json", std::string(pns::builtin_profile_text(name)), {}};
  }
  if (source.text.empty()) {
    faults_.push_back({who + ": there is no payload profile \"" + name + "\", or its file cannot be read"});
    return nullptr;
  }
  for (const auto& [key, value] : properties) source.properties[key] = value;
  auto made = pns::payload_profile::compile(source.text, source.properties);
  if (made) return std::make_shared<const pns::payload_profile>(std::move(*made));
  for (const pns::placed_fault& f : made.error()) faults_.push_back({who + ": " + f.text(source.file)});
  return nullptr;
}

push_destination push_planner::place(std::uint16_t thread, pns::provider provider, push_sender_parts parts) {
  auto& senders = plan_.threads[thread];
  parts.number = static_cast<std::uint16_t>(senders.size());
  const push_destination at{thread, parts.number, {}};
  senders.push_back({provider, std::move(parts)});
  return at;
}

result<push_plan, std::vector<error>> push_planner::finish() && {
  if (!faults_.empty()) return tl::unexpected(std::move(faults_));
  return std::move(plan_);
}

}  // namespace reveille
