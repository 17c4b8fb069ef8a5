#include "mock_providers/faults/fault_reader.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr double longest_time = 1e7;          // seconds
constexpr double longest_delay = 600'000;     // ms
constexpr std::size_t max_list = 10'000;      // tokens of one rule
constexpr std::size_t max_text = 4096;        // octets of a token, path, reason
constexpr std::size_t max_body = 64 * 1024;   // of an answer
constexpr std::size_t max_steps = 64;         // of one settings list

struct named_code {
  std::string_view name;
  http2::error_code code;
};
constexpr named_code goaway_codes[] = {{"no_error", http2::error_code::no_error},
                                       {"protocol_error", http2::error_code::protocol_error},
                                       {"internal_error", http2::error_code::internal_error},
                                       {"flow_control_error", http2::error_code::flow_control_error},
                                       {"enhance_your_calm", http2::error_code::enhance_your_calm},
                                       {"http_1_1_required", http2::error_code::http_1_1_required}};

/// Google's words for why it goes (PROVIDERS 2.4), and the code that comes with each.
constexpr named_code google_goodbyes[] = {{"exceeded_max_concurrent_streams", http2::error_code::protocol_error},
                                          {"too_many_pings", http2::error_code::enhance_your_calm},
                                          {"session_timed_out", http2::error_code::no_error}};

constexpr std::string_view content_types[] = {"application/json", "text/html", "text/plain"};

/// Reads objects key by key; the first fault stays, and nothing is read after it.
class rule_reader {
 public:
  result<fault_rule, rule_fault> read(const json& value) {
    if (!value.is_object()) return tl::unexpected(rule_fault{"", "a rule is an object"});
    only(value, "", {"provider", "from", "until", "app", "token", "token_prefix", "path", "every", "burst", "times",
                     "share", "count", "silence", "reset", "answer", "goaway", "close", "delay", "settings", "connections"});
    read_conditions(value);
    read_actions(value);
    if (sound()) check_sense(value);
    if (!sound()) return tl::unexpected(fault_);
    return std::move(rule_);
  }

 private:
  void blame(const std::string& at, const std::string& what) {
    if (sound()) fault_ = {at, what};
  }
  bool sound() const { return fault_.reason.empty(); }
  static std::string inside(const std::string& at, std::string_view key) {
    return at.empty() ? std::string(key) : at + "." + std::string(key);
  }

