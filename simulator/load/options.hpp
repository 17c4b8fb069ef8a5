/// What `reveille-sim load` can be told. Plain data; parsing is in options.cpp, nothing here reads the world.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/flow.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "simulator/load/delay.hpp"
#include "simulator/report/threshold.hpp"

namespace CLI {
class App;
}

namespace reveille::load {

/// Shares of the kinds of phones; they need not add up to anything.
struct phone_mix {
  std::uint32_t android = 50;        ///< one FCM token
  std::uint32_t iphone = 25;         ///< one APNs voip token (RFC 8599 form)
  std::uint32_t linphone = 25;       ///< Linphone's two tokens, voip and remote
  std::uint32_t sum() const { return android + iphone + linphone; }
};

enum class arrivals : std::uint8_t { poisson, constant };

/// What a device with only a voip token hears of missed calls (SPEC 5, apns.missed_calls_on_voip_token).
enum class voip_missed_calls : std::uint8_t { send, skip };

struct load_options {
  // Bounds: a table of call records is kept for the whole run, a phone costs 32 bytes.
  static constexpr std::uint32_t max_subscribers = 20'000'000;
  static constexpr std::uint32_t max_calls = 20'000'000;
  static constexpr std::uint32_t max_sockets = 8'000;

  endpoint engine;                       ///< --engine
  std::string domain = "example.com";
  std::uint32_t subscribers = 1000;
  std::uint32_t first_subscriber = 0;    ///< number of the first user name
  phone_mix phones;
  std::uint32_t registration_window = 2048;  ///< REGISTERs in flight at most; adapts below it
  double register_rate = 0;              ///< REGISTERs a second at most; 0 = as fast as the engine allows
  std::uint32_t expires_seconds = 3600;
  bool register_first = true;            ///< --no-register: the phones are registered from an earlier run

  double calls_per_second = 0;
  nanoseconds duration{0};
  arrivals arrive = arrivals::poisson;
  double never_wake = 0.02;
  double caller_hangs_up = 0.03;
  double nobody_answers = 0.05;
  delay wake_delay;
  delay answer_delay;
  delay hang_up_delay;
  delay talk_time;
  double moves = 0.1;
  std::uint32_t registers_per_wake_min = 1;
  std::uint32_t registers_per_wake_max = 4;
  delay register_gap;                    ///< between the REGISTERs of one wake-up
  seconds ring_time{30};                 ///< Expires of each INVITE; the engine's own answer timeout must not be shorter

  nanoseconds settle_time = seconds(20); ///< how long a missed call may take to be told
  nanoseconds grace = seconds(1);        ///< events closer to each other than this may count in either order
  std::uint32_t pushes_per_call = 1;     ///< allowed to one device for one call, exact repeats apart
  voip_missed_calls on_voip_token = voip_missed_calls::send;
  nanoseconds silent_from{0};            ///< the providers are made silent this long after the first call,
  nanoseconds silent_until{0};           ///< until then; equal: they are not
  bool allow_fcm_repeats = false;        ///< FCM has no id to know the same push again by: equal payloads count as one

  std::vector<std::string> addresses;    ///< local addresses the phones' sockets are bound to
  std::uint32_t sockets = 512;
  std::uint32_t caller_sockets = 16;

  std::string apple_team = "DEF123GHIJ";
  std::string apple_bundle = "com.example.phone";
  std::string firebase_project = "reveille-mock";

  std::string pushes_from;               ///< HOST:PORT of reveille-mock's delivery stream; "" = none
  std::uint64_t seed = 1;
  std::string run_tag;                   ///< makes Call-IDs and caller numbers unique; "" = made from the time

  std::string metrics_of_engine;         ///< URL
  std::string engine_histogram = "reveille_release_duration_seconds";
  std::uint32_t engine_pid = 0;          ///< 0 = not known
  std::string json_file;
  std::string html_file;
  std::string metrics_listen;            ///< HOST:PORT of the simulator's own /metrics; "" = none
  std::vector<report::threshold> thresholds;
  bool quiet = false;

  load_options();
  /// Every fault at once, one a line; "" when there is none.
  std::string validate() const;
  /// For the report: name and value as they may be given again.
  std::vector<std::pair<std::string, std::string>> listed() const;
};

/// Adds all options, with their help, to a CLI11 (sub)command. `into` must outlive the parsing.
/// Values that cannot be read make the parser throw CLI::ValidationError, as CLI11's own do.
void add_options(CLI::App& command, load_options& into);

/// "1..4" or "3".
result<std::pair<std::uint32_t, std::uint32_t>> parse_range(std::string_view text);
/// "android:50,iphone:25,linphone:25"; kinds not named get none.
result<phone_mix> parse_phone_mix(std::string_view text);

}  // namespace reveille::load
