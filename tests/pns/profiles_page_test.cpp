// Holds docs/profiles.md to the code: what it shows is what is sent, and every placeholder has its row.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "pns/payload.hpp"
#include "pns/payload_template.hpp"

namespace reveille::pns {
namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
const std::string& page() {
  static const std::string text = contents("docs/profiles.md");
  return text;
}

TEST(ProfilesPage, NamesEveryPlaceholder) {
  for (const field_traits& f : all_fields()) {
    EXPECT_NE(page().find("`" + std::string(f.name) + "`"), std::string::npos) << f.name;
  }
}

TEST(ProfilesPage, ShowsWhatTheBuiltInProfilesSend) {
  for (const char* file : {"apns_invite_named", "apns_invite_nameless", "apns_invite_anonymous", "apns_missed_calls", "fcm_v1_invite",
                           "fcm_v1_missed_calls", "fcm_legacy_invite", "fcm_legacy_missed_calls", "native_apns_invite",
                           "native_apns_invite_voip", "native_apns_missed_calls", "native_fcm_v1_invite", "native_fcm_v1_missed_calls"}) {
    EXPECT_NE(page().find("\n" + contents(std::string("tests/pns/golden/") + file + ".json") + "\n"), std::string::npos) << file;
  }
}

TEST(ProfilesPage, ShowsTheExampleAsItIs) {
  EXPECT_NE(page().find("```json\n" + contents("docs/examples/acme.json") + "```"), std::string::npos);
}

TEST(ProfilesPage, ShowsWhatIsSaidOfMistakes) {
  const auto made = payload_profile::compile(contents("tests/pns/profile_mistakes.json"));
  ASSERT_FALSE(made.has_value());
  std::string told;
  for (const placed_fault& f : made.error()) told += f.text("acme.json") + "\n";
  EXPECT_NE(page().find("```\n" + told + "```"), std::string::npos) << told;
}

}  // namespace
}  // namespace reveille::pns
