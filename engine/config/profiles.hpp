/// The payload profiles that a configuration names, as texts: their files are read here and nowhere else.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "engine/config/config.hpp"
#include "engine/config/load.hpp"
#include "pns/payload.hpp"

namespace reveille::config {

/// One profile, not yet compiled.
struct profile_source {
  std::string name;                    ///< what apps say
  std::string file;                    ///< for messages
  std::string text;                    ///< the template
  pns::payload_properties properties;
};

/// The built-in profiles and the operator's own. A file that cannot be read gives an empty text.
std::vector<profile_source> profile_sources(const settings& s);

/// Compiles every profile, and looks whether each has the bodies for the services whose apps use it. Faults bear the
/// template's file, line and column; all at once.
faults check_profiles(const settings& s);

}  // namespace reveille::config
