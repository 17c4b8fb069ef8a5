#include "engine/push/push_credential.hpp"

#include "pns/apns_answer.hpp"
#include "pns/fcm_answer.hpp"
#include "pns/fcm_request.hpp"

namespace reveille {

using http2::indexing;

app_index apns_requests::add(apns_bundle bundle) {
  bundle.app.profile = bundle.profile.get();
  const pns::payload_template* invite =
      bundle.profile ? bundle.profile->find(pns::payload_wire::apns, pns::payload_kind::invite) : nullptr;
  bundle.wakes_plain_token = invite != nullptr && invite->wakes_plain_token();
  bundles_.push_back(std::move(bundle));
  return {static_cast<std::uint32_t>(bundles_.size() - 1)};
}

std::string_view apns_token_credential::authorization(const instant& now) {
  auto made = token_->authorization(now);
  if (made) return *made;
  fault_ = made.error().what;
  return {};
}

result<void, pns::request_fault> apns_requests::compose(const pns::push_order& order, app_index app, wall_time now,
                                                          composed_push& out) {
  request_.body.swap(out.body);  // both keep their memory
  auto made = pns::make_apns_request(order, bundles_[app.value].app, now, request_);
  request_.body.swap(out.body);
  if (!made) return made;
  out.token = request_.token;
  out.cannot_wake = request_.token->service == pns::token_service::plain && !bundles_[app.value].wakes_plain_token &&
                    std::holds_alternative<pns::invite_content>(order.content);
  out.path = request_.path;
  out.field_count = 0;
  out.add({"apns-topic", request_.topic, indexing::yes});
  out.add({"apns-push-type", request_.push_type, indexing::yes});
  out.add({"apns-priority", request_.priority, indexing::yes});
  out.add({"apns-expiration", request_.expiration, indexing::first});
  out.add({"apns-id", request_.id, indexing::first});
  if (!request_.collapse_id.empty()) out.add({"apns-collapse-id", request_.collapse_id, indexing::first});
  return {};
}

pns::verdict apns_requests::sort(const pns::http_answer& answer, const prid& token, wall_time now) {
  return pns::sort_apns_answer(answer, token, now);
}

struct fcm_credential::scratch {
  pns::fcm_app app;
  pns::fcm_request request;
};

fcm_credential::fcm_credential(std::string authority, pns::service_account account,
                               std::shared_ptr<const pns::payload_profile> profile)
    : authority_(std::move(authority)),
      account_(std::move(account)),
      profile_(std::move(profile)),
      scratch_(std::make_shared<scratch>()) {
  scratch_->app.project = account_.project_id;
  scratch_->app.profile = profile_.get();
}

result<void, pns::request_fault> fcm_credential::compose(const pns::push_order& order, app_index, wall_time now,
                                                         composed_push& out) {
  pns::fcm_request& r = scratch_->request;
  r.body.swap(out.body);
  auto made = pns::make_fcm_request(order, scratch_->app, now, r);
  r.body.swap(out.body);
  if (!made) return made;
  out.token = r.token;
  out.path = r.path;
  out.field_count = 0;
  out.add({"content-type", "application/json", indexing::yes});
  return {};
}

pns::verdict fcm_credential::sort(const pns::http_answer& answer, const prid& token, wall_time now) {
  return pns::sort_fcm_answer(answer, token, now);
}

void fcm_credential::access_refused(const instant& now) {
  const std::string current(token_.authorization(now));
  if (!current.empty()) token_.refused(current, now);
}

std::optional<std::string> fcm_credential::purchase(const instant& now) {
  if (!token_.wants_request(now)) return std::nullopt;
  auto form = pns::access_token_request(account_, now.wall);
  return form ? std::move(*form) : std::string();  // "" is answered like any other refusal
}

bool fcm_credential::purchased(int status, std::string_view body, const instant& now, random_source& random) {
  return token_.answered(status, body, now, random);
}

fcm_legacy_credential::fcm_legacy_credential(std::string authority, std::string path, const std::string& server_key,
                                             std::shared_ptr<const pns::payload_profile> profile)
    : authority_(std::move(authority)),
      path_(std::move(path)),
      authorization_("key=" + server_key),
      profile_(std::move(profile)) {
  app_.profile = profile_.get();
}

result<void, pns::request_fault> fcm_legacy_credential::compose(const pns::push_order& order, app_index, wall_time now,
                                                                composed_push& out) {
  request_.body.swap(out.body);
  auto made = pns::make_fcm_legacy_request(order, app_, now, request_);
  request_.body.swap(out.body);
  if (!made) return made;
  out.token = request_.token;
  out.path = path_;
  out.field_count = 0;
  out.add({"content-type", "application/json", indexing::yes});
  return {};
}

pns::verdict fcm_legacy_credential::sort(const pns::http_answer& answer, const prid& token, wall_time now) {
  return pns::sort_fcm_legacy_answer(answer, token, now);
}

}  // namespace reveille
