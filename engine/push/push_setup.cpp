#include "engine/push/push_setup.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "engine/config/profiles.hpp"
#include "net/tls/certificate.hpp"
#include "pns/access_token.hpp"

namespace reveille {

namespace {

class reader {
 public:
  explicit reader(const config::settings& from) : from_(from) {}

  /// @param what after the setting's name: ": cannot be read", say.
  void refuse(const std::string& setting, const std::string& what) {
    faults.push_back({from_.setting_text(setting) + what});
  }
  std::string file(const std::string& setting, const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || text.str().empty()) {
      refuse(setting, ": cannot read " + path + ", or it is empty");
      return {};
    }
    return text.str();
  }
  std::string optional_file(const std::string& setting, const std::string& path) {
    return path.empty() ? std::string() : file(setting, path);
  }
  push_endpoint endpoint(const std::string& setting, const std::string& url) {
    const auto parsed = push_endpoint::parse(url);
    if (!parsed) refuse(setting, ": no https URL: " + url);
    return parsed.value_or(push_endpoint{});
  }
  /// Where an app stands in the file, for what is found wrong with it later.
  std::string place(const std::string& element) const {
    const auto found = from_.written_at.find(element);
    return found == from_.written_at.end() ? std::string() : found->second;
  }

  std::vector<error> faults;

