#include "simulator/load/command.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "core/system_ports.hpp"
#include "mock_providers/delivery/device_sink.hpp"
#include "simulator/load/engine_probe.hpp"
#include "simulator/load/load_metrics.hpp"
#include "simulator/load/load_run.hpp"
#include "simulator/load/progress.hpp"
#include "simulator/load/push_feed.hpp"
#include "simulator/load/udp_sockets.hpp"

namespace reveille::load {

namespace {

constexpr std::string_view about =
    "Phones and callers on real UDP sockets, and a judge.\n"
    "\n"
    "First all phones register. Then calls arrive, whatever becomes of the earlier ones: each wakes a sleeping phone\n"
    "by a push, as the mock providers deliver it. At the end every phone with missed calls comes back and must be told\n"
    "of each exactly once. What the engine does is held against what phones and callers did; each contradiction is a\n"
    "violation, printed with its Call-ID.\n"
    "\n"
    "Exit code: 0; 99 when a threshold broke or a violation was found; another when the tool itself failed.";

constexpr std::string_view examples =
    "\nDELAY is 600ms, uniform:200ms..3s, exponential:mean=1s or lognormal:p50=600ms,p99=3s.\n"
    "\nExamples:\n"
    "  reveille-sim load -e 127.0.0.1:5060 -n 1000000\n"
    "  reveille-sim load -e 127.0.0.1:5060 --pushes-from 127.0.0.1:7443 -n 100000 -r 300 -d 60s \\\n"
    "      --threshold 'p99(register_to_invite)<2ms' --json run.json --report run.html";

/// SIGINT and SIGTERM as a readable descriptor.
class stop_signals {
 public:
  stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    descriptor_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~stop_signals() {
    if (descriptor_ >= 0) ::close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  int descriptor() const { return descriptor_; }
  bool taken() const {
    signalfd_siginfo info;
    return ::read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

/// Eight characters that no run of the last century shares: the time in base 36, and something of this process.
std::string fresh_tag(wall_time now) {
  std::uint64_t value = static_cast<std::uint64_t>(now.time_since_epoch().count()) ^ (static_cast<std::uint64_t>(::getpid()) << 42);
  std::string out;
  for (int i = 0; i < 9; ++i, value /= 36) out += "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
  return out;
}

std::string iso_time(wall_time now) {
  const std::time_t t = unix_seconds(now);
  std::tm parts{};
  ::gmtime_r(&t, &parts);
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return out;
}

result<std::unique_ptr<mock_providers::delivery_stream>> connect_pushes(const load_options& options, push_feed& feed) {
  if (options.pushes_from.empty()) return std::unique_ptr<mock_providers::delivery_stream>{};
  const auto where = parse_endpoint(options.pushes_from);
  if (!where) return failure("--pushes-from: " + where.error().what);
  return mock_providers::delivery_stream::connect(where->address_text(), where->port, feed);
}

/// Readings of the engine at the turning points of a run.
class engine_watch {
 public:
  explicit engine_watch(const load_options& options) : options_(options) {
    before_ = usage();
    histogram_before_ = histogram();
  }
  void registered() { registered_ = usage(); }
  /// False once the process that was there is gone.
  bool alive() const { return !before_ || usage(); }
  void fill(report::run_report& into) {
    const auto after = usage();
    if (options_.engine_pid != 0 && before_ && after) {
      report::engine_usage out;
      out.cpu_seconds = after->cpu_seconds - before_->cpu_seconds;
      out.rss_bytes = after->rss_bytes;
      out.rss_bytes_before = before_->rss_bytes;
      if (registered_) {
        out.cpu_seconds_register = registered_->cpu_seconds - before_->cpu_seconds;
        out.rss_bytes_registered = registered_->rss_bytes;
      }
      into.engine = out;
    } else if (options_.engine_pid != 0) {
      into.notes.push_back("the engine's process is gone, or was never there");
    }
    if (const auto last = histogram()) {
      into.engine_register_to_invite = histogram_before_ ? difference(*last, *histogram_before_) : *last;
    } else if (!options_.metrics_of_engine.empty()) {
      into.notes.push_back("the engine's /metrics did not show " + options_.engine_histogram);
    }
  }

 private:
  std::optional<process_usage> usage() const {
    return options_.engine_pid == 0 ? std::nullopt : usage_of(options_.engine_pid);
  }
  std::optional<report::engine_histogram> histogram() const {
    if (options_.metrics_of_engine.empty()) return std::nullopt;
    const auto text = fetch(options_.metrics_of_engine);
    if (!text) return std::nullopt;
    auto read = read_histogram(*text, options_.engine_histogram);
    if (read.steps.empty()) return std::nullopt;
    return read;
  }
  const load_options& options_;
  std::optional<process_usage> before_;
  std::optional<process_usage> registered_;
  std::optional<report::engine_histogram> histogram_before_;
};

bool write_file(const std::string& name, const std::string& text) {
  if (name.empty()) return true;
  std::ofstream file(name, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) std::fprintf(stderr, "reveille-sim: cannot write %s\n", name.c_str());
  return static_cast<bool>(file);
}

int fail(const std::string& what) {
  std::fprintf(stderr, "reveille-sim: %s\n", what.c_str());
  return tool_error;
}

/// One run with everything it touches; made and used on the load thread.
class load_session {
 public:
  load_session(const load_options& options, udp_sockets& sockets, push_feed& feed,
               mock_providers::delivery_stream* stream, const clock& time_source)
      : options_(options),
        sockets_(sockets),
        feed_(feed),
        stream_(stream),
        clock_(time_source),
        random_(options.seed),
        watch_(options),
        run_(options, options.run_tag, sockets, random_, time_source.now().steady) {}

  /// Serves /metrics from now on, when that is asked for.
  result<bool> serve_metrics() {
    if (options_.metrics_listen.empty()) return true;
    auto started = metrics_endpoint::start(options_.metrics_listen, metrics_, run_.at().slots);
    if (!started) return failure(started.error().what);
    metrics_endpoint_ = std::move(*started);
    std::fprintf(stderr, "metrics on http://%s/metrics\n", metrics_endpoint_->listening().text().c_str());
    return true;
  }

  /// @return false when the mock providers went away in the middle.
  bool run(const stop_signals& signals) {
    progress shown(stderr, clock_.now().steady);
    bool mock_alive = true;
    bool registered = false;
    while (!run_.done()) {
      turn(mock_alive);
      if (!registered && run_.has_registered()) {
        registered = true;
        watch_.registered();
      }
      if (signals.taken()) {
        stopped_ = true;
        run_.stop();
      }
      const steady_time now = clock_.now().steady;
      metrics_.update(run_, now);
      if (!options_.quiet) shown.show(run_, now);
      if (!mock_alive) run_.stop();
      if (now >= next_look_) {
        next_look_ = now + look_every;
        if (!watch_.alive()) {
          run_.at().truth.found("engine-died", "", "an engine that lives", "its process is gone");
          run_.stop();
          run_.stop();
        }
      }
    }
    shown.end();
    return mock_alive;
  }

  report::run_report finish() {
    report::run_report out;
    run_.fill(out);
    watch_.fill(out);
    // Last: they may ask for the engine's own figures.
    for (const report::threshold& t : options_.thresholds) out.thresholds.push_back(t.check(out));
    if (stopped_) out.notes.push_back("stopped before its end");
    if (sockets_.send_failures() > 0) out.notes.push_back(std::to_string(sockets_.send_failures()) + " datagrams could not be sent");
    if (feed_.dropped() > 0) out.notes.push_back(std::to_string(feed_.dropped()) + " pushes were dropped by the simulator itself");
    if (stream_ != nullptr && stream_->malformed() > 0) {
      out.notes.push_back(std::to_string(stream_->malformed()) + " lines of the delivery stream were malformed");
    }
    return out;
  }

 private:
  static constexpr nanoseconds look_every = seconds(1);  ///< at the engine's process

  void turn(bool& mock_alive) {
    // A millisecond is the timers' resolution.
    sockets_.wait(milliseconds(1), [this](std::uint16_t socket, const endpoint& from, std::string_view bytes) {
      run_.on_datagram(socket, from, bytes, clock_.now().steady);
    });
    if (stream_ != nullptr && !stream_->read()) mock_alive = false;
    feed_.take(arrived_);
    const steady_time now = clock_.now().steady;
    for (const push_seen& push : arrived_) run_.on_push(push, now);
    run_.advance(now);
    sockets_.flush();
  }

  const load_options& options_;
  udp_sockets& sockets_;
  push_feed& feed_;
  mock_providers::delivery_stream* stream_;
  const clock& clock_;
  seeded_random random_;
  engine_watch watch_;
  load_run run_;
  load_metrics metrics_;
  std::unique_ptr<metrics_endpoint> metrics_endpoint_;  // after what it reads
  std::vector<push_seen> arrived_;
  steady_time next_look_;
  bool stopped_ = false;
};

}  // namespace

CLI::App* add_load_command(CLI::App& program, load_options& options) {
  CLI::App* command = program.add_subcommand("load", "register phones, call them, judge what the engine does");
  command->description(std::string(about));
  command->footer(std::string(examples));
  add_options(*command, options);
  return command;
}

int run_load(load_options options) {
  const std::string faults = options.validate();
  if (!faults.empty()) return fail("\n" + faults);
  if (options.calls_per_second > 0 && options.pushes_from.empty()) {
    return fail("--pushes-from: without the mock providers' delivery stream no phone hears a push");
  }
  const system_clock_port time_source;
  const instant started = time_source.now();
  if (options.run_tag.empty()) options.run_tag = fresh_tag(started.wall);
  const stop_signals signals;
  push_feed feed(time_source);
  auto stream = connect_pushes(options, feed);
  if (!stream) return fail(stream.error().what);
  auto sockets = udp_sockets::open(options.addresses, options.sockets + options.caller_sockets);
  if (!sockets) return fail(sockets.error().what);
  std::vector<int> watched{feed.descriptor(), signals.descriptor()};
  if (*stream) watched.push_back((*stream)->descriptor());
  for (const int d : watched) {
    if (const auto added = (*sockets)->watch(d); !added) return fail(added.error().what);
  }

  load_session session(options, **sockets, feed, stream->get(), time_source);
  if (const auto serving = session.serve_metrics(); !serving) return fail(serving.error().what);
  const bool mock_alive = session.run(signals);
  report::run_report found = session.finish();
  found.started = iso_time(started.wall);

  std::fputs(report::write_table(found).c_str(), stdout);
  std::fflush(stdout);
  bool written = write_file(options.json_file, report::write_json(found));
  written = write_file(options.html_file, report::write_html(found)) && written;
  if (!mock_alive) return fail("the mock providers went away: nothing can be said of the engine");
  return written ? found.exit_code() : tool_error;
}

}  // namespace reveille::load
