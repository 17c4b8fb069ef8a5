#include "push_entries.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "core/random.hpp"
#include "pns/access_token.hpp"
#include "pns/answer.hpp"
#include "pns/apns_answer.hpp"
#include "pns/explanation.hpp"
#include "pns/fcm_answer.hpp"
#include "pns/json_text.hpp"
#include "pns/jwt.hpp"
#include "pns/payload.hpp"

namespace reveille::fuzz {
namespace {

using namespace reveille::pns;
using nlohmann::json;

constexpr wall_time now{seconds(1'700'000'000)};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

push_order order_of(payload_kind kind, std::string number, std::string name, std::string call_id) {
  push_order order;
  order.expires = now + seconds(28);
  if (kind == payload_kind::invite) {
    order.content = invite_content{now, std::move(number), std::move(name), std::move(call_id)};
  } else {
    order.content = missed_calls_content{now, {{now, std::move(number), std::move(name), {}}}, "part"};
  }
  return order;
}

/// Calls `each(body, kind, service)` for every body of a profile.
template <class Each>
void for_each_body(const payload_profile& p, Each&& each) {
  for (const payload_wire wire : {payload_wire::apns, payload_wire::fcm_v1, payload_wire::fcm_legacy}) {
    for (const payload_kind kind : {payload_kind::invite, payload_kind::missed_calls}) {
      const payload_template* body = p.find(wire, kind);
      if (body == nullptr) continue;
      each(*body, kind, token_service::plain);
      if (wire == payload_wire::apns) each(*body, kind, token_service::voip);
    }
  }
}

std::string repaired(std::string_view text) {
  std::string out;
  append_json_text(out, text, 0);
  return out;
}

void check_verdict(const verdict& v) {
  require(v.reason.size() <= 64, "a reason is short");
  for (const char c : v.reason) require(c > ' ' && c <= '~' && c != '"' && c != '\\', "a reason is printable");
  require(!reason_label(v.reason).empty(), "a reason has a label");
  require(v.delay >= milliseconds(0) && v.delay <= milliseconds(3'600'000), "a delay is bounded");
  if (const auto* taken = std::get_if<accepted>(&v.outcome)) require(taken->provider_id.size() <= 64, "an id is short");
}

}  // namespace

void push_profile(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const auto made = payload_profile::compile(text);
  if (!made) {
    require(!made.error().empty(), "a refusal has a reason");
    const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const placed_fault& f : made.error()) {
      require(f.place.line >= 1 && f.place.line <= lines && f.place.column >= 1, "a fault has a place");
      require(!f.what.empty(), "a fault has words");
    }
    return;
  }
  for_each_body(*made, [](const payload_template& body, payload_kind kind, token_service service) {
    const std::size_t limit = service == token_service::voip ? voip_payload_limit : payload_limit;
    std::string out;
    const push_order order = order_of(kind, "\"1\\03\xff", "A\x01nn \xF0\x9F", "id@host");
    if (body.render({order, "token", now, service}, limit, out)) {
      require(json::accept(out), "a body is JSON");
      require(out.size() <= limit + 5, "within its limit");
    }
  });
  (void)cost_of(*made);
}

void push_values(const std::uint8_t* data, std::size_t size) {
  static const std::array<payload_profile, 2> profiles = {builtin_profile("ecss10").value(), builtin_profile("native").value()};
  const std::string_view text = text_of(data, size);
  const std::size_t first = std::min(text.find('\0'), text.size());
  const std::size_t second = std::min(text.find('\0', std::min(first + 1, text.size())), text.size());
  const std::string number(text.substr(0, first));
  const std::string name(first < text.size() ? text.substr(first + 1, second > first ? second - first - 1 : 0) : "");
  const std::string call_id(second < text.size() ? text.substr(second + 1) : "");
  for (const payload_profile& p : profiles) {
    for_each_body(p, [&](const payload_template& body, payload_kind kind, token_service service) {
      const std::size_t limit = service == token_service::voip ? voip_payload_limit : payload_limit;
      std::string out, plain;
      const push_order order = order_of(kind, number, name, call_id);
      if (!body.render({order, "token", now, service}, limit, out)) {
        require(kind == payload_kind::invite && number.size() > 256, "only a number that is too long makes no body");
        return;
      }
      const push_order tame = order_of(kind, "n", name.empty() ? "" : "d", "c");
      require(body.render({tame, "token", now, service}, limit, plain), "a tame one fits");
      require(out.size() <= limit + 5, "within its limit");
      const json a = json::parse(out, nullptr, false);
      const json b = json::parse(plain);
      require(!a.is_discarded(), "a body is JSON");
      if (out.size() + 64 < limit) require(a.flatten().size() == b.flatten().size(), "the same keys");
      if (const auto told = a.find("number"); told != a.end()) require(*told == repaired(number), "the number comes back whole");
    });
  }
}

void push_answers(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const prid token{"aabb"};
  const std::string_view word = text.substr(0, std::min<std::size_t>(text.size(), 40));
  for (const int status : {0, 200, 302, 400, 401, 403, 404, 405, 410, 413, 429, 500, 503, 599, -1, 99999}) {
    const http_answer answer{status, text, word, word};
    for (const auto& [wire, v] : {std::pair{payload_wire::apns, sort_apns_answer(answer, token, now)},
                                  std::pair{payload_wire::fcm_v1, sort_fcm_answer(answer, token, now)},
                                  std::pair{payload_wire::fcm_legacy, sort_fcm_legacy_answer(answer, token, now)}}) {
      check_verdict(v);
      require(!explain_answer(wire, status, v.reason).empty(), "every answer is explained");
    }
  }
  require(apns_goaway_reason(text).size() <= 64, "a GOAWAY's reason is short");
  (void)parse_http_date(text);
  if (const auto wait = parse_retry_after(text, now)) require(*wait >= milliseconds(0) && *wait <= milliseconds(3'600'000), "bounded");
  for (const int status : {200, 400, 401, 500}) {
    seeded_random random(1);
    access_token tokens;
    const instant at{steady_time(seconds(1)), now};
    (void)tokens.wants_request(at);
    (void)tokens.answered(status, text, at, random);
    const std::string_view value = tokens.authorization(at);
    require(value.find_first_of("\r\n") == std::string_view::npos, "no header can be ended");
  }
}

void push_credentials(const std::uint8_t* data, std::size_t size) {
  const std::string text(text_of(data, size));
  if (const auto account = service_account::parse(text)) require(!account->project_id.empty(), "an account names its project");
  (void)signing_key::from_pem(text);
}

}  // namespace reveille::fuzz
