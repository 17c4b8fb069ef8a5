#include "actors/runtime/refusals.hpp"

#include <string>

#include "sip/response.hpp"

namespace reveille {

namespace {

constexpr int unavailable = 503;
/// Phones that come back all at once would only find the store failing again.
constexpr std::uint64_t retry_after_least = 2;
constexpr std::uint64_t retry_after_spread = 9;

sip::packet build(const sip::message& request, const flow& source, slab_pool& pool, random_source& random) {
  const std::string retry = "Retry-After: " + std::to_string(retry_after_least + random.below(retry_after_spread)) + "\r\n";
  return sip::build_response(request, source.remote, unavailable, sip::tag_of(request.top_via().branch), retry, pool);
}

}  // namespace

std::optional<effect> refusal_of(const subscriber_event& event, slab_pool& pool, random_source& random) {
  if (const auto* registration = std::get_if<register_received>(&event)) {
    sip::packet packet = build(*registration->request, registration->source, pool, random);
    return send{registration->source, std::move(packet), unavailable};
  }
  if (const auto* request = std::get_if<request_received>(&event)) {
    sip::packet packet = build(*request->request, request->source, pool, random);
    return respond{request->transaction, unavailable, std::move(packet), sip::answer_kind::refused};
  }
  return std::nullopt;
}

}  // namespace reveille
