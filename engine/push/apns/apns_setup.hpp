/// Reads what [apns] names. Of what is switched off or paused no file is read.
#pragma once

#include "engine/push/push_config.hpp"
#include "engine/push/settings_reader.hpp"

namespace reveille {

void read_apns(settings_reader& read, push_config& into);

}  // namespace reveille
