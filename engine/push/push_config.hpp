/// What the push senders need to know: plain values, PEM texts instead of paths (engine/push/push_setup.hpp reads the
/// files that the configuration names; tests and the virtual world fill this by hand).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "engine/push/push_endpoint.hpp"
#include "pns/payload.hpp"

namespace reveille {

/// How an endpoint is reached; the same for all of one provider's.
struct push_route {
  std::string ca_pem;              ///< "" = the system's trust store
  std::string connect_host;        ///< connect there instead of to the host, or ""
  std::string proxy_host;          ///< HTTP CONNECT, or ""
  std::uint16_t proxy_port = 0;
  std::string proxy_authorization; ///< value of Proxy-Authorization, or ""
  milliseconds connect_timeout{10'000};   ///< name, TCP, proxy and TLS together
  milliseconds answer_timeout{5000};      ///< of a token purchase, once it is connected
  std::string certificate_pem;     ///< own certificate chain (APNs certificate authentication), or ""
  std::string private_key_pem;
  bool http1_too = false;          ///< HTTP/1.1 will do where ALPN does not offer h2
  bool operator==(const push_route&) const = default;
};

enum class apns_environment : std::uint8_t { production, sandbox };

/// Whether anything is sent for an app, or a whole provider: orders of others are answered dropped{provider_off} (SPEC 8).
enum class push_switch : std::uint8_t { on, off };

/// One app, with either a signing key (token authentication) or a certificate.
struct apns_app_config {
  std::string written_at;          ///< "reveille.toml:40:1", for messages; "" = nowhere
  push_switch sends = push_switch::on;   ///< off: team and bundle alone matter
  std::string team_id;
  std::string bundle;              ///< without .voip; "" = the one that the certificate names
  std::string key_id;
  std::string key_pem;             ///< .p8, ES256
  std::string certificate_pem;     ///< chain, leaf first; "" = token authentication
  std::string certificate_key_pem;
  double rate = 0;                 ///< pushes a second; 0 = as the credential
  milliseconds call_ttl{0};        ///< 0 = as push_limits say
  std::optional<push_endpoint> endpoint;   ///< for its environment; none = the provider's
  apns_environment environment = apns_environment::production;  ///< of devices with provider `apns`
  std::string profile = "ecss10";
  pns::payload_properties properties;
  std::optional<pns::missed_calls_on_voip_token> on_voip_token;  ///< none = the profile's own
  bool operator==(const apns_app_config&) const = default;
};

/// One Firebase project: over HTTP v1, or over the legacy API of a gateway on premises.
struct fcm_app_config {
  enum class api : std::uint8_t { v1, legacy };

