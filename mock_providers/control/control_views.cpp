#include "mock_providers/control/control_views.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reveille::mock_providers {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t max_over_quota = 100;   // shown

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
std::string line_of(const json& value) { return dump(value) + '\n'; }
std::int64_t ms_of(wall_time t) { return t.time_since_epoch().count(); }
std::int64_t ms_of(nanoseconds d) { return std::chrono::duration_cast<milliseconds>(d).count(); }

/// A list, a member a line.
class page {
 public:
  explicit page(std::string_view name) { text_.append("{\"").append(name).append("\":["); }
  /// @return false = full: the member is not in it.
  bool add(const json& member) {
    const std::string one = dump(member);
    if (count_ > 0 && text_.size() + one.size() > page_octets) return false;
    text_ += count_++ == 0 ? "\n" : ",\n";
    text_ += one;
    return true;
  }
  std::size_t count() const { return count_; }
  std::string end(const json& next) { return text_ + "],\n\"next\":" + dump(next) + "}\n"; }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

bool is_asked(const received_push& p, const record_question& q) {
  return (!q.provider || p.provider == *q.provider) && (!q.token || p.token == *q.token) && (!q.id || p.id == *q.id) &&
         (!q.reason || p.reason == *q.reason) && (!q.status || p.status == *q.status) && (!q.since || p.at >= *q.since);
}

json push_of(const received_push& p, std::uint64_t number) {
  json out = {{"number", number}, {"at", ms_of(p.at)}, {"provider", pns::name_of(p.provider)}, {"token", p.token},
              {"app", p.app}, {"push_type", p.push_type}, {"id", p.id}, {"status", p.status}, {"reason", p.reason}};
  if (!p.also.empty()) out["also"] = p.also;
  out["payload"] = p.payload;
  return out;
}

json kept_of(const notification& n) {
  json out = {{"app", n.app}, {"push_type", n.push_type}, {"id", n.id}, {"accepted_at", ms_of(n.accepted_at)}};
  out["expires"] = n.expires ? json(ms_of(*n.expires)) : json();
  if (!n.collapse_key.empty()) out["collapse_key"] = n.collapse_key;
  return out;
}

json device_of(const device_table::entry& e, const dispatcher& deliveries) {
  json out = {{"provider", pns::name_of(e.provider)}, {"token", e.token}, {"app", e.what->app}, {"reachable", e.what->reachable}};
  out["unregistered_at"] = e.what->unregistered_at ? json(ms_of(*e.what->unregistered_at)) : json();
  if (e.what->expired) out["expired"] = true;
  if (!e.what->canonical.empty()) out["canonical"] = e.what->canonical;
  json& waiting = out["waiting"] = json::array();
  for (const notification* n : deliveries.kept_for(e.provider, e.token)) waiting.push_back(kept_of(*n));
  return out;
}

bool is_asked(const device_table::entry& e, const device_question& q, const dispatcher& deliveries) {
  if ((q.provider && e.provider != *q.provider) || (q.app && e.what->app != *q.app)) return false;
  switch (q.state) {
    case device_state::any: return true;
    case device_state::away: return !e.what->reachable;
    case device_state::dead: return e.what->unregistered_at.has_value();
    case device_state::waiting: return !deliveries.kept_for(e.provider, e.token).empty();
  }
  return true;
}

constexpr std::pair<std::string_view, front> services[] = {
    {"apns", front::apns}, {"apns.dev", front::apns_dev}, {"google", front::google}};

json connection_of(const connection_facts& c, const instant& now) {
  const auto* name = std::find_if(std::begin(services), std::end(services), [&](const auto& s) { return s.second == c.service; });
  json out = {{"id", c.id}, {"service", name->first}, {"peer", c.peer}, {"protocol", c.protocol},
              {"age_ms", ms_of(now.steady - c.since)}, {"requests", c.requests}, {"open_streams", c.open_streams}};
  if (c.protocol == "h2") {
    out["latest_stream"] = c.latest_stream;
    out["settings"] = {{"max_concurrent_streams", c.max_streams}, {"initial_window_size", c.stream_window}};
    out["pings"] = c.pings;
  }
  out["going_away"] = c.going_away;
  if (c.service == front::google) return out;
  out["certificate"] = c.certificate;
  out["team_id"] = c.team_id;
  out["key_id"] = c.key_id;
  out["token_expired"] = c.token_expired;
  return out;
}

json ledger_of(const accepted_ledger::totals& t) {
  return {{"accepted", t.accepted}, {"distinct", t.distinct}, {"repeated", t.repeated}, {"most", t.most}, {"uncounted", t.uncounted}};
}

json accounts_of(const accounts& all) {
  json teams = json::array(), projects = json::array();
  for (const apns_team_account& t : all.teams) {
    json keys = json::array();
    for (const apns_key_account& k : t.keys) {
      static constexpr std::string_view scopes[] = {"both", "production", "sandbox"};
      keys.push_back({{"key_id", k.key_id}, {"environment", scopes[static_cast<std::size_t>(k.scope)]}, {"bundles", k.bundles}});
    }
    teams.push_back({{"team_id", t.team_id}, {"bundles", t.bundles}, {"keys", std::move(keys)}});
  }
  for (const fcm_project_account& p : all.projects) {
    projects.push_back({{"project", p.project}, {"number", p.number}, {"client_email", p.client_email}, {"legacy", !p.legacy_key.empty()}});
  }
  return {{"teams", std::move(teams)}, {"projects", std::move(projects)}};
}

json quota_of(const rate_limits& q, const instant& now) {
  json over = json::array();
  q.for_each_over(now, max_over_quota, [&](std::string_view key, std::uint32_t count, std::int64_t seconds_left) {
    over.push_back({{"key", key}, {"count", count}, {"seconds_left", seconds_left}});
  });
  return {{"per_minute", q.per_minute()}, {"counted", q.counted()}, {"over", std::move(over)}};
}

}  // namespace

