#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mock_providers/server.hpp"

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

std::string providers_toml(const fs::path& home, const identity& who, const server_endpoints& where) {
  const auto path = [&](const std::string& name) { return toml_text((home / name).string()); };
  std::ostringstream out;
  out << "# Points an engine at the mock providers. Written by reveille-mock at each start.\n"
      << "[apns]\n"
      << "endpoint = " << toml_text(where.apns_url) << "\n"
      << "sandbox_endpoint = " << toml_text(where.sandbox_url) << "\n"
      << "ca_file = " << path("ca.pem") << "\n\n"
      << "[[apns.app]]\n"
      << "team_id = " << toml_text(who.team_id) << "\n"
      << "bundle = " << toml_text(who.bundle) << "\n"
      << "key_id = " << toml_text(who.key_id) << "\n"
      << "key_file = " << path(key_file(who.key_id)) << "\n\n"
      << "[[apns.app]]\n"
      << "team_id = " << toml_text(who.team_id) << "\n"
      << "bundle = " << toml_text(who.bundle) << "\n"
      << "key_id = " << toml_text(who.key_id) << "\n"
      << "key_file = " << path(key_file(who.key_id)) << "\n"
      << "environment = \"sandbox\"\n\n"
      << "[fcm]\n"
      << "endpoint = " << toml_text(where.google_url) << "\n"
      << "ca_file = " << path("ca.pem") << "\n\n"
      << "[[fcm.app]]\n"
      << "project = " << toml_text(who.project) << "\n"
      << "service_account_file = " << path("service-account.json") << "\n";
  return out.str();
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

result<void> write_directory(const std::string& directory, const identity& who, const credentials& keys,
                             const server_endpoints& where) {
  std::error_code code;
  fs::create_directories(directory, code);
  if (code) return failure("cannot make " + directory + ": " + code.message());
  const fs::path home = fs::absolute(directory, code).lexically_normal();
  const std::pair<std::string, std::string> files[] = {
      {"ca.pem", keys.ca_pem},
      {"ca.key", keys.ca_key_pem},
      {"server.pem", keys.server_pem},
      {"server.key", keys.server_key_pem},
      {key_file(who.key_id), keys.apns_key_pem},
      {"service-account.json", service_account_json(who, keys, where.token_url)},
      {"providers.toml", providers_toml(home, who, where)},
      {"endpoints.json", endpoints_json(who, where)},
  };
  for (const auto& [name, text] : files) {
    if (auto written = write(home / name, text); !written) return written;
  }
  return {};
}

}  // namespace reveille::mock_providers
