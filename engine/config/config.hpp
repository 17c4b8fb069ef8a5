/// Everything that can be set: one struct per component, each default beside its reason. engine/config/schema.cpp
/// names, explains and bounds every one of them; a property that is not described there cannot be set.
///
/// Plain data without dependencies; engine/engine.cpp maps it onto what each component wants to know.
#pragma once

#include "core/flow.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

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

struct registrar {
  seconds min_expires{60};          ///< shorter ones get 423: a phone must not make us its keep-alive
  seconds max_expires{7 * 86400};   ///< longer ones are cut; a push binding outlives it anyway
  seconds default_expires{3600};    ///< RFC 3261 10.3 step 6 suggests an hour
  std::uint32_t max_contacts = 12;  ///< SPEC 2.4
  std::uint64_t max_contact_octets = 8 * 1024;  ///< SPEC 2.4a
  std::uint64_t max_aors = 20'000'000;          ///< SPEC 10a: strangers must not fill the disk
  bool star_removes_push = false;   ///< a desk phone that sends `*` must not silence the mobiles
  seconds soft_write_delay{60};     ///< how old an address on disk may be; harmless, since the device is pushed
  seconds store_patience{2};        ///< a REGISTER waits so long for the disk, then 503
};

enum class provisional : std::uint8_t { none, ringing_180, queued_182 };

struct call {
  seconds answer_timeout{30};         ///< SPEC 3.4
  seconds timer_c{181};               ///< RFC 3261 16.6: more than three minutes
  std::uint32_t parked_per_aor = 16;  ///< DESIGN 2; the next one gets 486
  bool dial_live_flow = false;        ///< E: every push device is woken, even one with a live flow
};

struct park {
  milliseconds refused_grace{2000};        ///< a REGISTER within it still releases the call after a refused push
  milliseconds left_grace{3000};           ///< some apps un-register first when woken
  provisional answer = provisional::none;  ///< what the caller may hear once a push is accepted
};

enum class push_when : std::uint8_t { always, asleep };

struct push {
  push_when when = push_when::always;        ///< E
  milliseconds ttl_margin{2000};             ///< a push that arrives later finds no call any more
  std::uint16_t threads = 1;                 ///< one thread sends 100 k pushes/s
  std::uint32_t queue_limit = 100'000;       ///< orders that wait; at 1 KB each 100 MB
  std::uint32_t per_callee_per_minute = 30;  ///< SPEC 3.2
};

enum class missed_calls_to : std::uint8_t { all, registered };
enum class declined_calls : std::uint8_t { keep, drop };

struct missed_calls {
  missed_calls_to to = missed_calls_to::all;
  declined_calls declined = declined_calls::keep;  ///< E names answering only
  seconds min_absence{0};
  seconds ttl{120};                 ///< SPEC 5
  std::uint32_t max_entries = 200;  ///< SPEC 4.5
  seconds max_age{30 * 86400};      ///< SPEC 4.5
};

enum class base_profile : std::uint8_t { ecss10, native };

/// A payload profile of the operator's own (docs/profiles.md).
struct payload_profile {
  std::string name;
  std::string file;                              ///< JSON template; "" = that of the built-in `base`
  base_profile base = base_profile::ecss10;
  std::vector<std::string> properties;           ///< "NAME=VALUE": in place of the template's own
};

struct payload {
  std::vector<payload_profile> profiles;
};

enum class environment : std::uint8_t { production, sandbox };
enum class voip_missed : std::uint8_t { by_profile, send, skip };

/// Whether several AORs may be registered with one token, or the newest registration has it (SPEC 2.4).
enum class accounts : std::uint8_t { many, one };

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
  environment env = environment::production;
  std::string endpoint;          ///< in place of the provider's for that environment; "" = the provider's
  std::uint32_t rate_limit = 0;  ///< of this app alone; 0 = as the credential
  milliseconds call_ttl{0};      ///< 0 = as the provider's
  std::string profile = "ecss10";  ///< built in, or a name from [[payload.profile]]
  voip_missed missed_calls_on_voip_token = voip_missed::by_profile;
  config::accounts accounts = config::accounts::many;
};

