/// Pushes a second and CPU per push of the production senders, JSON and bearer token included, against any HTTP/2 server
/// that answers POST /3/device/<token> (nghttpd with empty files, reveille-mock). tests/bench/push/push_bench.sh runs it
/// beside h2load on the same server.
///
///   push_bench --ca ca.pem --port 8444 --pushes 150000 --size 142
#include <time.h>

#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/system_ports.hpp"
#include "engine/push/push_threads.hpp"

namespace {

using namespace reveille;

double cpu_seconds(clockid_t of) {
  timespec t{};
  clock_gettime(of, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class counting_sink final : public push_answer_sink {
 public:
  void answered(shard_id, std::vector<pns::push_answer>& batch) override {
    std::uint64_t good = 0;
    for (const pns::push_answer& a : batch) good += std::holds_alternative<pns::accepted>(a.outcome) ? 1U : 0U;
    accepted.fetch_add(good, std::memory_order_relaxed);
    answered_.fetch_add(batch.size(), std::memory_order_release);
  }
  std::uint64_t all() const { return answered_.load(std::memory_order_acquire); }
  std::atomic<std::uint64_t> accepted{0};

 private:
  std::atomic<std::uint64_t> answered_{0};
};

/// An invite of some 142 octets, or missed calls that fill about `size`.
pns::push_order make_order(std::uint32_t n, std::size_t size, const std::string& token, const instant& now) {
  pns::push_order o;
  o.id = {aor_key{n * 0xd1342543de82ef95U}, n};
  o.target.tokens.push_back({prid(token), pns::token_service::voip});
  o.deadline = now.steady + seconds(60);
  o.expires = now.wall + seconds(58);
  if (size < 1000) {
    o.content = pns::invite_content{now.wall, "103", "Alice Example", "a84b4c76e66710@pc33.example.com"};
    return o;
  }
  pns::missed_calls_content missed{now.wall, {}, "c" + std::to_string(n)};
  missed.calls.reserve(size / 52);
  for (std::size_t octets = 120; octets + 52 < size; octets += 52) missed.calls.push_back({now.wall, "1000103", "", {}});
  o.content = std::move(missed);
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("pushes per second and CPU per push");
  std::string ca = "ca.pem", key = "AuthKey.p8", host = "localhost";
  std::uint16_t port = 8444, connections = 1;
  std::uint32_t pushes = 150'000, tokens = 1000, window = 4000;
  std::size_t size = 142;
  app.add_option("--ca", ca);
  app.add_option("--key", key, "APNs signing key (.p8)");
  app.add_option("--host", host, "name in the server's certificate; the connection goes to 127.0.0.1");
  app.add_option("--port", port);
  app.add_option("--connections", connections);
  app.add_option("--pushes", pushes);
  app.add_option("--tokens", tokens, "device tokens, named as 64 hexadecimal digits of the number");
  app.add_option("--window", window, "orders without answer at most");
  app.add_option("--size", size, "142 or 4096");
  CLI11_PARSE(app, argc, argv);

  push_config config;
  config.apns.production = {host, port};
  config.apns.route.connect_host = "127.0.0.1";
  config.apns.route.ca_pem = file_text(ca);
  config.apns.limits.connections = config.apns.limits.warm_connections = connections;
  config.apns.limits.calls_queued = config.apns.limits.missed_calls_queued = 1'000'000;
  apns_app_config bundle;
  bundle.team_id = "DEF123GHIJ";
  bundle.key_id = "ABC123DEFG";
  bundle.bundle = "com.example.phone";
  bundle.key_pem = file_text(key);
  config.apns.apps.push_back(bundle);

  const system_clock_port time;
  counting_sink sink;
  auto gateway = push_threads::make(config, sink, time);
  if (!gateway) {
    for (const error& e : gateway.error()) std::fprintf(stderr, "%s\n", e.what.c_str());
    return 2;
  }
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < tokens; ++i) {
    char text[65];
    std::snprintf(text, sizeof text, "%064x", i);
    names.emplace_back(text);
  }

  const double began = cpu_seconds(CLOCK_MONOTONIC), cpu_began = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID),
               feeder_began = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  for (std::uint32_t n = 0; n < pushes;) {
    if (n - sink.all() >= window) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    const instant now = time.now();
    for (int batch = 0; batch < 64 && n < pushes; ++batch) {
      if (!(*gateway)->submit(make_order(n, size, names[n % tokens], now))) break;
      ++n;
    }
  }
  while (sink.all() < pushes) std::this_thread::sleep_for(std::chrono::microseconds(200));
  const double wall = cpu_seconds(CLOCK_MONOTONIC) - began;
  const double feeder = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - feeder_began;
  const double sender = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began - feeder;
  std::printf("%u pushes, %llu accepted, %.0f pushes/s, sender CPU %.2f us/push (making the orders: %.2f us)\n", pushes,
              static_cast<unsigned long long>(sink.accepted.load()), pushes / wall, 1e6 * sender / pushes,
              1e6 * feeder / pushes);
  return sink.accepted.load() == pushes ? 0 : 1;
}
