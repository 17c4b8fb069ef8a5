#include "engine/config/schema.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace reveille::config {
namespace {

/// A value of a choice and the word for it in the file.
template <class Value>
struct choice_word {
  Value value;
  std::string_view word;
};

/// Fits the members' own types (16-bit counts, seconds, enums) to the few that a visitor knows.
class describer {
 public:
  explicit describer(schema_visitor& visitor) : to_(visitor) {}

  template <class Body>
  void table(scope whose, std::string_view name, std::string_view help, Body&& body) {
    to_.open_table(name, help);
    in_scope(whose, body);
    to_.close_table();
  }
  template <class Element, class Body>
  void tables(scope whose, std::string_view name, std::string_view help, std::vector<Element>& elements, Body&& body) {
    const std::size_t count = to_.open_tables(name, help, elements.size());
    elements.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      to_.open_element(i);
      in_scope(whose, [&] { body(elements[i]); });
      to_.close_element();
    }
    to_.close_tables();
  }

  /// A bool, or an enum whose two values are no and yes.
  template <class Flag>
  void flag(std::string_view name, Flag& set, std::string_view help, change acts = change::restart) {
    bool on = static_cast<bool>(set);
    to_.flag(say(name, help, acts), on);
    set = static_cast<Flag>(on);
  }
  template <class Number>
  void number(std::string_view name, Number& set, std::uint64_t least, std::uint64_t most, std::string_view help,
              change acts = change::restart) {
    auto wide = static_cast<std::uint64_t>(set);
    constexpr auto widest = static_cast<std::uint64_t>(
        std::is_floating_point_v<Number> ? std::uint64_t{1} << 53 : std::numeric_limits<Number>::max());
    to_.number(say(name, help, acts), {least, std::min(most, widest)}, wide);
    set = static_cast<Number>(wide);
  }
  void bytes(std::string_view name, std::uint64_t& set, std::uint64_t least, std::uint64_t most, std::string_view help,
             change acts = change::restart) {
    to_.bytes(say(name, help, acts), {least, most}, set);
  }
  template <class Duration>
  void duration(std::string_view name, Duration& set, milliseconds least, milliseconds most, std::string_view help,
                change acts = change::restart) {
    milliseconds fine = set;
    to_.duration(say(name, help, acts), {least, most, Duration{1}}, fine);
    set = std::chrono::duration_cast<Duration>(fine);
  }
  void text(std::string_view name, std::string& set, text_kind kind, std::string_view help, change acts = change::restart) {
    to_.text(say(name, help, acts), kind, set);
  }
  void texts(std::string_view name, std::vector<std::string>& set, text_kind kind, std::string_view help,
             change acts = change::restart) {
    to_.texts(say(name, help, acts), kind, set);
  }
  template <class Value, std::size_t Size>
  void choice(std::string_view name, Value& set, const choice_word<Value> (&all)[Size], std::string_view help,
              change acts = change::restart) {
    std::array<std::string_view, Size> words;
    std::size_t index = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      words[i] = all[i].word;
      if (all[i].value == set) index = i;
    }
    to_.choice(say(name, help, acts), words, index);
    set = all[index].value;
  }

 private:
  template <class Body>
  void in_scope(scope whose, Body&& body) {
    const scope outer = std::exchange(whose_, whose);
    body();
    whose_ = outer;
  }
  about say(std::string_view name, std::string_view help, change acts) const { return {name, help, whose_, acts}; }

  schema_visitor& to_;
  scope whose_ = scope::node;
};

using namespace std::chrono_literals;

constexpr choice_word<park_provisional> provisional_words[] = {
    {park_provisional::none, "none"}, {park_provisional::ringing, "180"}, {park_provisional::queued, "182"}};
constexpr choice_word<push_when> push_when_words[] = {{push_when::always, "always"}, {push_when::asleep, "asleep"}};
constexpr choice_word<missed_calls_to> missed_to_words[] = {{missed_calls_to::all, "all"},
                                                            {missed_calls_to::registered, "registered"}};
