// Holds docs/providers.md to the code: each row is sorted as the engine sorts it, and every reason has its row.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "pns/apns_answer.hpp"
#include "pns/fcm_answer.hpp"

namespace reveille::pns {
namespace {

struct page_row {
  std::string section;
  int status = 0;
  std::string reason;          ///< "" for `-` and unknown ones
  bool from_fcm = true;        ///< the errorCode stands in an FcmError
  std::string outcome, remedy, blame;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  for (std::size_t begin = 1; begin < line.size();) {
    const std::size_t end = std::min(line.find('|', begin), line.size());
    std::string cell = line.substr(begin, end - begin);
    const std::size_t first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
    out.push_back(first == cell.npos ? "" : cell.substr(first, last - first + 1));
    begin = end + 1;
  }
  return out;
}

std::vector<page_row> rows() {
  std::ifstream page("docs/providers.md");
  std::vector<page_row> out;
  std::string section;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) section = line.substr(3);
    if (!line.starts_with("| ")) continue;
    const auto cells = cells_of(line);
    if (cells.size() < 7 || cells[0].find_first_not_of("0123456789") != std::string::npos) continue;
    page_row r{section, std::stoi(cells[0]), "", cells[1].find("no FcmError") == std::string::npos, cells[2], cells[3], cells[4]};
    if (cells[1].starts_with('`')) r.reason = cells[1].substr(1, cells[1].find('`', 1) - 1);
    out.push_back(std::move(r));
  }
  return out;
}

std::string word(const push_outcome& outcome) {
  struct namer {
    std::string operator()(const accepted&) const { return "accepted"; }
    std::string operator()(const dead_token&) const { return "dead_token"; }
    std::string operator()(const suspect_token&) const { return "suspect_token"; }
    std::string operator()(const our_fault&) const { return "our_fault"; }
    std::string operator()(const credential_fault&) const { return "credential_fault"; }
    std::string operator()(const dropped&) const { return "dropped"; }
    std::string operator()(const try_later&) const { return "try_later"; }
  };
  return std::visit(namer{}, outcome);
}
std::string word(blame b) {
  switch (b) {
    case blame::nobody: return "-";
    case blame::service: return "service";
    case blame::app: return "app";
  }
  return "";
}
std::string word(remedy r) { return r == remedy::none ? "-" : std::string(name_of(r)); }

verdict sorted(const page_row& r) {
  const prid token{"aabb"};
  const wall_time now(seconds(1'700'000'000));
  if (r.section == "APNs") {
    return sort_apns_answer({r.status, R"({"reason":")" + r.reason + R"(","timestamp":1623753000000})", "", ""}, token, now);
  }
  if (r.section == "FCM legacy") {
    const std::string result = r.reason.empty() ? R"("message_id":"1")" : R"("error":")" + r.reason + '"';
    const bool unknown = r.reason.empty() && r.outcome != "accepted";
    return sort_fcm_legacy_answer({r.status, unknown ? "Error=Whatever" : R"({"results":[{)" + result + "}]}", "", ""}, token, now);
  }
  const std::string details =
      r.from_fcm && !r.reason.empty()
          ? R"(,"details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":")" + r.reason + R"("}])"
          : "";
  const std::string body = R"({"error":{"status":")" + r.reason + '"' + details + "}}";
  return sort_fcm_answer({r.status, r.status == 200 ? R"({"name":"projects/p/messages/1"})" : body, "", ""}, token, now);
}

TEST(ProvidersPage, SaysOfEachAnswerWhatTheCodeDoes) {
  const auto all = rows();
  ASSERT_GT(all.size(), 60U);
  for (const page_row& r : all) {
    const verdict v = sorted(r);
    const std::string which = r.section + " " + std::to_string(r.status) + " " + r.reason;
    EXPECT_EQ(word(v.outcome), r.outcome) << which;
    EXPECT_EQ(word(v.remedy), r.remedy) << which;
    EXPECT_EQ(word(v.blame), r.blame) << which;
    if (!r.reason.empty()) {
      EXPECT_EQ(v.reason, r.reason) << which;
    }
  }
}

TEST(ProvidersPage, HasARowForEveryReasonThatTheCodeKnows) {
  std::set<std::string> there;
  for (const page_row& r : rows()) there.insert(r.reason);
  for (const std::string_view known : documented_reasons()) EXPECT_EQ(there.count(std::string(known)), 1U) << known;
  for (const std::string& r : there) EXPECT_NE(reason_label(r), "other") << r << " stands on the page, but is no label";
}

}  // namespace
}  // namespace reveille::pns