 private:
  const config::settings& from_;
};

push_switch switch_of(bool enabled, bool paused) { return enabled && !paused ? push_switch::on : push_switch::off; }

std::string first_line(std::string text) {
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

/// PEM with the key in it or beside it, or PKCS#12.
void read_certificate(const std::string& setting, const config::apns_app& app, apns_app_config& out, reader& read) {
  const std::size_t before = read.faults.size();
  std::string text = read.file(setting + "certificate_file", app.certificate_file);
  const std::string key = read.optional_file(setting + "certificate_key_file", app.certificate_key_file);
  const std::string password = read.optional_file(setting + "certificate_password_file", app.certificate_password_file);
  if (read.faults.size() != before) return;
  if (text.find("-----BEGIN") != std::string::npos) {
    out.certificate_key_pem = key.empty() ? text : key;
    out.certificate_pem = std::move(text);
    return;
  }
  auto opened = read_pkcs12(text, first_line(password));
  if (!opened) {
    read.refuse(setting + "certificate_file", ": " + app.certificate_file + ' ' + opened.error().what);
    return;
  }
  out.certificate_pem = std::move(opened->certificate_pem);
  out.certificate_key_pem = key.empty() ? std::move(opened->private_key_pem) : key;
}

/// Base64 of RFC 4648 4, as Basic authentication wants it (RFC 7617).
std::string base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

void read_sending(const std::string& provider, const config::sending& from, std::uint32_t queue_limit, push_route& route,
                  push_limits& limits, reader& read) {
  route.ca_pem = read.optional_file(provider + ".ca_file", from.ca_file);
  route.connect_timeout = from.connect_timeout;
  route.answer_timeout = from.limits.answer_timeout;
  if (!from.proxy.empty()) {
    const auto at = push_endpoint::parse_either(from.proxy);
    if (at) {
      route.proxy_host = at->host;
      route.proxy_port = at->port;
    } else {
      read.refuse(provider + ".proxy", ": no URL: " + from.proxy);
    }
  }
  const std::string who = read.optional_file(provider + ".proxy_credentials_file", from.proxy_credentials_file);
  if (!who.empty()) route.proxy_authorization = "Basic " + base64(first_line(who));
  limits = from.limits;
  limits.warm_connections = std::min(limits.warm_connections, limits.connections);
  limits.calls_queued = limits.missed_calls_queued = queue_limit;
}

void read_apns(const config::apns& from, std::uint32_t queue_limit, apns_config& to, reader& read) {
  to.production = read.endpoint("apns.endpoint", from.send.endpoint);
  to.sandbox = read.endpoint("apns.sandbox_endpoint", from.sandbox_endpoint);
  read_sending("apns", from.send, queue_limit, to.route, to.limits, read);
  for (std::size_t i = 0; i < from.apps.size(); ++i) {
    const config::apns_app& app = from.apps[i];
    apns_app_config out;
    const std::string element = "apns.app[" + std::to_string(i) + "]";
    const std::string setting = element + ".";
    out.written_at = read.place(element);
    out.sends = switch_of(app.enabled, app.paused);
    out.team_id = app.team_id;
    out.bundle = app.bundle;
    if (out.sends == push_switch::off) {
      to.apps.push_back(std::move(out));
      continue;
    }
    out.key_id = app.key_id;
    if (app.certificate_file.empty()) {
      out.key_pem = read.file(setting + "key_file", app.key_file);
    } else {
      read_certificate(setting, app, out, read);
    }
    out.environment = app.environment;
    out.profile = app.profile;
    out.rate = app.rate_limit;
    out.call_ttl = app.call_ttl;
    if (!app.endpoint.empty()) out.endpoint = read.endpoint(setting + "endpoint", app.endpoint);
    out.on_voip_token = app.missed_calls_on_voip_token;
    to.apps.push_back(std::move(out));
  }
}

void read_fcm(const config::fcm& from, std::uint32_t queue_limit, fcm_config& to, reader& read) {
  to.service = read.endpoint("fcm.endpoint", from.send.endpoint);
  to.token_url = from.token_endpoint;
  read_sending("fcm", from.send, queue_limit, to.route, to.limits, read);
  for (std::size_t i = 0; i < from.apps.size(); ++i) {
    const config::fcm_app& app = from.apps[i];
    fcm_app_config out;
    const std::string element = "fcm.app[" + std::to_string(i) + "]";
    const std::string setting = element + ".";
    out.written_at = read.place(element);
    out.sends = switch_of(app.enabled, app.paused);
    out.project = app.project;
    if (out.sends == push_switch::off) {
      to.apps.push_back(std::move(out));
      continue;
    }
    out.profile = app.profile;
    out.rate = app.rate_limit;
    out.call_ttl = app.call_ttl;
    out.endpoint = app.endpoint;
    out.speaks = app.api;
    if (app.api == fcm_app_config::api::legacy) {
      out.server_key = first_line(read.file(setting + "server_key_file", app.server_key_file));
      out.connections = app.connections;
      to.apps.push_back(std::move(out));
      continue;
    }
    out.service_account = read.file(setting + "service_account_file", app.service_account_file);
    // Devices name the project that they were built for; pushes go to the account's. A broken account is told later,
    // when the senders are planned.
    if (const auto account = pns::service_account::parse(out.service_account);
        account && !app.project.empty() && account->project_id != app.project) {
      read.refuse(setting + "project", ": " + app.project + ", but " + app.service_account_file + " is of project " +
                                           account->project_id);
    }
    to.apps.push_back(std::move(out));
  }
}

}  // namespace

result<push_config, std::vector<error>> read_push_config(const config::settings& settings) {
  push_config out;
  reader read(settings);
  out.threads = settings.push.threads;
  for (config::profile_source& p : config::profile_sources(settings)) {
    out.profiles.push_back({std::move(p.name), std::move(p.file), std::move(p.text), std::move(p.properties)});
  }
  out.apns.sends = switch_of(settings.apns.enabled, settings.apns.paused);
  out.fcm.sends = switch_of(settings.fcm.enabled, settings.fcm.paused);
  if (out.apns.sends == push_switch::on) read_apns(settings.apns, settings.push.queue_limit, out.apns, read);
  if (out.fcm.sends == push_switch::on) read_fcm(settings.fcm, settings.push.queue_limit, out.fcm, read);
  if (!read.faults.empty()) return tl::unexpected(std::move(read.faults));
  return out;
}

}  // namespace reveille
