/// The configuration file: TOML in, settings or every fault at once out.
///
/// Threads: any. Errors: a fault for each mistake, with its place and what to do about it; never an exception.
/// Credentials are named by file only, so nothing here can print one.
#pragma once

#include "core/result.hpp"
#include "engine/config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace reveille::config {

/// One mistake. Line and column count from 1; 0 = no place in the file (something is missing altogether).
struct fault {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string what;

  std::string text() const;  ///< "reveille.toml:12:5: unknown key ..."
  bool operator==(const fault&) const = default;
};
using faults = std::vector<fault>;

/// Reads, checks types, ranges, unknown keys, relations between settings, and that named files can be read.
result<settings, faults> load_file(const std::string& path);
/// The same from text; `file` is for the messages. Relative paths in it are relative to the working directory.
result<settings, faults> load_text(std::string_view toml, std::string_view file);

/// Whether named files must be there: not when settings are only shown.
enum class file_check : std::uint8_t { must_be_readable, not_looked_at };

/// Relations between settings, and files. A fault's `what` begins with the setting's path. For settings made by a
/// program as well; those from a file have been through it.
struct violation {
  std::string path;  ///< "store.sync_every", "apns.app[0].key_file"
  std::string what;
};
std::vector<violation> validate(const settings& s, file_check files);

/// Every setting with its default, unit, range and reason as comments: a file to start from, and valid as it stands
/// once node.domains and trust.open are set.
std::string default_toml();
/// What is in force, without comments (`--check-config` prints it).
std::string effective_toml(const settings& s);
/// The reference, docs/configuration.md.
std::string reference_markdown();

}  // namespace reveille::config
