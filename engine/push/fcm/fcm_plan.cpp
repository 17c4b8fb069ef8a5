#include "engine/push/fcm/fcm_plan.hpp"

#include "engine/push/fcm/fcm_credential.hpp"
#include "engine/push/fcm/fcm_legacy_credential.hpp"

namespace reveille {
namespace {

/// Google's ramp begins at this part of the quota: what calls come to on an ordinary day is never throttled.
constexpr double quota_floor = 0.1;

void add_legacy(push_planner& planner, const fcm_app_config& app) {
  const std::string who = push_planner::whose(app.written_at, "fcm project " + app.project);
  const auto compiled = planner.profile(who, app.profile, app.properties);
  if (compiled && compiled->find(pns::payload_wire::fcm_legacy, pns::payload_kind::invite) == nullptr) {
    planner.refuse(who + ": profile " + app.profile + " has no body for FCM's legacy API");
    return;
  }
  push_sender_parts parts;
  parts.name = app.project;
  parts.apps.push_back({app.project, 0, app.call_ttl});
  parts.endpoint = planner.config().fcm.service;
  std::string path = "/fcm/send";
  if (!app.endpoint.empty()) {
    const auto where = push_endpoint::parse_either(app.endpoint);
    if (!where) {
      planner.refuse(who + ": the endpoint is no URL: " + app.endpoint);
      return;
    }
    parts.endpoint = *where;
    path = path_of_url(app.endpoint, path);
  }
  if (!compiled) return;
  parts.credential = std::make_unique<fcm_legacy_credential>(parts.endpoint.authority(), path, app.server_key, compiled);
  parts.route = planner.config().fcm.route;
  parts.route.http1_too = true;
  parts.limits = planner.config().fcm.limits;
  if (app.rate > 0) parts.limits.rate = app.rate;
  parts.limits.connections = app.connections;
  parts.limits.spare_connections = 0;  // HTTP/1.1: any of them can take the place of another
  planner.plan().router.add(pns::provider::fcm, "", app.project, planner.place(planner.next_thread(), pns::provider::fcm, std::move(parts)));
}

void add(push_planner& planner, const fcm_app_config& app) {
  if (app.sends == push_switch::off) {
    planner.plan().router.add(pns::provider::fcm, "", app.project, push_planner::off);
    planner.plan().advice.push_back("fcm project " + app.project + " is switched off or paused: nothing is sent for it");
    return;
  }
  if (app.speaks == fcm_app_config::api::legacy) return add_legacy(planner, app);
  auto account = pns::service_account::parse(app.service_account);
  if (!account) {
    planner.refuse(push_planner::whose(app.written_at, "fcm service account: ") + account.error().what);
    return;
  }
  const std::string who = push_planner::whose(app.written_at, "fcm project " + account->project_id);
  const auto compiled = planner.profile(who, app.profile, app.properties);
  const auto own = app.endpoint.empty() ? std::nullopt : push_endpoint::parse(app.endpoint);
  if (!app.endpoint.empty() && !own) planner.refuse(who + ": the endpoint is no https URL: " + app.endpoint);
  const push_endpoint endpoint = own.value_or(planner.config().fcm.service);
  const std::string url = planner.config().fcm.token_url.empty() ? account->token_uri : planner.config().fcm.token_url;
  if (!push_endpoint::parse(url)) planner.refuse(who + ": the token URL is no https URL: " + url);
  if (!compiled) return;
  const std::string project = account->project_id;
  push_sender_parts parts;
  parts.credential =
      std::make_unique<fcm_credential>(endpoint.authority(), std::move(*account), compiled);
  parts.name = project;
  parts.apps.push_back({project, 0, app.call_ttl});
  parts.endpoint = endpoint;
  parts.route = planner.config().fcm.route;
  parts.limits = planner.config().fcm.limits;
  if (app.rate > 0) parts.limits.rate = app.rate;
  parts.limits.ramp_floor = parts.limits.rate * quota_floor;
  parts.token_url = url;
  planner.plan().router.add(pns::provider::fcm, "", project, planner.place(planner.next_thread(), pns::provider::fcm, std::move(parts)));
}

}  // namespace

void plan_fcm(push_planner& planner) {
  const fcm_config& config = planner.config().fcm;
  if (config.sends == push_switch::off) return planner.plan().router.switch_off(pns::provider::fcm);
  for (const fcm_app_config& app : config.apps) add(planner, app);
}

}  // namespace reveille
