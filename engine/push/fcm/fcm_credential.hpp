/// A Google service account and its access token (PROVIDERS 2). Pure. Threads: that of its push worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/push/push_credential.hpp"
#include "pns/access_token.hpp"
#include "pns/fcm_request.hpp"

namespace reveille {

/// FCM HTTP v1 with a service account.
class fcm_credential final : public push_credential {
 public:
  fcm_credential(std::string authority, pns::service_account account,
                 std::shared_ptr<const pns::payload_profile> profile);

  const std::string& authority() const override { return authority_; }
  std::string_view authorization(const instant& now) override { return token_.authorization(now); }
  std::string_view fault() const override { return token_.fault(); }
  result<void, pns::request_fault> compose(const pns::push_order& order, app_index app, wall_time now,
                                           composed_push& out) override;
  pns::verdict sort(const pns::http_answer& answer, const prid& token, wall_time now) override;
  bool renew_bearer(const instant&) override { return false; }
  void access_refused(const instant& now) override;
  std::uint64_t token_version() const override { return token_.purchases(); }
  std::optional<wall_time> token_made() const override { return token_.made(); }
  std::optional<std::string> purchase(const instant& now) override;
  bool purchased(int status, std::string_view body, const instant& now, random_source& random) override;
  void purchase_failed(const instant& now, random_source& random) override { token_.failed(now, random); }
  std::optional<steady_time> next_purchase() const override { return token_.next_look(); }

 private:
  std::string authority_;
  pns::service_account account_;
  std::shared_ptr<const pns::payload_profile> profile_;
  pns::access_token token_;
  struct scratch;
  std::shared_ptr<scratch> scratch_;
};

}  // namespace reveille
