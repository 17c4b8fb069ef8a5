#include "engine/push/fcm/fcm_legacy_credential.hpp"

#include "pns/fcm_answer.hpp"

namespace reveille {

using http2::indexing;

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