  std::string written_at;          ///< as above
  push_switch sends = push_switch::on;   ///< off: the project alone matters
  double rate = 0;                 ///< pushes a second; 0 = as push_limits say
  milliseconds call_ttl{0};        ///< 0 = as push_limits say
  api speaks = api::v1;
  std::string service_account;     ///< v1: JSON text; names the project
  std::string project;             ///< as the devices say it; v1 with an account has it from there
  std::string server_key;          ///< legacy: of `Authorization: key=...`
  std::string endpoint;            ///< URL, legacy with its path; "" = the provider's endpoint (legacy: /fcm/send there)
  std::uint16_t connections = 8;   ///< legacy: HTTP/1.1 carries one push at a time on each
  std::string profile = "ecss10";
  pns::payload_properties properties;
  bool operator==(const fcm_app_config&) const = default;
};

/// Mistakes planted on purpose: the virtual world proves that it catches each. Never set in production.
struct push_mistakes {
  bool resend_ambiguous_blindly = false;  ///< what nobody can tell of is sent again until the deadline
  bool ignore_goaway_last_id = false;     ///< streams refused, or above a GOAWAY's last id, count as delivered
  bool forget_to_withdraw = false;        ///< a withdrawn push leaves all the same
  bool forget_lost_streams = false;       ///< nobody hears of pushes that were on a broken connection
  bool repeat_refusals = false;           ///< what was refused for good is sent again
  bool never_reconnect = false;           ///< a sender's first connections are its last
  bool operator==(const push_mistakes&) const = default;
};

/// Bounds and times of one credential's sender, each with its reason.
struct push_limits {
  std::uint32_t calls_queued = 100'000;          ///< orders that wait or fly; beyond: dropped{queue_full}
  std::uint32_t missed_calls_queued = 100'000;   ///< its own bound, so that the told never displace the ringing
  std::uint16_t connections = 1;                 ///< usable or opening; one more when a retry must go elsewhere
  std::uint16_t warm_connections = 1;            ///< opened before there is anything to send
  std::uint16_t spare_connections = 0;           ///< warm ones beside `connections`: they carry a push only when one must
                                                 ///< go elsewhere or another has gone, so that no handshake is waited for
  double rate = 0;                               ///< pushes a second; 0 = unlimited
  double burst = 1000;
  double ramp_floor = 0;                         ///< the rate climbs from here as it is used; 0 = the full rate at once
  seconds ramp_time{60};
  milliseconds call_ttl{0};                      ///< the provider keeps a call's push no longer; 0 = as long as the call
  milliseconds answer_timeout{5000};             ///< a silent stream is given up, and counts as ambiguous
  milliseconds first_backoff{500};               ///< of a push; doubles, half of it jitter
  milliseconds longest_backoff{15'000};
  milliseconds first_connect_pause{100};         ///< after a failed connection; doubles, half of it jitter
  milliseconds longest_connect_pause{10'000};
  std::uint32_t connection_worth = 100;          ///< answers on one connection that make up for its handshake, whoever ends it
  seconds connection_lasts{10};                  ///< so does this age: one handshake in 10 s harms nobody
  milliseconds first_reconnect_pause{250};       ///< after more early ends in a row than there are connections; doubles
  milliseconds longest_reconnect_pause{5000};    ///< a call waits 30 s: it must live to see the service come back
  seconds reconnect_memory{15};                  ///< longer than a pause and connection_lasts: one that lasted has ended the row
  milliseconds ping_after{2000};                 ///< without an octet while answers are awaited
  milliseconds ping_timeout{2000};               ///< then the connection is given up
  std::uint32_t pings_between_answers = 2;       ///< then ping_idle counts: gRPC's servers, as Google's, bear two strikes
  milliseconds ping_idle{600'000};               ///< FCM calls more frequent ones too_many_pings
  seconds connection_age{24 * 3600};             ///< then replaced: addresses behind the name change
  std::uint32_t connection_requests = 1'000'000'000;  ///< then replaced: HTTP/2's stream ids end (RFC 9113 5.1.1)
  std::uint32_t breaker_failures = 10;           ///< in a row; then nothing is sent for breaker_pause
  milliseconds breaker_pause{1000};              ///< doubles up to longest_breaker_pause
  milliseconds longest_breaker_pause{5000};      ///< a call waits 30 s: it must live to see the service come back
  std::uint32_t free_resends = 8;                ///< of one push that was refused or never left
  push_mistakes planted{};
  bool operator==(const push_limits&) const = default;
};

struct apns_config {
  push_switch sends = push_switch::on;
  push_endpoint production{"api.push.apple.com", 443};
  push_endpoint sandbox{"api.sandbox.push.apple.com", 443};
  push_route route;
  push_limits limits = [] {
    push_limits l;
    l.spare_connections = 1;
    return l;
  }();
  std::vector<apns_app_config> apps;   ///< the first is the provider's default (SPEC 2.1)
  bool operator==(const apns_config&) const = default;
};

struct fcm_config {
  push_switch sends = push_switch::on;
  push_endpoint service{"fcm.googleapis.com", 443};
  std::string token_url;               ///< "" = token_uri of the service account
  push_route route;
  push_limits limits = [] {
    push_limits l;
    l.connections = 4;                 // 100 streams each (PROVIDERS 2.4)
    l.spare_connections = 1;
    return l;
  }();
  std::vector<fcm_app_config> apps;    ///< the first is the provider's default
  bool operator==(const fcm_config&) const = default;
};

/// A payload profile that apps may name; in place of a built-in one of the same name.
struct profile_text {
  std::string name;
  std::string file;                ///< for messages
  std::string text;                ///< the template
  pns::payload_properties properties;
  bool operator==(const profile_text&) const = default;
};

struct push_config {
  std::uint16_t threads = 1;
  std::uint32_t hand_over_limit = 65'536;  ///< orders between the shards and one push thread
  std::vector<profile_text> profiles;
  apns_config apns;
  fcm_config fcm;
  bool operator==(const push_config&) const = default;
};

}  // namespace reveille
