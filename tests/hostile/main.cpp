// reveille-hostile: attacks the engine, one attack after the other, with honest calls beside, and shows what each cost.
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "tests/hostile/report.hpp"

using namespace reveille::hostile;

namespace {

std::vector<const attack*> all_attacks() {
  std::vector<const attack*> out;
  for (const auto family : {datagram_attacks(), flood_attacks(), forgery_attacks(), registration_attacks(), memory_attacks(),
                            admin_attacks(), machine_attacks()}) {
    for (const attack& a : family) out.push_back(&a);
  }
  return out;
}

void list() {
  for (const attack* a : all_attacks()) {
    std::cout << a->name << std::string(13 - a->name.size(), ' ') << a->what
              << (a->promised != promise::all_answered ? "  (may cost good calls)" : "") << "\n";
  }
}

/// Those of these names, in the order of the list. Throws CLI::ValidationError for a name that is none.
std::vector<const attack*> chosen(const std::vector<std::string>& names) {
  const auto all = all_attacks();
  if (names.empty()) return all;
  std::vector<const attack*> out;
  for (const attack* a : all) {
    if (std::find(names.begin(), names.end(), a->name) != names.end()) out.push_back(a);
  }
  for (const std::string& name : names) {
    if (std::none_of(all.begin(), all.end(), [&](const attack* a) { return a->name == name; })) {
      throw CLI::ValidationError("no attack is called '" + name + "'; --list names them");
    }
  }
  return out;
}

constexpr auto about = R"(Attacks the engine on 127.0.0.1, one attack after the other, with honest calls beside.

For each attack a fresh engine and fresh mock providers are started on free ports. Three honest calls a second, one of
them to a sleeping phone, run for 2 s alone, for 8 s beside the attack and for 3 s after it. A line then says what the
attack cost:

  messages, /s     what the attacker sent
  CPU us, cores    the engine's CPU time (user and system) for each of them, less what the honest calls cost before
  out:in           octets that came back to all the attacker's addresses, for each octet he sent
  MB               resident memory of the engine before, at most, and after
  alone .. after   honest calls answered, of those offered
  set-up           INVITE to 180 at the honest caller
  + lines          the counters of bounds and refusals that rose most

All datagrams and connections stay on 127.0.0.0/8, and all ends by itself. The rates are for a machine with two free cores;
--scale makes them smaller.)";
constexpr auto end_words = R"(Exit status: 0 all promises were kept; 1 a good call was lost where none may be, an attack did what it must not, or the
engine died; 2 something could not be started.
docs/hostile.md says of each attack what bound holds it.)";

}  // namespace

int main(int count, char** words) {
  options with;
  std::vector<std::string> names;
  std::string markdown;
  double seconds = 8;
  bool only_list = false;
  with.where.directory = std::filesystem::temp_directory_path();
  CLI::App app(about);
  app.footer(end_words);
  app.add_option("names", names, "attacks to run; all without one");
  app.add_flag("--list", only_list, "name the attacks, and end");
  app.add_option("--engine", with.where.engine_program, "the program reveille");
  app.add_option("--mock", with.where.mock_program, "the program reveille-mock");
  app.add_option("--directory", with.where.directory, "where each attack makes a directory for logs and store")->check(CLI::ExistingDirectory);
  app.add_option("--seconds", seconds, "how long each attack lasts")->check(CLI::Range(0.5, 60.0))->capture_default_str();
  app.add_option("--scale", with.scale, "times each attack's rate")->check(CLI::Range(0.001, 10.0))->capture_default_str();
  app.add_option("--markdown", markdown, "write the table there as Markdown");
  app.add_flag("--smoke", with.smoke, "a second of each phase, and no verdict but that the engine lives and serves");
  app.add_flag("--keep", with.keep, "keep the directories with the logs");
  std::vector<const attack*> attacks;
  try {
    app.parse(count, words);
    attacks = chosen(names);
    if (!only_list && (with.where.engine_program.empty() || with.where.mock_program.empty())) {
      throw CLI::ValidationError("--engine and --mock are needed");
    }
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (only_list) return list(), 0;
  with.beside = std::chrono::milliseconds(static_cast<int>(seconds * 1000));
  if (with.smoke) with.alone = with.beside = with.after = std::chrono::milliseconds(1500);
  ::signal(SIGPIPE, SIG_IGN);
  own_mounts();  // where it is not allowed, the attack that mounts says so
  // The attacker's connections need descriptors of his own.
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);

  std::vector<figures> all;
  std::size_t faulty = 0;
  std::cout << text_heading() << std::flush;
  for (const attack* a : attacks) {
    std::cerr << "[" << all.size() + 1 << "/" << attacks.size() << "] " << a->name << ": " << a->what << std::endl;
    all.push_back(measure(*a, with));
    if (!all.back().faults.empty()) ++faulty;
    std::cout << text_of(all.back()) << std::flush;
  }
  if (!markdown.empty()) std::ofstream(markdown) << markdown_of(all);
  std::cout << all.size() << " attacks, " << faulty << " with faults\n";
  return faulty == 0 ? 0 : 1;
}
