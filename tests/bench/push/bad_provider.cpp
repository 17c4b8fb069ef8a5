/// Pushes through the production senders to a mock APNs that misbehaves all the time, over TLS; afterwards what the
/// senders answered is held against what the mock accepted, by apns-id.
///
///   push_bad_provider                          1 million pushes, a minute or two
///   push_bad_provider --pushes 20000 ...       as ./test runs it
///
/// Exit: 0 = nothing contradicts; 1 = something does, and the table says what.
#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <thread>
#include <unordered_map>

#include "core/system_ports.hpp"
#include "engine/push/push_threads.hpp"
#include "mock_providers/server/server.hpp"
#include "pns/apns_request.hpp"

namespace {

using namespace reveille;

struct options {
  std::uint32_t pushes = 1'000'000, window = 4000, density = 1, stopped = 5;
  std::uint16_t connections = 2;
  std::uint32_t answer_timeout = 5000, deadline = 120;
};

/// Every so many pushes, and every third second, at density 1.
std::string weather(const options& o) {
  const auto every = [&](std::uint32_t pushes) { return "{\"every\": " + std::to_string(std::max(pushes / o.density, 1U)) + ", "; };
  std::string s = "[" + every(10'000) + "\"goaway\": \"Shutdown\"},\n";
  s += " " + every(27'000) + "\"goaway\": {\"reason\": \"Shutdown\", \"drop_unjudged\": true}},\n";
  s += " " + every(2'500) + R"("settings": [{"max_concurrent_streams": 100}, {"max_concurrent_streams": 1},)"
       R"( {"max_concurrent_streams": 300, "initial_window_size": 50}, {"max_concurrent_streams": 1000, "initial_window_size": 1000000}]},)" "\n";
  // By the clock, as outages are: a breaker that probes once a second would make a burst of so many answers last for ever.
  for (std::uint32_t i = 1; i <= 2 + 10 / o.density; ++i) {
    const double from = 3.0 * i / o.density;
    char text[160];
    std::snprintf(text, sizeof text, R"( {"from": %.2f, "until": %.2f, "answer": {"status": 503, "reason": "ServiceUnavailable"}},)" "\n",
                  from, from + 0.2);
    s += text;
  }
  s += " " + every(100'000) + "\"burst\": 20, \"silence\": true},\n";
  s += " {\"every\": 97, \"reset\": \"refused_stream\"},\n {\"every\": 1009, \"reset\": \"internal_error\"},\n";
  s += " " + every(50'000) + "\"close\": true}";
  if (o.stopped > 0) s += ",\n {\"from\": 5, \"until\": " + std::to_string(5 + o.stopped) + R"(, "connections": {"read": "stopped"}})";
  return s + "]";
}

/// What is known of each push. Written by the mock's and the push thread, read when both are at rest.
class ledger final : public push_answer_sink, public mock_providers::device_sink {
 public:
  explicit ledger(std::uint32_t pushes) : accepted_(pushes), answers_(pushes), ends_(pushes) { number_of_.reserve(pushes); }

  void expect(std::string id, std::uint32_t n) { doubled_names_ += number_of_.emplace(std::move(id), n).second ? 0U : 1U; }

  void deliver(const mock_providers::delivery& what) override {
    const auto found = number_of_.find(std::string(what.id));
    if (found == number_of_.end()) {
      ++strangers_;
    } else if (accepted_[found->second] < 255) {
      ++accepted_[found->second];
    }
  }
  void answered(shard_id, std::vector<pns::push_answer>& batch) override {
    for (const pns::push_answer& a : batch) {
      if (answers_[a.id.number] < 255) ++answers_[a.id.number];
      ends_[a.id.number] = end_of(a.outcome);
    }
    answered_.fetch_add(batch.size(), std::memory_order_release);
  }
  std::uint64_t answered_so_far() const { return answered_.load(std::memory_order_acquire); }

  /// @param ambiguous, resent_ambiguous as the senders counted them. @return contradictions found and printed.
  std::uint64_t hold_together(std::uint64_t ambiguous, std::uint64_t resent_ambiguous) const;

 private:
  std::unordered_map<std::string, std::uint32_t> number_of_;   ///< by apns-id; read only once the pushes begin
  std::vector<std::uint8_t> accepted_, answers_;
  std::vector<push_end> ends_;
  std::uint64_t strangers_ = 0, doubled_names_ = 0;
  std::atomic<std::uint64_t> answered_{0};
};

void row(const char* what, std::uint64_t n, const char* remark = "") {
  std::printf("  %-58s %10llu  %s\n", what, static_cast<unsigned long long>(n), remark);
}

std::uint64_t ledger::hold_together(std::uint64_t ambiguous, std::uint64_t resent_ambiguous) const {
  std::uint64_t once = 0, twice = 0, oftener = 0, unheard = 0, given_up = 0, invented = 0, unanswered = 0, answered_again = 0;
  for (std::size_t n = 0; n < accepted_.size(); ++n) {
    unanswered += answers_[n] == 0 ? 1U : 0U;
    answered_again += answers_[n] > 1 ? 1U : 0U;
    const bool told = answers_[n] > 0 && ends_[n] == push_end::accepted;
    once += told && accepted_[n] == 1 ? 1U : 0U;
    invented += told && accepted_[n] == 0 ? 1U : 0U;
    twice += accepted_[n] == 2 ? 1U : 0U;
    oftener += accepted_[n] > 2 ? 1U : 0U;
    unheard += !told && accepted_[n] == 1 ? 1U : 0U;
    given_up += !told && accepted_[n] == 0 ? 1U : 0U;
  }
  std::printf("\nWhat became of each, senders' answer and provider's record side by side\n");
  row("accepted once, and said so", once);
  row("accepted twice", twice, "only after an end that the protocol cannot tell");
  row("accepted, but the senders could not know", unheard, "likewise");
  row("never accepted, and said so", given_up, "two ends in a row that nobody can tell, or no attempt left");
  std::printf("Contradictions\n");
  row("lost: no answer", unanswered);
  row("answered twice", answered_again);
  row("said to be accepted, and never was", invented);
  row("accepted a third time", oftener);
  const std::uint64_t too_many_twice = twice > resent_ambiguous ? twice - resent_ambiguous : 0;
  row("accepted twice beyond what was sent again after such an end", too_many_twice);
  const std::uint64_t untold = unheard + given_up > ambiguous ? unheard + given_up - ambiguous : 0;
  row("given up beyond what had such an end", untold);
  row("unknown or doubled apns-ids", strangers_ + doubled_names_);
  return unanswered + answered_again + invented + oftener + too_many_twice + untold + strangers_ + doubled_names_;
}

pns::push_order make_order(std::uint32_t n, const std::string& token, const instant& began) {
  pns::push_order o;
  o.id = {aor_key{n * 0xd1342543de82ef95U}, n};
  o.target.tokens.push_back({prid(token), pns::token_service::voip});
  o.content = pns::invite_content{began.wall, "103", "Alice Example", "a84b4c76e66710@pc33.example.com"};
  for (int i = 0; i < 4; ++i) o.call.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(n >> (8 * i));
  o.expires = began.wall + seconds(3600);
  return o;
}

push_config config_for(const options& o, const mock_providers::server& mock, const mock_providers::credentials& keys) {
  const mock_providers::identity who;
  push_config c;
  c.apns.production = push_endpoint::parse(mock.endpoints().apns_url).value();
  c.apns.route.ca_pem = keys.ca_pem;
  c.apns.limits.connections = c.apns.limits.warm_connections = o.connections;
  c.apns.limits.answer_timeout = milliseconds(o.answer_timeout);
  apns_app_config app;
  app.team_id = who.team_id;
  app.bundle = who.bundle;
  app.key_id = who.key_id;
  app.key_pem = keys.apns_key_pem;
  c.apns.apps.push_back(std::move(app));
  return c;
}

int fail(const std::string& what) {
  std::fprintf(stderr, "push_bad_provider: %s\n", what.c_str());
  return 2;
}

void print_counts(const mock_providers::mock_counters& m, const push_counters& c) {
  const auto& seen = m.providers[static_cast<std::size_t>(pns::provider::apns)];
  std::uint64_t refused = 0;
  for (const auto& [kind, n] : seen.refused) refused += kind.first == 503 ? n : 0;
  std::printf("What the provider did\n");
  row("requests", seen.requests);
  row("GOAWAYs", seen.goaways);
  row("streams reset (refused, or internal error)", seen.resets);
  row("SETTINGS lowered and raised", seen.settings_changes);
  row("503", refused);
  row("never answered", seen.silenced);
  row("connections accepted", m.connections_accepted);
  std::printf("What the senders did\n");
  row("requests submitted", c.sent.value());
  row("sent again: refused, above a GOAWAY's last id, never left", c.resent_unprocessed.value());
  row("sent again: 503", c.retries.value());
  row("ends that the protocol cannot tell", c.ambiguous.value());
  row("sent again after such an end (once each)", c.resent_ambiguous.value());
  row("connections given up as silent", c.silent_connections.value());
  row("circuit breaker opened", c.breaker_opened.value());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("pushes through a provider that misbehaves all the time; holds its record against the senders' answers");
  options o;
  app.add_option("--pushes", o.pushes)->capture_default_str()->check(CLI::Range(1000, 5'000'000));
  app.add_option("--window", o.window, "pushes without answer at most")->capture_default_str();
  app.add_option("--connections", o.connections)->capture_default_str();
  app.add_option("--density", o.density, "so many times as many faults a push")->capture_default_str()->check(CLI::Range(1, 1000));
  app.add_option("--stopped", o.stopped, "seconds, from second 5 on, in which the provider takes nothing off its sockets")->capture_default_str();
  app.add_option("--answer-timeout", o.answer_timeout, "the senders', in ms")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto keys = mock_providers::credentials::generate();
  if (!keys) return fail(keys.error().what);
  ledger truth(o.pushes);
  mock_providers::server_config mock_config;
  mock_config.behaviour.delivery = {};        // at once: a delivery is an acceptance
  mock_config.behaviour.record_limit = 0;     // the ledger is the record
  auto mock = mock_providers::server::start(mock_config, *keys, &truth);
  if (!mock) return fail(mock.error().what);
  const std::string script = weather(o);
  auto parsed = mock_providers::fault_script::parse(script);
  if (!parsed) return fail(parsed.error().what);

  const system_clock_port time;
  const instant began = time.now();
  std::vector<std::string> tokens;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    char text[65];
    std::snprintf(text, sizeof text, "%064x", i);
    tokens.emplace_back(text);
  }
  for (std::uint32_t n = 0; n < o.pushes; ++n) {
    std::string id;
    pns::write_apns_id(make_order(n, tokens[n % tokens.size()], began), id);
    truth.expect(std::move(id), n);
  }

  auto gateway = push_threads::make(config_for(o, **mock, *keys), truth, time);
  if (!gateway) return fail(gateway.error().front().what);
  std::printf("%u pushes over %u connections and a spare; the provider's faults:\n%s\n\n", o.pushes, o.connections, script.c_str());
  std::fflush(stdout);
  (*mock)->use(std::move(*parsed));

  const steady_time start = time.now().steady;
  steady_time spoken = start;
  for (std::uint32_t n = 0; truth.answered_so_far() < o.pushes;) {
    const instant now = time.now();
    if (now.steady - spoken > seconds(2)) {
      std::fprintf(stderr, "%llu answered\n", static_cast<unsigned long long>(truth.answered_so_far()));
      spoken = now.steady;
    }
    // A push that nobody answers within its deadline is what this program looks for: it must not wait for it for ever.
    if (n == o.pushes && now.steady - start > seconds(o.deadline) + seconds(600)) break;
    if (n == o.pushes || n - truth.answered_so_far() >= o.window) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    for (int batch = 0; batch < 64 && n < o.pushes; ++batch) {
      pns::push_order order = make_order(n, tokens[n % tokens.size()], began);
      order.deadline = now.steady + seconds(o.deadline);
      if (!(*gateway)->submit(std::move(order))) break;
      ++n;
    }
  }
  const double took = std::chrono::duration<double>(time.now().steady - start).count();
  (*gateway)->stop();
  const mock_providers::mock_counters seen = (*mock)->counters();   // waits for the mock's thread: the ledger is at rest
  const push_counters& c = (*gateway)->counters(0)[static_cast<std::size_t>(pns::provider::apns)];
  std::printf("%u pushes in %.1f s (%.0f/s)\n", o.pushes, took, o.pushes / took);
  print_counts(seen, c);
  const std::uint64_t contradictions = truth.hold_together(c.ambiguous.value(), c.resent_ambiguous.value());
  std::printf("%s\n", contradictions == 0 ? "Nothing contradicts." : "CONTRADICTIONS");
  return contradictions == 0 ? 0 : 1;
}
