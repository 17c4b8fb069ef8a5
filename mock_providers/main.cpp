#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/system_ports.hpp"
#include "mock_providers/control/control_api.hpp"
#include "mock_providers/server/server.hpp"
#include "pns/bearer_token.hpp"

namespace {

using namespace reveille;
using namespace reveille::mock_providers;

struct options {
  std::string directory = "mock-providers";
  server_config config;
  std::string faults_file;
  std::string accounts_file;
  std::int64_t delivery_median = 300, delivery_p99 = 1500, answer_median = 0, answer_p99 = 0, low_priority = 0;
  double lost = 0;
  std::uint32_t duration = 0, ping_interval = 300, idle_limit = 0;
  bool strict_tokens = false;
  bool quiet = false;
  bool print_bearer = false;
};

constexpr const char* epilogue = R"(
What it writes into the directory:
  ca.pem                  authority that signed the mocks' certificate
  AuthKey_ABC123DEFG.p8   signing key of team DEF123GHIJ, as Apple would have issued it
  service-account.json    Google service account of project reveille-mock; its token_uri leads here
  providers.toml          fragment of an engine's configuration that points it here
  endpoints.json          the same for programs
  provider.pem, .key      APNs provider certificate of the bundle id, for both environments
Keys that are already there are used again.

Examples:
  reveille-mock --directory /tmp/mocks                     start, print where to push, count
  reveille-mock --directory /tmp/mocks --answer-median 80 --answer-p99 400
  reveille-mock --faults outage.json                       503 between second 10 and 15, say
  curl http://127.0.0.1:8446/metrics                       what it has seen
  curl 'http://127.0.0.1:8446/record?status=410&limit=5'   pushes that came, a line each
  curl -X PUT --data-binary @outage.json http://127.0.0.1:8446/faults
docs/mock-providers.md describes the checks, the fault script and the control port.

The control port's HTTP, on 127.0.0.1:
)";

void describe(CLI::App& app, options& o) {
  auto& c = o.config;
  auto& b = c.behaviour;
  app.add_option("--directory", o.directory, "Where keys and configuration for clients are written")->capture_default_str();
  app.add_option("--address", c.address, "Address to listen on")->capture_default_str();
  app.add_option("--apns-port", c.apns_port, "APNs production; 0 = any free port")->capture_default_str();
  app.add_option("--sandbox-port", c.sandbox_port, "APNs sandbox")->capture_default_str();
  app.add_option("--fcm-port", c.google_port, "FCM and Google's token endpoint")->capture_default_str();
  app.add_option("--control-port", c.control_port, "Control and metrics, on 127.0.0.1")->capture_default_str();
  app.add_option("--bundle", c.identity.bundle, "Bundle id of the iOS app")->capture_default_str();
  app.add_option("--project", c.identity.project, "Firebase project id")->capture_default_str();
  app.add_option("--delivery-median", o.delivery_median, "Acceptance to device, median in ms")->capture_default_str();
  app.add_option("--delivery-p99", o.delivery_p99, "The same, 99th percentile")->capture_default_str();
  app.add_option("--low-priority-delay", o.low_priority, "Added for APNs' priorities 5 and 1 and FCM's NORMAL, median in ms");
  app.add_option("--lost", o.lost, "Share of accepted pushes that never arrive")->check(CLI::Range(0.0, 1.0));
  app.add_option("--answer-median", o.answer_median, "Request to answer, median in ms")->capture_default_str();
  app.add_option("--answer-p99", o.answer_p99, "The same, 99th percentile");
  app.add_option("--apns-streams", b.apns_max_streams, "APNs: concurrent streams after the first accepted push")->capture_default_str();
  app.add_option("--fcm-streams", b.google_max_streams, "FCM: concurrent streams")->capture_default_str();
  app.add_option("--fcm-ping-interval", o.ping_interval, "FCM: the third PING sooner than so many seconds after the last gets GOAWAY too_many_pings; 0 = never")->capture_default_str();
  app.add_option("--fcm-idle-limit", o.idle_limit, "FCM: seconds without a request until GOAWAY session_timed_out; 0 = never")->capture_default_str();
  app.add_flag("--lower-streams-on-refusal", b.lower_streams_on_refusal, "APNs: back to 1 stream after a 4xx, as Apple was seen doing");
  app.add_option("--per-device-per-minute", b.apns_per_device_per_minute, "APNs: 429 TooManyRequests above it; 0 = no limit");
  app.add_option("--fcm-per-minute", b.fcm_per_minute, "FCM: 429 QUOTA_EXCEEDED above it, for each project; 0 = no limit");
  app.add_option("--fcm-per-device-per-minute", b.fcm_per_device_per_minute, "FCM: the same for each device (Google's: 240)");
  app.add_option("--legacy-key", b.legacy_key, "Serve FCM's legacy API for this server key");
  app.add_flag("--strict-tokens", o.strict_tokens, "Only devices registered over the control port are known");
  app.add_option("--accounts", o.accounts_file, "Further teams, keys, bundles, projects (JSON)")->check(CLI::ExistingFile);
  app.add_option("--ledger", b.ledger_limit, "Pushes whose acceptances are counted for exactly-once checks; 0 = none")->capture_default_str();
  app.add_option("--record", b.record_limit, "Newest pushes kept for /record")->capture_default_str()->check(CLI::Range(0, 1'000'000));
  app.add_option("--faults", o.faults_file, "Fault script (JSON)")->check(CLI::ExistingFile);
  app.add_option("--duration", o.duration, "Stop after so many seconds; 0 = run until SIGINT");
  app.add_flag("--quiet", o.quiet, "No progress line");
  app.add_flag("--print-bearer", o.print_bearer, "Print a provider token for APNs, good for an hour, of the directory's key; start nothing");
}

