/// A push worker on stage: virtual time, scripted providers behind real HTTP/2 server sessions over byte pipes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "engine/push/push_worker.hpp"
#include "net/http2/server_session.hpp"
#include "pns/apns_answer.hpp"

namespace reveille::testing {

/// APNs in short: the body is the push's number; answers are sorted as APNs' are.
class fake_credential final : public push_credential {
 public:
  const std::string& authority() const override { return authority_; }
  std::string_view authorization(const instant&) override { return has_token ? std::string_view(token_) : ""; }
  std::string_view fault() const override { return fault_text; }
  result<void, pns::request_fault> compose(const pns::push_order& order, app_index, wall_time,
                                           composed_push& out) override {
    if (compose_fault) return tl::unexpected(*compose_fault);
    last_expires = order.expires;
    path_ = "/3/device/" + order.target.tokens.at(0).value.str();
    id_ = std::to_string(order.id.number);
    out.path = path_;
    out.field_count = 0;
    out.add({"apns-id", id_, http2::indexing::first});
    out.body = "{\"n\":" + id_ + "}";
    if (out.body.size() < body_size) out.body.append(body_size - out.body.size(), ' ');
    out.token = &order.target.tokens.at(0);
    return {};
  }
  pns::verdict sort(const pns::http_answer& a, const prid& token, wall_time now) override {
    if (a.status == 401) {
      pns::verdict v;
      v.outcome = pns::credential_fault{};
      v.remedy = pns::remedy::new_access_token;
      v.repeats = 1;
      return v;
    }
    return pns::sort_apns_answer(a, token, now);
  }
  std::uint64_t token_version() const override { return version; }
  bool token_binds_connection() const override { return binds_connection; }
  bool renew_bearer(const instant&) override {
    if (!may_renew) return false;
    ++version;
    ++renewals;
    return true;
  }
  void access_refused(const instant&) override {
    has_token = false;
    wants_purchase = true;
  }
  std::optional<std::string> purchase(const instant&) override {
    if (!wants_purchase) return std::nullopt;
    wants_purchase = false;
    return "form";
  }
  bool purchased(int status, std::string_view, const instant&, random_source&) override {
    if (status != 200) {
      fault_text = "invalid_grant";
      return false;
    }
    has_token = true;
    ++version;
    return true;
  }
  void purchase_failed(const instant&, random_source&) override { wants_purchase = true; }
  std::optional<steady_time> next_purchase() const override { return std::nullopt; }

  bool has_token = true;
  bool may_renew = true;
  bool binds_connection = false;
  bool wants_purchase = false;
  int renewals = 0;
  std::uint64_t version = 1;
  std::string fault_text;
  std::size_t body_size = 0;   ///< at least
  wall_time last_expires{};    ///< of the order that was composed last
  std::optional<pns::request_fault> compose_fault;

 private:
  std::string authority_ = "push.example";
  std::string token_ = "bearer t";
  std::string path_, id_;
};

struct arrived_push {
  int connection = 0;           ///< counted from 0 in the order of opening
  std::uint32_t stream = 0;
  std::string id;
  std::string token;
  steady_time at;
};

class push_stage final : public push_outside {
 public:
  /// One end of a connection, on the provider's side.
  struct provider_end final : http2::server_listener {
    provider_end(push_stage& on, int n, const http2::server_config& config)
        : stage(on), number(n), session(*this, config) {}
    void requested(const http2::server_request& r) override {
      arrived_push p{number, r.stream, std::string(r.headers.value_of("apns-id")),
                     std::string(r.path.substr(r.path.rfind('/') + 1)), stage.now.steady};
      stage.arrived.push_back(p);
      ++stage.arrivals[p.id];
      if (stage.policy) stage.policy(*this, p);
    }
    void stream_reset(std::uint32_t, std::uint32_t) override { ++stage.resets_seen; }
    void pinged() override { ++pings; }
    void answer(const arrived_push& p, int status, std::string_view reason = "") {
      session.respond(p.stream, status, {}, reason.empty() ? "" : "{\"reason\":\"" + std::string(reason) + "\"}");
    }
    push_stage& stage;
    const int number;
    int pings = 0;
    http2::server_session session;
    std::size_t hold_back = 0;              ///< so many of its octets are always on their way still
    std::vector<std::uint8_t> last_words;   ///< those
    bool cut = false;
  };
  using policy_function = std::function<void(provider_end&, const arrived_push&)>;

  explicit push_stage(push_limits limits = {}, http2::server_config server = generous(), int senders = 1, int apps = 1,
                      double app_rate = 0, milliseconds app_ttl = milliseconds(0))
      : server_config(server) {
    std::vector<planned_sender> parts;
    for (int i = 0; i < senders; ++i) {
      planned_sender p;
      p.provider = pns::provider::apns;
      auto made = std::make_unique<fake_credential>();
      credentials.push_back(made.get());
      p.parts.number = static_cast<std::uint16_t>(i);
      p.parts.credential = std::move(made);
      p.parts.name = "cred-" + std::to_string(i);
      p.parts.endpoint = {"push.example", 443};
      for (int a = 0; a < apps; ++a) p.parts.apps.push_back({"app-" + std::to_string(a), app_rate, app_ttl});
      p.parts.limits = limits;
      p.parts.token_url = "https://token.example/token";
      parts.push_back(std::move(p));
    }
    worker = std::make_unique<push_worker>(std::move(parts), *this, random, now);
  }

  static http2::server_config generous() {
    http2::server_config c;
    c.max_streams = 1000;
    return c;
  }
  static void accept(provider_end& by, const arrived_push& p) { by.answer(p, 200); }

