#include "engine/push/fcm/fcm_setup.hpp"

#include "pns/access_token.hpp"

namespace reveille {

void read_fcm(settings_reader& read, push_config& into) {
  const config::fcm& from = read.settings().fcm;
  fcm_config& to = into.fcm;
  to.sends = switch_of(from.enabled, from.paused);
  if (to.sends == push_switch::off) return;
  to.service = read.endpoint("fcm.endpoint", from.send.endpoint);
  to.token_url = from.token_endpoint;
  read.sending("fcm", from.send, to.route, to.limits);
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

}  // namespace reveille
