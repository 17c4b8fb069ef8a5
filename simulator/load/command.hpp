/// `reveille-sim load`: the subcommand around a load_run, with real sockets, clock and pushes.
#pragma once

#include "simulator/load/options.hpp"

namespace reveille::load {

/// What a tool error ends with; 0 and 99 speak of the engine.
inline constexpr int tool_error = 1;

/// Declares the subcommand; `options` must outlive the parsing. run_load() is to be called when it was chosen.
CLI::App* add_load_command(CLI::App& program, load_options& options);

/// Runs to the end, or to SIGINT (the calls in progress are then still brought to their end; a second one stops at
/// once). Prints progress to stderr and the result to stdout.
/// @return 0; 99 when a threshold broke or a violation was found; tool_error for anything that is not the engine's.
int run_load(load_options options);

}  // namespace reveille::load
