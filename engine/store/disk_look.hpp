/// What the file system says of itself, asked directly: whether it takes a write, and whether a directory is still the
/// one that it was. Blocks as long as the disk does.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace reveille {

/// Writes, syncs and removes a file of 256 KiB in `directory`. @return the system's error number when that is refused
std::optional<int> write_refused(const std::string& directory);

struct file_identity {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const file_identity&) const = default;
};
std::optional<file_identity> identity_of(const std::string& path);

/// Another process has the database in `directory` open. @pre this one has not: its own lock would be lost (fcntl(2)).
bool in_use_elsewhere(const std::string& directory);

}  // namespace reveille
