/// The node's secret keys: drawn once, kept beside the store.
#pragma once

#include <string>

#include "core/random.hpp"
#include "core/result.hpp"
#include "engine/config/derived.hpp"

namespace reveille {

/// Reads `directory`/node.secret (mode 0600), or draws and writes it. Errors: a file that cannot be read or written, or is
/// not ours; it is never overwritten then, since dialogs of a running service may depend on it.
result<config::node_keys> load_or_make_secret(const std::string& directory, random_source& random);
/// For a node without a disk: new at each start.
config::node_keys make_secret(random_source& random);

}  // namespace reveille
