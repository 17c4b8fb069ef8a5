/// From the configuration file's settings to the senders': reads the key, CA and service account files.
#pragma once

#include <vector>

#include "core/result.hpp"
#include "engine/config/config.hpp"
#include "engine/push/push_config.hpp"

namespace reveille {

/// Errors name the setting, its place and the file, never what stands in it; all at once. Of what is switched off or paused
/// no file is read.
result<push_config, std::vector<error>> read_push_config(const config::settings& settings);

}  // namespace reveille
