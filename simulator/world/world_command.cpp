#include "simulator/world/world_command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/system_ports.hpp"

namespace reveille::world {

CLI::App* add_world_command(CLI::App& program, world_command_options& options) {
  CLI::App* world = program.add_subcommand(
      "world", "Runs the engine in virtual time: real shards, a faulty store and network, moody push services, one seed a world");
  world->add_option("--seeds", options.seeds, "How many worlds")->capture_default_str();
  world->add_option("--first-seed", options.first_seed, "Seed of the first one")->capture_default_str();
  world->add_option("--calls", options.calls, "Calls in each world")->capture_default_str();
  world->add_option("--shards", options.shards, "Shards of the engine")->check(CLI::Range(1, 64))->capture_default_str();
  world->add_option("--crashes", options.crashes, "kill -9 of the engine, so many times in each world")->capture_default_str();
  world->add_option("--mistake", options.mistake, "Plants a mistake, which must then be caught")
      ->check(CLI::IsMember(mistake_names()));
  world->add_option("--story", options.story, "Prints every step of the call with this Call-ID (\"call-7\")");
  world->footer(
      "Exit status: 0 every world kept the invariants of docs/architecture.md (with --mistake: the mistake was caught),\n"
      "99 otherwise. A failing world prints the command that repeats it.\n\n"
      "Examples:\n"
      "  reveille-sim world --seeds 200\n"
      "  reveille-sim world --seeds 50 --crashes 3\n"
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
  c.subscribers = static_cast<std::uint32_t>(5 + lot.below(40));
  c.calls_per_second = 1 + lot.unit() * 10;
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
  if (!options.mistake.empty()) {
    std::printf("the planted mistake %s was %s\n", options.mistake.c_str(), failed > 0 ? "caught" : "NOT caught");
    return failed > 0 ? 0 : 99;
  }
  return failed == 0 ? 0 : 99;
}

}  // namespace reveille::world
