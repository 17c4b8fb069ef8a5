#include "engine/push/apns/apns_setup.hpp"

#include "net/tls/certificate.hpp"

namespace reveille {
namespace {

/// PEM with the key in it or beside it, or PKCS#12.
void read_certificate(const std::string& setting, const config::apns_app& app, apns_app_config& out, settings_reader& read) {
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

}  // namespace

void read_apns(settings_reader& read, push_config& into) {
  const config::apns& from = read.settings().apns;
  apns_config& to = into.apns;
  to.sends = switch_of(from.enabled, from.paused);
  if (to.sends == push_switch::off) return;
  to.production = read.endpoint("apns.endpoint", from.send.endpoint);
  to.sandbox = read.endpoint("apns.sandbox_endpoint", from.sandbox_endpoint);
  read.sending("apns", from.send, to.route, to.limits);
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

}  // namespace reveille