std::string show_record(const push_record& record, const record_question& asked) {
  page out("pushes");
  const std::uint64_t first = record.first_number();
  const std::size_t start = asked.after < first ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(asked.after + 1 - first, record.size()));
  std::uint64_t last = 0;
  for (std::size_t i = start; i < record.size(); ++i) {
    if (!is_asked(record[i], asked)) continue;
    if (out.count() == asked.limit || !out.add(push_of(record[i], first + i))) return out.end(last);
    last = first + i;
  }
  return out.end(nullptr);
}

std::string show_devices(const provider_backend& backend, const device_question& asked) {
  const dispatcher& deliveries = backend.deliveries();
  page out("devices");
  if (asked.token) {  // of each provider, without looking at all
    for (const pns::provider p : {pns::provider::apns, pns::provider::apns_dev, pns::provider::fcm}) {
      const std::string key = device_table::key_of(p, *asked.token);
      const device_table::entry one{p, std::string_view(key).substr(1), backend.devices().find(p, *asked.token), key};
      if (one.what && is_asked(one, asked, deliveries)) out.add(device_of(one, deliveries));
    }
    return out.end(nullptr);
  }
  const auto found = backend.devices().page(asked.after, asked.limit + 1, [&](const auto& e) { return is_asked(e, asked, deliveries); });
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i == asked.limit || !out.add(device_of(found[i], deliveries))) return out.end(found[i - 1].key);
  }
  return out.end(nullptr);
}

std::optional<front> service_of(std::string_view name) {
  const auto* found = std::find_if(std::begin(services), std::end(services), [&](const auto& s) { return s.first == name; });
  return found == std::end(services) ? std::nullopt : std::optional(found->second);
}

std::string show_connections(const std::vector<connection_facts>& all, const connection_question& asked, const instant& now) {
  page out("connections");
  std::uint64_t last = 0;
  for (const connection_facts& c : all) {
    if (c.id <= asked.after || (asked.service && c.service != *asked.service)) continue;
    if (out.count() == asked.limit || !out.add(connection_of(c, now))) return out.end(last);
    last = c.id;
  }
  return out.end(nullptr);
}

