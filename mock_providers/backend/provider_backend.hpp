/// What stands behind every connection: the mocks, the script of faults, the record, the dispatcher and the counters.
/// Pure; the sessions bring requests and carry decisions out. Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "mock_providers/delivery/accepted_ledger.hpp"
#include "mock_providers/apns/apns_mock.hpp"
#include "mock_providers/backend/behaviour.hpp"
#include "mock_providers/delivery/counters.hpp"
#include "mock_providers/accounts/credentials.hpp"
#include "mock_providers/backend/decision.hpp"
#include "mock_providers/delivery/dispatcher.hpp"
#include "mock_providers/faults/fault_answer.hpp"
#include "mock_providers/faults/fault_script.hpp"
#include "mock_providers/fcm/fcm_mock.hpp"
#include "mock_providers/fcm/oauth_mock.hpp"
#include "mock_providers/delivery/push_record.hpp"

namespace reveille::mock_providers {

/// Pushes per minute as they are counted at present.
struct quota_view {
  const rate_limits& apns_devices;
  const rate_limits& sandbox_devices;
  const rate_limits& fcm_projects;
  const rate_limits& fcm_devices;
};

class provider_backend {
 public:
  /// @param token_uri where the OAuth endpoint is reached, for the audience check. Sink and random outlive the backend.
  static result<std::unique_ptr<provider_backend>> make(const identity& who, const credentials& keys,
                                                     const behaviour& how, const std::string& token_uri,
                                                     random_source& random, device_sink& sink, const instant& now);
  /// Adds teams and projects; those that are there already are replaced. Connections keep what they have bound themselves to.
  void add(accounts more);
  const accounts& known_accounts() const { return accounts_; }

  decision take(connection_state& line, const provider_request& request, const instant& now);
  /// @param certified the client showed a certificate: then Apple allows all streams at once (PROVIDERS 1.4).
  std::uint32_t first_max_streams(front f, bool certified = false) const {
    return f == front::google ? how_.google_max_streams : certified ? how_.apns_max_streams : 1;
  }

  // What is said of one device. @return false = nothing: the table of devices is full.
  bool set_reachable(pns::provider provider, std::string_view token, bool reachable, const instant& now);
  bool unregister(pns::provider provider, std::string_view token, wall_time when);
  /// It has the app and can be reached: what was kept for it goes out.
  bool register_device(pns::provider provider, std::string_view token, std::string app, const instant& now);
  /// FCM's legacy API then names `canonical` as the token to use; "" = no more.
  bool set_canonical(std::string_view token, std::string canonical);
  /// APNs answers 410 ExpiredToken instead of Unregistered.
  bool expire_token(pns::provider provider, std::string_view token, wall_time when);
  void use(fault_script script, const instant& now);
  /// Adds rules whose clock starts now. @return false = too many together, nothing is added.
  bool add_rules(fault_script more, const instant& now);
  const fault_script& script() const { return script_; }
  steady_time script_start() const { return script_start_; }
  /// What the script says of all connections of a front at present, and when that may change next.
  standing_faults standing(front f, const instant& now) const;
  std::optional<steady_time> next_standing_change(const instant& now) const;
  void use_delivery_delay(const delay_distribution& delay) { dispatcher_.use(delay); }
  void revoke_access_tokens() { oauth_.revoke_all(); }

  /// Delivers what is due. @return when to call it again at the latest.
  std::optional<steady_time> advance(const instant& now);

  mock_counters& counters() { return counters_; }
  const behaviour& how() const { return how_; }
  const device_table& devices() const { return devices_; }
  const dispatcher& deliveries() const { return dispatcher_; }
  quota_view quotas() const;
  const push_record& record() const { return record_; }
  const accepted_ledger& ledger() const { return ledger_; }
  void clear_record() { record_.clear(); }
  void clear_ledger() { ledger_.clear(); }

 private:
  provider_backend(const behaviour& how, const std::string& token_uri, random_source& random, device_sink& sink,
                const instant& now);
  decision take_push(connection_state& line, pns::provider provider, std::string_view path, provider_answer answer,
                     notification what, const instant& now);
  decision take_legacy(connection_state& line, const provider_request& request, const instant& now);
  void count_faults(provider_counters& counters, const decision& what);
  /// Into record, ledger and dispatcher. @param status 0 = never answered.
  void keep(notification what, int status, std::string_view reason, std::string_view also, const instant& now);
  decision take_token_request(connection_state& line, const provider_request& request, const instant& now);
  /// What the script does to a request that would be accepted.
  void disturb(connection_state& line, decision& what, const fault_request& request, const instant& now);

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
