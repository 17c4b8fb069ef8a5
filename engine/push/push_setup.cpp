#include "engine/push/push_setup.hpp"

#include "engine/config/profiles.hpp"
#include "engine/push/push_providers.hpp"
#include "engine/push/settings_reader.hpp"

namespace reveille {

result<push_config, std::vector<error>> read_push_config(const config::settings& settings) {
  push_config out;
  settings_reader read(settings);
  out.threads = settings.push.threads;
  for (config::profile_source& p : config::profile_sources(settings)) {
    out.profiles.push_back({std::move(p.name), std::move(p.file), std::move(p.text), std::move(p.properties)});
  }
  for (const push_provider& provider : push_providers()) provider.read(read, out);
  if (!read.faults.empty()) return tl::unexpected(std::move(read.faults));
  return out;
}

}  // namespace reveille
