// Whatever stands in a name, a URI or a Call-ID: bodies stay JSON with the same keys, and within their limit.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/random.hpp"
#include "pns/json_text.hpp"
#include "pns/payload.hpp"
#include "tests/pns/sample_orders.hpp"

namespace reveille::pns {
namespace {

using nlohmann::json;

/// Unicode 15 table 3-7, row by row: what the repair is judged by.
struct octet_range {
  unsigned char low, high;
};
const std::vector<std::vector<octet_range>>& well_formed() {
  static const std::vector<std::vector<octet_range>> rows = {
      {{0x00, 0x7F}},
      {{0xC2, 0xDF}, {0x80, 0xBF}},
      {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
      {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
      {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}},
  };
  return rows;
}

/// Each maximal ill-formed part becomes one U+FFFD.
std::string repaired(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t most = 0;
    bool whole = false;
    for (const auto& row : well_formed()) {
      std::size_t n = 0;
      while (n < row.size() && i + n < text.size()) {
        const auto octet = static_cast<unsigned char>(text[i + n]);
        if (octet < row[n].low || octet > row[n].high) break;
        ++n;
      }
      if (n > most) {
        most = n;
        whole = n == row.size();
      }
    }
    out += whole ? std::string(text.substr(i, most)) : "\xEF\xBF\xBD";
    i += std::max<std::size_t>(most, 1);
  }
  return out;
}

struct subject {
  std::string name;
  payload_profile profile;
};
const std::vector<subject>& subjects() {
  static const std::vector<subject> all = [] {
    std::vector<subject> out;
    for (const std::string_view name : builtin_profile_names()) out.push_back({std::string(name), builtin_profile(name).value()});
    std::ifstream in("docs/examples/acme.json");
    std::stringstream text;
    text << in.rdbuf();
    out.push_back({"acme", payload_profile::compile(text.str()).value()});
    return out;
  }();
  return all;
}

/// What a call is told with.
struct values {
  std::string number, name, call_id;
};
const values marks{"MARK-NUMBER", "MARK-NAME", "MARK-CALLID"};

push_order order_of(payload_kind kind, const values& v) {
  if (kind == payload_kind::missed_calls) {
    return samples::missed({{samples::told_at, v.number, v.name, {}}, {samples::told_at, v.number, v.name, {}}});
  }
  push_order order = samples::invite(v.number, v.name);
  std::get<invite_content>(order.content).call_id = v.call_id;
  return order;
}

/// Calls `each(body, wire, kind, service, name)` for every body that there is.
template <class Each>
void for_each_body(Each&& each) {
  for (const subject& s : subjects()) {
    for (const payload_wire wire : {payload_wire::apns, payload_wire::fcm_v1, payload_wire::fcm_legacy}) {
      for (const payload_kind kind : {payload_kind::invite, payload_kind::missed_calls}) {
        for (const token_service service : {token_service::plain, token_service::voip}) {
          const payload_template* body = s.profile.find(wire, kind);
          if (body == nullptr || (service == token_service::voip && wire != payload_wire::apns)) continue;
          each(*body, wire, kind, service, s.name);
        }
      }
    }
  }
}

std::string with_values(std::string text, const values& v) {
  for (const auto& [mark, value] : {std::pair{marks.number, v.number}, {marks.name, v.name}, {marks.call_id, v.call_id}}) {
    const std::string good = repaired(value);
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += good.size()) text.replace(at, mark.size(), good);
  }
  return text;
}

/// The marked body with the values in the marks' places, JSON text inside of strings included.
json expected(const json& marked, const values& v) {
  if (marked.is_string()) {
    const std::string text = marked.get<std::string>();
    const json inner = text.starts_with('[') || text.starts_with('{') ? json::parse(text, nullptr, false) : json();
    if (!inner.is_structured()) return with_values(text, v);
    return {{"inner", expected(inner, v)}};
  }
  json out = marked;
  if (marked.is_structured()) {
    for (auto& [key, member] : out.items()) member = expected(member, v);
  }
  return out;
}
/// The same shape of what was rendered: inner JSON text parsed where the marked body had some.
json opened(const json& body, const json& wanted) {
  if (wanted.is_object() && wanted.contains("inner") && body.is_string()) {
    return {{"inner", json::parse(body.get<std::string>(), nullptr, false)}};
  }
  json out = body;
  if (body.is_object() && wanted.is_object()) {
    for (auto& [key, member] : out.items()) {
      if (wanted.contains(key)) member = opened(member, wanted[key]);
    }
  }
  return out;
}

void holds_for(const values& v) {
  for_each_body([&](const payload_template& body, payload_wire wire, payload_kind kind, token_service service, const std::string& who) {
    std::string marked, out;
    const push_order marked_order = order_of(kind, marks);
    const push_order order = order_of(kind, v);
    ASSERT_TRUE(body.render({marked_order, "token", samples::invite_at, service}, payload_limit, marked));
    ASSERT_TRUE(body.render({order, "token", samples::invite_at, service}, payload_limit, out));
    const json parsed = json::parse(out, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << who << ": " << out;
    const json wanted = expected(json::parse(marked), v);
    ASSERT_EQ(opened(parsed, wanted), wanted) << who << ' ' << static_cast<int>(wire) << ' ' << static_cast<int>(kind);
  });
}

TEST(PayloadProperty, EveryOctetStaysInItsString) {
  for (int octet = 0; octet < 256; ++octet) {
    const std::string one(1, static_cast<char>(octet));
    holds_for({one, one + one, "a" + one + "b"});
    ASSERT_FALSE(HasFatalFailure()) << octet;
  }
}

TEST(PayloadProperty, NoSequenceBreaksOut) {
  for (const char* text :
       {"\"", "\\", "\\\"", "\",\"x\":\"", "\\u0022", "${number}", "$${", "}", "]}]}", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xED\xA0\xBD\xED\xB3\x9E", "\xF0\x9F\x93\x9E", "\xF0\x9F\x93", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80",
        "\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF", "\xEF\xBF\xBE", "\xFE\xFF", "\xC3", "\xC3\x28", "\x80", "\r\n\r\n", "\x7f",
        "</script>", "%s%n", "\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7"}) {
    const std::string value(text);
    holds_for({value, value, value});
    holds_for({"a" + value + "b", value + value, "\"" + value});
    ASSERT_FALSE(HasFatalFailure()) << text;
  }
  holds_for({std::string("a\0b", 3), std::string("\0", 1), std::string("\0\0\"", 3)});
}

TEST(PayloadProperty, ArbitraryOctetsNeverBreakOutOfTheirString) {
  seeded_random random(20261123);
  const std::string spicy = "\"\\{}[]:,\x01\n\r\t\x7f${number}\xC3\x96\xED\xA0\x80\xF0\x9F\x93\x9E\xE2\x80\xA8";
  const auto octets = [&] {
    std::string out(1 + random.below(40), '\0');
    for (char& c : out) c = random.below(3) == 0 ? static_cast<char>(random.below(256)) : spicy[random.below(spicy.size())];
    return out;
  };
  for (int round = 0; round < 1000; ++round) {
    holds_for({octets(), octets(), octets()});
    ASSERT_FALSE(HasFatalFailure()) << round;
  }
}

/// `octets` long at most, of one kind of character or a mixture.
std::string text_of(std::size_t octets, seeded_random& random) {
  static const std::vector<std::string> units = {"a", "\"", "\\", "\x01", "Ö", "\xE2\x80\xA8", "\xF0\x9F\x93\x9E", "\xFF", "\xE0"};
  const std::size_t kind = random.below(units.size() + 1);
  std::string out;
  while (out.size() < octets) out += units[kind == units.size() ? random.below(units.size()) : kind];
  return out;
}
std::size_t length(seeded_random& random) { return random.below(4) == 0 ? random.below(7000) : random.below(300); }

TEST(PayloadLimit, IsKeptForAnyLengthAndNeverAtTheCostOfTheNumber) {
  seeded_random random(7);
  std::size_t cut = 0, refused = 0;
  for (int round = 0; round < 400; ++round) {
    const values v{text_of(length(random), random), text_of(length(random), random), text_of(random.below(300), random)};
    for_each_body([&](const payload_template& body, payload_wire, payload_kind kind, token_service service, const std::string& who) {
      const std::size_t limit = service == token_service::voip ? voip_payload_limit : payload_limit;
      const push_order order = order_of(kind, v);
      std::string out;
      if (!body.render({order, "a-token", samples::invite_at, service}, limit, out)) {
        // Even without a name, and with nothing in a name's place, it is too large.
        EXPECT_EQ(kind, payload_kind::invite) << who << ": a list always fits, one entry of it at least";
        EXPECT_GT(v.number.size() + 1000, limit / 7) << who;
        ++refused;
        return;
      }
      ASSERT_LE(out.size(), limit + 7) << who;
      const json parsed = json::parse(out, nullptr, false);
      ASSERT_FALSE(parsed.is_discarded()) << who << out;
      const json flat = parsed.flatten();
      cut += out.size() + 30 > limit ? 1U : 0U;
      if (kind != payload_kind::invite) return;
      // The number stands whole somewhere, unless the body tells none (ecss10's for FCM).
      std::string unlimited;
      ASSERT_TRUE(body.render({order, "a-token", samples::invite_at, service}, SIZE_MAX / 2, unlimited));
      const std::string number = repaired(v.number);
      const auto tells_number = [&](const json& in) {
        for (const auto& [key, value] : in.items()) {
          if (value == number) return true;
          const json inner = value.is_string() ? json::parse(value.get<std::string>(), nullptr, false) : json();
          if (inner.is_object() && inner.value("from", "") == number) return true;
        }
        return false;
      };
      ASSERT_EQ(tells_number(flat), tells_number(json::parse(unlimited).flatten())) << who;
    });
    ASSERT_FALSE(HasFatalFailure()) << round;
  }
  EXPECT_GT(cut, 50U);      // the search for the right length was needed
  EXPECT_GT(refused, 50U);  // and numbers that leave no room were told
}

TEST(PayloadLimit, ShortensTheDisplayNameUntilTheBodyFits) {
  std::string name, body;
  for (int i = 0; i < 4000; ++i) name += "Ö";
  const payload_profile ecss10 = builtin_profile("ecss10").value();
  const push_order order = samples::invite("103", name);
  ASSERT_TRUE(ecss10.find(payload_wire::apns, payload_kind::invite)->render({order, "", samples::invite_at}, payload_limit, body));
  EXPECT_LE(body.size(), payload_limit);
  EXPECT_GE(body.size(), payload_limit - 3);
  const std::string kept = json::parse(body)["acme"]["dispaly_name"];
  EXPECT_EQ(name.substr(0, kept.size()), kept);
}

TEST(PayloadLimit, DropsANameThatCannotBeShownAtAll) {
  const payload_profile ecss10 = builtin_profile("ecss10").value();
  const push_order order = samples::invite("103", std::string(500, '\1'));
  std::string body;
  ASSERT_TRUE(ecss10.find(payload_wire::apns, payload_kind::invite)->render({order, "", samples::invite_at}, 115, body));
  EXPECT_EQ(json::parse(body)["acme"]["dispaly_name"], json::array());
}

TEST(PayloadLimit, ShortensAUriOnlyWhereItStandsForAName) {
  const payload_profile native = builtin_profile("native").value();
  const std::string number(200, 'n');
  const push_order order = samples::invite(number, "");
  const payload_template& body = *native.find(payload_wire::apns, payload_kind::invite);
  std::string out;
  ASSERT_TRUE(body.render({order, "", samples::invite_at}, 600, out));
  const json parsed = json::parse(out);
  EXPECT_EQ(parsed["number"], number);
  const std::string title = parsed["aps"]["alert"]["title"];
  EXPECT_LT(title.size(), number.size());
  EXPECT_GT(title.size(), 0U);
  EXPECT_EQ(out.size(), 600U);
}

TEST(PayloadLimit, RefusesANumberThatLeavesNoRoomRatherThanCuttingIt) {
  const payload_profile ecss10 = builtin_profile("ecss10").value();
  const push_order order = samples::invite(std::string(5000, '1'), "Ann");
  std::string out;
  EXPECT_FALSE(ecss10.find(payload_wire::apns, payload_kind::invite)->render({order, "", samples::invite_at}, payload_limit, out));
}

TEST(PayloadLimit, CutsAnAbsurdUriRatherThanBlockingTheList) {
  const payload_profile native = builtin_profile("native").value();
  const push_order order = samples::missed({{samples::told_at, std::string(60000, '"'), "x", {}}});
  std::string out;
  EXPECT_TRUE(native.find(payload_wire::fcm_v1, payload_kind::missed_calls)->render({order, "t", samples::told_at}, payload_limit, out));
}

TEST(PayloadLimit, CountsTheTokenOutsideTheLimit) {
  const payload_profile ecss10 = builtin_profile("ecss10").value();
  const std::string token(4000, 'a');
  const push_order order = samples::invite("1", "");
  std::string out;
  EXPECT_TRUE(ecss10.find(payload_wire::fcm_v1, payload_kind::invite)->render({order, token, samples::invite_at}, payload_limit, out));
  EXPECT_GT(out.size(), 4000U);
}

TEST(MissedCallsSplit, EveryPartFitsEveryService) {
  seeded_random random(4);
  missed_calls_cost cost;
  for (const subject& s : subjects()) cost = worst_of(cost, cost_of(s.profile));
  for (int round = 0; round < 40; ++round) {
    std::vector<missed_call> calls(200);
    for (missed_call& c : calls) c = {samples::told_at, text_of(random.below(round % 5 == 0 ? 400U : 60U), random), text_of(random.below(100), random), {}};
    std::size_t told = 0;
    for (std::span<const missed_call> rest(calls); !rest.empty();) {
      const std::size_t n = missed_calls_that_fit(rest, cost);
      ASSERT_GE(n, 1U);
      ASSERT_LE(n, rest.size());
      const push_order order = samples::missed({rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n)});
      for_each_body([&](const payload_template& body, payload_wire wire, payload_kind kind, token_service, const std::string& who) {
        if (kind != payload_kind::missed_calls) return;
        std::string out;
        ASSERT_TRUE(body.render({order, "", samples::told_at}, payload_limit, out)) << who << ' ' << static_cast<int>(wire) << ' ' << n;
        ASSERT_FALSE(json::parse(out, nullptr, false).is_discarded());
      });
      told += n;
      rest = rest.subspan(n);
    }
    EXPECT_EQ(told, calls.size());
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST(MissedCallsSplit, LeavesNamesOfUsualLengthWhole) {
  std::vector<missed_call> calls(60, {samples::told_at, "103", "Annegret von der Heide", {}});
  const std::size_t n = missed_calls_that_fit(calls, worst_of({}, cost_of(builtin_profile("native").value())));
  ASSERT_LT(n, calls.size());
  calls.resize(n);
  for_each_body([&](const payload_template& body, payload_wire, payload_kind kind, token_service, const std::string& who) {
    if (kind != payload_kind::missed_calls || who != "native") return;
    std::string out;
    const push_order order = samples::missed(calls);
    ASSERT_TRUE(body.render({order, "", samples::told_at}, payload_limit, out));
    std::size_t whole = 0;
    for (std::size_t at = 0; (at = out.find("Annegret von der Heide", at)) != std::string::npos; ++at) ++whole;
    EXPECT_GE(whole, n);
  });
}

TEST(MissedCallsCost, OfTheBuiltInProfilesIsWithinTheDefault) {
  for (std::string_view name : builtin_profile_names()) {
    const missed_calls_cost cost = cost_of(builtin_profile(name).value());
    EXPECT_EQ(worst_of(cost, {}), missed_calls_cost{}) << name << ' ' << cost.fixed << ' ' << cost.each << ' ' << cost.uris << ' ' << cost.names;
  }
}

TEST(MissedCallsThatFit, IsZeroOnlyForAnEmptyList) {
  EXPECT_EQ(missed_calls_that_fit({}), 0U);
  const std::vector<missed_call> one{{samples::told_at, std::string(100000, '\1'), "", {}}};
  EXPECT_EQ(missed_calls_that_fit(one, {1000, 512, 176, 1, 1}), 1U);
}

}  // namespace
}  // namespace reveille::pns