int fail(const std::string& what) {
  std::cerr << "reveille-mock: " << what << "\n";
  return 1;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// For curl, h2load and their kin, which cannot sign.
int print_bearer(const options& o) {
  const auto keys = load_or_generate(o.directory);
  if (!keys) return fail(keys.error().what);
  auto key = pns::signing_key::from_pem(keys->apns_key_pem);
  if (!key) return fail(o.directory + ": " + key.error().what);
  pns::bearer_token token(o.config.identity.key_id, o.config.identity.team_id, std::move(*key));
  const auto value = token.authorization(system_clock_port().now());
  if (!value) return fail(value.error().what);
  std::cout << *value << "\n";
  return 0;
}

std::uint64_t sum(const mock_counters& c, std::uint64_t provider_counters::*member) {
  std::uint64_t total = 0;
  for (const provider_counters& p : c.providers) total += p.*member;
  return total;
}

std::string progress(const mock_counters& now, const mock_counters& before) {
  const std::uint64_t requests = sum(now, &provider_counters::requests);
  std::ostringstream out;
  out << requests << " pushes (" << requests - sum(before, &provider_counters::requests) << "/s), "
      << sum(now, &provider_counters::accepted) << " accepted, " << now.deliveries.delivered << " delivered, "
      << now.connections_open << " connections, " << now.oauth_issued << " access tokens";
  return out.str();
}

void print_endpoints(const options& o, const server_endpoints& e) {
  std::cout << "APNs            " << e.apns_url << "\n"
            << "APNs sandbox    " << e.sandbox_url << "\n"
            << "FCM             " << e.google_url << "  project " << o.config.identity.project << "\n"
            << "OAuth token     " << e.token_url << "\n"
            << "control         127.0.0.1:" << e.control << "  (http too: / lists what there is)\n"
            << "keys, settings  " << o.directory << "  (providers.toml points an engine here)\n"
            << std::flush;
}

/// Blocks SIGINT and SIGTERM for this thread and all made after it. @return a descriptor to poll.
int stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_CLOEXEC);
}

void watch(server& mock, const options& o, int signals) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  mock_counters before;
  for (std::uint32_t second = 1; o.duration == 0 || second <= o.duration; ++second) {
    pollfd wait{signals, POLLIN, 0};
    if (::poll(&wait, 1, 1000) > 0) break;
    mock_counters now = mock.counters();
    const bool moved = sum(now, &provider_counters::requests) != sum(before, &provider_counters::requests);
    if (!o.quiet && (terminal || moved)) std::cout << (terminal ? "\r\033[K" : "") << progress(now, before) << (terminal ? "" : "\n") << std::flush;
    before = std::move(now);
  }
  std::cout << (terminal ? "\r\033[K" : "") << "in all: " << progress(mock.counters(), mock.counters()) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  o.config.apns_port = 8443;
  o.config.sandbox_port = 8444;
  o.config.google_port = 8445;
  o.config.control_port = 8446;
  CLI::App app{"Mock push providers: APNs, FCM v1 (and legacy) and Google's token endpoint, as strict as the real ones."};
  app.footer(epilogue + control_help());
  describe(app, o);
  CLI11_PARSE(app, argc, argv);

  if (o.print_bearer) return print_bearer(o);
  auto& b = o.config.behaviour;
  b.delivery = {milliseconds(o.delivery_median), milliseconds(std::max(o.delivery_p99, o.delivery_median)), o.lost};
  b.low_priority = {milliseconds(o.low_priority), milliseconds(o.low_priority), 0};
  b.answer = {milliseconds(o.answer_median), milliseconds(std::max(o.answer_p99, o.answer_median)), 0};
  b.google_ping_interval = seconds(o.ping_interval);
  b.google_idle_limit = seconds(o.idle_limit);
  if (o.strict_tokens) b.unknown = unknown_tokens::refused;
  fault_script script;
  if (!o.faults_file.empty()) {
    auto parsed = fault_script::parse(text_of(o.faults_file));
    if (!parsed) return fail(o.faults_file + ": " + parsed.error().what);
    script = std::move(*parsed);
  }
  if (!o.accounts_file.empty()) {
    auto parsed = accounts::parse(text_of(o.accounts_file));
    if (!parsed) return fail(o.accounts_file + ": " + parsed.error().what);
    if (auto loaded = load_keys(o.directory, *parsed); !loaded) return fail(loaded.error().what);
    o.config.further_accounts = std::move(*parsed);
  }
  const int signals = stop_signals();
  const auto keys = load_or_generate(o.directory);
  if (!keys) return fail(keys.error().what);
  auto mock = server::start(o.config, *keys);
  if (!mock) return fail(mock.error().what);
  if (auto written = write_directory(o.directory, o.config, *keys, (*mock)->endpoints()); !written) {
    return fail(written.error().what);
  }
  if (!script.empty()) (*mock)->use(std::move(script));
  print_endpoints(o, (*mock)->endpoints());
  watch(**mock, o, signals);
  ::close(signals);
  return 0;
}
