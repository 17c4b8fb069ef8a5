#include "engine/push/apns/apns_plan.hpp"

#include <algorithm>
#include <map>

#include "engine/push/apns/apns_credential.hpp"
#include "net/tls/certificate.hpp"

namespace reveille {
namespace {

class apns_planner {
 public:
  explicit apns_planner(push_planner& planner) : planner_(planner) {}

  void add(const apns_app_config& app) {
    const std::string name = app.bundle.empty() ? "apns app of a certificate" : "apns app " + app.bundle;
    const std::string who = push_planner::whose(app.written_at, name);
    if (app.sends == push_switch::off) {
      for (const pns::provider p : {pns::provider::apns, pns::provider::apns_dev}) planner_.plan().router.add(p, app.team_id, app.bundle, push_planner::off);
      planner_.plan().advice.push_back(name + " is switched off or paused: nothing is sent for it");
      return;
    }
    const auto compiled = planner_.profile(who, app.profile, app.properties);
    apple_key* key = app.certificate_pem.empty() ? key_of(who, app) : certificate_of(who, app);
    if (!compiled || key == nullptr) return;
    apns_bundle bundle;
    bundle.app.bundle = bundle_of(who, app, *key);
    if (bundle.app.bundle.empty()) return;
    if (!key->serves(app.environment)) {
      planner_.refuse(who + ": certificate: is not for environment " +
                         (app.environment == apns_environment::sandbox ? "sandbox" : "production"));
      return;
    }
    bundle.app.on_voip_token = app.on_voip_token.value_or(compiled->on_voip_token());
    bundle.profile = compiled;
    const pns::payload_template* invite = compiled->find(pns::payload_wire::apns, pns::payload_kind::invite);
    if (invite != nullptr && !invite->wakes_plain_token()) {
      planner_.plan().advice.push_back("apns app " + bundle.app.bundle + ": profile " + app.profile +
                             " carries no alert, so calls wake only devices that register a voip token; profile native wakes both");
    }
    // Provider `apns` means this app's environment, `apns.dev` always the sandbox (SPEC 2.2).
    route(pns::provider::apns, app, *key, app.environment, bundle);
    if (key->serves(apns_environment::sandbox)) {
      route(pns::provider::apns_dev, app, *key, apns_environment::sandbox, bundle);
    }
  }

 private:
  /// A key, with its one bearer token, or a certificate; all its credentials live on one thread.
  struct apple_key {
    std::uint16_t thread;
    std::shared_ptr<pns::bearer_token> token;       ///< nullptr: it is a certificate
    key_pair_pem pair;
    certificate_facts facts;
    std::map<std::pair<apns_environment, std::string>, std::pair<std::uint16_t, apns_requests*>> senders;   ///< by authority
    std::shared_ptr<steady_time> hold = std::make_shared<steady_time>();   ///< TooManyProviderTokenUpdates is the key's

    /// Apple marks for which environments a certificate is; others' (a test's authority) carry no mark.
    bool serves(apns_environment e) const {
      if (token || (!facts.sandbox && !facts.production)) return true;
      return e == apns_environment::sandbox ? facts.sandbox : facts.production;
    }
  };

  apple_key* key_of(const std::string& who, const apns_app_config& app) {
    const std::string name = app.team_id + '.' + app.key_id;
    if (const auto found = keys_.find(name); found != keys_.end()) return &found->second;
    auto key = pns::signing_key::from_pem(app.key_pem);
    if (!key) {
      planner_.refuse(who + ": key " + app.key_id + ": " + key.error().what);
      return nullptr;
    }
    if (key->algorithm() != pns::jwt_algorithm::es256) {
      planner_.refuse(who + ": key " + app.key_id + " is no EC P-256 key");
      return nullptr;
    }
    auto token = std::make_shared<pns::bearer_token>(app.key_id, app.team_id, std::move(*key));
    return &keys_.emplace(name, apple_key{planner_.next_thread(), std::move(token), {}, {}, {}, std::make_shared<steady_time>()}).first->second;
  }