  pns::push_order order(std::uint32_t number, milliseconds lasts = milliseconds(30'000)) const {
    pns::push_order o;
    o.id = {aor_key{7}, number};
    o.target.tokens.push_back({prid("t" + std::to_string(number)), pns::token_service::voip});
    o.content = pns::invite_content{now.wall, "103", "", "call"};
    o.deadline = now.steady + lasts;
    o.expires = now.wall + lasts;
    return o;
  }
  pns::push_order missed(std::uint32_t number, milliseconds lasts = milliseconds(30'000)) const {
    pns::push_order o = order(number, lasts);
    o.content = pns::missed_calls_content{now.wall, {}, "c"};
    return o;
  }
  void submit(pns::push_order o, std::uint16_t sender = 0) { worker->take(std::move(o), {0, sender, {}}, now); }
  void submit(std::uint32_t number) { submit(order(number)); }

  /// Lets everything happen that needs no time.
  void settle() {
    for (int quiet = 0; quiet < 2;) {
      bool moved = worker->pump(now);
      moved |= open_what_waits();
      for (auto& [id, end] : ends) moved |= exchange(id, *end);
      moved |= close_what_ended();
      quiet = moved ? 0 : quiet + 1;
      if (++rounds > 1'000'000) FAIL() << "never comes to rest";
    }
  }
  void advance(milliseconds by) {
    const steady_time until = now.steady + by;
    settle();
    while (now.steady < until) {
      const auto due = worker->next_due(now);
      steady_time next = until;
      if (due && *due < until) next = std::max(*due, now.steady + milliseconds(1));
      now = now + (next - now.steady);
      worker->on_timer(now);
      settle();
    }
  }

  /// The connection breaks: what the provider has not sent yet is lost.
  void cut(int number) {
    for (auto& [id, end] : ends) {
      if (end->number == number) end->cut = true;
    }
    settle();
  }
  provider_end& end(int number) {
    for (auto& [id, e] : ends) {
      if (e->number == number) return *e;
    }
    throw std::out_of_range("no such connection");
  }
  std::string outcome(std::uint32_t number) const {
    const auto found = outcomes.find(number);
    return found == outcomes.end() ? "" : found->second;
  }
  const push_counters& counters() const { return worker->counters()[0]; }
  std::uint64_t ended(push_end e) const { return counters().ended[static_cast<std::size_t>(e)].value(); }

  // push_outside
  void open(push_connection_id id, const push_endpoint&, const push_route&) override {
    ++opens;
    opening.push_back(id);
  }
  void wake(push_connection_id) override {}
  void abort(push_connection_id id) override {
    if (const auto found = ends.find(id); found != ends.end()) found->second->cut = true;
  }
  void purchase(std::uint16_t, const std::string&, const push_route&, std::string) override { ++purchases; }
  void tell(push_notice what) override {
    notices.push_back((what.how == push_notice::weight::info ? "info: " : "warning: ") + what.text);
  }
  void answer(shard_id, pns::push_answer&& what) override {
    ++answers[what.id.number];
    outcomes[what.id.number] = name_of(end_of(what.outcome));
    reasons[what.id.number] = what.reason;
  }

  instant now{steady_time(seconds(1000)), wall_time(seconds(1'700'000'000))};
  seeded_random random{42};
  std::vector<fake_credential*> credentials;
  http2::server_config server_config;
  policy_function policy = &push_stage::accept;
  bool refuse_connections = false;
  bool hold_connections = false;
  open_failure refusal = open_failure::connect;
  std::vector<std::string> notices;
  std::unique_ptr<push_worker> worker;
  std::map<push_connection_id, std::unique_ptr<provider_end>> ends;
  std::vector<push_connection_id> opening;
  std::vector<arrived_push> arrived;
  std::map<std::string, int> arrivals;      ///< by apns-id
  std::map<std::uint32_t, std::string> outcomes, reasons;
  std::map<std::uint32_t, int> answers;
  int opens = 0, purchases = 0, resets_seen = 0;
  std::size_t rounds = 0;

 private:
  bool open_what_waits() {
    if (opening.empty() || hold_connections) return false;
    const auto ids = std::exchange(opening, {});
    for (const push_connection_id id : ids) {
      if (refuse_connections) {
        worker->open_failed(id, now, refusal, "nobody listens");
      } else {
        ends[id] = std::make_unique<provider_end>(*this, next_number_++, server_config);
        worker->opened(id, now);
      }
    }
    return true;
  }
  bool exchange(push_connection_id id, provider_end& e) {
    std::vector<std::uint8_t> there, back;
    worker->produce(id, there, 1 << 20);
    if (e.cut) return false;
    e.session.receive(there);
    e.session.produce(back, 1 << 20);
    if (!e.last_words.empty()) back.insert(back.begin(), e.last_words.begin(), e.last_words.end());
    const std::size_t held = std::min(e.hold_back, back.size());
    e.last_words.assign(back.end() - static_cast<std::ptrdiff_t>(held), back.end());
    back.resize(back.size() - held);
    if (!back.empty()) worker->receive(id, back, now);
    return !there.empty() || !back.empty();
  }
  bool close_what_ended() {
    for (auto& [id, e] : ends) {
      if (!e->cut && !worker->finished(id) && !e->session.finished()) continue;
      const push_connection_id gone = id;
      ends.erase(gone);
      worker->closed(gone, now);
      return true;
    }
    return false;
  }
  int next_number_ = 0;
};

}  // namespace reveille::testing
