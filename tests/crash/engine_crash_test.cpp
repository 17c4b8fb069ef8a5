/// The engine as its operator runs it, killed with -9 while registrations pour in over UDP: every one that got a 200 is
/// there after the restart, and so are push bucket entries (SPEC 9). Black box: nothing of ours is linked.
#include "tests/crash/engine_under_test.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace {

using namespace crash_testing;

constexpr int rounds = 4;
constexpr std::size_t window = 64;  ///< REGISTERs in flight

class EngineCrash : public ::testing::Test {
 protected:
  EngineCrash() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reveille-crash-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    config_ = directory_ + "/reveille.toml";
    std::ofstream(config_)
        << "[node]\nlisten = [\"udp:127.0.0.1:0\"]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n"
        << "[store]\npath = \"" << directory_ << "/store\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
  }
  ~EngineCrash() override { std::filesystem::remove_all(directory_); }

  std::string directory_, config_;
};

TEST_F(EngineCrash, KeepsEveryRegistrationThatGotA200) {
  std::set<int> acknowledged;
  int next = 0;
  for (int round = 0; round < rounds; ++round) {
    {
      engine_process engine(config_);
      const std::uint16_t port = engine.port_after("udp:127.0.0.1:");
      ASSERT_NE(port, 0) << engine.log();
      const phone all(port);
      const std::size_t enough = acknowledged.size() + 300 + static_cast<std::size_t>(round) * 137;
      for (std::size_t i = 0; i < window; ++i, ++next) all.send_register(next, all.contact_of(next), 1);
      while (acknowledged.size() < enough) {
        const std::string response = all.receive();
        ASSERT_FALSE(response.empty()) << "the engine fell silent\n" << engine.log();
        const int user = user_of_200(response);
        ASSERT_GE(user, 0) << response;
        acknowledged.insert(user);
        all.send_register(next, all.contact_of(next), 1);
        ++next;
      }
      engine.kill();  // with a window full of REGISTERs under way
    }
    engine_process engine(config_);
    const phone asker(engine.port_after("udp:127.0.0.1:"));
    for (const int user : acknowledged) {
      asker.send_register(user, "", 100 + round);
      const std::string response = asker.receive();
      ASSERT_EQ(user_of_200(response), user) << response << engine.log();
      EXPECT_NE(response.find("<sip:u" + std::to_string(user) + "@"), std::string::npos)
          << "user " << user << " got a 200 before kill " << round << " and is gone\n"
          << response;
    }
  }
}

TEST_F(EngineCrash, KeepsThePushBucket) {
  const int user = 2;
  const std::string path = "/api/v1/subscribers/u2@example.com";
  {
    engine_process engine(config_);
    const phone all(engine.port_after("udp:127.0.0.1:"));
    all.send_register(user, all.contact_of(user), 1);
    ASSERT_EQ(user_of_200(all.receive()), user);
    all.send_invite(user);
    ASSERT_TRUE(all.receive().starts_with("SIP/2.0 100"));
    const std::uint16_t admin = engine.port_after("http://127.0.0.1:");
    std::string seen;
    for (int i = 0; i < 1000 && seen.find("remote_uri") == std::string::npos; ++i) seen = http_get(admin, path);
    ASSERT_NE(seen.find("\"remote_uri\":\"103\""), std::string::npos) << seen;
    engine.kill();
  }
  engine_process engine(config_);
  const std::string after = http_get(engine.port_after("http://127.0.0.1:"), path);
  EXPECT_NE(after.find("\"remote_uri\":\"103\""), std::string::npos) << after;
  EXPECT_NE(after.find("\"provider\":\"fcm\""), std::string::npos) << after;
}

}  // namespace