/// How one provider is reached and asked, per credential unless it says otherwise.
struct sending {
  std::string proxy;                     ///< "http://HOST:PORT": HTTP CONNECT; "" = none
  std::string proxy_credentials_file;    ///< USER:PASSWORD
  milliseconds connect_timeout{10'000};  ///< name, TCP, proxy and TLS together
  milliseconds answer_timeout{5000};     ///< then the push is tried elsewhere, while its call lasts
  std::uint16_t warm_connections = 1;    ///< open before there is anything to send: a call does not wait for TLS
  std::uint16_t spare_connections = 1;   ///< warm ones that carry nothing until another goes
  std::uint32_t rate_limit = 0;          ///< pushes a second; 0 = none
  std::uint32_t burst = 1000;            ///< pushes at once within the rate
  milliseconds call_ttl{0};              ///< 0 = as long as the call
};

struct apns {
  bool enabled = true;  ///< switched off = its push bindings become ordinary ones (SPEC 2.3c)
  bool paused = false;  ///< nothing is sent, and everything is kept (SPEC 8)
  std::string endpoint = "https://api.push.apple.com:443";
  std::string sandbox_endpoint = "https://api.sandbox.push.apple.com:443";
  std::string ca_file;            ///< "" = the system's
  std::string badge = "10";       ///< E: a string, and no count
  std::uint16_t connections = 1;  ///< per credential; Apple allows some hundred streams on each
  sending send;
  std::vector<apns_app> apps;
};

enum class fcm_api : std::uint8_t { v1, legacy };

struct fcm_app {
  bool enabled = true;
  bool paused = false;
  std::string project;
  fcm_api api = fcm_api::v1;
  std::string service_account_file;  ///< v1: JSON as Google's console makes it
  std::string server_key_file;       ///< legacy
  std::string endpoint;              ///< legacy: the gateway's URL; v1: in place of the provider's
  bool allow_plain_http = false;     ///< legacy: the key and the tokens would be readable on the way
  std::uint16_t connections = 8;     ///< legacy: HTTP/1.1 carries one push at a time
  std::uint32_t rate_limit = 0;      ///< Google's quota is the project's; 0 = as the provider's
  milliseconds call_ttl{0};          ///< 0 = as the provider's
  std::string profile = "ecss10";
  config::accounts accounts = config::accounts::many;
};

struct fcm {
  bool enabled = true;
  bool paused = false;
  std::string endpoint = "https://fcm.googleapis.com:443";
  std::string token_endpoint;  ///< "" = token_uri of the service account
  std::string ca_file;
  std::uint16_t connections = 4;  ///< 100 streams each
  sending send = [] {
    sending s;
    s.rate_limit = 10'000;  // 600 000 a minute: Google's default quota of a project
    return s;
  }();
  std::vector<fcm_app> apps;
};

enum class store_kind : std::uint8_t { rocksdb, memory };
enum class store_durability : std::uint8_t { process, disk };

struct store {
  store_kind kind = store_kind::rocksdb;
  std::string path = "/var/lib/reveille";
  store_durability durability = store_durability::process;
  milliseconds sync_every{10};  ///< free when measured; bounds what a loss of power takes
  milliseconds linger{1};       ///< batches of tens cost a third of single writes
  std::uint32_t queue_limit = 16384;
  std::uint64_t queue_bytes = std::uint64_t{64} << 20;
  std::uint64_t memtable = std::uint64_t{32} << 20;
  std::uint64_t cache = std::uint64_t{64} << 20;
};

struct admin {
  std::string listen = "127.0.0.1:8080";  ///< loopback: /metrics and the API tell much about the subscribers
  std::string bearer_token_file;          ///< needed for any other address
  std::vector<std::string> allowed_hosts;  ///< names beside loopback and the address itself: a proxy's, a scraper's
  std::uint16_t max_connections = 64;
};

struct limits {
  std::uint64_t resident_subscribers = 1'000'000;  ///< actors in memory: 1 GB
  std::uint64_t resident_bytes = std::uint64_t{4} << 30;  ///< what they hold: a subscriber of many contacts is a hundred
  std::uint32_t loads_in_flight = 1024;            ///< cold subscribers that may wait for the disk at once
  std::uint32_t queued_per_aor = 64;
  std::uint64_t pool_bytes = std::uint64_t{1} << 30;  ///< of message slabs of one shard; then datagrams are dropped
  std::uint32_t transactions_per_shard = 131072;
};

enum class log_level : std::uint8_t { debug, info, warning, error };
enum class log_format : std::uint8_t { text, json };

struct logging {
  log_level level = log_level::info;
  log_format format = log_format::text;
  std::string file;  ///< "" = standard error
};

/// All of them, in the order of the file.
struct settings {
  config::node node;
  config::trust trust;
  config::registrar registrar;
  config::call call;
  config::park park;
  config::push push;
  config::missed_calls missed_calls;
  config::payload payload;
  config::apns apns;
  config::fcm fcm;
  config::store store;
  config::admin admin;
  config::limits limits;
  config::logging logging;

  /// Where the file says what it says, for whoever finds fault with it later: "apns.app[0].key_file" -> "reveille.toml:12:5".
  std::map<std::string, std::string> written_at;
  /// "reveille.toml:12:5: apns.app[0].key_file"; without the place when no file said it.
  std::string setting_text(const std::string& path) const;
};

}  // namespace reveille::config