constexpr choice_word<declined_calls> declined_words[] = {{declined_calls::keep, "keep"}, {declined_calls::drop, "drop"}};
constexpr choice_word<base_profile> base_profile_words[] = {{base_profile::ecss10, "ecss10"},
                                                            {base_profile::native, "native"}};
constexpr choice_word<apns_environment> environment_words[] = {{apns_environment::production, "production"},
                                                               {apns_environment::sandbox, "sandbox"}};
constexpr choice_word<pns::accounts> accounts_words[] = {{pns::accounts::many, "many"}, {pns::accounts::one, "one"}};
constexpr choice_word<fcm_app_config::api> fcm_api_words[] = {{fcm_app_config::api::v1, "v1"},
                                                              {fcm_app_config::api::legacy, "legacy"}};
constexpr choice_word<std::optional<pns::missed_calls_on_voip_token>> voip_missed_words[] = {
    {std::nullopt, "by-profile"},
    {pns::missed_calls_on_voip_token::send, "send"},
    {pns::missed_calls_on_voip_token::skip, "skip"}};
constexpr choice_word<store_kind> store_words[] = {{store_kind::rocksdb, "rocksdb"}, {store_kind::memory, "memory"}};
constexpr choice_word<durability> durability_words[] = {{durability::process, "process"}, {durability::disk, "disk"}};
constexpr choice_word<log_level> level_words[] = {{log_level::debug, "debug"},
                                                  {log_level::info, "info"},
                                                  {log_level::warning, "warning"},
                                                  {log_level::error, "error"}};
constexpr choice_word<log_format> format_words[] = {{log_format::text, "text"}, {log_format::json, "json"}};

constexpr std::uint64_t kib = std::uint64_t{1} << 10;
constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;

void describe_node(describer& d, node& s) {
  d.table(scope::node, "node", "Where this node listens and whom it serves.", [&] {
    d.texts("listen", s.listen, text_kind::listen,
            "Sockets for SIP, each udp:ADDRESS:PORT. The default is RFC 3261's port on every address.");
    d.text("advertise", s.advertise, text_kind::host,
           "HOST or HOST:PORT written into Via and Record-Route. Empty: the address of the socket; set it behind NAT "
           "or when listening on every address.");
    d.texts("domains", s.domains, text_kind::domain,
            "Domains of the subscribers served here. There is no default: without one nobody is served.");
    d.number("shards", s.shards, 0, 64,
             "Threads that handle SIP. 0: one per core less one for the pushes, at least one.");
  });
}

