#include "engine/tools/doctor.hpp"

#include <algorithm>
#include <map>

#include "engine/config/profiles.hpp"
#include "engine/config/schema.hpp"
#include "engine/push/push_plan.hpp"
#include "engine/push/push_setup.hpp"
#include "engine/tools/one_push.hpp"
#include "net/tls/certificate.hpp"
#include "pns/access_token.hpp"
#include "pns/explanation.hpp"
#include "pns/jwt.hpp"

namespace reveille {
namespace {

constexpr std::uint64_t least_open_files = 4096;            // RocksDB's files, connections, the admin's clients
constexpr std::uint64_t wanted_receive_buffer = 8 << 20;    // net/udp/udp_socket.hpp asks for it
constexpr std::uint64_t least_free = std::uint64_t{1} << 30;
constexpr seconds small_skew{30};
constexpr seconds large_skew{300};                          // Google refuses JWTs that are older, Apple soon after
constexpr std::chrono::hours certificate_soon{30 * 24};
constexpr seconds probe_patience{10};
/// No device has it: tokens are random, and these are longer than none and all zero.
const std::string impossible_apns_token(64, '0');
const std::string impossible_fcm_token = "reveille-doctor-probe";

std::string element(std::string_view table, std::size_t i, std::string_view setting = "") {
  std::string out(table);
  out += "[" + std::to_string(i) + "]";
  if (!setting.empty()) out.append(".").append(setting);
  return out;
}

bool is_private(const endpoint& e) {
  const auto& a = e.address;
  if (e.v6) {
    const bool loopback = std::all_of(a.begin(), a.end() - 1, [](std::uint8_t b) { return b == 0; }) && a.back() == 1;
    return loopback || (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
  }
  return a[0] == 127 || a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
         (a[0] == 169 && a[1] == 254) || (a[0] == 100 && (a[1] & 0xc0) == 64);
}

/// As configured, or as the certificate names it; "" after a fault that is said elsewhere.
std::string bundle_of(const apns_app_config& app) {
  if (!app.bundle.empty() || app.certificate_pem.empty()) return app.bundle;
  const auto facts = read_certificate(app.certificate_pem);
  return facts ? facts->user_id : std::string();
}

std::string days_text(nanoseconds span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::hours>(span).count() / 24) + " days";
}

}  // namespace

std::string_view name_of(finding_level level) {
  switch (level) {
    case finding_level::ok: return "ok";
    case finding_level::warn: return "warn";
    case finding_level::fail: return "FAIL";
  }
  return "";
}

std::string explain_failure(const https_facts& facts) {
  using enum open_failure;
  if (!facts.failed) return {};
  const std::string why = facts.fault.empty() ? "" : " (" + facts.fault + ")";
  switch (*facts.failed) {
    case resolve: return "the name is not found" + why + ": check the endpoint's spelling and this machine's DNS";
    case connect: return "no connection" + why + ": check routes and firewalls; Google listens on port 443, Apple on 2197 too";
    case proxy: return "the proxy does not let it through" + why + ": check the proxy's address, credentials and rules";
    case handshake: return "no TLS" + why + ": something on the way does not speak it, or an old version only";
    case certificate:
      return "its certificate is not good" + why + ": check ca_file and the endpoint's name; a proxy that opens TLS needs its CA in ca_file";
    case alpn: return "it does not speak HTTP/2" + why + ": a proxy or gateway on the way ends TLS";
    case deadline: return "no answer in time" + why + ": a firewall may drop the packets";
  }
  return {};
}

doctor::doctor(const config::settings& settings, doctor_outside& outside, random_source& random,
               std::function<void(const finding&)> tell)
    : settings_(settings), outside_(outside), random_(random), tell_(std::move(tell)) {}

void doctor::ok(std::string about, std::string text) { tell_({finding_level::ok, std::move(about), std::move(text), ""}); }
void doctor::warn(std::string about, std::string text, std::string mend) {
  tell_({finding_level::warn, std::move(about), std::move(text), std::move(mend)});
}
void doctor::fail(std::string about, std::string text, std::string mend) {
  tell_({finding_level::fail, std::move(about), std::move(text), std::move(mend)});
}

void doctor::examine(doctor_network network) {
  examine_trust();
  examine_sockets();
  examine_store();
  examine_machine();
  examine_profiles();
  if (settings_.apns.enabled) examine_apns_keys();
  if (settings_.fcm.enabled) examine_accounts();
  if (settings_.apns.apps.empty() && settings_.fcm.apps.empty()) {
    warn("apns, fcm", "no app is configured: no phone can be woken", "add [[apns.app]] or [[fcm.app]]");
  }
  const auto config = read_push_config(settings_);
  if (!config) {
    for (const error& e : config.error()) fail("push", e.what, "mend the setting");
    return;
  }
  examine_certificates(*config);
  if (network == doctor_network::leave_alone) return;
  if (!config->apns.apps.empty()) probe_apns(*config);
  if (!config->fcm.apps.empty()) probe_fcm(*config);
  if (!clock_seen_ && (!config->apns.apps.empty() || !config->fcm.apps.empty())) {
    warn("clock", "no answer said what time it is: the clock was not compared", "check that NTP runs (timedatectl)");
  }
}

// --- this machine

void doctor::examine_trust() {
  std::string domains;
  for (const std::string& d : settings_.node.domains) domains += (domains.empty() ? "" : ", ") + d;
  if (domains.empty()) {
    fail("node.domains", "no domain is served", "name the domains of the subscribers");
  } else {
    ok("node.domains", domains);
  }
  if (!settings_.trust.open) return;
  for (const std::string& listen : settings_.node.listen) {
    const auto at = parse_endpoint(std::string_view(listen).substr(std::min<std::size_t>(4, listen.size())));
    if (!at || is_private(*at)) continue;
    const bool everywhere = std::all_of(at->address.begin(), at->address.end(), [](std::uint8_t b) { return b == 0; });
    warn("trust.open", everywhere ? listen + " listens on every address, and nobody is authenticated"
                                  : listen + " is a public address, and nobody is authenticated",
         "listen on a private address, or keep strangers out with a firewall");
    return;
  }
  ok("trust.open", "nobody is authenticated, on private addresses only");
}

void doctor::examine_sockets() {
  const auto admin = parse_endpoint(settings_.admin.listen);
  for (std::size_t i = 0; i < settings_.node.listen.size(); ++i) {
    const std::string& listen = settings_.node.listen[i];
    const std::string about = element("node.listen", i);
    const auto at = parse_endpoint(std::string_view(listen).substr(std::min<std::size_t>(4, listen.size())));
    if (!at) continue;  // the configuration said so
    const port_facts facts = outside_.udp_port(*at);
    switch (facts.state) {
      case port_state::free: ok(about, listen + " is free"); break;
      case port_state::taken:
        if (admin && outside_.engine_lives(*admin)) {
          ok(about, listen + " is held by the engine that runs here");
        } else {
          fail(about, listen + " is taken by another program", "find it with: ss -ulnp | grep :" + std::to_string(at->port));
        }
        break;
      case port_state::not_ours:
        fail(about, listen + " cannot be used: " + facts.fault, "name an address of this machine, and a port that this user may use");
        break;
    }
  }
}

void doctor::examine_store() {
  const std::string& path = settings_.store.path;
  if (settings_.store_kind == config::store_kind::memory) {
    warn("store.kind", "memory: registrations and missed calls are lost with the process", "use rocksdb but for tests");
    return;
  }
  const directory_facts facts = outside_.directory(path);
  if (!facts.writable) {
    fail("store.path", path + (facts.exists ? " cannot be written" : " cannot be made") + (facts.fault.empty() ? "" : ": " + facts.fault),
         "make it, and give it to the engine's user: install -d -o reveille " + path);
  } else if (facts.free_octets < least_free) {
    warn("store.path", path + " has only " + std::to_string(facts.free_octets >> 20) + " MiB free",
         "a million subscribers take about 1 GiB, and compaction as much again");
  } else {
    ok("store.path", path + (facts.exists ? " can be written, " : " can be made, ") + std::to_string(facts.free_octets >> 30) + " GiB free");
  }
}

void doctor::examine_machine() {
  const machine_facts facts = outside_.machine();
  if (facts.open_files != 0 && facts.open_files < least_open_files) {
    warn("open files", "limit " + std::to_string(facts.open_files), "raise it: LimitNOFILE=65536 in the unit, or ulimit -n");
  } else {
    ok("open files", facts.open_files == 0 ? "limit unknown" : "limit " + std::to_string(facts.open_files));
  }
  if (facts.receive_buffer != 0 && facts.receive_buffer < wanted_receive_buffer) {
    warn("net.core.rmem_max", std::to_string(facts.receive_buffer >> 10) + " KiB: a burst of REGISTERs may be lost before it is read",
         "sysctl -w net.core.rmem_max=" + std::to_string(wanted_receive_buffer) + ", or run with CAP_NET_ADMIN");
  } else {
    ok("net.core.rmem_max", facts.receive_buffer == 0 ? "unknown" : std::to_string(facts.receive_buffer >> 10) + " KiB");
  }
}

// --- credentials and profiles

std::string doctor::examine_secret(const std::string& about, const std::string& path) {
  const file_facts facts = outside_.file(path);
  if (!facts.readable) {
    fail(about, path + (facts.exists ? " may not be read by this user" : " does not exist"),
         facts.exists ? "give it to the engine's user: chown reveille " + path : "put the file there, or correct the path");
    return {};
  }
  if (facts.others_may_read) {
    warn(about, path + " may be read by everybody on this machine", "chmod o-rwx " + path);
  }
  return facts.text;
}

void doctor::examine_apns_keys() {
  for (std::size_t i = 0; i < settings_.apns.apps.size(); ++i) {
    const config::apns_app& app = settings_.apns.apps[i];
    if (app.key_file.empty() || !app.enabled) continue;  // a certificate, or the configuration said that something is missing
    const std::string about = element("apns.app", i, "key_file");
    const std::string pem = examine_secret(about, app.key_file);
    if (pem.empty()) continue;
    const auto key = pns::signing_key::from_pem(pem);
    if (!key) {
      fail(about, app.key_file + ": " + key.error().what, "use the .p8 file as it was downloaded from Apple");
    } else if (key->algorithm() != pns::jwt_algorithm::es256) {
      fail(about, app.key_file + " is no EC P-256 key", "use the .p8 file that Apple made for pushes");
    } else {
      ok(about, "EC P-256 key " + app.key_id + " of team " + app.team_id + " for " + app.bundle);
    }
    // Apple names its files so: a key id that another file bears is a mix-up as a rule.
    const std::size_t name = app.key_file.rfind("AuthKey_");
    const std::size_t dot = app.key_file.rfind(".p8");
    if (name != std::string::npos && dot != std::string::npos && dot > name) {
      const std::string told = app.key_file.substr(name + 8, dot - name - 8);
      if (told.size() == 10 && told != app.key_id) {
        warn(element("apns.app", i, "key_id"), "is " + app.key_id + ", but the file is named for key " + told, "compare both with Apple's developer account");
      }
    }
  }
}

void doctor::examine_accounts() {
  for (std::size_t i = 0; i < settings_.fcm.apps.size(); ++i) {
    const config::fcm_app& app = settings_.fcm.apps[i];
    if (app.service_account_file.empty() || !app.enabled) continue;
    const std::string about = element("fcm.app", i, "service_account_file");
    const std::string text = examine_secret(about, app.service_account_file);
    if (text.empty()) continue;
    const auto account = pns::service_account::parse(text);
    if (!account) {
      fail(about, app.service_account_file + ": " + account.error().what, "download a new key for the service account (JSON) from Google's console");
    } else if (account->project_id != app.project) {
      fail(about, app.service_account_file + " is of project " + account->project_id + ", not " + app.project, "correct `project`, or use that project's file");
    } else {
      ok(about, "RSA key of " + account->client_email);
    }
  }
}

void doctor::examine_profiles() {
  const config::faults faults = config::check_profiles(settings_);
  for (const config::fault& f : faults) fail("payload.profile", f.text(), "see docs/profiles.md");
  if (!faults.empty()) return;
  std::map<std::string, pns::payload_profile> compiled;
  for (const config::profile_source& source : config::profile_sources(settings_)) {
    if (auto made = pns::payload_profile::compile(source.text, source.properties)) compiled.emplace(source.name, std::move(*made));
  }
  for (std::size_t i = 0; i < settings_.apns.apps.size(); ++i) {
    const auto found = compiled.find(settings_.apns.apps[i].profile);
    if (found == compiled.end()) continue;
    const pns::payload_template* invite = found->second.find(pns::payload_wire::apns, pns::payload_kind::invite);
    const std::string about = element("apns.app", i, "profile");
    if (invite && !invite->wakes_plain_token()) {
      warn(about, found->first + " carries no alert: it wakes devices with a voip token only",
           "use profile native (or add an alert) if devices register plain tokens; else all is well");
    } else {
      ok(about, found->first + " wakes voip and plain tokens");
    }
  }
}

void doctor::examine_certificates(const push_config& config) {
  const auto plan = plan_pushes(config);
  if (!plan) {
    for (const error& e : plan.error()) fail("push", e.what, "mend the credential");
    return;
  }
  for (const planned_certificate& c : plan->certificates) {
    const nanoseconds left = c.ends - outside_.now().wall;
    const std::string about = "certificate of " + c.bundle;
    if (left <= nanoseconds(0)) {
      fail(about, "has ended: its phones do not ring", "have Apple issue a new one, and put it into certificate_file");
    } else if (left < certificate_soon) {
      warn(about, "good for " + days_text(left), "have Apple issue a new one before it ends");
    } else {
      ok(about, "good for " + days_text(left));
    }
  }
}

// --- providers

void doctor::examine_clock(const std::string& about, const https_facts& facts) {
  if (!facts.date) return;
  clock_seen_ = true;
  const seconds skew = std::chrono::duration_cast<seconds>(facts.asked - *facts.date);
  const std::string text = std::to_string(std::abs(skew.count())) + " s " + (skew.count() < 0 ? "behind " : "ahead of ") + about;
  if (std::chrono::abs(skew) >= large_skew) {
    fail("clock", text + ": the providers refuse tokens with such dates", "set the clock, and keep it with NTP (timedatectl set-ntp true)");
  } else if (std::chrono::abs(skew) >= small_skew) {
    warn("clock", text, "keep it with NTP (timedatectl set-ntp true)");
  } else {
    ok("clock", text);
  }
}

bool doctor::examine_endpoint(const std::string& about, const https_wish& wish, served_by whose) {
  const https_facts facts = outside_.reach(wish);
  const std::string name = wish.where.authority();
  if (facts.failed) {
    fail(about, name + ": " + explain_failure(facts), "pushes wait for it until their call is over");
    return false;
  }
  std::string text = name + " at " + facts.peer + (wish.post.empty() ? ", HTTP/2" : ", HTTP/1.1");
  if (wish.where.how == push_endpoint::scheme::http) text += " without TLS";
  if (facts.status == 0 && whose == served_by::gateway) {
    fail(about, text + ", but no answer to a request",
         wish.where.how == push_endpoint::scheme::http ? "if it speaks TLS, its URL begins with https://" : "look whether it speaks HTTP there");
    return false;
  }
  if (facts.status == 0) {
    warn(about, text + ", but no answer to a request", "try again; if it stays so, something on the way does not speak HTTP");
    return false;
  }
  if (facts.certificate_ends) {
    const nanoseconds left = *facts.certificate_ends - facts.asked;
    text += ", certificate good for " + days_text(left);
    const bool ours = whose == served_by::gateway || !settings_.apns.send.ca_file.empty() || !settings_.fcm.send.ca_file.empty();
    if (left < certificate_soon && !ours) {
      ok(about, text);  // the provider's own affair
    } else if (left < certificate_soon) {
      warn(about, text, "have the gateway's certificate renewed");
    } else {
      ok(about, text);
    }
  } else {
    ok(about, text);
  }
  examine_clock(name, facts);
  return true;
}

void doctor::judge_probe(const std::string& about, pns::payload_wire wire, const pns::push_answer& answer) {
  const std::string said = (answer.status != 0 ? std::to_string(answer.status) + " " : "") + answer.reason;
  if (std::holds_alternative<pns::suspect_token>(answer.outcome) || std::holds_alternative<pns::dead_token>(answer.outcome)) {
    if (answer.reason == "DeviceTokenNotForTopic" || answer.reason == "SENDER_ID_MISMATCH") {
      return fail(about, said + ": " + pns::explain(wire, answer), "compare the app's ids");
    }
    return ok(about, "credentials and topic are taken (a token that no device has was refused: " + said + ")");
  }
  if (std::holds_alternative<pns::accepted>(answer.outcome)) {
    return ok(about, "credentials and topic are taken (and a token that no device has too, as by a mock)");
  }
  if (std::holds_alternative<pns::try_later>(answer.outcome) && answer.status != 0) {
    return warn(about, said + ": " + pns::explain(wire, answer), "try again later");
  }
  fail(about, (said.empty() ? "" : said + ": ") + pns::explain(wire, answer), "pushes of this app fail until it is mended");
}

void doctor::probe_apns(const push_config& config) {
  std::map<std::string, bool> ways;   // by authority
  for (std::size_t i = 0; i < config.apns.apps.size(); ++i) {
    const apns_app_config& app = config.apns.apps[i];
    if (app.sends == push_switch::off) {
      ok(element("apns.app", i), app.bundle + " is switched off or paused: not asked");
      continue;
    }
    const bool sandbox = app.environment == apns_environment::sandbox;
    const push_endpoint where = app.endpoint.value_or(sandbox ? config.apns.sandbox : config.apns.production);
    const std::string setting = app.endpoint ? element("apns.app", i, "endpoint") : sandbox ? "apns.sandbox_endpoint" : "apns.endpoint";
    const auto [way, first] = ways.emplace(where.authority(), false);
    if (first) way->second = examine_endpoint(setting, {where, config.apns.route, ""});
    if (!way->second) continue;
    const std::string bundle = bundle_of(app);
    for (const bool voip : {false, true}) {
      push_wish wish;
      wish.provider = sandbox ? "apns.dev" : "apns";  // one bundle may be here twice, once for each environment
      // A certificate's app may have no team: any will do then.
      wish.param = (app.team_id.empty() ? "TEAMLESS00" : app.team_id) + "." + bundle + (voip ? ".voip" : ".remote");
      wish.token = impossible_apns_token;
      const auto target = target_of(wish, settings_);
      if (!target) continue;
      const auto answer = outside_.push(config, order_of(wish, *target, probe_patience, outside_.now(), random_));
      const std::string about = element("apns.app", i) + " " + bundle + (voip ? ".voip" : "");
      if (!answer) {
        for (const error& e : answer.error()) fail(about, e.what, "mend the configuration");
        continue;
      }
      judge_probe(about, pns::payload_wire::apns, *answer);
    }
  }
}

void doctor::probe_fcm(const push_config& config) {
  std::map<std::string, bool> ways, shops;   // by authority, by URL
  for (std::size_t i = 0; i < settings_.fcm.apps.size() && i < config.fcm.apps.size(); ++i) {
    const fcm_app_config& app = config.fcm.apps[i];
    if (app.sends == push_switch::off) {
      ok(element("fcm.app", i), app.project + " is switched off or paused: not asked");
      continue;
    }
    if (app.speaks == fcm_app_config::api::legacy) {
      probe_legacy(i, config);
      continue;
    }
    const auto account = pns::service_account::parse(app.service_account);
    if (!account) continue;
    const std::string url = config.fcm.token_url.empty() ? account->token_uri : config.fcm.token_url;
    const auto shop_at = push_endpoint::parse(url);
    const auto service_at = app.endpoint.empty() ? config.fcm.service : push_endpoint::parse(app.endpoint);
    if (!shop_at || !service_at) continue;  // said with the credential
    const auto [way, first] = ways.emplace(service_at->authority(), false);
    if (first) {
      way->second = examine_endpoint(app.endpoint.empty() ? "fcm.endpoint" : element("fcm.app", i, "endpoint"), {*service_at, config.fcm.route, ""});
    }
    const auto [shop, new_shop] = shops.emplace(url, false);
    if (new_shop) shop->second = examine_endpoint("fcm.token_endpoint", {*shop_at, config.fcm.route, path_of_url(url, "/")});
    if (way->second && shop->second) probe_fcm_app(i, config, pns::payload_wire::fcm_v1);
  }
}

/// The way to a gateway on premises, before anything is asked of it: TCP, TLS and HTTP each say where it ends.
void doctor::probe_legacy(std::size_t i, const push_config& config) {
  const fcm_app_config& app = config.fcm.apps[i];
  const auto where = app.endpoint.empty() ? config.fcm.service : push_endpoint::parse_either(app.endpoint);
  if (!where) return;  // said with the configuration
  const https_wish wish{*where, config.fcm.route, path_of_url(app.endpoint, "/fcm/send")};
  if (!examine_endpoint(element("fcm.app", i, "endpoint"), wish, served_by::gateway)) return;
  probe_fcm_app(i, config, pns::payload_wire::fcm_legacy);
}

void doctor::probe_fcm_app(std::size_t i, const push_config& config, pns::payload_wire wire) {
  push_wish wish;
  wish.provider = "fcm";
  wish.app = settings_.fcm.apps[i].project;
  wish.token = impossible_fcm_token;
  const auto target = target_of(wish, settings_);
  if (!target) return;
  const std::string about = element("fcm.app", i) + " " + wish.app;
  const auto answer = outside_.push(config, order_of(wish, *target, probe_patience, outside_.now(), random_));
  if (!answer) {
    for (const error& e : answer.error()) fail(about, e.what, "mend the configuration");
    return;
  }
  judge_probe(about, wire, *answer);
}

}  // namespace reveille
