#include "simulator/load/options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <functional>

#include "simulator/report/duration_text.hpp"

namespace reveille::load {

namespace {

delay delay_of(const char* text) {
  auto parsed = delay::parse(text);
  assert(parsed.has_value());
  return *parsed;
}

std::optional<std::uint32_t> whole(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string compact(nanoseconds value) {
  std::string text = report::write_duration(value);
  std::erase(text, ' ');
  return text;
}

std::string short_number(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%g", value);
  return out;
}

/// An option whose text a parser of ours reads; its complaint becomes CLI11's.
template <class Read>
CLI::Option* add_read(CLI::App& command, const std::string& name, Read read, const std::string& help,
                      const std::string& shown_default, const std::string& type) {
  return command
      .add_option_function<std::string>(
          name,
          [read, name](const std::string& text) {
            const std::string fault = read(text);
            if (!fault.empty()) throw CLI::ValidationError(name, fault);
          },
          help + (shown_default.empty() ? "" : "  [" + shown_default + "]"))
      ->type_name(type);
}

void add_delay(CLI::App& command, const std::string& name, delay& into, const std::string& help) {
  add_read(
      command, name,
      [&into](const std::string& text) -> std::string {
        auto parsed = delay::parse(text);
        if (!parsed) return parsed.error().what;
        into = *parsed;
        return {};
      },
      help, into.text(), "DELAY");
}

void add_duration(CLI::App& command, const std::string& name, nanoseconds& into, const std::string& help) {
  add_read(
      command, name,
      [&into](const std::string& text) -> std::string {
        const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
        const auto parsed = report::parse_duration(bare ? text + "s" : text);
        if (!parsed) return parsed.error().what;
        into = *parsed;
        return {};
      },
      help + "; a bare number is seconds", into.count() == 0 ? "0" : compact(into), "TIME");
}

void add_share(CLI::App& command, const std::string& name, double& into, const std::string& help) {
  command.add_option(name, into, help + "  [" + short_number(into) + "]")->type_name("0..1");
}

void add_phone_options(CLI::App& c, load_options& o) {
  c.add_option("-n,--subscribers", o.subscribers, "how many phones register, one a subscriber  [1000]")->group("Phones");
  c.add_option("--first-subscriber", o.first_subscriber, "number of the first of them  [0]")->group("Phones");
  add_read(
      c, "--phones",
      [&o](const std::string& text) -> std::string {
        const auto mix = parse_phone_mix(text);
        if (!mix) return mix.error().what;
        o.phones = *mix;
        return {};
      },
      "kinds by weight", "android:50,iphone:25,linphone:25", "MIX")
      ->group("Phones");
  c.add_option("--domain", o.domain, "the domain that the engine serves  [example.com]")->group("Phones");
  c.add_option("--expires", o.expires_seconds, "seconds asked for in REGISTER  [3600]")->group("Phones");
  c.add_flag("!--no-register", o.register_first, "skip the first phase: the phones are there from an earlier run")->group("Phones");
  c.add_option("--registration-window", o.registration_window, "REGISTERs in flight at most; fewer when answers stay away  [2048]")->group("Phones");
  c.add_option("--register-rate", o.register_rate, "REGISTERs a second at most, 0 = as the engine allows  [0]")->group("Phones");
  add_delay(c, "--wake-delay", o.wake_delay, "from the push at the phone to its first REGISTER");
  add_share(c, "--never-wake", o.never_wake, "share of calls whose phone sleeps on");
  add_share(c, "--moves", o.moves, "share of wake-ups at which the phone has a new address");
  add_read(
      c, "--registers-per-wake",
      [&o](const std::string& text) -> std::string {
        const auto range = parse_range(text);
        if (!range) return range.error().what;
        o.registers_per_wake_min = range->first;
        o.registers_per_wake_max = range->second;
        return {};
      },
      "how many REGISTERs an app sends when it wakes", "1..4", "MIN..MAX");
  add_delay(c, "--register-gap", o.register_gap, "between these REGISTERs");
  add_delay(c, "--answer-delay", o.answer_delay, "from the ringing to the answer");
  c.add_option("--apple-team", o.apple_team, "team id in pn-param  [DEF123GHIJ]");
  c.add_option("--apple-bundle", o.apple_bundle, "bundle id in pn-param  [com.example.phone]");
  c.add_option("--firebase-project", o.firebase_project, "project id in pn-param  [reveille-mock]");
}

void add_call_options(CLI::App& c, load_options& o) {
  c.add_option("-r,--calls-per-second", o.calls_per_second, "calls offered, whatever becomes of the earlier ones  [0]");
  add_duration(c, "-d,--duration", o.duration, "how long calls are offered");
  add_read(
      c, "--arrivals",
      [&o](const std::string& text) -> std::string {
        if (text == "poisson") o.arrive = arrivals::poisson;
        else if (text == "constant") o.arrive = arrivals::constant;
        else return "write poisson or constant";
        return {};
      },
      "their pattern: poisson or constant", "poisson", "PATTERN");
  add_share(c, "--caller-hangs-up", o.caller_hangs_up, "share of callers who give up early");
  add_delay(c, "--hang-up-delay", o.hang_up_delay, "after how long they do");
  add_share(c, "--nobody-answers", o.nobody_answers, "share of calls that ring to the end");
  add_delay(c, "--talk-time", o.talk_time, "from the answer to the BYE, by either side");
  add_read(
      c, "--ring-time",
      [&o](const std::string& text) -> std::string {
        const auto parsed = report::parse_duration(text);
        if (!parsed) return parsed.error().what;
        o.ring_time = std::chrono::floor<seconds>(*parsed);
        return {};
      },
      "Expires of the INVITEs; not above the engine's own call.answer_timeout", "30s", "TIME");
  add_duration(c, "--settle", o.settle_time, "how long missed calls may take to be told");
}

void add_judge_options(CLI::App& c, load_options& o) {
  add_duration(c, "--grace", o.grace, "events closer to each other may count in either order");
  c.add_option("--pushes-per-call", o.pushes_per_call, "pushes that one device may get for one call  [1]");
  add_read(
      c, "--missed-calls-on-voip-token",
      [&o](const std::string& text) -> std::string {
        if (text == "send") o.on_voip_token = voip_missed_calls::send;
        else if (text == "skip") o.on_voip_token = voip_missed_calls::skip;
        else return "write send or skip";
        return {};
      },
      "the engine's setting of that name", "send", "send|skip");
  add_read(
      c, "--providers-silent",
      [&o](const std::string& text) -> std::string {
        const std::size_t dots = text.find("..");
        if (dots == std::string::npos) return "write FROM..UNTIL, as in 20s..50s";
        const auto from = report::parse_duration(text.substr(0, dots));
        const auto until = report::parse_duration(text.substr(dots + 2));
        if (!from || !until) return (from ? until : from).error().what;
        if (*from >= *until) return "the end must come after the beginning";
        o.silent_from = *from;
        o.silent_until = *until;
        return {};
      },
      "when the providers are made to answer nothing, counted from the first call: a call that lives only then may end without a push, but must be told",
      "never", "FROM..UNTIL");
  c.add_flag("--allow-fcm-repeats", o.allow_fcm_repeats, "the engine's connections to FCM break in this run: an equal payload again is a repeat, no second telling");
  c.add_option_function<std::vector<std::string>>(
       "--threshold",
       [&o](const std::vector<std::string>& texts) {
         for (const std::string& text : texts) {
           auto parsed = report::threshold::parse(text);
           if (!parsed) throw CLI::ValidationError("--threshold", parsed.error().what);
           o.thresholds.push_back(*parsed);
         }
       },
       "what must hold, e.g. 'p99(register_to_invite)<2ms', 'p99(engine_register_to_invite)<2ms' or 'share(answered)>=85%'; may be repeated")
      ->type_name("RULE");
}

void add_world_options(CLI::App& c, load_options& o) {
  add_read(
      c, "-e,--engine",
      [&o](const std::string& text) -> std::string {
        const auto parsed = parse_endpoint(text);
        if (!parsed) return parsed.error().what;
        o.engine = *parsed;
        return {};
      },
      "where the engine listens for SIP over UDP", "", "ADDRESS:PORT")
      ->required();
  c.add_option("--pushes-from", o.pushes_from, "delivery stream of reveille-mock: what it says reached a phone")->type_name("ADDRESS:PORT");
  c.add_option("--addresses", o.addresses, "local addresses of the phones  [127.0.1.1 .. 127.0.1.8]")->delimiter(',');
  c.add_option("--sockets", o.sockets, "UDP sockets that the phones share  [512]");
  c.add_option("--caller-sockets", o.caller_sockets, "UDP sockets that the callers share  [16]");
  c.add_option("--seed", o.seed, "the same seed draws the same calls and delays  [1]");
  c.add_option("--run-tag", o.run_tag, "letters and digits that make Call-IDs unique  [from the time]");
  c.add_option("--engine-pid", o.engine_pid, "its CPU time and memory are read from /proc");
  c.add_option("--metrics-of-engine", o.metrics_of_engine, "its /metrics: adds the engine's own REGISTER to INVITE")->type_name("URL");
  c.add_option("--engine-histogram", o.engine_histogram, "name of that histogram  [" + o.engine_histogram + "]");
  c.add_option("--metrics-listen", o.metrics_listen, "serve the simulator's own /metrics here")->type_name("ADDRESS:PORT");
  c.add_option("--json", o.json_file, "write the result as JSON")->type_name("FILE");
  c.add_option("--report", o.html_file, "write the result as a self-contained page")->type_name("FILE.html");
  c.add_flag("-q,--quiet", o.quiet, "no progress, only the result");
}

bool is_share(double value) { return value >= 0 && value <= 1; }

}  // namespace

load_options::load_options()
    : wake_delay(delay_of("lognormal:p50=600ms,p99=3s")),
      answer_delay(delay_of("uniform:300ms..3s")),
      hang_up_delay(delay_of("uniform:100ms..4s")),
      talk_time(delay_of("uniform:200ms..2s")),
      register_gap(delay_of("uniform:0ms..40ms")) {
  for (int i = 1; i <= 8; ++i) addresses.push_back("127.0.1." + std::to_string(i));
}

result<std::pair<std::uint32_t, std::uint32_t>> parse_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto low = whole(text.substr(0, dots));
  const auto high = dots == text.npos ? low : whole(text.substr(dots + 2));
  if (!low || !high || *low > *high) return failure("'" + std::string(text) + "' is no range such as 1..4");
  return std::pair{*low, *high};
}

result<phone_mix> parse_phone_mix(std::string_view text) {
  phone_mix mix{0, 0, 0};
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t colon = part.find(':');
    const auto weight = colon == part.npos ? std::optional<std::uint32_t>(1) : whole(part.substr(colon + 1));
    const std::string_view kind = part.substr(0, colon);
    std::uint32_t* into = kind == "android"    ? &mix.android
                          : kind == "iphone"   ? &mix.iphone
                          : kind == "linphone" ? &mix.linphone
                                               : nullptr;
    if (into == nullptr || !weight || *weight > 1000) {
      return failure("'" + std::string(part) + "': write android:50,iphone:25,linphone:25, each at most 1000");
    }
    *into = *weight;
  }
  if (mix.sum() == 0) return failure("no kind of phone has a weight");
  return mix;
}