void describe_policy(describer& d, settings& s) {
  d.table(scope::node, "trust", "Whom we believe.", [&] {
    d.texts("peers", s.trust.peers, text_kind::address,
            "Addresses of the softswitch. Calls from there are believed as they are, "
            "identities included.", change::live);
    d.flag("open", s.trust.open,
           "No authentication at all: for trying out on a private network, never on a public address. Whoever reaches the "
           "port may register and call, and replace a phone whose label he knows; he may not un-register or evict a push "
           "binding, bar other callers, or use the node as an amplifier (specification 10a). An SBC or edge belongs "
           "into peers: shares and proofs are asked of strangers only.");
  });
  d.table(scope::node, "registrar", "How registrations are kept.", [&] {
    d.duration("min_expires", s.subscribers.min_expires, 1s, 24h,
               "Shorter expiries get 423: a phone must not make the registrar its keep-alive.", change::live);
    d.duration("max_expires", s.subscribers.max_expires, 60s, 720h, "Longer expiries are cut to this.", change::live);
    d.duration("default_expires", s.subscribers.default_expires, 1s, 720h,
               "Granted when the phone names none; RFC 3261 10.3 suggests an hour.", change::live);
    d.number("max_contacts", s.subscribers.contacts, 1, 100,
             "Contacts per address-of-record. Over it a push binding whose expiry has passed goes, the longest unseen "
             "first, if the newcomer has rung before or comes by the same flow; else the newcomer gets 403.", change::live);
    d.bytes("max_contact_octets", s.subscribers.contact_octets, kib, mib,
            "Octets of all contacts of an address-of-record (URI, parameters, Call-ID; a shared Path once). Over it 403, "
            "but a contact within its even share always finds room. One contact has at most 5 KiB and 1 KiB of Path (513).",
            change::live);
    d.number("max_aors", s.registrar.max_aors, 1000, 1'000'000'000,
             "Addresses-of-record that may be stored. With trust.open anybody makes new ones; at the bound a new one gets "
             "503, and those that are stored go on.");
    d.flag("star_removes_push", s.subscribers.star,
           "Whether `Contact: *` removes push bindings too. A desk phone that sends it at boot would silence the "
           "subscriber's mobiles, hence false.", change::live);
    d.duration("soft_write_delay", s.subscribers.soft_write_delay, 1s, 1h,
               "A push binding's address and expiry reach the disk within this time; its identity at once.", change::live);
    d.duration("store_patience", s.subscribers.store_patience, 1s, 30s,
               "A REGISTER that must be durable waits so long for the disk, then it gets 503.", change::live);
  });
  d.table(scope::node, "call", "Incoming calls.", [&] {
    d.duration("answer_timeout", s.subscribers.answer_timeout, 5s, 180s,
               "How long a call may ring or wait for a sleeping phone, from the INVITE's arrival; an Expires in the "
               "INVITE can only shorten it.", change::live);
    d.duration("timer_c", s.subscribers.timer_c, 181s, 3600s, "RFC 3261 16.6 wants more than three minutes.");
    d.number("parked_per_aor", s.subscribers.parked_calls, 1, 256, "Calls that may wait for one subscriber at once.", change::live);
    d.flag("dial_live_flow", s.subscribers.live_flow,
           "Whether a push device with a live flow is dialled without waiting for it to register. Off, as ECSS-10 "
           "describes it: every push device is woken.", change::live);
  });
  d.table(scope::node, "park", "INVITEs that wait for a sleeping phone.", [&] {
    d.duration("refused_grace", s.subscribers.refused_grace, 0ms, 30s,
               "After a push was refused for good, a REGISTER within this time still gets the call.", change::live);
    d.duration("left_grace", s.subscribers.left_grace, 0ms, 30s,
               "Some apps un-register first when they wake; the call waits this long for them to come back.", change::live);
    d.choice("provisional", s.subscribers.provisional, provisional_words,
             "What the caller may hear once the first push was accepted.", change::live);
  });
}

void describe_push(describer& d, settings& s) {
  d.table(scope::node, "push", "Wake-up pushes.", [&] {
    d.choice("when", s.subscribers.push, push_when_words,
             "always: every device with push parameters gets one, as ECSS-10 does; asleep: only those without a live "
             "flow.", change::live);
    d.duration("ttl_margin", s.subscribers.push_ttl_margin, 0ms, 30s,
               "A push lives as long as its call less this margin: later it could only ring for nobody.", change::live);
    d.number("threads", s.push.threads, 1, 16, "Threads that send; one sends about 100 000 pushes a second.");
    d.number("queue_limit", s.push.queue_limit, 100, 10'000'000,
             "Pushes that may wait. More are dropped and counted; each takes about 1 kB.");
    d.number("per_callee_per_minute", s.subscribers.pushes_per_minute, 1, 10'000,
             "Call pushes to one subscriber. More calls are parked without a push, and counted.", change::live);
  });
  d.table(scope::node, "missed_calls", "The push bucket: calls that were pushed and not answered.", [&] {
    d.choice("to", s.subscribers.missed_to, missed_to_words,
             "all: every push binding of the subscriber is told; registered: only the device that came back.", change::live);
    d.choice("declined", s.subscribers.declined, declined_words,
             "Whether a call that was declined on a device stays in the bucket. ECSS-10 removes answered calls only.", change::live);
    d.duration("min_absence", s.subscribers.missed_min_absence, 0s, 24h, "A phone that was away for less is not told.", change::live);
    d.duration("ttl", s.subscribers.missed_ttl, 1s, 720h, "How long the provider keeps the notification.", change::live);
    d.number("max_entries", s.subscribers.bucket_entries, 1, 1000, "Per subscriber; the oldest goes first.", change::live);
    d.duration("max_age", s.subscribers.bucket_age, 1h, 8760h, "Older entries are dropped.", change::live);
  });
}

