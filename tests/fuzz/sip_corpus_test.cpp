// The fuzzers' corpus, and the message layer's samples, through the fuzzers' entry functions: no clang needed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "samples.hpp"
#include "sip_entries.hpp"

namespace reveille::fuzz {
namespace {

namespace fs = std::filesystem;
using entry = void (*)(const std::uint8_t*, std::size_t);

void run(entry e, const std::string& input) { e(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()); }

/// ctest runs in the project root.
std::vector<std::string> corpus(const char* name) {
  std::vector<std::string> out;
  for (const auto& file : fs::directory_iterator(fs::path("tests/fuzz/corpus") / name)) {
    std::ifstream in(file.path(), std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

TEST(SipCorpus, HoldsTheFuzzersProperties) {
  const auto messages = corpus("sip_message");
  const auto uris = corpus("sip_uri");
  ASSERT_GE(messages.size(), 30U);
  ASSERT_GE(uris.size(), 5U);
  for (const std::string& m : messages) {
    run(sip_parse, m);
    run(sip_relay, m);
  }
  for (const std::string& u : uris) run(sip_uri, u);
}

TEST(SipCorpus, HoldsThemForEverySampleAndItsPrefixes) {
  for (const auto& s : sip::good_samples()) {
    for (std::size_t n = 0; n <= s.octets.size(); n += 1 + s.octets.size() / 200) {
      run(sip_parse, s.octets.substr(0, n));
      run(sip_relay, s.octets.substr(0, n));
    }
    run(sip_parse, s.octets);
    run(sip_relay, s.octets);
  }
  for (const auto& s : sip::bad_samples()) run(sip_parse, s.octets);
}

TEST(SipCorpus, HoldsThemWithOneOctetChanged) {
  for (const auto& s : sip::good_samples()) {
    if (s.octets.size() > 1500) continue;
    for (std::size_t i = 0; i < s.octets.size(); ++i) {
      for (const char c : {'\r', '\n', '\0', ' ', ',', ';', '<', '>', '"', '\\', '\x80'}) {
        std::string changed = s.octets;
        changed[i] = c;
        run(sip_parse, changed);
        run(sip_relay, changed);
      }
    }
  }
}

TEST(SipCorpus, HoldsThemForEmptyInput) {
  for (const entry e : {sip_parse, sip_relay, sip_uri}) e(nullptr, 0);
}

}  // namespace
}  // namespace reveille::fuzz