  void only(const json& object, const std::string& at, std::initializer_list<std::string_view> known) {
    for (const auto& [key, unused] : object.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        return blame(at, "unknown key \"" + key.substr(0, 60) + "\"");
      }
    }
  }
  const json* member(const json& object, const char* key) const {
    const auto found = object.find(key);
    return sound() && found != object.end() ? &*found : nullptr;
  }

  std::optional<double> number(const json& object, const std::string& at, const char* key, double low, double high) {
    const json* v = member(object, key);
    if (!v) return std::nullopt;
    const double n = v->is_number() ? v->get<double>() : low - 1;
    if (n >= low && n <= high) return n;
    blame(inside(at, key), "wants a number from " + json(low).dump() + " to " + json(high).dump());
    return std::nullopt;
  }
  std::optional<std::uint64_t> whole(const json& object, const std::string& at, const char* key, std::uint64_t low,
                                     std::uint64_t high) {
    const json* v = member(object, key);
    if (!v) return std::nullopt;
    // Scripts made with printf("%f") say 3.0; 3.5 of a whole thing is a mistake.
    const double n = v->is_number() ? v->get<double>() : -1;
    if (n >= static_cast<double>(low) && n <= static_cast<double>(high) && n == static_cast<double>(static_cast<std::uint64_t>(n))) {
      return static_cast<std::uint64_t>(n);
    }
    blame(inside(at, key), "wants a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
  }
  std::optional<std::uint32_t> whole32(const json& object, const std::string& at, const char* key, std::uint32_t low,
                                       std::uint32_t high) {
    const auto n = whole(object, at, key, low, high);
    return n ? std::optional(static_cast<std::uint32_t>(*n)) : std::nullopt;
  }
  std::optional<std::string> text(const json& object, const std::string& at, const char* key, std::size_t limit = max_text) {
    const json* v = member(object, key);
    if (!v) return std::nullopt;
    if (v->is_string() && v->get_ref<const std::string&>().size() <= limit) return v->get<std::string>();
    blame(inside(at, key), "wants a text of at most " + std::to_string(limit) + " octets");
    return std::nullopt;
  }
  bool flag(const json& object, const std::string& at, const char* key) {
    const json* v = member(object, key);
    if (!v) return false;
    if (!v->is_boolean()) blame(inside(at, key), "wants true or false");
    return v->is_boolean() && v->get<bool>();
  }
  std::vector<std::string> list(const json& object, const char* key) {
    const json* v = member(object, key);
    if (!v) return {};
    std::vector<std::string> out;
    const auto add = [&](const json& one) {
      if (one.is_string() && one.get_ref<const std::string&>().size() <= max_text) out.push_back(one.get<std::string>());
      else blame(key, "wants a text, or a list of them");
    };
    if (!v->is_array()) {
      add(*v);
    } else if (v->empty() || v->size() > max_list) {
      blame(key, "a list has 1 to " + std::to_string(max_list) + " entries");
    } else {
      for (const json& one : *v) add(one);
    }
    return out;
  }

  void read_conditions(const json& v) {
    if (v.contains("provider")) {
      static constexpr std::pair<std::string_view, fault_target> names[] = {
          {"apns", fault_target::apns}, {"apns.dev", fault_target::apns_dev}, {"fcm", fault_target::fcm}, {"oauth", fault_target::oauth}};
      rule_.targets = 0;
      for (const std::string& name : list(v, "provider")) {
        const auto* found = std::find_if(std::begin(names), std::end(names), [&](const auto& n) { return n.first == name; });
        if (found == std::end(names)) return blame("provider", "is apns, apns.dev, fcm or oauth, or a list of them");
        rule_.targets = static_cast<std::uint8_t>(rule_.targets | 1U << static_cast<unsigned>(found->second));
      }
    }
    const auto time = [](double s) { return nanoseconds(static_cast<std::int64_t>(s * 1e9)); };
    if (const auto s = number(v, "", "from", 0, longest_time)) rule_.from = time(*s);
    if (const auto s = number(v, "", "until", 0, longest_time)) rule_.until = time(*s);
    if (rule_.until <= rule_.from) blame("until", "is not after \"from\"");
    rule_.apps = list(v, "app");
    rule_.tokens = list(v, "token");
    rule_.token_prefixes = list(v, "token_prefix");
    rule_.path_prefix = text(v, "", "path").value_or("");
    rule_.every = whole(v, "", "every", 1, 1'000'000'000'000).value_or(1);
    rule_.burst = whole(v, "", "burst", 1, 1'000'000'000'000).value_or(1);
    if (rule_.burst > rule_.every) blame("burst", "is more than \"every\"");
    rule_.times = whole(v, "", "times", 1, 1'000'000'000'000).value_or(0);
    rule_.share = number(v, "", "share", 0, 1).value_or(1);
    const auto count = text(v, "", "count");
    if (count && *count != "connection" && *count != "all") blame("count", "is connection or all");
    rule_.per_connection = count ? *count == "connection" : v.contains("settings");
  }

  void read_actions(const json& v) {
    rule_.silence = flag(v, "", "silence");
    rule_.close = flag(v, "", "close");
    if (const auto kind = text(v, "", "reset")) {
      if (*kind == "refused_stream") rule_.reset = reset_kind::refused_stream;
      if (*kind == "internal_error") rule_.reset = reset_kind::internal_error;
      if (*kind == "cancel") rule_.reset = reset_kind::cancel;
      if (!rule_.reset) blame("reset", "is refused_stream, internal_error or cancel");
    }
    if (const json* a = member(v, "answer")) read_answer(*a);
    if (const json* g = member(v, "goaway")) read_goaway(*g);
    if (const json* d = member(v, "delay")) read_delay(*d);
    if (const json* s = member(v, "settings")) read_settings(*s);
    if (const json* c = member(v, "connections")) read_connections(*c);
  }

  void read_answer(const json& v) {
    const std::string at = "answer";
    if (!v.is_object()) return blame(at, "wants an object with a \"status\"");
    only(v, at, {"status", "reason", "message", "timestamp", "retry_after", "body", "content_type"});
    scripted_answer a;
    const auto status = whole(v, at, "status", 200, 599);
    if (!status) return blame(at, "wants a \"status\" from 200 to 599");
    a.status = static_cast<int>(*status);
    a.reason = text(v, at, "reason").value_or("");
    a.message = text(v, at, "message").value_or("");
    if (const auto stamp = whole(v, at, "timestamp", 0, 253'402'300'799'000)) a.timestamp = static_cast<std::int64_t>(*stamp);
    if (const json* wait = member(v, "retry_after"); wait && wait->is_string()) {
      a.retry_after = text(v, at, "retry_after", 64).value_or("");   // a date, or nonsense on purpose
      if (a.retry_after.find_first_of("\r\n") != a.retry_after.npos) blame("answer.retry_after", "is one line");
    } else if (const auto n = whole(v, at, "retry_after", 0, 10'000'000)) {
      a.retry_after = std::to_string(*n);
    }
    a.body = text(v, at, "body", max_body);
    if (const auto type = text(v, at, "content_type")) {
      const auto* found = std::find(std::begin(content_types), std::end(content_types), *type);
      if (found == std::end(content_types)) return blame("answer.content_type", "is application/json, text/html or text/plain");
      a.content_type = *found;
    }
    rule_.answer = std::move(a);
  }

  void read_goaway(const json& v) {
    scripted_goaway g;
    std::optional<std::string> code;
    if (v.is_string()) {
      g.reason = text(json{{"goaway", v}}, "", "goaway").value_or("");
    } else if (!v.is_object()) {
      return blame("goaway", "wants a reason, or an object with one");
    } else {
      only(v, "goaway", {"reason", "code", "drop_unjudged"});
      g.reason = text(v, "goaway", "reason").value_or("");
      g.spares_open = !flag(v, "goaway", "drop_unjudged");
      code = text(v, "goaway", "code");
    }
    if (code) {
      const auto* found = std::find_if(std::begin(goaway_codes), std::end(goaway_codes), [&](const named_code& c) { return c.name == *code; });
      if (found == std::end(goaway_codes)) return blame("goaway.code", "is none of no_error, protocol_error, internal_error, flow_control_error, enhance_your_calm, http_1_1_required");
      g.code = found->code;
    } else {
      g.code = usual_goaway_code(g.reason);
    }
    rule_.goaway = std::move(g);
  }

  void read_delay(const json& v) {
    const std::string at = "delay";
    if (!v.is_object()) return blame(at, "wants an object");
    only(v, at, {"median_ms", "p99_ms", "fixed_ms", "from_ms", "to_ms", "mean_ms"});
    const auto ms = [&](const char* key) -> std::optional<milliseconds> {
      const auto n = number(v, at, key, 0, longest_delay);
      return n ? std::optional(milliseconds(static_cast<std::int64_t>(*n))) : std::nullopt;
    };
    const auto median = ms("median_ms"), p99 = ms("p99_ms"), fixed = ms("fixed_ms"), from = ms("from_ms"), to = ms("to_ms"), mean = ms("mean_ms");
    if (median && v.size() == 1 + (p99 ? 1U : 0U)) {
      if (p99 && *p99 < *median) return blame("delay.p99_ms", "is below \"median_ms\"");
      rule_.delay = delay_distribution{*median, p99.value_or(*median), 0};
    } else if (fixed && v.size() == 1) {
      rule_.delay = delay_distribution{*fixed, *fixed, 0};
    } else if (from && to && v.size() == 2) {
      if (*to < *from) return blame("delay.to_ms", "is below \"from_ms\"");
      rule_.delay = delay_distribution{*from, *to, 0, delay_shape::uniform};
    } else if (mean && v.size() == 1) {
      rule_.delay = delay_distribution{*mean, *mean, 0, delay_shape::exponential};
    } else {
      blame(at, "wants \"median_ms\" (and \"p99_ms\"), or \"fixed_ms\", or \"from_ms\" and \"to_ms\", or \"mean_ms\"");
    }
  }

  settings_change read_change(const json& v, const std::string& at) {
    settings_change out;
    out.max_streams = whole32(v, at, "max_concurrent_streams", 0, 0x7fffffff);
    out.stream_window = whole32(v, at, "initial_window_size", 0, 0x7fffffff);
    return out;
  }

  void read_settings(const json& v) {
    const auto add = [&](const json& one) {
      if (!one.is_object()) return blame("settings", "wants an object, or a list of them");
      only(one, "settings", {"max_concurrent_streams", "initial_window_size"});
      const settings_change change = read_change(one, "settings");
      if (change == settings_change{}) return blame("settings", "wants \"max_concurrent_streams\" or \"initial_window_size\"");
      rule_.settings.push_back(change);
    };
    if (!v.is_array()) return add(v);
    if (v.empty() || v.size() > max_steps) return blame("settings", "a list has 1 to 64 entries");
    for (const json& one : v) add(one);
  }

  void read_connections(const json& v) {
    const std::string at = "connections";
    if (!v.is_object()) return blame(at, "wants an object");
    only(v, at, {"max_concurrent_streams", "initial_window_size", "hold_windows", "read", "accept", "certificate"});
    standing_faults s;
    s.settings = read_change(v, at);
    s.hold_windows = flag(v, at, "hold_windows");
    if (const json* r = member(v, "read")) {
      if (r->is_object()) {
        only(*r, "connections.read", {"octets_per_second"});
        s.octets_per_second = whole32(*r, "connections.read", "octets_per_second", 1, 1'000'000'000);
      }
      s.stop_reading = *r == "stopped";
      if (!s.stop_reading && !s.octets_per_second) blame("connections.read", "is \"stopped\" or {\"octets_per_second\": N}");
    }
    if (const auto how = text(v, at, "accept")) {
      if (*how == "silent") s.admission = admission_kind::silence;
      if (*how == "reset") s.admission = admission_kind::reset;
      if (!s.admission) blame("connections.accept", "is silent or reset");
    }
    if (const json* c = member(v, "certificate")) {
      if (*c == "expired") s.certificate_life = seconds(-60);
      if (c->is_object()) {
        only(*c, "connections.certificate", {"expires_in"});
        if (const auto n = whole32(*c, "connections.certificate", "expires_in", 0, 1'000'000'000)) s.certificate_life = seconds(*n);
      }
      if (!s.certificate_life) blame("connections.certificate", "is \"expired\" or {\"expires_in\": seconds}");
    }
    if (s == standing_faults{}) blame(at, "says nothing");
    rule_.standing = s;
  }

  void check_sense(const json& v) {
    const bool acts = rule_.silence || rule_.close || rule_.goaway || rule_.reset || rule_.answer || rule_.delay || !rule_.settings.empty();
    if (!acts && !rule_.standing) return blame("", "a rule that does nothing");
    if (!rule_.standing) return;
    if (rule_.concerns(fault_target::oauth)) rule_.targets |= 1U << static_cast<unsigned>(fault_target::fcm);  // one front
    for (const auto& [key, unused] : v.items()) {
      if (key != "connections" && key != "provider" && key != "from" && key != "until") {
        return blame(key, "does not go with \"connections\", which befall connections by provider and time alone");
      }
    }
  }

  fault_rule rule_;
  rule_fault fault_;
};

}  // namespace

http2::error_code usual_goaway_code(std::string_view reason) {
  const auto* found = std::find_if(std::begin(google_goodbyes), std::end(google_goodbyes), [&](const named_code& c) { return c.name == reason; });
  return found == std::end(google_goodbyes) ? http2::error_code::no_error : found->code;
}

result<fault_rule, rule_fault> read_fault_rule(const void* value) { return rule_reader().read(*static_cast<const json*>(value)); }

}  // namespace reveille::mock_providers