std::string load_options::validate() const {
  std::string faults;
  const auto want = [&](bool good, const char* sentence) {
    if (!good) faults += std::string(sentence) + "\n";
  };
  want(!engine.empty(), "--engine: needs the engine's ADDRESS:PORT");
  want(subscribers >= 1 && subscribers <= max_subscribers, "--subscribers: 1 to 20 million");
  want(first_subscriber <= 100'000'000, "--first-subscriber: at most 100 million");
  want(std::isfinite(calls_per_second) && calls_per_second >= 0, "--calls-per-second: not negative");
  want(calls_per_second * std::chrono::duration<double>(duration).count() <= max_calls,
       "--calls-per-second times --duration: at most 20 million calls, each is remembered");
  want(calls_per_second == 0 || duration.count() > 0, "--duration: how long shall calls be offered?");
  want(is_share(never_wake) && is_share(caller_hangs_up) && is_share(nobody_answers) &&
           never_wake + caller_hangs_up + nobody_answers <= 1,
       "--never-wake, --caller-hangs-up, --nobody-answers: shares that together do not exceed 1");
  want(is_share(moves), "--moves: a share, 0..1");
  want(registers_per_wake_min >= 1 && registers_per_wake_max <= 16, "--registers-per-wake: within 1..16");
  want(ring_time >= seconds(1) && ring_time <= seconds(300), "--ring-time: 1s to 300s");
  want(registration_window >= 1 && registration_window <= 65536, "--registration-window: 1 to 65536");
  want(std::isfinite(register_rate) && register_rate >= 0, "--register-rate: not negative");
  want(pushes_per_call >= 1 && pushes_per_call <= 100, "--pushes-per-call: 1 to 100");
  want(!addresses.empty() && addresses.size() <= 256, "--addresses: 1 to 256 of them");
  want(sockets >= 2 && sockets <= max_sockets, "--sockets: 2 to 8000");
  want(caller_sockets >= 1 && caller_sockets <= 1000, "--caller-sockets: 1 to 1000");
  for (const std::string& a : addresses) {
    if (!parse_address(a, 0)) faults += "--addresses: '" + a + "' is no address\n";
  }
  want(run_tag.size() <= 12 && std::all_of(run_tag.begin(), run_tag.end(),
                                           [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); }),
       "--run-tag: at most 12 digits and small letters");
  want(!domain.empty() && domain.size() <= 128, "--domain: missing or longer than 128");
  return faults;
}