void describe_payloads(describer& d, settings& s) {
  d.table(scope::node, "payload", "What the pushes say. ecss10 and native are built in; docs/profiles.md shows them.", [&] {
    d.tables(scope::node, "profile", "A payload profile of your own, for apps to name.", s.profiles, [&](payload_profile& p) {
      d.text("name", p.name, text_kind::profile_name, "What apps say as their profile.");
      d.text("file", p.file, text_kind::input_file,
             "JSON template (docs/profiles.md). Empty: the built-in one that base names, with other properties.");
      d.choice("base", p.base, base_profile_words, "The built-in template to use when file is empty.");
      d.texts("properties", p.properties, text_kind::property,
              "Each NAME=VALUE, in place of the template's own property: [\"company=phoneco\"] for ecss10.");
    });
  });
}

void describe_sending(describer& d, sending& s) {
  d.text("proxy", s.proxy, text_kind::proxy_url,
         "HTTP proxy that connections go through (CONNECT); the certificate is still the provider's. Empty: none.");
  d.text("proxy_credentials_file", s.proxy_credentials_file, text_kind::input_file,
         "File with USER:PASSWORD for the proxy (Basic). Only its path is ever shown.");
  d.duration("connect_timeout", s.connect_timeout, 500ms, 60s, "For a connection: name, TCP, proxy and TLS together.");
  d.duration("answer_timeout", s.limits.answer_timeout, 500ms, 60s,
             "A push without an answer by then is given up and tried once more, while its call lasts; such silences open "
             "the app's circuit breaker.");
  d.number("warm_connections", s.limits.warm_connections, 0, 64,
           "Connections that are open before there is anything to send, so that no call waits for a handshake; never more "
           "than connections.");
  d.number("spare_connections", s.limits.spare_connections, 0, 8,
           "Warm connections beside those: they take over when another goes away, so that no push waits for a handshake.");
  d.number("rate_limit", s.limits.rate, 0, 10'000'000,
           "Pushes a second, per credential. More wait for their turn, calls first. 0: no limit.", change::live);
  d.number("burst", s.limits.burst, 1, 1'000'000, "Pushes that may leave at once within the rate.", change::live);
  d.duration("call_ttl", s.limits.call_ttl, 0ms, 1h,
             "How long the provider may keep a call's push for a phone out of reach. 0: until the call's deadline, which "
             "bounds it anyway.", change::live);
}

