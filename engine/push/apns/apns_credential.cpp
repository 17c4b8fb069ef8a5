#include "engine/push/apns/apns_credential.hpp"

#include "pns/apns_answer.hpp"

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

}  // namespace reveille
