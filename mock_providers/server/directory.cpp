#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mock_providers/server/server.hpp"

namespace reveille::mock_providers {
namespace {

namespace fs = std::filesystem;

std::string key_file(const std::string& key_id) { return "AuthKey_" + key_id + ".p8"; }

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Whole or not at all: an engine may be reading. Keys are for their owner only, throw-away or not.
result<void> write(const fs::path& path, std::string_view text) {
  const fs::path fresh = path.string() + ".new";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << text;
    out.flush();
    if (!out) return failure("cannot write " + fresh.string() + ": " + std::strerror(errno));
  }
  std::error_code code;
  fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write, code);
  if (!code) fs::rename(fresh, path, code);
  if (code) return failure("cannot write " + path.string() + ": " + code.message());
  return {};
}

std::string toml_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);  // TOML's basic strings escape alike
}

std::string account_file(const std::string& project) { return "service-account-" + project + ".json"; }

void apns_app(std::ostream& out, const fs::path& home, const std::string& team, const std::string& bundle,
              const std::string& key_id, key_scope scope) {
  for (const key_scope environment : {key_scope::production, key_scope::sandbox}) {
    if (scope != key_scope::both && scope != environment) continue;
    out << "[[apns.app]]\n"
        << "team_id = " << toml_text(team) << "\n"
        << "bundle = " << toml_text(bundle) << "\n"
        << "key_id = " << toml_text(key_id) << "\n"
        << "key_file = " << toml_text((home / key_file(key_id)).string()) << "\n"
        << (environment == key_scope::sandbox ? "environment = \"sandbox\"\n\n" : "\n");
  }
}

void fcm_app(std::ostream& out, const fs::path& home, const std::string& project, const std::string& file) {
  out << "[[fcm.app]]\n"
      << "project = " << toml_text(project) << "\n"
      << "service_account_file = " << toml_text((home / file).string()) << "\n\n";
}

std::string providers_toml(const fs::path& home, const server_config& config, const server_endpoints& where) {
  const identity& who = config.identity;
  const std::string ca = toml_text((home / "ca.pem").string());
  std::ostringstream out;
  out << "# Points an engine at the mock providers. Written by reveille-mock at each start.\n"
      << "[apns]\n"
      << "endpoint = " << toml_text(where.apns_url) << "\n"
      << "sandbox_endpoint = " << toml_text(where.sandbox_url) << "\n"
      << "ca_file = " << ca << "\n\n";
  apns_app(out, home, who.team_id, who.bundle, who.key_id, key_scope::both);
  for (const apns_team_account& team : config.further_accounts.teams) {
    if (team.keys.empty()) continue;   // a key of this team is elsewhere
    for (const std::string& bundle : team.bundles) {
      apns_app(out, home, team.team_id, bundle, team.keys.front().key_id, team.keys.front().scope);
    }
  }
  out << "[fcm]\n"
      << "endpoint = " << toml_text(where.google_url) << "\n"
      << "ca_file = " << ca << "\n\n";
  fcm_app(out, home, who.project, "service-account.json");
  for (const fcm_project_account& p : config.further_accounts.projects) fcm_app(out, home, p.project, account_file(p.project));
  std::string text = out.str();
  text.pop_back();   // one newline at the end is enough
  return text;
}

std::string endpoints_json(const identity& who, const server_endpoints& where) {
  return nlohmann::ordered_json{{"apns", where.apns_url},     {"apns_sandbox", where.sandbox_url},
                                {"fcm", where.google_url},    {"token_uri", where.token_url},
                                {"control_port", where.control}, {"team_id", who.team_id},
                                {"key_id", who.key_id},       {"bundle", who.bundle},
                                {"project", who.project}}
             .dump(2) + "\n";
}

}  // namespace

result<credentials> load_or_generate(const std::string& directory) {
  const fs::path home = directory;
  credentials keys{read(home / "ca.pem"), read(home / "server.pem"), read(home / "server.key"),
                   read(home / key_file(identity{}.key_id)), "", read(home / "ca.key")};
  const nlohmann::json account = nlohmann::json::parse(read(home / "service-account.json"), nullptr, false);
  if (account.is_object() && account.contains("private_key") && account["private_key"].is_string()) {
    keys.google_key_pem = account["private_key"].get<std::string>();
  }
  for (const std::string* part : {&keys.ca_pem, &keys.server_pem, &keys.server_key_pem, &keys.apns_key_pem, &keys.google_key_pem, &keys.ca_key_pem}) {
    if (part->empty()) return credentials::generate();
  }
  return keys;
}

result<void> load_keys(const std::string& directory, accounts& of) {
  const fs::path home = directory;
  for (apns_team_account& team : of.teams) {
    for (apns_key_account& key : team.keys) {
      if (key.key_pem.empty()) key.key_pem = read(home / key_file(key.key_id));
    }
  }
  for (fcm_project_account& project : of.projects) {
    const nlohmann::json account = nlohmann::json::parse(read(home / account_file(project.project)), nullptr, false);
    if (project.key_pem.empty() && account.is_object() && account.contains("private_key") && account["private_key"].is_string()) {
      project.key_pem = account["private_key"].get<std::string>();
    }
  }
  return of.make_keys();
}

result<void> write_directory(const std::string& directory, const server_config& config, const credentials& keys,
                             const server_endpoints& where) {
  std::error_code code;
  fs::create_directories(directory, code);
  if (code) return failure("cannot make " + directory + ": " + code.message());
  const fs::path home = fs::absolute(directory, code).lexically_normal();
  const identity& who = config.identity;
  const auto provider = issue_provider_certificate(keys, who.bundle, certificate_scope::universal);
  if (!provider) return tl::unexpected(provider.error());
  std::vector<std::pair<std::string, std::string>> files = {
      {"ca.pem", keys.ca_pem},
      {"ca.key", keys.ca_key_pem},
      {"server.pem", keys.server_pem},
      {"server.key", keys.server_key_pem},
      {"provider.pem", provider->certificate_pem},
      {"provider.key", provider->private_key_pem},
      {key_file(who.key_id), keys.apns_key_pem},
      {"service-account.json", service_account_json(who, keys, where.token_url)},
  };
  for (const apns_team_account& team : config.further_accounts.teams) {
    for (const apns_key_account& key : team.keys) files.emplace_back(key_file(key.key_id), key.key_pem);
  }
  for (const fcm_project_account& p : config.further_accounts.projects) {
    identity other = who;
    other.project = p.project;
    other.client_email = p.client_email;
    credentials theirs = keys;
    theirs.google_key_pem = p.key_pem;
    files.emplace_back(account_file(p.project), service_account_json(other, theirs, where.token_url));
  }
  files.emplace_back("providers.toml", providers_toml(home, config, where));
  files.emplace_back("endpoints.json", endpoints_json(who, where));   // last: whoever waits for it finds all
  for (const auto& [name, text] : files) {
    if (auto written = write(home / name, text); !written) return written;
  }
  return {};
}

}  // namespace reveille::mock_providers