  apple_key* certificate_of(const std::string& who, const apns_app_config& app) {
    const auto refuse = [&](const std::string& what) {
      planner_.refuse(who + ": certificate: " + what);
      return nullptr;
    };
    const key_pair_pem pair{app.certificate_pem, app.certificate_key_pem};
    auto facts = read_certificate(pair.certificate_pem);
    if (!facts) return refuse(facts.error().what);
    if (const auto fits = check_key_pair(pair); !fits) return refuse(fits.error().what);
    const std::string name = "certificate " + facts->fingerprint;
    planner_.plan().certificates.push_back({app.bundle.empty() ? facts->user_id : app.bundle, facts->fingerprint, facts->ends});
    if (const auto found = keys_.find(name); found != keys_.end()) return &found->second;
    return &keys_.emplace(name, apple_key{planner_.next_thread(), nullptr, pair, std::move(*facts), {}, std::make_shared<steady_time>()}).first->second;
  }

  /// The bundle that was configured, if the certificate is for it, or the certificate's own; "" after a fault.
  std::string bundle_of(const std::string& who, const apns_app_config& app, const apple_key& key) {
    if (key.token) return app.bundle;
    const certificate_facts& facts = key.facts;
    if (app.bundle.empty()) {
      if (facts.user_id.empty()) planner_.refuse(who + ": certificate: names no bundle (UID), so `bundle` must be set");
      return facts.user_id;
    }
    const bool listed = std::count(facts.topics.begin(), facts.topics.end(), app.bundle) != 0;
    if (listed || facts.user_id == app.bundle || (facts.user_id.empty() && facts.topics.empty())) return app.bundle;
    std::string topics = facts.user_id;
    for (const std::string& t : facts.topics) topics += (topics.empty() ? "" : ", ") + t;
    planner_.refuse(who + ": certificate: is for " + topics + ", not for this bundle");
    return {};
  }

  void route(pns::provider provider, const apns_app_config& app, apple_key& key, apns_environment environment,
             const apns_bundle& bundle) {
    const push_endpoint& provider_wide =
        environment == apns_environment::production ? planner_.config().apns.production : planner_.config().apns.sandbox;
    const push_endpoint endpoint = environment == app.environment ? app.endpoint.value_or(provider_wide) : provider_wide;
    auto found = key.senders.find({environment, endpoint.authority()});
    if (found == key.senders.end()) {
      std::unique_ptr<apns_requests> credential;
      if (key.token) {
        credential = std::make_unique<apns_token_credential>(endpoint.authority(), key.token);
      } else {
        credential = std::make_unique<apns_certificate_credential>(endpoint.authority());
      }
      apns_requests* raw = credential.get();
      raw->share_hold(key.hold);
      push_sender_parts parts;
      parts.name = key.token ? app.team_id + '.' + app.key_id : "certificate " + key.facts.fingerprint.substr(0, 12);
      if (environment == apns_environment::sandbox) parts.name += " sandbox";
      if (endpoint != provider_wide) parts.name += " at " + endpoint.authority();
      parts.credential = std::move(credential);
      parts.endpoint = endpoint;
      parts.route = planner_.config().apns.route;
      parts.route.certificate_pem = key.pair.certificate_pem;
      parts.route.private_key_pem = key.pair.private_key_pem;
      parts.limits = planner_.config().apns.limits;
      // Nobody may ever use the sandbox of a production app: its connection is made when somebody does.
      if (provider == pns::provider::apns_dev) parts.limits.warm_connections = 0;
      const push_destination at = planner_.place(key.thread, provider, std::move(parts));
      found = key.senders.emplace(std::pair{environment, endpoint.authority()}, std::pair{at.sender, raw}).first;
    }
    planner_.plan().router.add(provider, app.team_id, bundle.app.bundle,
                     {key.thread, found->second.first, found->second.second->add(bundle)});
    planner_.plan().threads[key.thread][found->second.first].parts.apps.push_back({bundle.app.bundle, app.rate, app.call_ttl});
  }

  push_planner& planner_;
  std::map<std::string, apple_key> keys_;
};

}  // namespace

void plan_apns(push_planner& planner) {
  const apns_config& config = planner.config().apns;
  if (config.sends == push_switch::off) {
    planner.plan().router.switch_off(pns::provider::apns);
    planner.plan().router.switch_off(pns::provider::apns_dev);
    return;
  }
  apns_planner apple(planner);
  for (const apns_app_config& app : config.apps) apple.add(app);
}

}  // namespace reveille