void describe_apns(describer& d, settings& s) {
  d.table(scope::provider, "apns", "Apple's push service.", [&] {
    d.flag("enabled", s.apns.enabled,
           "Switched off, its push bindings become ordinary ones; they are push bindings again when it is switched on.", change::live);
    d.flag("paused", s.apns.paused, "Nothing is sent, and everything is kept: calls stay parked until their phone registers.", change::live);
    d.text("endpoint", s.apns.send.endpoint, text_kind::url, "For apps of environment production.", change::live);
    d.text("sandbox_endpoint", s.apns.sandbox_endpoint, text_kind::url,
           "For apps of environment sandbox, and for devices that say apns.dev.", change::live);
    d.text("ca_file", s.apns.send.ca_file, text_kind::input_file,
           "PEM file with the authorities that may sign the endpoint's certificate. Empty: the system's.");
    d.text("badge", s.apns.badge, text_kind::optional_plain,
           "The badge of payload profile ecss10: a text, and no count.", change::live);
    d.number("connections", s.apns.send.limits.connections, 1, 64, "HTTP/2 connections per credential.");
    describe_sending(d, s.apns.send);
    d.tables(scope::app, "app", "One app, by team and bundle.", s.apns.apps, [&](apns_app& a) {
      d.flag("enabled", a.enabled, "As the provider's, for this app alone; its files need not be there.", change::live);
      d.flag("paused", a.paused, "Likewise.", change::live);
      d.text("team_id", a.team_id, text_kind::identifier,
             "Ten letters and digits, from Apple's developer account. Needed with a signing key; with a certificate it "
             "only tells teams apart.", change::live);
      d.text("bundle", a.bundle, text_kind::optional_plain,
             "The app's bundle id without .voip; topics are made from it. Empty: the one that the certificate names.", change::live);
      d.text("key_id", a.key_id, text_kind::identifier,
             "Ten letters and digits: the name of the signing key. An app has either a key or a certificate.", change::live);
      d.text("key_file", a.key_file, text_kind::input_file, "The signing key (.p8, PEM). Only its path is ever shown.", change::live);
      d.text("certificate_file", a.certificate_file, text_kind::input_file,
             "Instead of a key: the push certificate that Apple issued, as PEM (with its chain) or PKCS#12 (.p12).", change::live);
      d.text("certificate_key_file", a.certificate_key_file, text_kind::input_file,
             "The certificate's private key (PEM). Empty: it stands in certificate_file.", change::live);
      d.text("certificate_password_file", a.certificate_password_file, text_kind::input_file,
             "The password of a PKCS#12 file, on the first line.", change::live);
      d.choice("environment", a.environment, environment_words, "Which endpoint knows this app's tokens.", change::live);
      d.text("endpoint", a.endpoint, text_kind::optional_url, "In place of the provider's for that environment. Empty: that one.", change::live);
      d.number("rate_limit", a.rate_limit, 0, 10'000'000,
               "Pushes a second of this app alone, so that it leaves room for others of its key. 0: as the credential.", change::live);
      d.duration("call_ttl", a.call_ttl, 0ms, 1h, "As the provider's, for this app alone. 0: as that.", change::live);
      d.text("profile", a.profile, text_kind::profile_name,
             "Payload shape: ecss10 as the softswitch's apps read it, native for apps of today, or a name from "
             "[[payload.profile]].", change::live);
      d.choice(
          "missed_calls_on_voip_token", a.missed_calls_on_voip_token, voip_missed_words,
          "Whether missed calls go to a device that has only a voip token. by-profile: ecss10 sends, native skips, "
          "since iOS ends an app that gets a voip push without a call.", change::live);
      d.choice("accounts", a.accounts, accounts_words,
               "one: a token belongs to the address-of-record that registered it last, so that a phone whose user changed "
               "gets no calls of the former one; many: an app with several accounts is called on each.", change::live);
    });
  });
}

