// Whose a token is, is known again after a restart: every stored one of apps with accounts = one is claimed (SPEC 2.4).
#include "engine/token_census.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "actors/registration.hpp"
#include "tests/engine/store/store_inbox.hpp"
#include "tests/sip/make_message.hpp"

namespace reveille {
namespace {

using namespace store_testing;

constexpr std::size_t page = 1000;   ///< what the census reads at a time

std::string token_of(std::size_t n) {
  std::string digits = std::to_string(n);
  return std::string(64 - digits.size(), '0') + digits;
}
aor user(std::size_t n) { return aor("u" + std::to_string(n) + "@example.com"); }

class TokenCensus : public ::testing::Test {
 protected:
  TokenCensus() {
    apps_.add(pns::provider::apns, "DEF123GHIJ", "com.example.one", {pns::accounts::one});
    apps_.add(pns::provider::apns, "DEF123GHIJ", "com.example.many", {pns::accounts::many});
    rocksdb_options options;
    options.path = directory_.path() + "/store";
    auto opened = rocksdb_store::open(options, calendar_);
    if (!opened) throw std::runtime_error(opened.error().what);
    store_ = std::move(*opened);
    store_->answer_to(here, answers_);
  }

  void write(const aor& of, std::string encoded) {
    ASSERT_TRUE(store_->try_write(here, key_of(of), of, put_bindings{std::move(encoded)}, {++written_}));
  }
  void store_user(std::size_t n, const std::string& app) {
    registration r;
    const auto request = sip::make_message(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\nMax-Forwards: 70\n"
        "From: <sip:a@example.com>;tag=1\nTo: <sip:a@example.com>\nCall-ID: c\nCSeq: 1 REGISTER\n"
        "Contact: <sip:a@10.0.0.1;pn-provider=apns;pn-param=DEF123GHIJ." + app + ".voip;pn-prid=" + token_of(n) +
        ">;expires=3600\nContent-Length: 0\n\n");
    const instant now{steady_time{}, at(1000 + static_cast<std::int64_t>(n))};
    ASSERT_EQ(r.apply(*request, {}, now, {}, false).status, 200);
    write(user(n), r.encode());
  }
  void on_disk() { ASSERT_EQ(answers_.wait_for(written_).size(), written_); }

  std::function<void(claim_token&&)> claimed() {
    return [this](claim_token&& c) {
      const std::lock_guard lock(mutex_);
      claims_.push_back(std::move(c));
      arrived_.notify_one();
    };
  }
  /// So many, 20 s at most.
  std::vector<claim_token> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, seconds(20), [&] { return claims_.size() >= count; });
    return claims_;
  }

  pns::app_rules apps_;
  scratch_directory directory_;
  calendar calendar_;
  inbox answers_;
  std::uint64_t written_ = 0;
  std::unique_ptr<rocksdb_store> store_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<claim_token> claims_;
};

TEST_F(TokenCensus, ClaimsWhatIsStoredOverAllPages) {
  constexpr std::size_t users = page + 200;
  for (std::size_t n = 0; n < users; ++n) store_user(n, "com.example.one");
  on_disk();
  const token_census census(*store_, apps_, claimed());
  std::map<std::string, std::pair<std::string, wall_time>> found;
  for (const claim_token& c : wait_for(users)) {
    EXPECT_TRUE(found.emplace(c.by.str(), std::pair{c.token.str(), c.since}).second) << c.by.str() << " twice";
  }
  EXPECT_EQ(found.size(), users);
  EXPECT_EQ(found[user(7).str()], (std::pair{token_of(7), at(1007)}));
  EXPECT_EQ(found[user(page + 1).str()], (std::pair{token_of(page + 1), at(1001 + static_cast<std::int64_t>(page))}));
}

TEST_F(TokenCensus, LeavesOtherAppsAndPassesOverWhatItCannotRead) {
  store_user(1, "com.example.many");
  write(user(2), "no bindings");
  store_user(3, "com.example.one");   // the last in the database's order
  on_disk();
  const token_census census(*store_, apps_, claimed());
  const auto claims = wait_for(1);
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].by, user(3));
}

TEST_F(TokenCensus, StopsBetweenTwoPages) {
  constexpr std::size_t users = 2 * page + 500;
  for (std::size_t n = 0; n < users; ++n) store_user(n, "com.example.one");
  on_disk();
  { const token_census census(*store_, apps_, claimed()); }
  EXPECT_TRUE(claims_.size() % page == 0 || claims_.size() == users) << claims_.size();
}

}  // namespace
}  // namespace reveille
