#include "engine/tools/doctor_command.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/config/load.hpp"
#include "engine/tools/system_outside.hpp"

namespace reveille {
namespace {

using nlohmann::json;

/// Prints findings as they come, or keeps them for JSON, and counts them.
class printer {
 public:
  explicit printer(bool as_json) : as_json_(as_json) {}
  void tell(const finding& f) {
    ++counts_[static_cast<std::size_t>(f.level)];
    if (as_json_) {
      findings_.push_back({{"level", name_of(f.level)}, {"about", f.about}, {"text", f.text}, {"mend", f.mend}});
      return;
    }
    std::fputs(text_of(f).c_str(), stdout);
    std::fflush(stdout);
  }
  std::size_t count(finding_level level) const { return counts_[static_cast<std::size_t>(level)]; }
  void finish() const {
    const std::size_t good = count(finding_level::ok), odd = count(finding_level::warn), bad = count(finding_level::fail);
    if (as_json_) {
      const json all = {{"findings", findings_}, {"ok", good}, {"warn", odd}, {"fail", bad}};
      std::puts(all.dump(2, ' ', false, json::error_handler_t::replace).c_str());
    } else {
      std::printf("\n%zu ok, %zu to look at, %zu to mend\n", good, odd, bad);
    }
  }

 private:
  bool as_json_;
  json findings_ = json::array();
  std::array<std::size_t, 3> counts_{};
};

}  // namespace

std::string text_of(const finding& f) {
  std::string out(name_of(f.level));
  out.resize(6, ' ');
  out += f.about + ": " + f.text + "\n";
  if (!f.mend.empty()) out += "      -> " + f.mend + "\n";
  return out;
}

const CLI::App* add_doctor_command(CLI::App& program, doctor_options& o) {
  CLI::App* c = program.add_subcommand("doctor", "look for what would keep phones from being woken, and say what mends it");
  c->footer(
      "Looks at the configuration, sockets, disk, limits, keys and payload profiles; at the way to each provider (name, TCP,\n"
      "proxy, TLS, HTTP/2, certificate); at this machine's clock; and, with a push that no phone can get (a token of zeros, or\n"
      "of words), at credentials and topics. It makes no phone ring, and does not disturb an engine that runs.\n"
      "Exit status: 0 nothing to mend, 1 something is (FAIL), 2 the configuration is wrong.");
  c->add_option("-c,--config", o.config, "the engine's configuration file")->type_name("FILE")->required();
  c->add_flag("--no-network", o.no_network, "leave out everything that goes to the providers");
  c->add_flag("--json", o.json, "print JSON");
  return c;
}

int run_doctor_command(const doctor_options& o) {
  printer print(o.json);
  const auto settings = config::load_file(o.config);
  if (!settings) {
    for (const config::fault& f : settings.error()) {
      print.tell({finding_level::fail, "configuration", f.text(), "correct the file; reveille --print-default-config explains each setting"});
    }
    print.finish();
    return static_cast<int>(doctor_exit::bad_configuration);
  }
  system_outside outside;
  system_random random;
  doctor(*settings, outside, random, [&](const finding& f) { print.tell(f); })
      .examine(o.no_network ? doctor_network::leave_alone : doctor_network::ask);
  print.finish();
  return static_cast<int>(print.count(finding_level::fail) == 0 ? doctor_exit::well : doctor_exit::ill);
}

}  // namespace reveille
