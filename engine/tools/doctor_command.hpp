/// `reveille doctor`: what would keep phones from being woken, and what mends it.
#pragma once

#include <string>

#include "engine/tools/doctor.hpp"

namespace CLI {
class App;
}

namespace reveille {

/// Exit status of `reveille doctor`; documented in its --help.
enum class doctor_exit : int { well = 0, ill = 1, bad_configuration = 2 };

struct doctor_options {
  std::string config;
  bool no_network = false;
  bool json = false;
};

const CLI::App* add_doctor_command(CLI::App& program, doctor_options& options);
int run_doctor_command(const doctor_options& options);

/// A line (two with what is to be done). Pure.
std::string text_of(const finding& f);

}  // namespace reveille