std::string show_connection(const connection_facts& one, const instant& now) { return line_of(connection_of(one, now)); }

std::string show_accounts(const accounts& all) { return line_of(accounts_of(all)); }

std::string show_made_keys(const accounts& given, const accounts& completed) {
  json keys = json::array();
  for (std::size_t t = 0; t < given.teams.size(); ++t) {
    for (std::size_t k = 0; k < given.teams[t].keys.size(); ++k) {
      const apns_key_account& made = completed.teams[t].keys[k];
      if (given.teams[t].keys[k].key_pem.empty()) keys.push_back({{"team_id", given.teams[t].team_id}, {"key_id", made.key_id}, {"key_pem", made.key_pem}});
    }
  }
  for (std::size_t p = 0; p < given.projects.size(); ++p) {
    const fcm_project_account& made = completed.projects[p];
    if (given.projects[p].key_pem.empty()) keys.push_back({{"project", made.project}, {"client_email", made.client_email}, {"key_pem", made.key_pem}});
  }
  return line_of({{"made_keys", std::move(keys)}});
}

std::string show_faults(const provider_backend& backend, const instant& now) {
  const fault_script& script = backend.script();
  const nanoseconds since = now.steady - backend.script_start();
  std::string out = "{\"since_ms\":" + std::to_string(ms_of(since)) + ",\"rules\":[";
  for (std::size_t i = 0; i < script.size(); ++i) {
    const fault_script::view r = script.at(i);
    out.append(i == 0 ? "\n" : ",\n").append("{\"number\":").append(std::to_string(i + 1)).append(",\"since_ms\":");
    out.append(std::to_string(ms_of(since - r.begins))).append(",\"fired\":").append(std::to_string(r.fired));
    out.append(",\"rule\":").append(r.text).append("}");
  }
  return out + "]}\n";
}

std::string show_ledger(const accepted_ledger& ledger, const std::string* apns_id) {
  json out = ledger_of(ledger.sums());
  if (apns_id) {
    const auto who = identity_of_uuid(*apns_id);
    out["id"] = *apns_id;
    out["times"] = who ? ledger.count_of(*who) : 0;
  }
  return line_of(out);
}

std::string show_state(controlled_mock& mock) {
  provider_backend& backend = mock.backend();
  const instant now = mock.now();
  const mock_counters c = mock.present_counters();
  const quota_view q = backend.quotas();
  json requests = json::object();
  for (std::size_t p = 0; p < c.providers.size(); ++p) {
    requests[std::string(pns::name_of(static_cast<pns::provider>(p)))] = {{"requests", c.providers[p].requests}, {"accepted", c.providers[p].accepted}};
  }
  json out = {{"now", ms_of(now.wall)}, {"uptime_ms", ms_of(now.steady - mock.started().steady)}, {"pushes", std::move(requests)}};
  out["accounts"] = accounts_of(backend.known_accounts());
  out["access_tokens"] = {{"issued", c.oauth_issued}, {"refused", c.oauth_refused}};
  out["quotas"] = {{"apns_devices", quota_of(q.apns_devices, now)}, {"apns.dev_devices", quota_of(q.sandbox_devices, now)},
                   {"fcm_projects", quota_of(q.fcm_projects, now)}, {"fcm_devices", quota_of(q.fcm_devices, now)}};
  out["devices"] = {{"known", backend.devices().size()}, {"unknown_tokens", backend.how().unknown == unknown_tokens::alive ? "alive" : "refused"}};
  out["deliveries"] = {{"on_their_way", c.deliveries.waiting}, {"kept", backend.deliveries().kept()}, {"delivered", c.deliveries.delivered}};
  out["connections"] = {{"open", c.connections_open}, {"accepted", c.connections_accepted}};
  out["record"] = {{"kept", backend.record().size()}, {"limit", backend.record().limit()}, {"first", backend.record().first_number()}};
  out["ledger"] = ledger_of(backend.ledger().sums());
  out["faults"] = {{"rules", backend.script().size()}};
  return line_of(out);
}

}  // namespace reveille::mock_providers
