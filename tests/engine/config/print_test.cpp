#include "engine/config/load.hpp"
#include "engine/config/schema.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace reveille::config {
namespace {

std::string complete(std::string toml) {
  const auto replace = [&](std::string_view from, std::string_view to) {
    const std::size_t at = toml.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    toml.replace(at, from.size(), to);
  };
  replace("\ndomains = []", "\ndomains = [\"example.com\"]");
  replace("\nopen = false", "\nopen = true");
  return toml;
}

TEST(DefaultConfiguration, IsValidOnceItIsCompleted) {
  const auto loaded = load_text(complete(default_toml()), "default.toml");
  ASSERT_TRUE(loaded) << loaded.error().front().text();
}

TEST(EffectiveConfiguration, ReadsBackAsItself) {
  const auto loaded = load_text(complete(default_toml()), "default.toml");
  ASSERT_TRUE(loaded);
  const std::string printed = effective_toml(*loaded);
  const auto again = load_text(printed, "printed.toml");
  ASSERT_TRUE(again) << again.error().front().text();
  EXPECT_EQ(effective_toml(*again), printed);
}

TEST(EffectiveConfiguration, NeverHoldsACredential) {
  const auto file = std::string(::testing::TempDir()) + "reveille-config-secret";
  std::ofstream(file) << "a-secret-that-nobody-may-see\n";
  const auto loaded = load_text(
      "[node]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n[admin]\nbearer_token_file = \"" + file + "\"\n",
      "r");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(effective_toml(*loaded).find("a-secret"), std::string::npos);
  std::remove(file.c_str());
}

TEST(ConfigurationReference, IsWhatTheDocumentationHolds) {
  std::ifstream in("docs/configuration.md");
  const std::string committed((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (committed == reference_markdown()) return;
  const std::string wanted = ::testing::TempDir() + "reveille-configuration.md";
  std::ofstream(wanted) << reference_markdown();
  FAIL() << "copy " << wanted << " to docs/configuration.md";
}

TEST(Units, ReadBackWhatTheyPrint) {
  for (const std::int64_t ms : {0, 1, 999, 1000, 1500, 60000, 90000, 3600000, 86400000}) {
    EXPECT_EQ(parse_duration(duration_text(milliseconds(ms))), milliseconds(ms)) << ms;
  }
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1024}, std::uint64_t{3} << 30}) {
    EXPECT_EQ(parse_bytes(bytes_text(size)), size);
  }
  EXPECT_EQ(duration_text(milliseconds(30000)), "30s");
  EXPECT_EQ(bytes_text(64U << 20), "64MiB");
}

}  // namespace
}  // namespace reveille::config
