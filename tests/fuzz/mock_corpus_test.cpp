// The corpus of the mock providers' fuzzers through their entry functions, whole, cut short and with octets changed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "mock_entries.hpp"

namespace reveille::fuzz {
namespace {

namespace fs = std::filesystem;
using entry = void (*)(const std::uint8_t*, std::size_t);

void run(entry e, const std::string& input) { e(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()); }

/// ctest runs in the project root.
void run_corpus(entry e, const char* name, std::size_t least, int rounds) {
  std::size_t files = 0;
  seeded_random random(11);
  for (const auto& file : fs::directory_iterator(fs::path("tests/fuzz/corpus") / name)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    run(e, whole);
    ++files;
    for (int i = 0; i < rounds && !whole.empty(); ++i) {
      std::string changed = whole.substr(0, random.below(4) == 0 ? random.below(whole.size() + 1) : whole.size());
      for (int n = 0; n < 3 && !changed.empty(); ++n) changed[random.below(changed.size())] = static_cast<char>(random.next());
      run(e, changed);
    }
  }
  EXPECT_GE(files, least);
  e(nullptr, 0);
}

TEST(MockCorpus, ScriptsHoldTheFuzzersProperties) { run_corpus(mock_script, "mock_script", 4, 300); }
TEST(MockCorpus, MessagesHoldTheFuzzersProperties) { run_corpus(mock_message, "mock_message", 4, 300); }
TEST(MockCorpus, ControlConversationsHoldTheFuzzersProperties) { run_corpus(mock_control, "mock_control", 6, 60); }
TEST(MockCorpus, Http1HoldsTheFuzzersProperties) { run_corpus(mock_http1, "mock_http1", 3, 300); }
TEST(MockCorpus, Http2HoldsTheFuzzersProperties) { run_corpus(mock_http2, "mock_http2", 2, 300); }

TEST(MockCorpus, TakesNothingTooDeepToBeCopied) {
  const std::string deep = "{\"message\":{\"token\":\"cdefghijk:APA91b\",\"data\":{\"a\":" + std::string(60'000, '[');
  run(mock_message, deep + std::string(60'000, ']') + "}}}");
  run(mock_script, std::string(60'000, '[') + std::string(60'000, ']'));
  run(mock_control, "x{\"faults\":" + std::string(60'000, '[') + std::string(60'000, ']') + "}\n");
}

}  // namespace
}  // namespace reveille::fuzz
