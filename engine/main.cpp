// reveille: the production engine as a program.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "core/memory_reserve.hpp"
#include "core/system_ports.hpp"
#include "engine/config/load.hpp"
#include "engine/engine.hpp"
#include "engine/logging.hpp"
#include "engine/shortage.hpp"
#include "engine/tools/doctor_command.hpp"
#include "engine/tools/push_command.hpp"

namespace {

using namespace reveille;
namespace asio = boost::asio;

constexpr int good = 0;
constexpr int cannot_start = 1;
constexpr int bad_configuration = 2;

/// Parked calls may still be answered until their deadline; then a little for what follows the last BYE.
constexpr seconds grace_after_deadline{5};
constexpr milliseconds look_every{100};
constexpr seconds watch_every{1};

/// Waits for signals: the first SIGINT or SIGTERM drains, the second (or the end of the drain) ends the program.
/// Meanwhile it watches the memory that is kept back, and the bounds.
class supervisor {
 public:
  supervisor(engine& of, seconds patience) : engine_(of), patience_(patience), signals_(context_, SIGINT, SIGTERM, SIGHUP) {
    wait_for_signal();
    watch();
  }
  /// What it does itself needs next to nothing; should even that be missing, it is tried again.
  void run() {
    while (!context_.stopped()) {
      try {
        context_.run();
      } catch (const std::bad_alloc&) {
        rest_.expires_after(look_every);
        rest_.wait();
      }
    }
  }

 private:
  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& e, int number) {
      if (e) return;
      if (number == SIGHUP) {
        spdlog::info("SIGHUP: the configuration is read at start only; restart to change it");
      } else if (!draining_) {
        draining_ = true;
        spdlog::info("stopping: no new calls; waiting for those in flight, {} s at most (again to stop at once)",
                     patience_.count());
        engine_.drain();
        until_ = clock_.now().steady + patience_;
        look();
      } else {
        spdlog::info("stopping at once");
        context_.stop();
        return;
      }
      wait_for_signal();
    });
  }
  void look() {
    if (engine_.idle() || clock_.now().steady >= until_) {
      context_.stop();
      return;
    }
    timer_.expires_after(look_every);
    timer_.async_wait([this](const boost::system::error_code& e) {
      if (!e) look();
    });
  }

  /// SPEC 9.3: the shards look at the reserve themselves; here it is taken back, and said.
  void watch() {
    const bool short_now = memory_reserve::in_use();
    if (short_now && !short_of_memory_) {
      spdlog::error("the system refuses memory: new calls and registrations get 503; {}", shortage_text(std::bad_alloc()));
    }
    short_of_memory_ = short_now && !memory_reserve::refill();
    if (short_now && !short_of_memory_) spdlog::warn("there is memory again: new calls and registrations are served");
    // Armed before anything that may find no memory: the next look comes in any case.
    watch_timer_.expires_after(watch_every);
    watch_timer_.async_wait([this](const boost::system::error_code& e) {
      if (!e) watch();
    });
    if (!short_of_memory_) engine_.watch_limits();
  }

  engine& engine_;
  seconds patience_;
  asio::io_context context_{1};
  asio::signal_set signals_;
  asio::steady_timer timer_{context_};
  asio::steady_timer watch_timer_{context_};
  asio::steady_timer rest_{context_};  ///< waited for in place
  system_clock_port clock_;
  steady_time until_{};
  bool draining_ = false;
  bool short_of_memory_ = false;
};

constexpr char refused_in_library[] =
    "reveille: the system refused memory or a thread inside a library; raise LimitAS, MemoryMax or TasksMax in the unit "
    "(ulimit -v, ulimit -u)\n";
std::atomic<bool> starting{true};

/// @return whether what ends the process is a refusal of the system. A joinable thread that is torn down (no exception)
/// is one too: its siblings could not be made.
bool is_refusal(const std::exception_ptr& of) {
  if (!of) return true;
  try {
    std::rethrow_exception(of);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const std::system_error&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// Where an exception could reach nobody: RocksDB makes threads of its own, and ends the process when it gets none. The
/// operator hears at least why; nothing may be allocated here.
[[noreturn]] void say_why_and_terminate() {
  if (!is_refusal(std::current_exception())) __gnu_cxx::__verbose_terminate_handler();
  if (::write(STDERR_FILENO, refused_in_library, sizeof refused_in_library - 1) < 0) std::abort();
  if (starting) ::_exit(cannot_start);
  std::abort();
}

/// @return the status with which the program ends. What the machine refuses is said, never thrown to nobody.
int serve(const config::settings& settings) try {
  if (const auto logging = set_up_logging(settings.logging); !logging) {
    std::fprintf(stderr, "reveille: %s\n", with_remedy(logging.error().what).c_str());
    return cannot_start;
  }
  auto started = engine::start(settings, {REVEILLE_VERSION, REVEILLE_REVISION, "reveille"});
  if (!started) {
    spdlog::error("cannot start: {}", started.error().what);
    return cannot_start;
  }
  supervisor watch(**started, settings.subscribers.answer_timeout + grace_after_deadline);
  if (!memory_reserve::install()) throw std::bad_alloc();
  for (const endpoint& e : (*started)->listening()) spdlog::info("listening on udp:{}", e.text());
  if (const endpoint admin = (*started)->admin(); !admin.empty()) spdlog::info("admin API on http://{}", admin.text());
  spdlog::info("ready: {} shard(s)", (*started)->shards());
  starting = false;
  watch.run();
  started->reset();
  spdlog::info("stopped");
  return good;
} catch (const std::exception& e) {
  spdlog::error("cannot {}: {}", starting ? "start" : "go on", shortage_text(e));
  return cannot_start;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Reveille wakes sleeping phones: a SIP registrar and push-aware proxy.\n"
               "It parks the call, sends a push through APNs or FCM, and delivers the INVITE when the phone registers."};
  app.footer("Signals: SIGINT or SIGTERM drains (new calls 503, running ones end) and stops; twice stops at once.\n"
             "Exit status: 0 stopped cleanly, 1 could not start, 2 the configuration is wrong.");
  std::string file;
  bool check = false;
  bool defaults = false;
  app.add_option("-c,--config", file, "the configuration file (TOML)")->type_name("FILE");
  app.add_flag("--check-config", check, "read the configuration, print every fault, and what is in force; then end");
  app.add_flag("--print-default-config,--default-config", defaults, "print all settings with defaults and reasons, as a file to start from");
  push_options push;
  doctor_options examination;
  const CLI::App* push_command = add_push_command(app, push);
  const CLI::App* doctor_command = add_doctor_command(app, examination);
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", "reveille " REVEILLE_VERSION);
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);  // a lost peer is no signal; before any thread is made, so that all inherit it
  try {
    if (push_command->parsed()) return run_push_command(push);
    if (doctor_command->parsed()) return run_doctor_command(examination);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "reveille: %s\n", shortage_text(e).c_str());
    return cannot_start;
  }

  if (defaults) {
    std::fputs(config::default_toml().c_str(), stdout);
    return good;
  }
  if (file.empty()) {
    std::fputs("reveille: which configuration? --config FILE (or --print-default-config to make one, --help for more)\n", stderr);
    return bad_configuration;
  }
  const auto settings = config::load_file(file);
  if (!settings) {
    for (const config::fault& f : settings.error()) std::fprintf(stderr, "%s\n", f.text().c_str());
    return bad_configuration;
  }
  if (check) {
    std::fputs(config::effective_toml(*settings).c_str(), stdout);
    return good;
  }
  std::set_terminate(say_why_and_terminate);
  return serve(*settings);
}
