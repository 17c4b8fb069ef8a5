/// The engine as its operator runs it, on a disk that fills up: phones ring, new registrations wait, and it goes on by
/// itself when there is room (SPEC 9.1).
#include "engine/store/acknowledged_mark.hpp"
#include "tests/crash/engine_under_test.hpp"
#include "tests/crash/own_mounts.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

namespace {

using namespace crash_testing;
using namespace reveille::store_testing;

constexpr std::size_t disk_bytes = std::size_t{8} << 20;
constexpr int sleeper = 2;  ///< even: has a push binding

class EngineDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!may_mount()) GTEST_SKIP() << "NOT TESTED: this user may not mount file systems here";
    std::string pattern = (std::filesystem::temp_directory_path() / "reveille-disk-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    disk_ = directory_ + "/disk";
    std::filesystem::create_directory(disk_);
    ASSERT_TRUE(mount_memory(disk_, disk_bytes)) << std::strerror(errno);
    std::ofstream(directory_ + "/reveille.toml")
        << "[node]\nlisten = [\"udp:127.0.0.1:0\"]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n"
        << "[store]\npath = \"" << disk_ << "/store\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
  }
  void TearDown() override {
    engine_.reset();
    if (directory_.empty()) return;
    take_away(disk_);
    std::filesystem::remove_all(directory_);
  }
  void start() {
    engine_ = std::make_unique<engine_process>(directory_ + "/reveille.toml");
    ASSERT_NE(engine_->log().find("ready"), std::string::npos) << engine_->log();
    phone_ = std::make_unique<phone>(engine_->port_after("udp:127.0.0.1:"));
  }
  std::string ask_admin(const std::string& path) { return http_get(engine_->port_after("http://127.0.0.1:"), path); }
  std::string register_user(int user, int cseq) {
    phone_->send_register(user, phone_->contact_of(user), cseq);
    return phone_->receive();
  }
  /// Registers strangers until the full disk shows.
  bool comes_to_refuse() {
    for (int i = 0; i < 3000; ++i, ++next_) {
      if (register_user(next_, 1).starts_with("SIP/2.0 503")) return true;
    }
    return false;
  }
  template <class Condition>
  static bool soon(Condition&& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      if (holds()) return true;
      ::poll(nullptr, 0, 10);
    }
    return false;
  }
  /// A call for the sleeper: pushed and parked, and delivered when it registers.
  void expect_that_the_phone_rings() {
    phone_->send_invite(sleeper);
    EXPECT_TRUE(phone_->receive().starts_with("SIP/2.0 100")) << engine_->log_so_far();
    EXPECT_TRUE(soon([&] {
      return ask_admin("/metrics").find("reveille_call_steps_total{step=\"push_queued\"} 1\n") != std::string::npos;
    })) << ask_admin("/metrics");
    phone_->send_register(sleeper, phone_->contact_of(sleeper), ++cseq_);
    bool answered = false, rings = false;
    for (int i = 0; i < 4 && !(answered && rings); ++i) {
      const std::string got = phone_->receive();
      answered |= user_of_200(got) == sleeper;
      rings |= got.starts_with("INVITE ");
    }
    EXPECT_TRUE(answered) << "a refresh goes on";
    EXPECT_TRUE(rings) << engine_->log_so_far();
  }

  std::string directory_, disk_;
  std::unique_ptr<engine_process> engine_;
  std::unique_ptr<phone> phone_;
  int next_ = 101;
  int cseq_ = 1;
};

TEST_F(EngineDisk, LetsPhonesRingWhileItIsFullAndGoesOnWhenThereIsRoom) {
  start();
  ASSERT_EQ(user_of_200(register_user(sleeper, 1)), sleeper);
  {
    ballast everything(disk_ + "/ballast");
    ASSERT_TRUE(comes_to_refuse()) << engine_->log_so_far();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);  // several attempts to recover
    while (std::chrono::steady_clock::now() < until) {
      everything.fill();
      ASSERT_EQ(user_of_200(register_user(sleeper, ++cseq_)), sleeper) << "refreshes go on\n" << engine_->log_so_far();
    }
    EXPECT_TRUE(soon([&] { return engine_->log_so_far().find("No space left on device") != std::string::npos; }));
    const std::string ready = ask_admin("/readyz");
    EXPECT_TRUE(ready.starts_with("HTTP/1.1 503")) << ready;
    EXPECT_NE(ready.find("the store cannot write: "), std::string::npos) << ready;
    expect_that_the_phone_rings();
    EXPECT_TRUE(engine_->runs()) << engine_->log_so_far();
  }
  EXPECT_TRUE(soon([&] { return user_of_200(register_user(next_++, 1)) > 0; })) << engine_->log_so_far();
  EXPECT_TRUE(soon([&] { return engine_->log_so_far().find("takes writes again") != std::string::npos; }))
      << engine_->log_so_far();
  EXPECT_TRUE(ask_admin("/readyz").starts_with("HTTP/1.1 200"));
}

TEST_F(EngineDisk, StartsOnAFullDiskAndWakesThePhonesItKnows) {
  start();
  ASSERT_EQ(user_of_200(register_user(sleeper, 1)), sleeper);
  engine_->kill();
  {
    const ballast everything(disk_ + "/ballast");
    start();
    EXPECT_TRUE(ask_admin("/readyz").starts_with("HTTP/1.1 503"));
    EXPECT_TRUE(register_user(next_++, 1).starts_with("SIP/2.0 503"));
    expect_that_the_phone_rings();
  }
  EXPECT_TRUE(soon([&] { return user_of_200(register_user(next_++, 1)) > 0; })) << engine_->log_so_far();
}

TEST_F(EngineDisk, SaysWhatItsLogHasLost) {
  start();
  ASSERT_EQ(user_of_200(register_user(sleeper, 1)), sleeper);
  ASSERT_TRUE(soon([&] {  // the mark follows the sync of the log
    const auto mark = reveille::acknowledged_mark::read(disk_ + "/store");
    return mark && mark->sequence >= 1;
  }));
  engine_->kill();
  for (const auto& file : std::filesystem::directory_iterator(disk_ + "/store")) {
    if (file.path().extension() == ".log") std::filesystem::remove(file.path());
  }
  start();
  const std::string ready = ask_admin("/readyz");
  EXPECT_TRUE(ready.starts_with("HTTP/1.1 200")) << ready;
  EXPECT_NE(ready.find("missing in the log"), std::string::npos) << ready;
  EXPECT_NE(engine_->log().find("missing in the log"), std::string::npos) << engine_->log();
  EXPECT_NE(ask_admin("/metrics").find("reveille_store_lost_writes 1"), std::string::npos);
}

}  // namespace
