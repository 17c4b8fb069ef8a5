/// Worlds of a seed, and what they found, for the tests of both push paths.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "simulator/world/world.hpp"
#include "simulator/world/world_command.hpp"

namespace reveille::world {

inline std::string listed(const world_outcome& out) {
  std::string all;
  for (std::size_t i = 0; i < out.violations.size() && i < 10; ++i) all += out.violations[i] + "\n";
  return all;
}

inline world_command_options worlds(std::uint32_t calls, std::uint32_t crashes = 0, std::string mistake = {}) {
  world_command_options options;
  options.calls = calls;
  options.crashes = crashes;
  options.mistake = std::move(mistake);
  return options;
}

inline world_command_options over_http2(world_command_options options) {
  options.push = "http2";
  return options;
}

/// Runs the world of one seed; a violation fails the test and prints the command that repeats it.
inline world_outcome run_clean(const world_command_options& options, std::uint64_t seed) {
  const world_config config = config_for_seed(options, seed);
  world_outcome out = run(config);
  EXPECT_TRUE(out.violations.empty()) << listed(out) << "again: " << command_of(config);
  EXPECT_EQ(out.offered, options.calls + config.subscribers);
  return out;
}

/// A world that does not see a mistake proves nothing: each planted one must be caught within a few seeds.
inline void expect_caught(const world_command_options& options) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    if (!run(config_for_seed(options, seed)).violations.empty()) return;
  }
  ADD_FAILURE() << "sixty worlds did not notice " << options.mistake;
}

}  // namespace reveille::world
