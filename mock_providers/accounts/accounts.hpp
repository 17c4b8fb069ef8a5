/// What Apple and Google have on record of their customers: teams with bundles and signing keys, projects with service
/// accounts and server keys. Read from JSON (`--accounts FILE`, or the control port); docs/mock-providers.md describes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "mock_providers/accounts/credentials.hpp"
#include "pns/jwt.hpp"

namespace reveille::mock_providers {

enum class key_scope : std::uint8_t { both, production, sandbox };

struct apns_key_account {
  std::string key_id;
  key_scope scope = key_scope::both;
  std::vector<std::string> bundles;   ///< a topic-specific key; empty = all of the team's
  std::string key_pem;                ///< private, or public alone; "" = to be made
};

struct apns_team_account {
  std::string team_id;
  std::vector<std::string> bundles;   ///< without suffix; empty = any
  std::vector<apns_key_account> keys;
};

struct fcm_project_account {
  std::string project;
  std::string number;                 ///< its sender id; v1 takes it for the name, too
  std::string client_email;
  std::string key_pem;                ///< of the service account; private, or public alone; "" = to be made
  std::string legacy_key;             ///< "" = the legacy API is shut for it
};

struct accounts {
  static constexpr std::size_t max_teams = 100, max_keys = 100, max_bundles = 1000, max_projects = 100;

  std::vector<apns_team_account> teams;
  std::vector<fcm_project_account> projects;

  /// Of a mock without a file: one team, key, bundle, project.
  static accounts of(const identity& who, const credentials& keys, const std::string& legacy_key = {});
  /// Errors name the place: "teams[1].keys[0].key_id: ...".
  static result<accounts> parse(std::string_view json);
  /// Adds others; a team or project that is there already is replaced.
  void merge(accounts more);
  /// How many keys make_keys() would make.
  std::size_t without_key() const;
  /// Makes the keys that are missing.
  result<void> make_keys();
};

/// The public half of a PEM that holds either.
result<pns::verifying_key> verifying_half(const std::string& pem);

}  // namespace reveille::mock_providers
