/// `reveille-sim world`: runs seeds of the virtual world and prints, for each that fails, the command that repeats it.
#pragma once

#include <string>
#include <vector>

#include "simulator/world/world.hpp"

namespace CLI {
class App;
}

namespace reveille::world {

struct world_command_options {
  std::uint64_t first_seed = 1;
  std::uint32_t seeds = 20;
  std::uint32_t calls = 100;
  std::uint16_t shards = 2;
  std::uint32_t crashes = 0;
  std::string push = "gateway";        ///< --push: "gateway" or "http2"
  std::string story;                   ///< a Call-ID whose steps are printed
  bool small_bounds = false;           ///< few subscribers in memory, one request behind a load
  std::string mistake;                 ///< a planted one, by name; "" = none
};

/// Declares the subcommand; `options` must outlive the parsing.
CLI::App* add_world_command(CLI::App& program, world_command_options& options);

/// Prints progress and a summary. @return 0 when every seed held (or, with a mistake, when it was caught), 99 otherwise.
/// 
int run_world_command(const world_command_options& options);

/// The configuration of one seed: faults and habits vary with it, so that some worlds are calm and some are storms.
world_config config_for_seed(const world_command_options& options, std::uint64_t seed);

}  // namespace reveille::world
