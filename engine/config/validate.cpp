#include "engine/config/load.hpp"
#include "engine/config/schema.hpp"
#include "pns/payload.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>

namespace reveille::config {
namespace {

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// RFC 1123 host name, or an address literal (IPv6 in brackets).
bool is_host(std::string_view text) {
  if (parse_address(text, 1)) return true;
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '.' || c == '-'; });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  return problem == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos;
  if (!has_port) return is_host(text);
  return is_host(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

bool is_url(std::string_view text, bool with_path) {
  if (!text.starts_with("https://")) return false;
  text.remove_prefix(8);
  const std::size_t slash = text.find('/');
  if ((slash != std::string_view::npos) != with_path) return false;
  return is_host_and_port(text.substr(0, slash));
}

bool is_gateway_url(std::string_view text) {
  if (!text.starts_with("https://") && !text.starts_with("http://")) return false;
  text.remove_prefix(text.find("//") + 2);
  return is_host_and_port(text.substr(0, text.find('/')));
}

bool is_readable(const std::string& path) {
  return std::ifstream(path, std::ios::binary).get() != EOF;
}

/// Checks each text for what it must be. What relates several settings is in rules() below.
class text_checker final : public schema_visitor {
 public:
  text_checker(std::vector<violation>& found, file_check files) : found_(found), files_(files) {}

  void open_table(std::string_view name, std::string_view) override { push(std::string(name)); }
  void close_table() override { pop(); }
  std::size_t open_tables(std::string_view name, std::string_view, std::size_t present) override {
    push(std::string(name));
    return present;
  }
  void open_element(std::size_t index) override { enter(path_.back() + "[" + std::to_string(index) + "]"); }
  void close_element() override { pop(); }
  void close_tables() override { pop(); }
  /// `enabled` stands first in its table.
  void flag(const about& what, bool& set) override {
    if (what.name == "enabled" && !set) off_.back() = true;
  }
  void number(const about&, const number_range&, std::uint64_t&) override {}
  void bytes(const about&, const number_range&, std::uint64_t&) override {}
  void duration(const about&, const duration_range&, milliseconds&) override {}
  void choice(const about&, std::span<const std::string_view>, std::size_t&) override {}
  void text(const about& what, text_kind kind, std::string& set) override {
    check(path_.back() + "." + std::string(what.name), kind, set);
  }
  void texts(const about& what, text_kind kind, std::vector<std::string>& set) override {
    for (std::size_t i = 0; i < set.size(); ++i) {
      check(path_.back() + "." + std::string(what.name) + "[" + std::to_string(i) + "]", kind, set[i]);
    }
  }

 private:
  void push(std::string name) { enter(path_.empty() ? std::move(name) : path_.back() + "." + name); }
  void enter(std::string path) {
    path_.push_back(std::move(path));
    off_.push_back(!off_.empty() && off_.back());
  }
  void pop() {
    path_.pop_back();
    off_.pop_back();
  }
  void refuse(const std::string& path, std::string what) { found_.push_back({path, std::move(what)}); }

  void check(const std::string& path, text_kind kind, const std::string& value) {
    switch (kind) {
      case text_kind::plain:
        if (value.empty()) refuse(path, "must be set");
        return;
      case text_kind::optional_plain: return;
      case text_kind::profile_name:
        if (!pns::is_profile_name(value)) refuse(path, "must be 1 to 32 of a-z, 0-9, '_' and '-'");
        return;
      case text_kind::property:
        if (value.find('=') == std::string::npos || value.front() == '=') refuse(path, "must be NAME=VALUE");
        return;
      case text_kind::identifier:
        if (value.empty()) return;
        if (value.size() != 10 || !std::all_of(value.begin(), value.end(), is_alnum)) {
          refuse(path, "must be the ten letters and digits that Apple gave");
        }
        return;
      case text_kind::required_file:
        if (value.empty()) return refuse(path, "must name a file");
        [[fallthrough]];
      case text_kind::input_file:
        if (!value.empty() && files_ == file_check::must_be_readable && !off_.back() && !is_readable(value)) {
          refuse(path, "names " + value + ", which is missing, empty or may not be read by this user");
        }
        return;
      case text_kind::directory:
        if (value.empty()) refuse(path, "must name a directory");
        return;
      case text_kind::listen:
        if (!value.starts_with("udp:") || !parse_endpoint(std::string_view(value).substr(4))) {
          refuse(path, "must be udp:ADDRESS:PORT, such as udp:0.0.0.0:5060 or udp:[::]:5060");
        }
        return;
      case text_kind::endpoint:
        if (!value.empty() && !parse_endpoint(value)) refuse(path, "must be ADDRESS:PORT, such as 127.0.0.1:8080");
        return;
      case text_kind::optional_url:
        if (value.empty()) return;
        [[fallthrough]];
      case text_kind::url:
        if (!is_url(value, false)) refuse(path, "must be https://HOST or https://HOST:PORT, without a path");
        return;
      case text_kind::proxy_url:
        if (!value.empty() && (!value.starts_with("http://") || !is_host_and_port(std::string_view(value).substr(7)) ||
                               value.find(':', 7) == std::string::npos)) {
          refuse(path, "must be http://HOST:PORT");
        }
        return;
      case text_kind::gateway_url:
        if (!value.empty() && !is_gateway_url(value)) refuse(path, "must be https:// or http://HOST[:PORT][/PATH]");
        return;
      case text_kind::token_url:
        if (!value.empty() && !is_url(value, true)) refuse(path, "must be https://HOST/PATH or https://HOST:PORT/PATH");
        return;
      case text_kind::domain:
        if (!is_host(value)) refuse(path, "must be a domain name, such as example.com");
        return;
      case text_kind::address:
        if (!parse_address(value, 1)) refuse(path, "must be an address, such as 10.1.2.3");
        return;
      case text_kind::host:
        if (!value.empty() && !is_host_and_port(value)) refuse(path, "must be HOST or HOST:PORT");
        return;
    }
  }

  std::vector<violation>& found_;
  file_check files_;
  std::vector<std::string> path_;
  std::vector<bool> off_;   ///< beside path_: whether that table, or one around it, is switched off
};

bool is_loopback(std::string_view listen) {
  const auto at = parse_endpoint(listen);
  if (!at) return true;  // reported as malformed
  if (!at->v6) return at->address[0] == 127;
  return std::all_of(at->address.begin(), at->address.end() - 1, [](std::uint8_t b) { return b == 0; }) &&
         at->address.back() == 1;
}

/// What one setting means for another.
void check_relations(const settings& s, std::vector<violation>& found) {
  const auto require = [&](bool holds, const char* path, const char* what) {
    if (!holds) found.push_back({path, what});
  };
  require(!s.node.domains.empty(), "node.domains", "must name at least one domain, such as [\"example.com\"]");
  require(!s.node.listen.empty(), "node.listen", "must name at least one socket");
  require(s.node.listen.size() <= 255, "node.listen", "may name 255 sockets at most");
  require(s.trust.open, "trust.open",
          "must be true: this version does not authenticate subscribers, so run it on a private network only");
  require(s.subscribers.min_expires <= s.subscribers.default_expires, "registrar.default_expires",
          "must not be below registrar.min_expires");
  require(s.subscribers.default_expires <= s.subscribers.max_expires, "registrar.default_expires",
          "must not be above registrar.max_expires");
  require(s.subscribers.refused_grace < s.subscribers.answer_timeout, "park.refused_grace", "must be below call.answer_timeout");
  require(s.subscribers.left_grace < s.subscribers.answer_timeout, "park.left_grace", "must be below call.answer_timeout");
  require(s.subscribers.push_ttl_margin < s.subscribers.answer_timeout, "push.ttl_margin",
          "must be below call.answer_timeout: no push would have time to live");
  require(s.subscribers.answer_timeout < s.subscribers.timer_c, "call.timer_c", "must be above call.answer_timeout");
  require(s.subscribers.push == push_when::always || s.subscribers.live_flow == dial_live_flow::yes, "push.when",
          "must be always unless call.dial_live_flow = true: a device with a live flow would be neither pushed nor dialled");
  require(is_loopback(s.admin.listen) || !s.admin.bearer_token_file.empty(), "admin.bearer_token_file",
          "must be set when admin.listen is not a loopback address");
  std::set<std::string> sockets;
  for (std::size_t i = 0; i < s.node.listen.size(); ++i) {
    if (!sockets.insert(s.node.listen[i]).second) {
      found.push_back({"node.listen[" + std::to_string(i) + "]", "is named twice"});
    }
  }
}

/// Names only; what the templates say is for check_profiles (engine/config/profiles.cpp).
void check_profile_names(const settings& s, std::vector<violation>& found) {
  std::set<std::string_view> known(pns::builtin_profile_names().begin(), pns::builtin_profile_names().end());
  for (std::size_t i = 0; i < s.profiles.size(); ++i) {
    if (known.insert(s.profiles[i].name).second) continue;
    found.push_back({"payload.profile[" + std::to_string(i) + "].name", "is built in, or an earlier profile's"});
  }
  const auto check = [&](const std::string& name, std::string path) {
    if (!pns::is_profile_name(name) || known.contains(name)) return;
    std::string all;
    for (const std::string_view k : known) all += (all.empty() ? "" : ", ") + std::string(k);
    found.push_back({std::move(path), "names no profile; there are " + all});
  };
  for (std::size_t i = 0; i < s.apns.apps.size(); ++i) check(s.apns.apps[i].profile, "apns.app[" + std::to_string(i) + "].profile");
  for (std::size_t i = 0; i < s.fcm.apps.size(); ++i) check(s.fcm.apps[i].profile, "fcm.app[" + std::to_string(i) + "].profile");
}

/// Either a signing key or a certificate, whole.
void check_credential(const apns_app& app, const std::string& path, std::vector<violation>& found) {
  const bool key = !app.key_file.empty() || !app.key_id.empty();
  const bool certificate = !app.certificate_file.empty();
  const auto refuse = [&](const char* name, const char* what) { found.push_back({path + name, what}); };
  // Subscribers know an app by its bundle, and are there before any certificate is read.
  if (app.bundle.empty() && !app.enabled) refuse(".bundle", "must be set where enabled = false");
  if (app.bundle.empty() && app.accounts == pns::accounts::one) refuse(".bundle", "must be set where accounts = \"one\"");
  if (key && certificate) return refuse(".certificate_file", "must not stand beside key_file and key_id: an app has one of the two");
  if (certificate) return;
  if (!app.certificate_key_file.empty()) refuse(".certificate_key_file", "needs certificate_file");
  if (!app.certificate_password_file.empty()) refuse(".certificate_password_file", "needs certificate_file");
  if (!key) return refuse("", "must name a signing key (key_file, key_id, team_id) or a certificate_file");
  if (app.key_file.empty()) refuse(".key_file", "must name a file: key_id alone is no key");
  if (app.key_id.empty()) refuse(".key_id", "must be set: the ten letters and digits that Apple gave the key");
  if (app.team_id.empty()) refuse(".team_id", "must be set: a signing key speaks for a team");
  if (app.bundle.empty()) refuse(".bundle", "must be set");
}

/// A service account for Google, or a server key for a gateway.
void check_fcm_app(const fcm_app& app, const std::string& path, std::vector<violation>& found) {
  const auto refuse = [&](const char* name, const char* what) { found.push_back({path + name, what}); };
  if (app.api == fcm_app_config::api::v1) {
    if (app.service_account_file.empty()) refuse(".service_account_file", "must name a file");
    if (!app.server_key_file.empty()) refuse(".server_key_file", "needs api = \"legacy\": Google takes service accounts only");
    if (!app.endpoint.empty() && !is_url(app.endpoint, false)) {
      refuse(".endpoint", "must be https://HOST or https://HOST:PORT, without a path: only api = \"legacy\" has others");
    }
    return;
  }
  if (app.server_key_file.empty()) refuse(".server_key_file", "must name a file: api = \"legacy\" authenticates with a server key");
  if (!app.service_account_file.empty()) refuse(".service_account_file", "has no use with api = \"legacy\"");
  if (app.endpoint.empty()) refuse(".endpoint", "must be the gateway's URL: Google itself no longer serves the legacy API");
  if (app.endpoint.starts_with("http://") && !app.allow_plain_http) {
    refuse(".endpoint", "is not encrypted: the server key and the tokens could be read on the way; allow_plain_http = true takes it all the same");
  }
}

void check_apps(const settings& s, std::vector<violation>& found) {
  std::set<std::pair<std::string, apns_environment>> bundles;
  for (std::size_t i = 0; i < s.apns.apps.size(); ++i) {
    const apns_app& app = s.apns.apps[i];
    const std::string path = "apns.app[" + std::to_string(i) + "]";
    if (!bundles.emplace(app.team_id + "." + app.bundle, app.environment).second) {
      found.push_back({path, "has the same team, bundle and environment as an earlier app"});
    }
    check_credential(app, path, found);
    if (app.bundle.ends_with(".voip")) {
      found.push_back({path + ".bundle", "must be given without .voip: topics are made from it"});
    }
  }
  for (std::size_t i = 0; i < s.fcm.apps.size(); ++i) check_fcm_app(s.fcm.apps[i], "fcm.app[" + std::to_string(i) + "]", found);
  std::set<std::string> projects;
  for (std::size_t i = 0; i < s.fcm.apps.size(); ++i) {
    if (!projects.insert(s.fcm.apps[i].project).second) {
      found.push_back({"fcm.app[" + std::to_string(i) + "].project", "is the same as an earlier app's"});
    }
  }
}

}  // namespace

std::vector<violation> validate(const settings& s, file_check files) {
  std::vector<violation> found;
  settings copy = s;  // the visitor could write; this one only reads
  text_checker checker(found, files);
  visit_schema(checker, copy);
  check_relations(s, found);
  check_profile_names(s, found);
  check_apps(s, found);
  return found;
}

}  // namespace reveille::config
