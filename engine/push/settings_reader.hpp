/// Reads the files that push settings name, and remembers every fault with the setting's place, never what stands in a file.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "engine/config/config.hpp"
#include "engine/push/push_config.hpp"

namespace reveille {

class settings_reader {
 public:
  /// @param from outlives the reader
  explicit settings_reader(const config::settings& from) : from_(from) {}

  const config::settings& settings() const { return from_; }
  /// @param what after the setting's name: ": cannot be read", say.
  void refuse(const std::string& setting, const std::string& what);
  /// "" after a fault
  std::string file(const std::string& setting, const std::string& path);
  std::string optional_file(const std::string& setting, const std::string& path) {
    return path.empty() ? std::string() : file(setting, path);
  }
  push_endpoint endpoint(const std::string& setting, const std::string& url);
  /// Where an app stands in the file, for what is found wrong with it later.
  std::string place(const std::string& element) const;
  /// What every provider has: CA, proxy, timeouts, bounds. @param provider its table in the file
  void sending(const std::string& provider, const config::sending& from, push_route& route, push_limits& limits);

  std::vector<error> faults;

 private:
  const config::settings& from_;
};

push_switch switch_of(bool enabled, bool paused);
std::string first_line(std::string text);

}  // namespace reveille
