// Every answer that docs/providers.md lists is explained, in words of its own.
#include "pns/explanation.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "pns/answer.hpp"

namespace reveille::pns {
namespace {

struct answer_row {
  payload_wire service;
  int status;
  std::string reason;
};
/// The rows of docs/providers.md that have a status and a reason of their own.
std::vector<answer_row> documented_answers() {
  std::ifstream page("docs/providers.md");
  std::vector<answer_row> out;
  payload_wire service = payload_wire::apns;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## FCM HTTP v1")) service = payload_wire::fcm_v1;
    if (line.starts_with("## FCM legacy")) service = payload_wire::fcm_legacy;
    if (line.starts_with("## Google's token endpoint")) break;
    if (line.size() < 8 || !line.starts_with("| ") || line[2] < '1' || line[2] > '9') continue;
    const std::size_t tick = line.find('`');
    const std::size_t second = line.find('|', 2);
    const std::size_t third = line.find('|', second + 1);
    const bool own = tick != std::string::npos && tick < third;
    out.push_back({service, std::stoi(line.substr(2)), own ? line.substr(tick + 1, line.find('`', tick + 1) - tick - 1) : ""});
  }
  return out;
}

TEST(Explanation, HasWordsForEveryDocumentedAnswer) {
  std::set<std::string> reasons;
  const auto all = documented_answers();
  ASSERT_GT(all.size(), 60U);
  for (const answer_row& r : all) {
    const std::string text(explain_answer(r.service, r.status, r.reason));
    EXPECT_FALSE(text.empty());
    if (r.reason.empty()) continue;
    reasons.insert(r.reason);
    // Not the words for whatever else has that status.
    EXPECT_NE(text, explain_answer(r.service, r.status, "nobody-documents-this")) << r.status << ' ' << r.reason;
  }
  for (const std::string_view known : documented_reasons()) {
    EXPECT_TRUE(reasons.contains(std::string(known)) || known == "no_results") << known;
  }
}

TEST(Explanation, SaysSinceWhenAnAppHasBeenGone) {
  const push_answer gone{{}, dead_token{prid("aa"), wall_time(seconds(1'790'000'000))}, 410, "Unregistered"};
  EXPECT_EQ(explain(payload_wire::apns, gone),
            "The app is no longer on this device. Apple knows it since 2026-09-21 14:13:20 UTC: the engine removes the binding unless "
            "it has registered since.");
}

TEST(Explanation, HasWordsForEndsWithoutAnAnswer) {
  using why = dropped::why;
  std::set<std::string> texts;
  for (const why w : {why::queue_full, why::deadline, why::withdrawn, why::no_app, why::provider_off, why::skipped}) {
    texts.insert(explain(payload_wire::apns, {{}, dropped{w}, 0, ""}));
  }
  EXPECT_EQ(texts.size(), 6U);
  EXPECT_EQ(texts.count(""), 0U);
  EXPECT_NE(explain(payload_wire::fcm_v1, {{}, credential_fault{}, 0, "invalid_grant"}).find("clock"), std::string::npos);
  EXPECT_NE(explain(payload_wire::apns, {{}, dropped{why::skipped}, 0, "voip_token_skipped"}).find("missed_calls_on_voip_token"),
            std::string::npos);
  EXPECT_NE(explain(payload_wire::apns, {{}, our_fault{}, 0, "too_large"}).find("does not fit"), std::string::npos);
  EXPECT_FALSE(explain(payload_wire::apns, {{}, try_later{}, 0, ""}).empty());
}

TEST(Explanation, OfAnUnknownAnswerPointsToWhoMayStandInBetween) {
  EXPECT_NE(explain_answer(payload_wire::apns, 418, "Teapot").find("gateway"), std::string_view::npos);
  EXPECT_NE(explain_answer(payload_wire::fcm_v1, 502, "").find("try again later"), std::string_view::npos);
}

}  // namespace
}  // namespace reveille::pns
