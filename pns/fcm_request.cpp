#include "pns/fcm_request.hpp"

namespace reveille::pns {
namespace {

result<void, request_fault> fill(const push_order& order, const fcm_app& app, payload_wire wire, wall_time now,
                                 fcm_request& out) {
  out.token = order.target.token_for(token_service::plain);
  if (!out.token) return tl::unexpected(request_fault::no_token);
  const bool invite = std::holds_alternative<invite_content>(order.content);
  const payload_template* body =
      app.profile ? app.profile->find(wire, invite ? payload_kind::invite : payload_kind::missed_calls) : nullptr;
  if (!body) return tl::unexpected(request_fault::no_template);
  // Google counts keys and values of `data`; the whole body without the token is the same or more.
  if (!body->render({order, out.token->value.view(), now}, payload_limit, out.body)) {
    return tl::unexpected(request_fault::too_large);
  }
  return {};
}

}  // namespace

result<void, request_fault> make_fcm_request(const push_order& order, const fcm_app& app, wall_time now,
                                             fcm_request& out) {
  out.path = "/v1/projects/";
  out.path += app.project;
  out.path += "/messages:send";
  return fill(order, app, payload_wire::fcm_v1, now, out);
}

result<void, request_fault> make_fcm_legacy_request(const push_order& order, const fcm_app& app, wall_time now,
                                                    fcm_request& out) {
  out.path = "/fcm/send";
  return fill(order, app, payload_wire::fcm_legacy, now, out);
}

}  // namespace reveille::pns
