/// The process's log: spdlog's default logger, as text for a person or as JSON lines for a collector.
/// Never log a token, a full AOR or a message.
#pragma once

#include "core/result.hpp"
#include "engine/config/config.hpp"

namespace reveille {

/// Main thread, once. @return what is wrong with the file, if it cannot be opened.
result<bool> set_up_logging(const config::logging& wanted);

}  // namespace reveille