void describe_fcm(describer& d, settings& s) {
  d.table(scope::provider, "fcm", "Google's push service.", [&] {
    d.flag("enabled", s.fcm.enabled, "As for APNs.", change::live);
    d.flag("paused", s.fcm.paused, "As for APNs.", change::live);
    d.text("endpoint", s.fcm.send.endpoint, text_kind::url, "Where messages are sent.", change::live);
    d.text("token_endpoint", s.fcm.token_endpoint, text_kind::token_url,
           "Where access tokens come from, with its path. Empty: token_uri of the service account.", change::live);
    d.text("ca_file", s.fcm.send.ca_file, text_kind::input_file,
           "PEM file with the authorities that may sign the endpoints' certificates. Empty: the system's.");
    d.number("connections", s.fcm.send.limits.connections, 1, 64,
             "HTTP/2 connections per credential; Google allows 100 streams on each.");
    describe_sending(d, s.fcm.send);
    d.tables(scope::app, "app", "One app, by project.", s.fcm.apps, [&](fcm_app& a) {
      d.flag("enabled", a.enabled, "As for APNs.", change::live);
      d.flag("paused", a.paused, "As for APNs.", change::live);
      d.text("project", a.project, text_kind::plain, "The Firebase project id, as the devices send it.", change::live);
      d.choice("api", a.api, fcm_api_words,
               "v1: Google's, with a service account; legacy: the retired /fcm/send, as gateways on premises still speak it, "
               "over HTTP/1.1 or HTTP/2.", change::live);
      d.text("service_account_file", a.service_account_file, text_kind::input_file,
             "api = v1: the service account's JSON file. Only its path is ever shown.", change::live);
      d.text("server_key_file", a.server_key_file, text_kind::input_file,
             "api = legacy: file with the server key on its first line.", change::live);
      d.text("endpoint", a.endpoint, text_kind::gateway_url,
             "api = legacy: the gateway's URL; without a path /fcm/send is meant. api = v1: https://HOST[:PORT] in place of the "
             "provider's endpoint; empty: that one.", change::live);
      d.flag("allow_plain_http", a.allow_plain_http,
             "api = legacy: takes an http:// endpoint, which shows the key and the tokens to everybody on the way.", change::live);
      d.number("connections", a.connections, 1, 256,
               "api = legacy: connections to the gateway; over HTTP/1.1 each carries one push at a time.", change::live);
      d.number("rate_limit", a.rate_limit, 0, 10'000'000,
               "Pushes a second of this project, in place of the provider's: Google grants quotas by project. 0: as the provider's.", change::live);
      d.duration("call_ttl", a.call_ttl, 0ms, 1h, "As the provider's, for this project alone. 0: as that.", change::live);
      d.text("profile", a.profile, text_kind::profile_name, "Payload shape, as for APNs.", change::live);
      d.choice("accounts", a.accounts, accounts_words, "As for APNs.", change::live);
    });
  });
}

void describe_machine(describer& d, settings& s) {
  d.table(scope::node, "store", "What outlives a crash.", [&] {
    d.choice("kind", s.store_kind, store_words, "rocksdb: on this node's disk; memory: nothing is kept, for tests.");
    d.text("path", s.store.path, text_kind::directory, "Directory of the database; made if missing.");
    d.choice("durability", s.store.promise, durability_words,
             "process: what was acknowledged survives the death of the process, and a loss of power but for the last "
             "sync_every; disk: it survives both, each acknowledgement waits for the disk.");
    d.duration("sync_every", s.store.sync_every, 1ms, 10s,
               "durability = process: what a loss of power may take. 10 ms cost nothing when measured.");
    d.duration("linger", s.store.linger, 0ms, 20ms,
               "How long a write waits for company: a write in a batch of tens costs a third of a single one.");
    d.number("queue_limit", s.store.queue_limit, 256, 1 << 20,
             "Operations that may wait for the disk; more are refused.");
    d.bytes("queue_bytes", s.store.queue_bytes, mib, 4 * gib, "The same in octets.");
    d.bytes("memtable", s.store.memtable_bytes, 4 * mib, gib, "Small ones open fast after a crash: 16 MiB in 0.1 s.");
    d.bytes("cache", s.store.cache_bytes, mib, 64 * gib, "Of disk blocks; subscribers in memory do not need it.");
  });
  d.table(scope::node, "admin", "HTTP for operators: /metrics, /livez, /readyz, /api/v1.", [&] {
    d.text("listen", s.admin.listen, text_kind::endpoint,
           "ADDRESS:PORT, loopback by default because it tells much about subscribers. Empty: none.");
    d.text("bearer_token_file", s.admin.bearer_token_file, text_kind::input_file,
           "File whose first line every request must carry as `Authorization: Bearer`. Needed on any other address "
           "than loopback.");
    d.texts("allowed_hosts", s.admin.allowed_hosts, text_kind::domain,
            "Further names by which it may be asked (Host, and Origin of a web page). localhost and its own addresses "
            "always may; any other gets 421.");
    d.number("max_connections", s.admin.server.max_connections, 1, 4096,
             "At once; then those without a complete request go first.");
  });
  d.table(scope::node, "limits", "Bounds; each has a counter.", [&] {
    d.number("resident_subscribers", s.limits.resident_subscribers, 1000, 100'000'000,
             "Subscribers in memory, about 1 kB each; above it those idle for longest leave.");
    d.bytes("resident_bytes", s.limits.resident_bytes, 64 * mib, 1024 * gib,
            "What they may hold together; above it too those idle for longest leave.");
    d.number("loads_in_flight", s.homes.loads_in_flight, 16, 65536,
             "Subscribers that the store reads at once, per shard. Up to 16384 more wait for at most 2 s.");
    d.number("queued_per_aor", s.homes.queue_limit, 4, 4096,
             "Messages of one subscriber that may wait for its load.");
    d.bytes("pool_bytes", s.limits.pool_bytes, 16 * mib, 64 * gib,
            "Message buffers of one shard; then new calls and registrations get 503.");
    d.bytes("token_owner_bytes", s.shards.token_owner_bytes, mib, 64 * gib,
            "For each shard to remember whose tokens are, about 130 octets each, of apps with accounts = \"one\"; beyond "
            "it those that were claimed longest ago are forgotten.");
    d.number("transactions_per_shard", s.shards.server_transactions, 1000, 10'000'000, "More requests get 503.");
  });
  d.table(scope::node, "logging", "What is said about it all. Tokens and full addresses-of-record never are.", [&] {
    d.choice("level", s.logging.level, level_words, "The least serious that is written.", change::live);
    d.choice("format", s.logging.format, format_words, "text for a person, json (one object a line) for a machine.");
    d.text("file", s.logging.file, text_kind::optional_plain, "Empty: standard error.");
  });
}

