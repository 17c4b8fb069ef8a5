/// reveille-sim: one file per subcommand, each in its own folder.
#include <CLI/CLI.hpp>

#include "simulator/load/command.hpp"

int main(int argc, char** argv) {
  CLI::App program("Simulated phones and callers for Reveille.", "reveille-sim");
  program.require_subcommand(1);
  program.get_formatter()->column_width(38);

  reveille::load::load_options load;
  const CLI::App* load_command = reveille::load::add_load_command(program, load);

  CLI11_PARSE(program, argc, argv);
  if (load_command->parsed()) return reveille::load::run_load(load);
  return reveille::load::tool_error;
}
