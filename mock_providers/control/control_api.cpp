#include "mock_providers/control/control_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mock_providers/control/control_lines.hpp"
#include "mock_providers/control/control_query.hpp"
#include "mock_providers/control/control_views.hpp"
#include "mock_providers/faults/fault_reader.hpp"
#include "mock_providers/requests/json_check.hpp"

namespace reveille::mock_providers {
namespace {

using json = nlohmann::ordered_json;

std::string line_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + '\n'; }

control_answer refuse(int status, std::string_view what, std::string_view field = {}) {
  json error = {{"status", status}, {"what", what}};
  if (!field.empty()) error["field"] = field;
  return {status, line_of({{"error", std::move(error)}})};
}
control_answer fine(std::string body) { return {200, std::move(body)}; }
control_answer done() { return fine("{\"ok\":true}\n"); }

control_answer refuse(const script_fault& f) {
  json error = {{"status", 400}, {"what", f.what}};
  if (f.line > 0) {
    error["line"] = f.line;
    error["column"] = f.column;
  }
  if (f.rule > 0) error["rule"] = f.rule;
  if (!f.field.empty()) error["field"] = f.field;
  return {400, line_of({{"error", std::move(error)}})};
}

constexpr std::size_t most_made_keys = 8;   // nobody is served meanwhile

/// One request on its way through its handler.
struct call {
  const control_request& request;
  const control_query& query;
  controlled_mock& mock;
  std::uint64_t number;   ///< the {n} of the path
};

/// Reads parameters; the first fault stays.
class parameters {
 public:
  parameters(const control_query& query, std::initializer_list<std::string_view> known) : query_(query) {
    if (const std::string stranger = query.stranger(known); !stranger.empty()) blame(stranger, "unknown, doubled, or one too many");
  }
  std::optional<std::string> text(std::string_view name) const {
    const std::string* v = query_.find(name);
    return v ? std::optional(*v) : std::nullopt;
  }
  std::optional<std::uint64_t> whole(std::string_view name, std::uint64_t low, std::uint64_t high) {
    const std::string* v = query_.find(name);
    if (!v) return std::nullopt;
    const auto n = whole_number(*v, low, high);
    if (!n) blame(name, "wants a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return n;
  }
  template <class Value>
  std::optional<Value> word(std::string_view name, std::optional<Value> (*read)(std::string_view), std::string_view words) {
    const std::string* v = query_.find(name);
    if (!v) return std::nullopt;
    const auto out = read(*v);
    if (!out) blame(name, words);
    return out;
  }
  std::size_t limit() { return static_cast<std::size_t>(whole("limit", 1, longest_page).value_or(usual_page)); }
  void blame(std::string_view name, std::string_view what) {
    if (!fault_) fault_ = refuse(400, what, name);
  }
  const std::optional<control_answer>& fault() const { return fault_; }

 private:
  const control_query& query_;
  std::optional<control_answer> fault_;
};

constexpr std::string_view provider_words = "is apns, apns.dev or fcm";

std::optional<device_state> state_of(std::string_view name) {
  if (name == "away") return device_state::away;
  if (name == "dead") return device_state::dead;
  if (name == "waiting") return device_state::waiting;
  return std::nullopt;
}

control_answer get_help(const call&) { return {200, control_help(), "text/plain; charset=utf-8"}; }

control_answer get_metrics(const call& c) {
  control_answer out{200, {}, "text/plain; version=0.0.4; charset=utf-8"};
  append_metrics(out.body, c.mock.present_counters());
  return out;
}

control_answer get_state(const call& c) { return fine(show_state(c.mock)); }

control_answer get_record(const call& c) {
  parameters p(c.query, {"provider", "token", "id", "reason", "status", "since", "after", "limit"});
  record_question q;
  q.provider = p.word("provider", pns::provider_of, provider_words);
  q.token = p.text("token");
  q.id = p.text("id");
  q.reason = p.text("reason");
  if (const auto n = p.whole("status", 0, 599)) q.status = static_cast<int>(*n);
  if (const auto ms = p.whole("since", 0, 253'402'300'799'000)) q.since = wall_time(milliseconds(*ms));
  q.after = p.whole("after", 0, ~std::uint64_t{0} - 1).value_or(0);
  q.limit = p.limit();
  return p.fault() ? *p.fault() : fine(show_record(c.mock.backend().record(), q));
}

control_answer delete_record(const call& c) {
  const std::size_t forgotten = c.mock.backend().record().size();
  c.mock.backend().clear_record();
  c.mock.backend().clear_ledger();
  return fine(line_of({{"ok", true}, {"forgotten", forgotten}}));
}

control_answer get_ledger(const call& c) {
  parameters p(c.query, {"id"});
  const auto id = p.text("id");
  if (id && !identity_of_uuid(*id)) p.blame("id", "wants an apns-id: a UUID in small letters");
  return p.fault() ? *p.fault() : fine(show_ledger(c.mock.backend().ledger(), id ? &*id : nullptr));
}

control_answer get_devices(const call& c) {
  parameters p(c.query, {"provider", "token", "app", "state", "after", "limit"});
  device_question q;
  q.provider = p.word("provider", pns::provider_of, provider_words);
  q.token = p.text("token");
  q.app = p.text("app");
  q.state = p.word("state", state_of, "is away, dead or waiting").value_or(device_state::any);
  q.after = p.text("after").value_or("");
  q.limit = p.limit();
  return p.fault() ? *p.fault() : fine(show_devices(c.mock.backend(), q));
}

control_answer post_devices(const call& c) {
  // The check first: it bounds the depth of what is built.
  if (!is_json_object(c.request.body)) return refuse(400, "the body wants to be a JSON object");
  const nlohmann::json command = nlohmann::json::parse(c.request.body, nullptr, false);
  if (command.is_discarded()) return refuse(400, "a number that is too great");
  const rule_fault found = obey_device_command(&command, c.mock);
  return found.reason.empty() ? done() : refuse(400, found.reason, found.field);
}

control_answer get_connections(const call& c) {
  parameters p(c.query, {"service", "after", "limit"});
  connection_question q;
  q.service = p.word("service", service_of, "is apns, apns.dev or google");
  q.after = p.whole("after", 0, ~std::uint64_t{0}).value_or(0);
  q.limit = p.limit();
  return p.fault() ? *p.fault() : fine(show_connections(c.mock.connections(), q, c.mock.now()));
}

control_answer no_connection() { return refuse(404, "no such connection: GET /connections names the open ones"); }

control_answer get_connection(const call& c) {
  for (const connection_facts& one : c.mock.connections()) {
    if (one.id == c.number) return fine(show_connection(one, c.mock.now()));
  }
  return no_connection();
}

control_answer delete_connection(const call& c) { return c.mock.reset_connection(c.number) ? done() : no_connection(); }

control_answer delete_connections(const call& c) {
  c.mock.reset_all_connections();
  return done();
}

control_answer post_goaway(const call& c) {
  // As in a script, so that both take the same words.
  const std::string_view body = c.request.body.empty() ? std::string_view("{}") : c.request.body;
  if (!is_json_object(body)) return refuse(400, "the body wants to be a JSON object: {\"reason\",\"code\",\"drop_unjudged\"}");
  const nlohmann::json rule = {{"goaway", nlohmann::json::parse(body, nullptr, false)}};
  if (rule["goaway"].is_discarded()) return refuse(400, "a number that is too great");
  const auto read = read_fault_rule(&rule);
  if (!read) return refuse(400, read.error().reason, read.error().field);
  switch (c.mock.say_goodbye(c.number, *read->goaway)) {
    case controlled_mock::goodbye::said: return done();
    case controlled_mock::goodbye::no_such_connection: return no_connection();
    case controlled_mock::goodbye::http1: return refuse(409, "HTTP/1.1 has no GOAWAY");
  }
  return done();
}

control_answer get_faults(const call& c) { return fine(show_faults(c.mock.backend(), c.mock.now())); }

control_answer rules_taken(controlled_mock& mock) {
  return fine(line_of({{"ok", true}, {"rules", mock.backend().script().size()}}));
}

control_answer post_faults(const call& c) {
  auto more = fault_script::parse(c.request.body);
  if (!more) return refuse(more.error());
  if (!c.mock.add_rules(std::move(*more))) return refuse(409, "more than 256 rules together");
  return rules_taken(c.mock);
}

control_answer put_faults(const call& c) {
  auto script = fault_script::parse(c.request.body);
  if (!script) return refuse(script.error());
  c.mock.take_script(std::move(*script));
  return rules_taken(c.mock);
}

control_answer delete_faults(const call& c) {
  c.mock.take_script({});
  return rules_taken(c.mock);
}

control_answer get_accounts(const call& c) { return fine(show_accounts(c.mock.backend().known_accounts())); }

control_answer post_accounts(const call& c) {
  if (!is_json_object(c.request.body)) return refuse(400, "the body wants to be a JSON object with \"teams\" or \"projects\"");
  const auto read = accounts::parse(c.request.body);
  if (!read) return refuse(400, read.error().what);
  const accounts& known = c.mock.backend().known_accounts();
  if (known.teams.size() + read->teams.size() > accounts::max_teams || known.projects.size() + read->projects.size() > accounts::max_projects) {
    return refuse(409, "more than 100 teams or projects together");
  }
  if (read->without_key() > most_made_keys) return refuse(400, "at most 8 keys are made at once, each takes a tenth of a second: give \"key_pem\"");
  accounts completed = *read;
  if (const auto made = completed.make_keys(); !made) return refuse(500, made.error().what);
  std::string told = show_made_keys(*read, completed);
  c.mock.backend().add(std::move(completed));
  return fine(std::move(told));
}

control_answer delete_access_tokens(const call& c) {
  c.mock.backend().revoke_access_tokens();
  return done();
}

struct route {
  std::string_view method;
  std::string_view path;      ///< "{n}" stands for a number
  control_answer (*handler)(const call&);
  std::string_view help;
};
constexpr route routes[] = {
    {"GET", "/", get_help, "this list"},
    {"GET", "/metrics", get_metrics, "for Prometheus"},
    {"GET", "/state", get_state, "customers and apps, quotas, counts of all that is kept"},
    {"GET", "/record", get_record, "?provider= token= id= reason= status= since=MS after= limit=   pushes that came, oldest first"},
    {"DELETE", "/record", delete_record, "forgets them, and the ledger"},
    {"GET", "/ledger", get_ledger, "?id=APNS-ID   how often pushes were accepted"},
    {"GET", "/devices", get_devices, "?provider= token= app= state=away|dead|waiting after= limit=   and what is kept for them"},
    {"POST", "/devices", post_devices, "{\"provider\",\"token\"} and register:APP, reachable:BOOL, unregister:MS, expire:MS or canonical:TOKEN"},
    {"GET", "/connections", get_connections, "?service= after= limit=   the open ones"},
    {"GET", "/connections/{n}", get_connection, "one of them"},
    {"DELETE", "/connections/{n}", delete_connection, "TCP reset"},
    {"DELETE", "/connections", delete_connections, "all of them"},
    {"POST", "/connections/{n}/goaway", post_goaway, "{\"reason\",\"code\",\"drop_unjudged\"}"},
    {"GET", "/faults", get_faults, "the script, and how often each rule has fired"},
    {"POST", "/faults", post_faults, "adds a rule or a list of them; their clock starts now"},
    {"PUT", "/faults", put_faults, "replaces the script"},
    {"DELETE", "/faults", delete_faults, "no faults any more"},
    {"GET", "/accounts", get_accounts, "teams and projects"},
    {"POST", "/accounts", post_accounts, "adds or replaces some; answers with the keys that it made for those without"},
    {"DELETE", "/access-tokens", delete_access_tokens, "Google's access tokens are worthless"},
};

/// @return whether `path` is of that form; the number goes into `number`.
bool matches(std::string_view form, std::string_view path, std::uint64_t& number) {
  const std::size_t at = form.find("{n}");
  if (at == form.npos) return form == path;
  const std::string_view tail = form.substr(at + 3);
  if (!path.starts_with(form.substr(0, at)) || !path.ends_with(tail) || path.size() < at + tail.size()) return false;
  const auto n = whole_number(path.substr(at, path.size() - at - tail.size()), 0, ~std::uint64_t{0});
  number = n.value_or(0);
  return n.has_value();
}

}  // namespace

control_answer control_refusal(int status, std::string_view what) { return refuse(status, what); }

control_answer answer_control(const control_request& request, controlled_mock& mock) {
  if (request.from_page) return refuse(403, "web pages may not steer the mock");
  const control_query query(request.target);
  std::string allow;
  for (const route& r : routes) {
    std::uint64_t number = 0;
    if (!matches(r.path, query.path(), number)) continue;
    if (r.method == request.method) return r.handler({request, query, mock, number});
    allow.append(allow.empty() ? "" : ", ").append(r.method);
  }
  if (allow.empty()) return refuse(404, "no such endpoint: GET / lists them");
  control_answer out = refuse(405, "that path takes " + allow);
  out.allow = std::move(allow);
  return out;
}

std::string control_help() {
  std::string out;
  for (const route& r : routes) {
    std::string line = "  " + std::string(r.method) + std::string(r.method.size() < 7 ? 7 - r.method.size() : 1, ' ') + std::string(r.path);
    line.resize(std::max<std::size_t>(line.size() + 1, 35), ' ');
    out.append(line).append(r.help).append("\n");
  }
  return out;
}

}  // namespace reveille::mock_providers
