// Each setting, written with another value into a file, is found in what its component gets.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/config/derived.hpp"
#include "engine/config/load.hpp"
#include "engine/config/schema.hpp"
#include "engine/push/push_setup.hpp"
#include "tests/engine/push/settings_folder.hpp"

namespace reveille::config {
namespace {

/// Walks the settings and gives the one called `path` another allowed value; lists all of them where it is "".
class changer final : public schema_visitor {
 public:
  changer(std::string path, std::string file) : wanted_(std::move(path)), file_(std::move(file)) {}

  std::vector<std::string> paths;
  bool changed = false;

  void open_table(std::string_view name, std::string_view) override { path_.push_back(std::string(name)); }
  void close_table() override { path_.pop_back(); }
  std::size_t open_tables(std::string_view name, std::string_view, std::size_t present) override {
    path_.push_back(path_.back() + "." + std::string(name));
    return present;
  }
  void open_element(std::size_t index) override { path_.push_back(path_.back() + "[" + std::to_string(index) + "]"); }
  void close_element() override { path_.pop_back(); }
  void close_tables() override { path_.pop_back(); }

  void flag(const about& what, bool& set) override {
    if (is(what)) set = !set;
  }
  void number(const about& what, const number_range& allowed, std::uint64_t& set) override {
    if (is(what)) set = set < allowed.most ? set + 1 : set - 1;
  }
  void bytes(const about& what, const number_range& allowed, std::uint64_t& set) override {
    if (is(what)) set = set * 2 <= allowed.most ? set * 2 : set / 2;
  }
  void duration(const about& what, const duration_range& allowed, milliseconds& set) override {
    if (is(what)) set = set + allowed.step <= allowed.most ? set + allowed.step : set - allowed.step;
  }
  void choice(const about& what, std::span<const std::string_view> words, std::size_t& set) override {
    if (is(what)) set = (set + 1) % words.size();
  }
  void text(const about& what, text_kind kind, std::string& set) override {
    if (is(what)) set = another(kind, set);
  }
  void texts(const about& what, text_kind kind, std::vector<std::string>& set) override {
    if (is(what)) set = {another(kind, "")};
  }

 private:
  bool is(const about& what) {
    const std::string path = path_.back() + "." + std::string(what.name);
    paths.push_back(path);
    changed = changed || path == wanted_;
    return path == wanted_;
  }
  std::string another(text_kind kind, const std::string& set) const {
    switch (kind) {
      case text_kind::plain:
      case text_kind::optional_plain: return set + "x";
      case text_kind::profile_name: return set == "ecss10" ? "native" : "another";
      case text_kind::property: return "company=another";
      case text_kind::identifier: return "QWERTYUIOP";
      case text_kind::input_file:
      case text_kind::required_file: return file_;
      case text_kind::directory: return "/another";
      case text_kind::listen: return "udp:127.0.0.1:5099";
      case text_kind::endpoint: return "127.0.0.1:9099";
      case text_kind::url:
      case text_kind::optional_url: return "https://another.example.com";
      case text_kind::proxy_url: return "http://proxy.example.com:3128";
      case text_kind::gateway_url: return "https://gateway.example.com/another";
      case text_kind::token_url: return "https://tokens.example.com/another";
      case text_kind::domain: return "another.example.com";
      case text_kind::address: return "10.9.8.7";
      case text_kind::host: return "another.example.com:5099";
    }
    return set;
  }

  std::string wanted_, file_;
  std::vector<std::string> path_;
};

class EverySetting : public ::testing::Test, protected testing::settings_folder {
 protected:
  EverySetting() {
    write("pair.pem", "-----BEGIN CERTIFICATE-----\nof some app\n");
    write("key", "server-key\n");
    write("another", "-----BEGIN another text\n");
    settings.node.domains = {"example.com"};
    settings.trust.open = true;
    apns_app certified;
    certified.bundle = "com.example.desk";
    certified.certificate_file = path("pair.pem");
    settings.apns.apps.push_back(certified);
    fcm_app gateway;
    gateway.project = "on-premises";
    gateway.api = fcm_app_config::api::legacy;
    gateway.server_key_file = path("key");
    gateway.endpoint = "https://gateway.example.com/send";
    settings.fcm.apps.push_back(gateway);
    write("own.json", std::string(pns::builtin_profile_text("ecss10")));
    write("another.json", std::string(pns::builtin_profile_text("native")));
    settings.profiles = {{"own", path("own.json"), base_profile::ecss10, {}}, {"built", "", base_profile::ecss10, {}}};
  }

