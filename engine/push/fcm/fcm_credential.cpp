#include "engine/push/fcm/fcm_credential.hpp"

#include "pns/fcm_answer.hpp"

namespace reveille {

using http2::indexing;

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

}  // namespace reveille
