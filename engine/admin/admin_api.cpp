#include "engine/admin/admin_api.hpp"

#include "actors/registration.hpp"
#include "core/hash.hpp"
#include "sip/uri.hpp"

#include <nlohmann/json.hpp>

#include <fstream>

namespace reveille {
namespace {

using nlohmann::json;

constexpr std::size_t shown_token = 8;
constexpr std::size_t least_bearer_token = 16;

/// What the wire brought may be no UTF-8: replaced, never thrown over.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

http1::response refuse(int status, std::string_view message) {
  return {status, "application/json", dump({{"error", {{"status", status}, {"message", message}}}}), ""};
}

http1::response plain(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body), ""};
}

/// Takes as long whatever the difference is.
bool same_secret(std::string_view a, std::string_view b) {
  std::size_t difference = a.size() ^ b.size();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i] ^ other);
  }
  return difference == 0;
}

std::string masked(const prid& token) {
  const std::string_view all = token.view();
  return std::string(all.substr(0, std::min(shown_token, all.size() / 2))) + "...";
}

/// The same short name that logs use for a subscriber.
std::string short_hash(const aor& of) {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t h = siphash({}, of.view());
  std::string out;
  for (int i = 0; i < 12; ++i, h >>= 4) out += digits[h & 15];
  return out;
}

json to_json(const binding& b) {
  const binding_facts& f = b.facts();
  json out = {{"push", f.push},
              {"transport_address", f.source.remote.text()},
              {"expires", unix_seconds(f.expires)},
              {"registered", unix_seconds(f.registered)},
              {"address_from_disk", f.stale},
              {"quarantined", f.quarantined}};
  if (!b.label().empty()) out["label"] = b.label();
  if (!b.instance().empty()) out["instance"] = b.instance();
  if (!f.push) return out;
  out["provider"] = pns::name_of(f.provider);
  if (const auto target = b.push_target()) {
    out["app"] = target->app;
    for (const pns::push_token& token : target->tokens) out["tokens"].push_back(masked(token.value));
  }
  return out;
}

json to_json(const subscriber_record& record, const aor& of) {
  json out = {{"subscriber", short_hash(of)},
              {"bindings", json::array()},
              {"push_bucket", json::array()},
              {"parked_calls", json::array()}};
  registration bindings;
  if (!record.bindings.empty() && !bindings.load(record.bindings)) out["bindings_unreadable"] = true;
  for (const binding& b : bindings.all()) out["bindings"].push_back(to_json(b));
  for (const bucket_entry& e : record.bucket) {
    out["push_bucket"].push_back({{"call_ref", e.call.hex()},
                                  {"remote_uri", e.remote_uri},
                                  {"date", unix_seconds(e.date)},
                                  {"deadline", unix_seconds(e.deadline)},
                                  {"over", e.over}});
  }
  for (const parked_invite& p : record.parked) {
    out["parked_calls"].push_back(
        {{"call_ref", p.call.hex()}, {"arrived", unix_seconds(p.arrived)}, {"deadline", unix_seconds(p.deadline)}});
  }
  return out;
}

}  // namespace

bool admin_api::may_ask(const http1::request& asked) const {
  if (parts_.bearer_token.empty()) return true;
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view sent = asked.authorization;
  return sent.starts_with(scheme) && same_secret(sent.substr(scheme.size()), parts_.bearer_token);
}

http1::response admin_api::answer(const http1::request& asked) const {
  constexpr std::string_view subscribers = "/api/v1/subscribers/";
  switch (parts_.hosts.judge(asked.host, asked.origin)) {
    case host_rules::verdict::good: break;
    case host_rules::verdict::foreign_host:
      return refuse(421, "this server is not called so: ask by its address, or name the Host in admin.allowed_hosts");
    case host_rules::verdict::foreign_origin:
      return refuse(403, "a web page of another Origin may not ask: name its host in admin.allowed_hosts if it should");
  }
  if (asked.method != "GET") {
    http1::response out = refuse(405, "this API only reads: use GET");
    out.allow = "GET, HEAD";
    return out;
  }
  if (asked.path == "/livez") return plain(200, "alive\n");
  if (asked.path == "/readyz") {
    const auto why_not = parts_.unready ? parts_.unready() : std::nullopt;
    const std::string remarks = parts_.remarks ? parts_.remarks() : "";
    return why_not ? plain(503, *why_not + "\n" + remarks) : plain(200, "ready\n" + remarks);
  }
  if (!may_ask(asked)) return refuse(401, "send `Authorization: Bearer` with the token of admin.bearer_token_file");
  if (asked.path == "/metrics") {
    return {200, std::string(metrics_page::content_type), parts_.metrics.text(), ""};
  }
  if (asked.path == "/api/v1/build") {
    const build_info& b = parts_.build;
    return {200, "application/json", dump({{"program", b.program}, {"version", b.version}, {"revision", b.revision}}),
            ""};
  }
  if (asked.path.starts_with(subscribers) && parts_.subscribers != nullptr) {
    return subscriber(std::string_view(asked.path).substr(subscribers.size()));
  }
  return refuse(404, "no such resource; try /metrics, /livez, /readyz, /api/v1/build, /api/v1/subscribers/<user@host>");
}

http1::response admin_api::subscriber(std::string_view escaped) const {
  const std::string uri = "sip:" + sip::unescape(escaped);
  const auto parsed = sip::parse_uri(uri);
  const auto of = parsed ? sip::aor_of(*parsed) : result<aor>(failure("no uri"));
  if (!of || parsed->user.empty()) return refuse(400, "name the subscriber as user@host");
  const auto record = parts_.subscribers->find(*of);
  if (!record) return refuse(503, record.error().what);
  if (!*record) return refuse(404, "no such subscriber");
  return {200, "application/json", dump(to_json(**record, *of)), ""};
}

result<std::string> read_bearer_token(const std::string& file) {
  std::ifstream in(file);
  std::string token;
  if (!std::getline(in, token)) return failure("cannot read a token from " + file);
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.size() < least_bearer_token) {
    return failure("the token in " + file + " is shorter than " + std::to_string(least_bearer_token) + " characters");
  }
  return token;
}

}  // namespace reveille