  /// All that any component is given, as it is after a way through a file.
  struct given {
    std::uint16_t shard_count;
    shard_config shards;
    subscriber_config subscribers;
    home_config homes;
    store_kind kind;
    rocksdb_settings store;
    http1::server_options admin;
    std::string bearer_token_file;
    std::vector<std::string> allowed_hosts;
    std::uint64_t pool_bytes;
    std::uint64_t max_aors;
    std::tuple<log_level, log_format, std::string> logging;
    push_config pushes;
    bool operator==(const given&) const = default;
  };
  std::optional<given> through_a_file(const config::settings& from) {
    const auto loaded = load_text(effective_toml(from), "r.toml");
    if (!loaded) {
      complaint = loaded.error().front().text();
      return std::nullopt;
    }
    auto pushes = read_push_config(*loaded);
    if (!pushes) {
      complaint = pushes.error().front().what;
      return std::nullopt;
    }
    for (auto& app : pushes->apns.apps) app.written_at.clear();  // places move with any text
    for (auto& app : pushes->fcm.apps) app.written_at.clear();
    const std::uint16_t count = shard_count(*loaded, 4);
    return given{count, for_shards(*loaded, count, {}), for_subscribers(*loaded), for_homes(*loaded, 1), loaded->store_kind,
                 loaded->store, for_admin(*loaded), loaded->admin.bearer_token_file,
                 loaded->admin.allowed_hosts, loaded->limits.pool_bytes, loaded->registrar.max_aors,
                 {loaded->logging.level, loaded->logging.format, loaded->logging.file}, std::move(*pushes)};
  }

  std::string complaint;
};

/// "apns.app[1].key_id" is a case of "apns.app.key_id".
std::string without_index(std::string path) {
  for (std::size_t at = path.find('['); at != std::string::npos; at = path.find('[')) path.erase(at, path.find(']', at) + 1 - at);
  return path;
}

TEST_F(EverySetting, IsFoundInItsComponent) {
  // Some matter only beside another, and some for nothing but what may stand in the file.
  const std::map<std::string, void (*)(config::settings&)> beside{
      {"push.when", [](config::settings& s) { s.subscribers.live_flow = dial_live_flow::yes; }},
      {"apns.warm_connections", [](config::settings& s) { s.apns.send.limits.connections = 4; }},
      {"fcm.warm_connections", [](config::settings& s) { s.fcm.send.limits.connections = 4; }},
      {"apns.proxy_credentials_file", [](config::settings& s) { s.apns.send.proxy = "http://proxy.example.com:3128"; }},
      {"fcm.proxy_credentials_file", [](config::settings& s) { s.fcm.send.proxy = "http://proxy.example.com:3128"; }},
  };
  const std::map<std::string, const char*> checked_only{
      {"trust.open", "must be true"},
      {"fcm.app.allow_plain_http", "lets an http:// endpoint pass"},
      {"apns.app.certificate_password_file", "opens PKCS#12 alone: PushCertificate tests"},
      {"fcm.app.api", "goes with other files, see below"},
  };
  changer list("", "");
  config::settings walked = settings;
  visit_schema(list, walked);
  std::map<std::string, std::vector<std::string>> cases;
  for (const std::string& path : list.paths) cases[without_index(path)].push_back(path);
  EXPECT_GT(cases.size(), 80U);

  for (const auto& [name, paths] : cases) {
    if (checked_only.contains(name)) continue;
    bool found = false;
    complaint.clear();
    for (const std::string& path : paths) {
      config::settings before = settings;
      if (const auto also = beside.find(name); also != beside.end()) also->second(before);
      config::settings after = before;
      changer change(path, this->path(name == "payload.profile.file" ? "another.json" : "another"));
      visit_schema(change, after);
      ASSERT_TRUE(change.changed) << path;
      const auto a = through_a_file(before), b = through_a_file(after);
      found = found || (a && b && !(*a == *b));
    }
    EXPECT_TRUE(found) << name << ": another value changes nothing that a component gets. " << complaint;
  }
}

TEST_F(EverySetting, GivesEachFirebaseAppItsApi) {
  const auto got = through_a_file(settings);
  ASSERT_TRUE(got) << complaint;
  EXPECT_EQ(got->pushes.fcm.apps.at(0).speaks, fcm_app_config::api::v1);
  EXPECT_EQ(got->pushes.fcm.apps.at(1).speaks, fcm_app_config::api::legacy);
}

}  // namespace
}  // namespace reveille::config
