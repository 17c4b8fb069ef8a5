/// Everything that can be set. What a component of its own uses stands in that component's struct, each default beside
/// its reason, and is held here as it is; the structs below hold what an operator writes as a text and a component wants
/// read, looked up or divided first (engine/config/derived.hpp, engine/push/push_setup.hpp).
///
/// engine/config/schema.cpp names, explains and bounds every setting; what is not described there cannot be set.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/runtime/home_config.hpp"
#include "actors/subscriber_config.hpp"
#include "core/time.hpp"
#include "engine/push/push_config.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/store/rocksdb_options.hpp"
#include "net/http1/server_options.hpp"
#include "pns/app_rules.hpp"

namespace reveille::config {

struct node {
  std::vector<std::string> listen{"udp:0.0.0.0:5060"};  ///< RFC 3261's port on every address
  std::string advertise;             ///< host[:port] for Via and Record-Route; "" = the address of the socket
  std::vector<std::string> domains;  ///< none: nothing is served, so it must be set
  std::uint16_t shards = 0;          ///< 0 = one per core less one for the pushes, at least one
};

struct trust {
  std::vector<std::string> peers;  ///< addresses of the softswitch: calls from there are believed
  bool open = false;               ///< no authentication at all: for trying out, never for a public address
};

/// Of the node as a whole; what concerns one subscriber stands in subscriber_config.
struct registrar {
  std::uint64_t max_aors = 20'000'000;   ///< SPEC 10a: strangers must not fill the disk
};

enum class base_profile : std::uint8_t { ecss10, native };

/// A payload profile of the operator's own (docs/profiles.md).
struct payload_profile {
  std::string name;
  std::string file;                              ///< JSON template; "" = that of the built-in `base`
  base_profile base = base_profile::ecss10;
  std::vector<std::string> properties;           ///< "NAME=VALUE": in place of the template's own
};

/// How one provider is reached and asked, per credential unless it says otherwise.
struct sending {
  std::string endpoint;
  std::string ca_file;                   ///< "" = the system's
  std::string proxy;                     ///< "http://HOST:PORT": HTTP CONNECT; "" = none
  std::string proxy_credentials_file;    ///< USER:PASSWORD
  milliseconds connect_timeout = push_route{}.connect_timeout;
  push_limits limits;

  sending(std::string default_endpoint, const push_limits& defaults)
      : endpoint(std::move(default_endpoint)), limits(defaults) {}
};

/// Authenticates either with a signing key (key_id, key_file) or with a certificate.
struct apns_app {
  bool enabled = true;   ///< switched off = its push bindings become ordinary ones (SPEC 2.3c)
  bool paused = false;   ///< nothing is sent, and everything is kept (SPEC 8)
  std::string team_id;
  std::string bundle;  ///< without .voip; "" = the certificate's
  std::string key_id;
  std::string key_file;  ///< PEM (.p8), ES256
  std::string certificate_file;           ///< PEM (chain, leaf first) or PKCS#12
  std::string certificate_key_file;       ///< PEM; "" = stands in certificate_file
  std::string certificate_password_file;  ///< of PKCS#12
  apns_environment environment = apns_environment::production;
  std::string endpoint;          ///< in place of the provider's for that environment; "" = the provider's
  std::uint32_t rate_limit = 0;  ///< of this app alone; 0 = as the credential
  milliseconds call_ttl{0};      ///< 0 = as the provider's
  std::string profile = "ecss10";  ///< built in, or a name from [[payload.profile]]
  std::optional<pns::missed_calls_on_voip_token> missed_calls_on_voip_token;  ///< none = the profile's own
  pns::accounts accounts = pns::accounts::many;
};

struct apns {
  bool enabled = true;  ///< switched off = its push bindings become ordinary ones (SPEC 2.3c)
  bool paused = false;  ///< nothing is sent, and everything is kept (SPEC 8)
  std::string sandbox_endpoint = "https://api.sandbox.push.apple.com:443";
  std::string badge = "10";       ///< ECSS-10: a string, and no count
  sending send{"https://api.push.apple.com:443", apns_config{}.limits};
  std::vector<apns_app> apps;
};

struct fcm_app {
  bool enabled = true;
  bool paused = false;
  std::string project;
  fcm_app_config::api api = fcm_app_config::api::v1;
  std::string service_account_file;  ///< v1: JSON as Google's console makes it
  std::string server_key_file;       ///< legacy
  std::string endpoint;              ///< legacy: the gateway's URL; v1: in place of the provider's
  bool allow_plain_http = false;     ///< legacy: the key and the tokens would be readable on the way
  std::uint16_t connections = fcm_app_config{}.connections;  ///< legacy
  std::uint32_t rate_limit = 0;      ///< Google's quota is the project's; 0 = as the provider's
  milliseconds call_ttl{0};          ///< 0 = as the provider's
  std::string profile = "ecss10";
  pns::accounts accounts = pns::accounts::many;
};

struct fcm {
  bool enabled = true;
  bool paused = false;
  std::string token_endpoint;  ///< "" = token_uri of the service account
  sending send = [] {
    sending s{"https://fcm.googleapis.com:443", fcm_config{}.limits};
    s.limits.rate = 10'000;  // 600 000 a minute: Google's default quota of a project
    return s;
  }();
  std::vector<fcm_app> apps;
};

struct push {
  std::uint16_t threads = push_config{}.threads;
  std::uint32_t queue_limit = push_limits{}.calls_queued;  ///< orders that wait; at 1 KB each 100 MB
};

enum class store_kind : std::uint8_t { rocksdb, memory };

struct admin {
  std::string listen = "127.0.0.1:8080";  ///< loopback: /metrics and the API tell much about the subscribers
  std::string bearer_token_file;          ///< needed for any other address
  std::vector<std::string> allowed_hosts;  ///< names beside loopback and the address itself: a proxy's, a scraper's
  http1::server_options server;           ///< but `listen`
};

/// What a node has; each of its shards gets a share.
struct limits {
  std::uint64_t resident_subscribers = home_config{}.resident_limit;
  std::uint64_t resident_bytes = home_config{}.resident_bytes;   ///< a subscriber of many contacts weighs a hundred others
  std::uint64_t pool_bytes = std::uint64_t{1} << 30;  ///< of message slabs of one shard; then what begins work gets 503
};

enum class log_level : std::uint8_t { debug, info, warning, error };
enum class log_format : std::uint8_t { text, json };

struct logging {
  log_level level = log_level::info;
  log_format format = log_format::text;
  std::string file;  ///< "" = standard error
};

struct settings {
  config::node node;
  config::trust trust;
  config::registrar registrar;
  subscriber_config subscribers;   ///< [registrar], [call], [park], [push], [missed_calls]; derived: enabled, apps, missed_cost
  std::vector<payload_profile> profiles;
  config::push push;
  config::apns apns;
  config::fcm fcm;
  config::store_kind store_kind = config::store_kind::rocksdb;
  rocksdb_settings store;
  config::admin admin;
  config::limits limits;
  home_config homes;               ///< [limits]; derived: resident_limit, resident_bytes
  shard_limits shards;             ///< [limits]
  config::logging logging;

  /// Where the file says what it says, for whoever finds fault with it later: "apns.app[0].key_file" -> "reveille.toml:12:5".
  std::map<std::string, std::string> written_at;
  /// "reveille.toml:12:5: apns.app[0].key_file"; without the place when no file said it.
  std::string setting_text(const std::string& path) const;
};

}  // namespace reveille::config
