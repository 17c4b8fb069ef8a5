/// Looks for what would keep phones from being woken, before anybody calls: keys, clock, topics, certificates, ways to
/// the providers, disk, ports and limits. Pure: what it cannot know it asks of doctor_outside.
///
/// No phone can ring: it probes with a token of zeros (APNs) or of words (FCM), which no device has.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/random.hpp"
#include "engine/config/config.hpp"
#include "engine/push/push_config.hpp"
#include "engine/tools/doctor_outside.hpp"

namespace reveille {

enum class finding_level : std::uint8_t { ok, warn, fail };
std::string_view name_of(finding_level level);   ///< "ok", "warn", "FAIL"

struct finding {
  finding_level level = finding_level::ok;
  std::string about;               ///< a setting, or an app: "apns.app[0].key_file"
  std::string text;                ///< what is so
  std::string mend;                ///< what is to be done; "" for ok
};

/// Whose affair the certificate of an endpoint is.
enum class served_by : std::uint8_t { provider, gateway };

enum class doctor_network : std::uint8_t { ask, leave_alone };

class doctor {
 public:
  /// @param tell is called with each finding as soon as it is there: some take seconds.
  doctor(const config::settings& settings, doctor_outside& outside, random_source& random,
         std::function<void(const finding&)> tell);

  void examine(doctor_network network);

 private:
  void ok(std::string about, std::string text);
  void warn(std::string about, std::string text, std::string mend);
  void fail(std::string about, std::string text, std::string mend);

  void examine_machine();
  void examine_sockets();
  void examine_trust();
  void examine_store();
  /// @return its text, "" when it cannot be used.
  std::string examine_secret(const std::string& about, const std::string& path);
  void examine_apns_keys();
  void examine_certificates(const push_config& config);
  void examine_accounts();
  void examine_profiles();
  /// @return false when there is no way: then a probe would only wait for its deadline.
  bool examine_endpoint(const std::string& about, const https_wish& wish, served_by whose = served_by::provider);
  void examine_clock(const std::string& about, const https_facts& facts);
  void probe_apns(const push_config& config);
  void probe_fcm(const push_config& config);
  void probe_legacy(std::size_t index, const push_config& config);
  void probe_fcm_app(std::size_t index, const push_config& config, pns::payload_wire wire);
  void judge_probe(const std::string& about, pns::payload_wire wire, const pns::push_answer& answer);

  const config::settings& settings_;
  doctor_outside& outside_;
  random_source& random_;
  std::function<void(const finding&)> tell_;
  bool clock_seen_ = false;
};

}  // namespace reveille
