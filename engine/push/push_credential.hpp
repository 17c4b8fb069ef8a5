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
#include "net/http2/header.hpp"
#include "pns/answer.hpp"
#include "pns/push_order.hpp"
#include "pns/request_fault.hpp"

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

}  // namespace reveille
