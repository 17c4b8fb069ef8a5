/// Apple's credentials: a signing key with its provider token, or a client certificate (PROVIDERS 1.3, 1.4). Pure.
/// Threads: that of its push worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/push/push_credential.hpp"
#include "pns/apns_request.hpp"
#include "pns/bearer_token.hpp"

namespace reveille {

/// A bundle of one key (credential) and its compiled profile.
struct apns_bundle {
  pns::apns_app app;
  std::shared_ptr<const pns::payload_profile> profile;   ///< what app.profile points to
  bool wakes_plain_token = false;                        ///< set by add()
};

/// What both kinds of APNs credentials have in common: apps, requests, answers.
class apns_requests : public push_credential {
 public:
  explicit apns_requests(std::string authority) : authority_(std::move(authority)) {}
  app_index add(apns_bundle bundle);

  const std::string& authority() const override { return authority_; }
  result<void, pns::request_fault> compose(const pns::push_order& order, app_index app, wall_time now,
                                           composed_push& out) override;
  pns::verdict sort(const pns::http_answer& answer, const prid& token, wall_time now) override;
  void access_refused(const instant&) override {}
  std::optional<std::string> purchase(const instant&) override { return std::nullopt; }
  bool purchased(int, std::string_view, const instant&, random_source&) override { return false; }
  void purchase_failed(const instant&, random_source&) override {}
  std::optional<steady_time> next_purchase() const override { return std::nullopt; }

 private:
  std::string authority_;
  std::vector<apns_bundle> bundles_;
  pns::apns_request request_;
};

/// APNs with a provider token; the token may be shared with the credential of the other environment.
class apns_token_credential final : public apns_requests {
 public:
  apns_token_credential(std::string authority, std::shared_ptr<pns::bearer_token> token)
      : apns_requests(std::move(authority)), token_(std::move(token)) {}

  std::string_view authorization(const instant& now) override;
  std::string_view fault() const override { return fault_; }
  bool renew_bearer(const instant& now) override { return token_->renew(now); }
  std::uint64_t token_version() const override { return token_->generation(); }
  std::optional<wall_time> token_made() const override { return token_->made(); }
  bool token_binds_connection() const override { return true; }

 private:
  std::shared_ptr<pns::bearer_token> token_;   ///< shared by the credentials of one key, all on one thread
  std::string fault_;
};

/// APNs with a client certificate (PROVIDERS 1.4): the connection authenticates, there is no token to renew.
class apns_certificate_credential final : public apns_requests {
 public:
  using apns_requests::apns_requests;

  bool sends_authorization() const override { return false; }
  std::string_view authorization(const instant&) override { return {}; }
  std::string_view fault() const override { return {}; }
  bool renew_bearer(const instant&) override { return false; }
  std::uint64_t token_version() const override { return 0; }
};

}  // namespace reveille