struct unit {
  std::string_view name;
  std::uint64_t size;
};
constexpr unit time_units[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr unit size_units[] = {{"GiB", gib}, {"MiB", mib}, {"KiB", 1024}, {"", 1}};

template <std::size_t Size>
std::string with_unit(std::uint64_t value, const unit (&units)[Size]) {
  for (const unit& u : units) {
    if (value % u.size == 0 && (value != 0 || u.size == 1 || u.name == "s")) {
      return std::to_string(value / u.size) + std::string(u.name);
    }
  }
  return std::to_string(value);
}

template <std::size_t Size>
std::optional<std::uint64_t> from_unit(std::string_view text, const unit (&units)[Size], std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  while (name.starts_with(' ')) name.remove_prefix(1);
  for (const unit& u : units) {
    if (name == u.name) {
      if (value > most / u.size) return std::nullopt;
      return value * u.size;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(scope whose) {
  switch (whose) {
    case scope::node: return "node";
    case scope::provider: return "provider";
    case scope::app: return "app";
  }
  std::abort();  // unreachable: the switch is complete
}
std::string_view name_of(change acts) {
  switch (acts) {
    case change::restart: return "restart";
    case change::live: return "live";
  }
  std::abort();  // unreachable: the switch is complete
}

void visit_schema(schema_visitor& visitor, settings& s) {
  describer d(visitor);
  describe_node(d, s.node);
  describe_policy(d, s);
  describe_push(d, s);
  describe_payloads(d, s);
  describe_apns(d, s);
  describe_fcm(d, s);
  describe_machine(d, s);
}

std::string duration_text(milliseconds value) {
  return with_unit(static_cast<std::uint64_t>(value.count()), time_units);
}
std::string bytes_text(std::uint64_t value) {
  return with_unit(value, size_units);
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t century = 3'155'760'000'000;
  const auto ms = from_unit(text, time_units, century);
  if (!ms) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(*ms));
}
std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return from_unit(text, size_units, std::numeric_limits<std::uint64_t>::max());
}

}  // namespace reveille::config
