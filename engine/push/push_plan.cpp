#include "engine/push/push_plan.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "net/tls/certificate.hpp"

namespace reveille {

std::optional<push_endpoint> push_endpoint::parse(std::string_view url) {
  const auto found = parse_either(url);
  return found && found->how == scheme::https ? found : std::nullopt;
}

std::optional<push_endpoint> push_endpoint::parse_either(std::string_view url) {
  constexpr std::string_view secure = "https://", plain = "http://";
  const bool is_plain = url.starts_with(plain);
  if (!is_plain && !url.starts_with(secure)) return std::nullopt;
  url.remove_prefix(is_plain ? plain.size() : secure.size());
  url = url.substr(0, url.find('/'));
  push_endpoint out;
  if (is_plain) {
    out.how = scheme::http;
    out.port = 80;
  }
  std::string_view port;
  if (!url.empty() && url.front() == '[') {
    const std::size_t end = url.find(']');
    if (end == url.npos) return std::nullopt;
    out.host = url.substr(1, end - 1);
    url.remove_prefix(end + 1);
    if (!url.empty() && url.front() != ':') return std::nullopt;
    if (!url.empty()) port = url.substr(1);
    if (url == ":") return std::nullopt;
  } else {
    const std::size_t colon = url.find(':');
    out.host = url.substr(0, colon);
    if (colon != url.npos) {
      port = url.substr(colon + 1);
      if (port.empty()) return std::nullopt;
    }
  }
  if (out.host.empty()) return std::nullopt;
  if (!port.empty()) {
    const auto [end, fault] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (fault != std::errc() || end != port.data() + port.size() || out.port == 0) return std::nullopt;
  }
  return out;
}

std::string push_endpoint::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (how == scheme::https ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

std::string path_of_url(std::string_view url, std::string_view otherwise) {
  const std::size_t authority = url.find("://");
  const std::size_t slash = authority == url.npos ? url.npos : url.find('/', authority + 3);
  return std::string(slash == url.npos ? otherwise : url.substr(slash));
}

namespace {

/// Google's ramp begins at this part of the quota: what calls come to on an ordinary day is never throttled.
constexpr double quota_floor = 0.1;

class planner {
 public:
  explicit planner(const push_config& config) : config_(config) {
    plan_.threads.resize(std::max<std::size_t>(1, config.threads));
  }

  result<push_plan, std::vector<error>> run() {
    if (config_.apns.sends == push_switch::off) {
      plan_.router.switch_off(pns::provider::apns);
      plan_.router.switch_off(pns::provider::apns_dev);
    } else {
      for (const apns_app_config& app : config_.apns.apps) add(app);
    }
    if (config_.fcm.sends == push_switch::off) {
      plan_.router.switch_off(pns::provider::fcm);
    } else {
      for (const fcm_app_config& app : config_.fcm.apps) add(app);
    }
    if (!faults_.empty()) return tl::unexpected(std::move(faults_));
    return std::move(plan_);
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

  std::shared_ptr<const pns::payload_profile> profile(const std::string& who, const std::string& name,
                                                      const pns::payload_properties& properties) {
    const auto own = std::find_if(config_.profiles.begin(), config_.profiles.end(),
                                  [&](const profile_text& p) { return p.name == name; });
    profile_text source;
    if (own != config_.profiles.end()) {
      source = *own;
    } else {
      source = {name, name + ".json", std::string(pns::builtin_profile_text(name)), {}};
    }
    if (source.text.empty()) {
      faults_.push_back({who + ": there is no payload profile \"" + name + "\", or its file cannot be read"});
      return nullptr;
    }
    for (const auto& [key, value] : properties) source.properties[key] = value;
    auto made = pns::payload_profile::compile(source.text, source.properties);
    if (made) return std::make_shared<const pns::payload_profile>(std::move(*made));
    for (const pns::placed_fault& f : made.error()) faults_.push_back({who + ": " + f.text(source.file)});
    return nullptr;
  }

  static constexpr push_destination off{0, push_destination::switched_off, {}};
  /// What a message begins with: the place in the file, if there is one.
  static std::string whose(const std::string& written_at, const std::string& app) {
    return written_at.empty() ? app : written_at + ": " + app;
  }

  std::uint16_t next_thread() { return static_cast<std::uint16_t>(turn_++ % plan_.threads.size()); }

  push_destination place(std::uint16_t thread, pns::provider provider, push_sender_parts parts) {
    auto& senders = plan_.threads[thread];
    parts.number = static_cast<std::uint16_t>(senders.size());
    const push_destination at{thread, parts.number, {}};
    senders.push_back({provider, std::move(parts)});
    return at;
  }

  apple_key* key_of(const std::string& who, const apns_app_config& app) {
    const std::string name = app.team_id + '.' + app.key_id;
    if (const auto found = keys_.find(name); found != keys_.end()) return &found->second;
    auto key = pns::signing_key::from_pem(app.key_pem);
    if (!key) {
      faults_.push_back({who + ": key " + app.key_id + ": " + key.error().what});
      return nullptr;
    }
    if (key->algorithm() != pns::jwt_algorithm::es256) {
      faults_.push_back({who + ": key " + app.key_id + " is no EC P-256 key"});
      return nullptr;
    }
    auto token = std::make_shared<pns::bearer_token>(app.key_id, app.team_id, std::move(*key));
    return &keys_.emplace(name, apple_key{next_thread(), std::move(token), {}, {}, {}, std::make_shared<steady_time>()}).first->second;
  }

  apple_key* certificate_of(const std::string& who, const apns_app_config& app) {
    const auto refuse = [&](const std::string& what) {
      faults_.push_back({who + ": certificate: " + what});
      return nullptr;
    };
    const key_pair_pem pair{app.certificate_pem, app.certificate_key_pem};
    auto facts = read_certificate(pair.certificate_pem);
    if (!facts) return refuse(facts.error().what);
    if (const auto fits = check_key_pair(pair); !fits) return refuse(fits.error().what);
    const std::string name = "certificate " + facts->fingerprint;
    plan_.certificates.push_back({app.bundle.empty() ? facts->user_id : app.bundle, facts->fingerprint, facts->ends});
    if (const auto found = keys_.find(name); found != keys_.end()) return &found->second;
    return &keys_.emplace(name, apple_key{next_thread(), nullptr, pair, std::move(*facts), {}, std::make_shared<steady_time>()}).first->second;
  }

  /// The bundle that was configured, if the certificate is for it, or the certificate's own; "" after a fault.
  std::string bundle_of(const std::string& who, const apns_app_config& app, const apple_key& key) {
    if (key.token) return app.bundle;
    const certificate_facts& facts = key.facts;
    if (app.bundle.empty()) {
      if (facts.user_id.empty()) faults_.push_back({who + ": certificate: names no bundle (UID), so `bundle` must be set"});
      return facts.user_id;
    }
    const bool listed = std::count(facts.topics.begin(), facts.topics.end(), app.bundle) != 0;
    if (listed || facts.user_id == app.bundle || (facts.user_id.empty() && facts.topics.empty())) return app.bundle;
    std::string topics = facts.user_id;
    for (const std::string& t : facts.topics) topics += (topics.empty() ? "" : ", ") + t;
    faults_.push_back({who + ": certificate: is for " + topics + ", not for this bundle"});
    return {};
  }

  void add(const apns_app_config& app) {
    const std::string name = app.bundle.empty() ? "apns app of a certificate" : "apns app " + app.bundle;
    const std::string who = whose(app.written_at, name);
    if (app.sends == push_switch::off) {
      for (const pns::provider p : {pns::provider::apns, pns::provider::apns_dev}) plan_.router.add(p, app.team_id, app.bundle, off);
      plan_.advice.push_back(name + " is switched off or paused: nothing is sent for it");
      return;
    }
    const auto compiled = profile(who, app.profile, app.properties);
    apple_key* key = app.certificate_pem.empty() ? key_of(who, app) : certificate_of(who, app);
    if (!compiled || key == nullptr) return;
    apns_bundle bundle;
    bundle.app.bundle = bundle_of(who, app, *key);
    if (bundle.app.bundle.empty()) return;
    if (!key->serves(app.environment)) {
      faults_.push_back({who + ": certificate: is not for environment " +
                         (app.environment == apns_environment::sandbox ? "sandbox" : "production")});
      return;
    }
    bundle.app.on_voip_token = app.on_voip_token.value_or(compiled->on_voip_token());
    bundle.profile = compiled;
    const pns::payload_template* invite = compiled->find(pns::payload_wire::apns, pns::payload_kind::invite);
    if (invite != nullptr && !invite->wakes_plain_token()) {
      plan_.advice.push_back("apns app " + bundle.app.bundle + ": profile " + app.profile +
                             " carries no alert, so calls wake only devices that register a voip token; profile native wakes both");
    }
    // Provider `apns` means this app's environment, `apns.dev` always the sandbox (SPEC 2.2).
    route(pns::provider::apns, app, *key, app.environment, bundle);
    if (key->serves(apns_environment::sandbox)) {
      route(pns::provider::apns_dev, app, *key, apns_environment::sandbox, bundle);
    }
  }

  void route(pns::provider provider, const apns_app_config& app, apple_key& key, apns_environment environment,
             const apns_bundle& bundle) {
    const push_endpoint& provider_wide =
        environment == apns_environment::production ? config_.apns.production : config_.apns.sandbox;
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
      parts.route = config_.apns.route;
      parts.route.certificate_pem = key.pair.certificate_pem;
      parts.route.private_key_pem = key.pair.private_key_pem;
      parts.limits = config_.apns.limits;
      // Nobody may ever use the sandbox of a production app: its connection is made when somebody does.
      if (provider == pns::provider::apns_dev) parts.limits.warm_connections = 0;
      const push_destination at = place(key.thread, provider, std::move(parts));
      found = key.senders.emplace(std::pair{environment, endpoint.authority()}, std::pair{at.sender, raw}).first;
    }
    plan_.router.add(provider, app.team_id, bundle.app.bundle,
                     {key.thread, found->second.first, found->second.second->add(bundle)});
    plan_.threads[key.thread][found->second.first].parts.apps.push_back({bundle.app.bundle, app.rate, app.call_ttl});
  }

  void add_legacy(const fcm_app_config& app) {
    const std::string who = whose(app.written_at, "fcm project " + app.project);
    const auto compiled = profile(who, app.profile, app.properties);
    if (compiled && compiled->find(pns::payload_wire::fcm_legacy, pns::payload_kind::invite) == nullptr) {
      faults_.push_back({who + ": profile " + app.profile + " has no body for FCM's legacy API"});
      return;
    }
    push_sender_parts parts;
    parts.name = app.project;
    parts.apps.push_back({app.project, 0, app.call_ttl});
    parts.endpoint = config_.fcm.service;
    std::string path = "/fcm/send";
    if (!app.endpoint.empty()) {
      const auto where = push_endpoint::parse_either(app.endpoint);
      if (!where) {
        faults_.push_back({who + ": the endpoint is no URL: " + app.endpoint});
        return;
      }
      parts.endpoint = *where;
      path = path_of_url(app.endpoint, path);
    }
    if (!compiled) return;
    parts.credential = std::make_unique<fcm_legacy_credential>(parts.endpoint.authority(), path, app.server_key, compiled);
    parts.route = config_.fcm.route;
    parts.route.http1_too = true;
    parts.limits = config_.fcm.limits;
    if (app.rate > 0) parts.limits.rate = app.rate;
    parts.limits.connections = app.connections;
    parts.limits.spare_connections = 0;  // HTTP/1.1: any of them can take the place of another
    plan_.router.add(pns::provider::fcm, "", app.project, place(next_thread(), pns::provider::fcm, std::move(parts)));
  }

  void add(const fcm_app_config& app) {
    if (app.sends == push_switch::off) {
      plan_.router.add(pns::provider::fcm, "", app.project, off);
      plan_.advice.push_back("fcm project " + app.project + " is switched off or paused: nothing is sent for it");
      return;
    }
    if (app.speaks == fcm_app_config::api::legacy) return add_legacy(app);
    auto account = pns::service_account::parse(app.service_account);
    if (!account) {
      faults_.push_back({whose(app.written_at, "fcm service account: ") + account.error().what});
      return;
    }
    const std::string who = whose(app.written_at, "fcm project " + account->project_id);
    const auto compiled = profile(who, app.profile, app.properties);
    const auto own = app.endpoint.empty() ? std::nullopt : push_endpoint::parse(app.endpoint);
    if (!app.endpoint.empty() && !own) faults_.push_back({who + ": the endpoint is no https URL: " + app.endpoint});
    const push_endpoint endpoint = own.value_or(config_.fcm.service);
    const std::string url = config_.fcm.token_url.empty() ? account->token_uri : config_.fcm.token_url;
    if (!push_endpoint::parse(url)) faults_.push_back({who + ": the token URL is no https URL: " + url});
    if (!compiled) return;
    const std::string project = account->project_id;
    push_sender_parts parts;
    parts.credential =
        std::make_unique<fcm_credential>(endpoint.authority(), std::move(*account), compiled);
    parts.name = project;
    parts.apps.push_back({project, 0, app.call_ttl});
    parts.endpoint = endpoint;
    parts.route = config_.fcm.route;
    parts.limits = config_.fcm.limits;
    if (app.rate > 0) parts.limits.rate = app.rate;
    parts.limits.ramp_floor = parts.limits.rate * quota_floor;
    parts.token_url = url;
    plan_.router.add(pns::provider::fcm, "", project, place(next_thread(), pns::provider::fcm, std::move(parts)));
  }

  const push_config& config_;
  push_plan plan_;
  std::map<std::string, apple_key> keys_;
  std::vector<error> faults_;
  std::size_t turn_ = 0;
};

}  // namespace

result<push_plan, std::vector<error>> plan_pushes(const push_config& config) { return planner(config).run(); }

}  // namespace reveille
