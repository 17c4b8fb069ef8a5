/// The server key of a gateway that speaks FCM's legacy API (PROVIDERS 3). Pure. Threads: that of its push worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/push/push_credential.hpp"
#include "pns/fcm_request.hpp"

namespace reveille {

/// FCM's legacy API, spoken by gateways on premises (PROVIDERS 3).
class fcm_legacy_credential final : public push_credential {
 public:
  fcm_legacy_credential(std::string authority, std::string path, const std::string& server_key,
                        std::shared_ptr<const pns::payload_profile> profile);

  const std::string& authority() const override { return authority_; }
  std::string_view authorization(const instant&) override { return authorization_; }
  std::string_view fault() const override { return {}; }
  result<void, pns::request_fault> compose(const pns::push_order& order, app_index app, wall_time now,
                                           composed_push& out) override;
  pns::verdict sort(const pns::http_answer& answer, const prid& token, wall_time now) override;
  bool renew_bearer(const instant&) override { return false; }
  void access_refused(const instant&) override {}
  std::uint64_t token_version() const override { return 0; }
  std::optional<std::string> purchase(const instant&) override { return std::nullopt; }
  bool purchased(int, std::string_view, const instant&, random_source&) override { return false; }
  void purchase_failed(const instant&, random_source&) override {}
  std::optional<steady_time> next_purchase() const override { return std::nullopt; }

 private:
  std::string authority_;
  std::string path_;
  std::string authorization_;
  std::shared_ptr<const pns::payload_profile> profile_;
  pns::fcm_app app_;
  pns::fcm_request request_;
};

}  // namespace reveille
