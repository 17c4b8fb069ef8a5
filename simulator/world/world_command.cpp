#include "simulator/world/world_command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/system_ports.hpp"

namespace reveille::world {

namespace {

/// Pipes and services of one seed; drawn apart, so that the rest of the world is the same on either path.
void draw_http2(http2_config& c, std::uint64_t seed) {
  seeded_random lot(seed * 0xd1342543de82ef95U + 7);
  const auto share = [&lot](double most) { return lot.unit() * most; };
  c.pipes.slowest = milliseconds(2 + lot.below(100));
  c.pipes.slowest_drain = milliseconds(1 + lot.below(30));
  c.pipes.refused = share(0.2);
  c.pipes.cut = share(0.03);
  c.pipes.silence = share(0.006);
  http2_faults& f = c.services;
  f.unavailable = share(0.1);
  f.throttled = share(0.02);
  f.suspect = share(0.02);
  f.stale_410 = share(0.08);
  f.expired_bearer = share(0.02);
  f.refused_stream = share(0.1);
  f.internal_error = share(0.05);
  f.silence = share(0.05);
  f.slow = share(0.1);
  f.goaway_every = static_cast<std::uint32_t>(5 + lot.below(60));
  f.close_every = static_cast<std::uint32_t>(10 + lot.below(100));
  if (lot.below(3) == 0) f.storm_after = seconds(32 + lot.below(20));
  f.storm = seconds(3 + lot.below(15));
  f.silent_storm = lot.below(2) == 0;
  f.apns_streams = lot.below(2) == 0 ? static_cast<std::uint32_t>(1 + lot.below(4)) : 1000;
  f.google_streams = lot.below(2) == 0 ? static_cast<std::uint32_t>(1 + lot.below(4)) : 100;
  f.lower_streams_on_refusal = lot.below(2) == 0;
  if (lot.below(3) == 0) f.access_token_life = seconds(10 + lot.below(120));
  c.apns_connections = static_cast<std::uint16_t>(1 + lot.below(2));
  c.fcm_connections = static_cast<std::uint16_t>(1 + lot.below(3));
}

/// Everybody is cold, and whoever calls hangs up while the record is being read.
void make_bounds_small(world_config& c) {
  c.small_bounds = true;
  c.homes.resident_limit = 4;
  c.homes.queue_limit = 1;
  c.homes.loads_in_flight = 64;        // places over the bound too: more than there are subscribers
  c.storage.slow = 0.08;
  c.callers.hangs_up = 0.4;
  c.callers.patience_least = milliseconds(1);
  c.callers.patience_most = seconds(2);
}

std::vector<std::string> all_mistake_names() {
  std::vector<std::string> out = mistake_names();
  for (std::string& name : push_mistake_names()) out.push_back(std::move(name));
  return out;
}

}  // namespace

CLI::App* add_world_command(CLI::App& program, world_command_options& options) {
  CLI::App* world = program.add_subcommand(
      "world", "Runs the engine in virtual time: real shards, a faulty store and network, moody push services, one seed a world");
  world->add_option("--seeds", options.seeds, "How many worlds")->capture_default_str();
  world->add_option("--first-seed", options.first_seed, "Seed of the first one")->capture_default_str();
  world->add_option("--calls", options.calls, "Calls in each world")->capture_default_str();
  world->add_option("--shards", options.shards, "Shards of the engine")->check(CLI::Range(1, 64))->capture_default_str();
  world->add_option("--crashes", options.crashes, "kill -9 of the engine, so many times in each world")->capture_default_str();
  world->add_option("--push", options.push, "What pushes go through: a provider alone, or senders, HTTP/2 and mock providers")
      ->check(CLI::IsMember({"gateway", "http2"}))
      ->capture_default_str();
  world->add_flag("--small-bounds", options.small_bounds,
                  "Few subscribers stay in memory, and one request waits behind a load: more get 503");
  world->add_option("--mistake", options.mistake, "Plants a mistake, which must then be caught")
      ->check(CLI::IsMember(all_mistake_names()));
  world->add_option("--story", options.story, "Prints every step of the call with this Call-ID (\"call-7\")");
  world->footer(
      "Exit status: 0 every world kept the invariants of docs/architecture.md (with --mistake: the mistake was caught),\n"
      "99 otherwise. A failing world prints the command that repeats it.\n\n"
      "Examples:\n"
      "  reveille-sim world --seeds 200\n"
      "  reveille-sim world --seeds 50 --crashes 3\n"
      "  reveille-sim world --seeds 50 --push http2\n"
      "  reveille-sim world --seeds 50 --small-bounds\n"
      "  reveille-sim world --first-seed 99 --seeds 1 --story call-7");
  return world;
}

world_config config_for_seed(const world_command_options& options, std::uint64_t seed) {
  world_config c;
  c.seed = seed;
  c.calls = options.calls;
  c.shards = options.shards;
  c.crashes = options.crashes;
  if (const auto planted = mistake_named(options.mistake)) c.planted = *planted;
  if (options.push == "http2") c.push_path = push_path_kind::http2;
  if (const auto planted = push_mistake_named(options.mistake)) {
    c.http2.planted = *planted;
    c.push_path = push_path_kind::http2;  // no other path could show it
  }
  seeded_random lot(seed * 0x9e3779b97f4a7c15U + 1);
  c.network.loss = lot.unit() * 0.12;
  c.network.doubling = lot.unit() * 0.12;
  c.network.longest = milliseconds(5 + lot.below(120));
  c.storage.slow = lot.unit() * 0.03;
  c.storage.slowest = milliseconds(1 + lot.below(90));
  c.phones.moves = lot.unit() * 0.5;
  c.phones.wake_slowest = seconds(1 + lot.below(12));
  c.phones.never_wakes = lot.unit() * 0.3;
  c.pushes.stale_410 = lot.unit() * 0.1;
  c.callers.hangs_up = lot.unit() * 0.4;
  seeded_random habits(seed * 0x9e3779b97f4a7c15U + 2);  // apart, so that older seeds keep the rest of their world
  c.phones.leaves = habits.unit() * 0.3;
  c.phones.rewrites = habits.unit() * 0.6;
  c.nameless = habits.unit() * 0.5;
  c.behind_edge = habits.unit() * 0.4;
  if (seed % 8 >= 2 && seed % 8 <= 6) {  // the others keep the world that they once had
    seeded_random names(seed * 0x9e3779b97f4a7c15U + 3);
    c.labelled = names.unit() * 0.7;
    c.phones.relabels = names.unit() * 0.3;
    c.restored = names.unit() * 0.5;
    c.two_flows = names.unit() * 0.5;
  }
  if (seed % 8 == 1 || seed % 8 == 7) {
    c.strangers = true;
    c.phones.leaves = 0;  // a place that a phone leaves may be a stranger's before it is back
  }
  if (seed % 4 == 3) {  // the others keep the world that they once had
    c.forger.present = true;
    c.server_transactions = 256;
  }
  c.subscribers = static_cast<std::uint32_t>(5 + lot.below(40));
  c.calls_per_second = 1 + lot.unit() * 10;
  if (options.small_bounds || needs_small_bounds(options.mistake)) make_bounds_small(c);
  if (c.push_path == push_path_kind::http2) {
    draw_http2(c.http2, seed);
    if (seed % 10 == 0) {  // an hour or two: tokens grow old
      c.calls_per_second = 0.01;
      c.http2.services.clock_ahead = seconds(30 * 60);
    }
  }
  return c;
}

int run_world_command(const world_command_options& options) {
  const system_clock_port clock;
  const steady_time started = clock.now().steady;
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::uint32_t failed = 0;
  world_outcome sum;
  for (std::uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    world_config config = config_for_seed(options, seed);
    config.story_of = options.story;
    const world_outcome out = run(config);
    sum.offered += out.offered;
    sum.answered += out.answered;
    sum.cancelled += out.cancelled;
    sum.unanswered += out.unanswered;
    sum.told += out.told;
    sum.steps += out.steps;
    sum.virtual_time += out.virtual_time;
    sum.datagrams += out.datagrams;
    sum.datagrams_lost += out.datagrams_lost;
    sum.push_requests += out.push_requests;
    sum.push_repeats += out.push_repeats;
    sum.push_ambiguous += out.push_ambiguous;
    sum.pushes_accepted += out.pushes_accepted;
    for (const std::string& line : out.story) std::printf("%s\n", line.c_str());
    if (!out.violations.empty()) {
      ++failed;
      if (terminal) std::fprintf(stderr, "\r\033[K");
      std::printf("seed %llu: %zu violations\n", static_cast<unsigned long long>(seed), out.violations.size());
      for (std::size_t i = 0; i < out.violations.size() && i < 5; ++i) std::printf("  %s\n", out.violations[i].c_str());
      std::printf("  again: %s\n", command_of(config, options.mistake).c_str());
    }
    if (options.seeds == 1) std::printf("trace %016llx\n", static_cast<unsigned long long>(out.trace));
    if (terminal) {
      std::fprintf(stderr, "\r\033[Kseed %llu of %llu, %u failed", static_cast<unsigned long long>(seed),
                   static_cast<unsigned long long>(options.first_seed + options.seeds - 1), failed);
    }
  }
  if (terminal) std::fprintf(stderr, "\r\033[K");
  const double wall = std::chrono::duration<double>(clock.now().steady - started).count();
  const double lived = std::chrono::duration<double>(sum.virtual_time).count();
  std::printf("%u seeds, %u failed: %u calls (%u answered, %u cancelled, %u unanswered, %llu told), "
              "%llu datagrams (%llu lost), %llu steps\n%.0f s of virtual time in %.1f s (%.0f times real speed)\n",
              options.seeds, failed, sum.offered, sum.answered, sum.cancelled, sum.unanswered,
              static_cast<unsigned long long>(sum.told), static_cast<unsigned long long>(sum.datagrams),
              static_cast<unsigned long long>(sum.datagrams_lost), static_cast<unsigned long long>(sum.steps), lived,
              wall, lived / wall);
  if (sum.push_requests > 0) {
    std::printf("HTTP/2: %llu requests, %llu of them repeats, %llu accepted; %llu twice because nobody could tell\n",
                static_cast<unsigned long long>(sum.push_requests), static_cast<unsigned long long>(sum.push_repeats),
                static_cast<unsigned long long>(sum.pushes_accepted), static_cast<unsigned long long>(sum.push_ambiguous));
  }
  if (!options.mistake.empty()) {
    std::printf("the planted mistake %s was %s\n", options.mistake.c_str(), failed > 0 ? "caught" : "NOT caught");
    return failed > 0 ? 0 : 99;
  }
  return failed == 0 ? 0 : 99;
}

}  // namespace reveille::world