std::vector<std::pair<std::string, std::string>> load_options::listed() const {
  return {{"engine", engine.text()},
          {"subscribers", std::to_string(subscribers)},
          {"calls-per-second", short_number(calls_per_second)},
          {"duration", compact(duration)},
          {"arrivals", arrive == arrivals::poisson ? "poisson" : "constant"},
          {"phones", "android:" + std::to_string(phones.android) + ",iphone:" + std::to_string(phones.iphone) +
                         ",linphone:" + std::to_string(phones.linphone)},
          {"wake-delay", wake_delay.text()},
          {"never-wake", short_number(never_wake)},
          {"moves", short_number(moves)},
          {"registers-per-wake", std::to_string(registers_per_wake_min) + ".." + std::to_string(registers_per_wake_max)},
          {"register-gap", register_gap.text()},
          {"answer-delay", answer_delay.text()},
          {"caller-hangs-up", short_number(caller_hangs_up)},
          {"hang-up-delay", hang_up_delay.text()},
          {"nobody-answers", short_number(nobody_answers)},
          {"talk-time", talk_time.text()},
          {"ring-time", std::to_string(ring_time.count()) + "s"},
          {"grace", compact(grace)},
          {"providers-silent", silent_from < silent_until ? compact(silent_from) + ".." + compact(silent_until) : "never"},
          {"settle", compact(settle_time)},
          {"seed", std::to_string(seed)},
          {"run-tag", run_tag}};
}

void add_options(CLI::App& command, load_options& into) {
  add_world_options(command, into);
  add_phone_options(command, into);
  add_call_options(command, into);
  add_judge_options(command, into);
}

}  // namespace reveille::load
