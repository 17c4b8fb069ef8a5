/// One credential of one push service: it writes requests, sorts answers, and knows when its token must change.
/// Pure. Threads: that of its push worker.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "engine/push/push_config.hpp"
#include "net/http2/header.hpp"
#include "pns/access_token.hpp"
#include "pns/answer.hpp"
#include "pns/apns_request.hpp"
#include "pns/bearer_token.hpp"
#include "pns/fcm_request.hpp"
#include "pns/push_order.hpp"

namespace reveille {

/// A request, ready to be submitted. Reused from push to push; views live until the next compose() or token change.
struct composed_push {
  std::string_view path;
  std::array<http2::header, 8> fields{};
  std::size_t field_count = 0;
  std::string body;
  const pns::push_token* token = nullptr;   ///< points into the order
  bool cannot_wake = false;                 ///< a call to a plain token, with a body that wakes no suspended app (SPEC 5)

  std::span<const http2::header> headers() const { return {fields.data(), field_count}; }
  void add(http2::header h) { fields[field_count++] = h; }
};

/// An app of a credential; dense numbers given out by the credential.
struct app_index {
  std::uint32_t value = 0;
};

class push_credential {
 public:
  virtual ~push_credential() = default;

  virtual const std::string& authority() const = 0;
  /// False: the connection itself is what authenticates (a client certificate), and requests carry no such header.
  virtual bool sends_authorization() const { return true; }
  /// The header's value; "" while there is none: pushes wait. The view lives until the next call of any method.
  virtual std::string_view authorization(const instant& now) = 0;
  /// "" or why no token can be had, for good as far as anybody knows: pushes are answered credential_fault.
  virtual std::string_view fault() const = 0;
  /// Fills `out` except for the authorization field, which comes from authorization().
  virtual result<void, pns::request_fault> compose(const pns::push_order& order, app_index app, wall_time now,
                                                   composed_push& out) = 0;
  virtual pns::verdict sort(const pns::http_answer& answer, const prid& token, wall_time now) = 0;

  /// Grows with every new token: tells whether an answer speaks of the one that is current.
  virtual std::uint64_t token_version() const = 0;
  /// Whether a connection that has carried one token may refuse the next: APNs counts changes per connection, and
  /// one that has refused an expired token takes no other any more (PROVIDERS 1.3).
  virtual bool token_binds_connection() const { return false; }
  /// When the current token was made; nullopt when there is none.
  virtual std::optional<wall_time> token_made() const { return std::nullopt; }
  /// The service wants nothing of this credential before then.
  steady_time held_until() const { return *held_; }
  void hold_until(steady_time t) { *held_ = std::max(*held_, t); }
  /// The credentials of one key are held together.
  void share_hold(std::shared_ptr<steady_time> with) { held_ = std::move(with); }
  /// remedy::new_bearer_token. @return false: keep the old one, the answer is final.
  virtual bool renew_bearer(const instant& now) = 0;
  /// remedy::new_access_token: the current one was refused.
  virtual void access_refused(const instant& now) = 0;

  /// Form body of a token purchase, exactly once when one is due; the caller reports with purchased() or
  /// purchase_failed().
  virtual std::optional<std::string> purchase(const instant& now) = 0;
  virtual bool purchased(int status, std::string_view body, const instant& now, random_source& random) = 0;
  virtual void purchase_failed(const instant& now, random_source& random) = 0;
  virtual std::optional<steady_time> next_purchase() const = 0;

 private:
  std::shared_ptr<steady_time> held_ = std::make_shared<steady_time>();
};

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
