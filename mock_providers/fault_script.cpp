#include "mock_providers/fault_script.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mock_providers/fcm_message.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

std::optional<double> number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

result<provider_answer> parse_answer(const json& value, std::optional<pns::provider> provider) {
  const double status = value.is_object() ? number_of(value, "status").value_or(0) : 0;
  if (status < 200 || status > 599) return failure("\"answer\" wants a \"status\" from 200 to 599");
  const std::string reason = text_of(value, "reason");
  provider_answer a;
  a.status = static_cast<int>(status);
  a.reason = reason;
  if (provider == pns::provider::fcm) {
    a = google_error(a.status, text_of(value, "message"), reason);
  } else {
    a.content_type = "application/json";
    json body = {{"reason", reason}};
    if (const auto stamp = number_of(value, "timestamp")) body["timestamp"] = static_cast<std::int64_t>(*stamp);
    a.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  if (const auto body = value.find("body"); body != value.end() && body->is_string()) a.body = body->get<std::string>();
  if (const auto wait = number_of(value, "retry_after")) {
    a.headers.emplace_back("retry-after", std::to_string(static_cast<std::int64_t>(*wait)));
  }
  return a;
}

result<delay_distribution> parse_delay(const json& value) {
  const auto median = value.is_object() ? number_of(value, "median_ms") : std::nullopt;
  if (!median || *median < 0 || *median > 600'000) return failure("\"delay\" wants \"median_ms\" within ten minutes");
  const double p99 = number_of(value, "p99_ms").value_or(*median);
  if (p99 < *median || p99 > 600'000) return failure("\"p99_ms\" must not be below \"median_ms\"");
  return delay_distribution{milliseconds(static_cast<std::int64_t>(*median)), milliseconds(static_cast<std::int64_t>(p99)), 0};
}

constexpr std::string_view known_keys[] = {"provider", "from",   "until",   "token_prefix", "every", "share", "silence",
                                           "reset",    "answer", "goaway",  "close",        "delay"};

}  // namespace

result<fault_script::rule> fault_script::parse_rule(const void* untyped) {
  const json& value = *static_cast<const json*>(untyped);
  if (!value.is_object()) return failure("a rule is an object");
  for (const auto& [key, unused] : value.items()) {
    if (std::find(std::begin(known_keys), std::end(known_keys), key) == std::end(known_keys)) {
      return failure("unknown key \"" + key + "\"");
    }
  }
  rule r;
  if (value.contains("provider")) {
    r.provider = pns::provider_of(text_of(value, "provider"));
    if (!r.provider) return failure("\"provider\" is apns, apns.dev or fcm");
  }
  const auto time_of = [&](const char* name, nanoseconds& out) {
    if (const auto s = number_of(value, name); s && *s >= 0 && *s < 1e9) out = nanoseconds(static_cast<std::int64_t>(*s * 1e9));
  };
  time_of("from", r.from);
  time_of("until", r.until);
  r.token_prefix = text_of(value, "token_prefix");
  if (const auto every = number_of(value, "every")) {
    if (*every < 1 || *every > 1e15) return failure("\"every\" is 1 or more");
    r.every = static_cast<std::uint64_t>(*every);
  }
  r.share = number_of(value, "share").value_or(1);
  r.silence = value.value("silence", json()) == true;
  r.close = value.value("close", json()) == true;
  if (value.contains("goaway")) r.goaway = text_of(value, "goaway");
  if (value.contains("reset")) {
    const std::string kind = text_of(value, "reset");
    if (kind == "refused_stream") r.reset = reset_kind::refused_stream;
    if (kind == "internal_error") r.reset = reset_kind::internal_error;
    if (kind == "cancel") r.reset = reset_kind::cancel;
    if (!r.reset) return failure("\"reset\" is refused_stream, internal_error or cancel");
  }
  if (value.contains("answer")) {
    auto answer = parse_answer(value["answer"], r.provider);
    if (!answer) return tl::unexpected(answer.error());
    r.answer = std::move(*answer);
  }
  if (value.contains("delay")) {
    const auto delay = parse_delay(value["delay"]);
    if (!delay) return tl::unexpected(delay.error());
    r.delay = *delay;
  }
  if (!r.silence && !r.close && !r.goaway && !r.reset && !r.answer && !r.delay) return failure("a rule that does nothing");
  return r;
}

result<fault_script> fault_script::parse(std::string_view text) {
  const json root = json::parse(text, nullptr, false);
  if (!root.is_array()) return failure("a fault script is a JSON array of rules");
  if (root.size() > max_rules) return failure("more than 256 rules");
  fault_script out;
  for (std::size_t i = 0; i < root.size(); ++i) {
    auto made = parse_rule(&root[i]);
    if (!made) return failure("rule " + std::to_string(i) + ": " + made.error().what);
    out.rules_.push_back(std::move(*made));
  }
  return out;
}

fault_action fault_script::next(pns::provider provider, std::string_view token, nanoseconds since_start,
                                random_source& random) {
  fault_action out;
  for (rule& r : rules_) {
    if (r.provider && *r.provider != provider) continue;
    if (since_start < r.from || since_start >= r.until || !token.starts_with(r.token_prefix)) continue;
    if (++r.seen % r.every != 0 || (r.share < 1 && random.unit() >= r.share)) continue;
    if (r.goaway) out.goaway = r.goaway;
    if (r.close) out.close = true;
    if (r.delay) out.delay += r.delay->draw(random);
    const bool decided = out.silence || out.reset || out.answer;
    if (!decided) {
      out.silence = r.silence;
      out.reset = r.reset;
      out.answer = r.answer;
    }
  }
  return out;
}

}  // namespace reveille::mock_providers
