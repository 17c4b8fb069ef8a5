/// reveille-sim: one file per subcommand, each in its own folder.
#include <CLI/CLI.hpp>

#include "simulator/load/command.hpp"
#include "simulator/world/world_command.hpp"

int main(int argc, char** argv) {
  CLI::App program("Simulated phones and callers for Reveille.", "reveille-sim");
  program.require_subcommand(1);
  program.get_formatter()->column_width(38);

  reveille::load::load_options load;
  const CLI::App* load_command = reveille::load::add_load_command(program, load);

  reveille::world::world_command_options world;
  const CLI::App* world_command = reveille::world::add_world_command(program, world);

  CLI11_PARSE(program, argc, argv);
  if (load_command->parsed()) return reveille::load::run_load(load);
  if (world_command->parsed()) return reveille::world::run_world_command(world);
  return reveille::load::tool_error;
}
