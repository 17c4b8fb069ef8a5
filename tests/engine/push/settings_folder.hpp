/// Settings that are right in everything, with their files in a folder of their own; each test spoils one thing.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/config/config.hpp"
#include "mock_providers/accounts/credentials.hpp"

namespace reveille::testing {

/// Made once: RSA keys take a while.
inline const mock_providers::credentials& keys() {
  static const mock_providers::credentials made = mock_providers::credentials::generate().value();
  return made;
}

/// One APNs app with a signing key, one Firebase project with a service account.
class settings_folder {
 public:
  settings_folder() {
    char name[] = "/tmp/reveille-settings-XXXXXX";
    directory = ::mkdtemp(name);
    write("AuthKey_ABC123DEFG.p8", keys().apns_key_pem);
    write("account.json", mock_providers::service_account_json({}, keys(), "https://oauth2.example.com/token"));
    config::apns_app apple;
    apple.team_id = "DEF123GHIJ";
    apple.bundle = "com.example.phone";
    apple.key_id = "ABC123DEFG";
    apple.key_file = path("AuthKey_ABC123DEFG.p8");
    settings.apns.apps = {apple};
    config::fcm_app google;
    google.project = "reveille-mock";
    google.service_account_file = path("account.json");
    settings.fcm.apps = {google};
  }
  ~settings_folder() { std::filesystem::remove_all(directory); }
  settings_folder(const settings_folder&) = delete;
  settings_folder& operator=(const settings_folder&) = delete;

  std::string path(const std::string& name) const { return directory + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }

  std::string directory;
  config::settings settings;
};

}  // namespace reveille::testing
