// The corpus of the push side's fuzzers, the built-in profiles and the documentation's configuration, through the
// fuzzers' entry functions, whole, cut short and with octets changed: no clang needed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config_entries.hpp"
#include "core/random.hpp"
#include "engine/config/load.hpp"
#include "pns/payload.hpp"
#include "push_entries.hpp"

namespace reveille::fuzz {
namespace {

namespace fs = std::filesystem;
using entry = void (*)(const std::uint8_t*, std::size_t);

void run(entry e, const std::string& input) { e(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()); }

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
/// ctest runs in the project root.
std::vector<std::string> corpus(const char* name) {
  std::vector<std::string> out;
  for (const auto& file : fs::directory_iterator(fs::path("tests/fuzz/corpus") / name)) out.push_back(contents(file.path()));
  return out;
}

void run_with_damage(entry e, const std::vector<std::string>& inputs, int rounds) {
  seeded_random random(11);
  for (const std::string& whole : inputs) {
    run(e, whole);
    for (int i = 0; i < rounds && !whole.empty(); ++i) {
      std::string changed = whole.substr(0, random.below(4) == 0 ? random.below(whole.size() + 1) : whole.size());
      for (int n = 0; n < 3 && !changed.empty(); ++n) changed[random.below(changed.size())] = static_cast<char>(random.next());
      run(e, changed);
    }
  }
}

TEST(PushCorpus, ProfilesHoldTheFuzzersProperties) {
  auto inputs = corpus("push_profile");
  ASSERT_GE(inputs.size(), 3U);
  for (const std::string_view name : pns::builtin_profile_names()) inputs.emplace_back(pns::builtin_profile_text(name));
  inputs.push_back(contents("docs/examples/acme.json"));
  run_with_damage(push_profile, inputs, 300);
}
TEST(PushCorpus, ValuesHoldTheFuzzersProperties) {
  const auto inputs = corpus("push_values");
  ASSERT_GE(inputs.size(), 5U);
  run_with_damage(push_values, inputs, 200);
}
TEST(PushCorpus, AnswersHoldTheFuzzersProperties) {
  const auto inputs = corpus("push_answers");
  ASSERT_GE(inputs.size(), 8U);
  run_with_damage(push_answers, inputs, 200);
}
TEST(PushCorpus, CredentialsHoldTheFuzzersProperties) {
  const auto inputs = corpus("push_credentials");
  ASSERT_GE(inputs.size(), 2U);
  run_with_damage(push_credentials, inputs, 200);
}
TEST(PushCorpus, ConfigurationsHoldTheFuzzersProperties) {
  auto inputs = corpus("config");
  ASSERT_GE(inputs.size(), 2U);
  inputs.push_back(config::default_toml());
  run_with_damage(config_file, inputs, 100);
}
TEST(PushCorpus, HoldsThemForEmptyInput) {
  for (const entry e : {push_profile, push_values, push_answers, push_credentials, config_file}) e(nullptr, 0);
}

}  // namespace
}  // namespace reveille::fuzz
