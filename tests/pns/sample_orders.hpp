/// Orders as the golden payloads want them: INVITE at 1623753691, 28 s left; missed calls told at 1623753900.
#pragma once

#include "pns/push_order.hpp"

namespace reveille::pns::samples {

inline constexpr wall_time invite_at{seconds(1623753691)};
inline constexpr wall_time told_at{seconds(1623753900)};

inline push_order invite(std::string number, std::string display_name) {
  push_order order;
  order.id = {aor_key{7}, 1};
  order.call.bytes[0] = 0xab;
  order.content = invite_content{invite_at, std::move(number), std::move(display_name), "a84b4c76e66710@pc33.example.com"};
  order.expires = invite_at + seconds(28);
  return order;
}

inline push_order missed(std::vector<missed_call> calls) {
  push_order order;
  order.id = {aor_key{7}, 2};
  order.content = missed_calls_content{told_at, std::move(calls), "part-0"};
  order.expires = told_at + seconds(120);
  return order;
}

inline push_order three_missed() {
  return missed({{wall_time(seconds(1623753691)), "103", "Ann", {}},
                 {wall_time(seconds(1623753725)), "bob@other.example", "", {}},
                 {wall_time(seconds(1623753736)), "anonymous", "", {}}});
}

inline push_target apple(std::vector<push_token> tokens) {
  return {provider::apns, "DEF123GHIJ", "com.example.phone", std::move(tokens)};
}
inline push_target firebase(std::string token = "device_token") {
  return {provider::fcm, "", "project", {{prid(std::move(token)), token_service::plain}}};
}
inline const push_token voip_token{prid("aabb"), token_service::voip};
inline const push_token plain_token{prid("ccdd"), token_service::plain};

}  // namespace reveille::pns::samples
