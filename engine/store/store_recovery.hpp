/// One attempt to write again after the disk has refused (SPEC 9.1).
#pragma once

#include "engine/store/shared_files.hpp"

#include <optional>
#include <string>

namespace reveille {

/// The writing thread. @return why it still cannot be written; nullopt: writes go on.
///
/// First the file system is asked: until it is there and takes a write, the database stays as it is, since it holds
/// what it could not write and closing it would lose that, and the loads with it.
std::optional<std::string> recover(shared_files& files, const rocksdb_options& options, const clock& time);

}  // namespace reveille
