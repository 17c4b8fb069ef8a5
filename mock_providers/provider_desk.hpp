/// What stands behind every connection: the mocks, the script of faults, the record, the dispatcher and the counters.
/// Pure; the sessions bring requests and carry decisions out. Threads: one.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "mock_providers/accepted_ledger.hpp"
#include "mock_providers/apns_mock.hpp"
#include "mock_providers/counters.hpp"
#include "mock_providers/credentials.hpp"
#include "mock_providers/dispatcher.hpp"
#include "mock_providers/fault_answer.hpp"
#include "mock_providers/fault_script.hpp"
#include "mock_providers/fcm_mock.hpp"
#include "mock_providers/oauth_mock.hpp"
#include "mock_providers/push_record.hpp"

namespace reveille::mock_providers {

/// How the mocks behave, faults aside.
struct behaviour {
  delay_distribution delivery{milliseconds(300), milliseconds(1500), 0};  ///< from acceptance to the device
  delay_distribution low_priority;            ///< added to `delivery` for APNs' priorities 5 and 1, FCM's NORMAL
  delay_distribution answer;                  ///< from request to answer; none by default
  std::uint32_t apns_max_streams = 1000;      ///< after the first accepted push (seen of Apple: 500 to 1500)
  bool lower_streams_on_refusal = false;      ///< back to 1 after a 4xx that is no 410, as Apple was seen doing
  std::uint32_t google_max_streams = 100;     ///< Google's front end
  std::uint32_t apns_per_device_per_minute = 0;
  std::uint32_t fcm_per_minute = 0;
  std::uint32_t fcm_per_device_per_minute = 0;
  bool token_update_limit = true;
  std::string legacy_key;                     ///< "" = no legacy API
  seconds access_token_life{3599};
  unknown_tokens unknown = unknown_tokens::alive;
  std::size_t record_limit = 4096;            ///< pushes kept for those who ask; 0 = none
  std::size_t ledger_limit = 4'000'000;       ///< pushes whose acceptances are counted, 17 to 34 octets each; 0 = none
};

enum class front : std::uint8_t { apns, apns_dev, google };

/// What the desk remembers of one connection.
struct desk_line {
  mock_providers::front front = front::apns;
  apns_connection apns;
  bool opened = false;    ///< one push was accepted
  std::uint64_t script = 0;  ///< the one that `faults` is about
  fault_line faults{};
};

/// What is to be done with one request.
struct decision {
  provider_answer answer;
  bool silence = false;
  std::optional<reset_kind> reset;
  std::optional<scripted_goaway> goaway;      ///< after the answer
  bool close = false;
  std::optional<std::uint32_t> max_streams;   ///< new limit, told after the answer
  std::optional<std::uint32_t> stream_window; ///< new SETTINGS_INITIAL_WINDOW_SIZE, told after the answer
  nanoseconds delay{0};
};

class provider_desk {
 public:
  /// @param token_uri where the OAuth endpoint is reached, for the audience check. Sink and random outlive the desk.
  static result<std::unique_ptr<provider_desk>> make(const identity& who, const credentials& keys,
                                                     const behaviour& how, const std::string& token_uri,
                                                     random_source& random, device_sink& sink, const instant& now);
  /// Adds teams and projects; those that are there already are replaced. Connections keep what they have bound themselves to.
  void add(accounts more);
  const accounts& known_accounts() const { return accounts_; }

  decision take(desk_line& line, const provider_request& request, const instant& now);
  /// @param certified the client showed a certificate: then Apple allows all streams at once (PROVIDERS 1.4).
  std::uint32_t first_max_streams(front f, bool certified = false) const {
    return f == front::google ? how_.google_max_streams : certified ? how_.apns_max_streams : 1;
  }

  void set_reachable(pns::provider provider, std::string_view token, bool reachable, const instant& now);
  void unregister(pns::provider provider, std::string_view token, wall_time when);
  void register_device(pns::provider provider, std::string_view token, std::string app);
  /// FCM's legacy API then names `canonical` as the token to use; "" = no more.
  void set_canonical(std::string_view token, std::string canonical);
  /// APNs answers 410 ExpiredToken instead of Unregistered.
  void expire_token(pns::provider provider, std::string_view token, wall_time when);
  void use(fault_script script, const instant& now);
  /// What the script says of all connections of a front at present, and when that may change next.
  standing_faults standing(front f, const instant& now) const;
  std::optional<steady_time> next_standing_change(const instant& now) const;
  void use_delivery_delay(const delay_distribution& delay) { dispatcher_.use(delay); }
  void revoke_access_tokens() { oauth_.revoke_all(); }

  /// Delivers what is due. @return when to call it again at the latest.
  std::optional<steady_time> advance(const instant& now);

  mock_counters& counters() { return counters_; }
  const push_record& record() const { return record_; }
  const accepted_ledger& ledger() const { return ledger_; }
  void clear_record() { record_.clear(); }
  void clear_ledger() { ledger_.clear(); }

 private:
  provider_desk(const behaviour& how, const std::string& token_uri, random_source& random, device_sink& sink,
                const instant& now);
  decision take_push(desk_line& line, pns::provider provider, std::string_view path, provider_answer answer,
                     notification what, const instant& now);
  decision take_legacy(desk_line& line, const provider_request& request, const instant& now);
  void count_faults(provider_counters& counters, const decision& what);
  /// Into record, ledger and dispatcher. @param status 0 = never answered.
  void keep(notification what, int status, std::string_view reason, const instant& now);
  decision take_token_request(desk_line& line, const provider_request& request, const instant& now);
  /// What the script does to a request that would be accepted.
  void disturb(desk_line& line, decision& what, const fault_request& request, const instant& now);

  behaviour how_;
  accounts accounts_;
  random_source& random_;
  mock_counters counters_;
  device_table devices_;
  apns_mock production_;
  apns_mock sandbox_;
  oauth_mock oauth_;
  fcm_mock fcm_;
  dispatcher dispatcher_;
  push_record record_;
  accepted_ledger ledger_;
  fault_script script_;
  std::uint64_t script_number_ = 0;
  steady_time script_start_;
};

}  // namespace reveille::mock_providers
