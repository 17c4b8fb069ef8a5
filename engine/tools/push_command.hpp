/// `reveille push`: one push with the engine's own credentials, and the provider's answer in words.
#pragma once

#include <string>

#include "engine/tools/one_push.hpp"

namespace CLI {
class App;
}

namespace reveille {

/// Exit status of `reveille push`; documented in its --help.
enum class push_exit : int { accepted = 0, refused = 1, bad_configuration = 2, unreachable = 3 };

struct push_options {
  std::string config;
  push_wish wish;
  std::string type = "invite";
  unsigned timeout = 10;      ///< seconds
  bool dry_run = false;
  bool json = false;
};

/// Adds the subcommand. @return the part that knows whether it was asked for.
const CLI::App* add_push_command(CLI::App& program, push_options& options);

/// Prints to standard output, mistakes to standard error.
int run_push_command(const push_options& options);

/// What is printed of an answer. Pure.
struct push_report {
  std::string outcome;        ///< "accepted", "dead_token", ...
  std::uint16_t status = 0;
  std::string reason;
  std::string provider_id;
  std::string explanation;
  push_exit exit = push_exit::refused;
};
push_report report_of(pns::payload_wire wire, const pns::push_answer& answer);
std::string text_of(const push_report& report);
std::string json_of(const push_report& report);

}  // namespace reveille
