/// The engine as its operator runs it, on a machine that gives it too little (SPEC 9.3): a start that cannot succeed ends
/// with status 1 and a line that says what was missing; what runs refuses what it has no room for, and runs on.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "tests/crash/engine_under_test.hpp"

namespace {

using namespace crash_testing;

constexpr uid_t nobody = 65534;
constexpr rlim_t mib = rlim_t{1} << 20;

class EngineShortage : public ::testing::Test {
 protected:
  EngineShortage() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reveille-shortage-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    config_ = directory_ + "/reveille.toml";
    configure("127.0.0.1:0", "127.0.0.1:0");
  }
  ~EngineShortage() override { std::filesystem::remove_all(directory_); }

  void configure(const std::string& sip, const std::string& admin, const std::string& more = "") {
    std::ofstream(config_) << "[node]\nshards = 2\nlisten = [\"udp:" << sip << "\"]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n"
                           << "[store]\npath = \"" << directory_ << "/" << store_ << "\"\n[admin]\nlisten = \"" << admin
                           << "\"\n" << more;
  }
  /// Each start either serves, and then stops as it should, or says why not.
  void starts_or_says_why(const process_limit& limit, const std::string& remedy) {
    engine_process engine(config_, {limit});
    const bool ready = engine.log().find("ready") != std::string::npos;
    if (ready) engine.terminate();
    const int status = engine.wait_for_end();
    ASSERT_TRUE(WIFEXITED(status)) << "limit " << limit.value << ": signal " << WTERMSIG(status) << "\n" << engine.log();
    EXPECT_EQ(WEXITSTATUS(status), ready ? 0 : 1) << "limit " << limit.value << "\n" << engine.log();
    EXPECT_EQ(engine.log().find("terminate called"), std::string::npos) << engine.log();
    if (ready) return;
    ++refused_;
    EXPECT_NE(engine.log().find(remedy), std::string::npos) << "limit " << limit.value << "\n" << engine.log();
  }
  /// How a start ends that cannot succeed.
  std::string words_of_failed_start() {
    engine_process engine(config_, {}, as_nobody_ ? nobody : 0);
    const int status = engine.wait_for_end();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status << engine.log();
    EXPECT_EQ(engine.log().find("terminate called"), std::string::npos);
    return engine.log();
  }

  std::string directory_, config_, store_ = "store";
  int refused_ = 0;
  bool as_nobody_ = false;
};

TEST_F(EngineShortage, SaysAtStartThatDescriptorsAreMissing) {
  for (rlim_t n = 6; n <= 34; ++n) starts_or_says_why({RLIMIT_NOFILE, n}, "LimitNOFILE");
  EXPECT_GT(refused_, 10);
}

TEST_F(EngineShortage, SaysAtStartThatMemoryIsMissing) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need terabytes of address space";
#endif
  for (rlim_t n = 150; n <= 850; n += 50) starts_or_says_why({RLIMIT_AS, n * mib}, "ulimit -v");
  EXPECT_GT(refused_, 2);
}

TEST_F(EngineShortage, ServesPhonesWhileConnectionsHoldEveryDescriptor) {
  engine_process engine(config_, {{RLIMIT_NOFILE, 48}});
  const std::uint16_t admin = engine.port_after("http://127.0.0.1:");
  ASSERT_NE(admin, 0) << engine.log();
  const phone all(engine.port_after("udp:127.0.0.1:"));
  std::vector<int> held;
  for (int i = 0; i < 100; ++i) {
    held.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in to = loopback(admin);
    ASSERT_EQ(::connect(held.back(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    ::send(held.back(), "GET /", 5, MSG_NOSIGNAL);
  }
  for (int user = 0; user < 20; ++user) {
    all.send_register(user, all.contact_of(user), 1);
    EXPECT_EQ(user_of_200(all.receive()), user);
  }
  for (const int socket : held) ::close(socket);
  const std::string metrics = http_get(admin, "/metrics");
  EXPECT_TRUE(metrics.starts_with("HTTP/1.1 200")) << metrics.substr(0, 200) << engine.log_so_far();
  EXPECT_EQ(metrics.find("reveille_admin_refused_connections_total 0\n"), std::string::npos);
  engine.terminate();
  EXPECT_EQ(engine.wait_for_end(), 0) << engine.log();
}

/// Registrations with long contacts until the system gives no more memory: new ones get 503, and the process stays.
TEST_F(EngineShortage, RefusesRegistrationsWhenMemoryIsRefused) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need terabytes of address space";
#endif
  configure("127.0.0.1:0", "127.0.0.1:0", "[limits]\nresident_subscribers = 1000000\n");
  std::unique_ptr<engine_process> engine;
  // As little as it starts with, and some megabytes.
  for (rlim_t n = 500; n < 3000 && (!engine || engine->log().find("ready") == std::string::npos); n += 20) {
    engine = std::make_unique<engine_process>(config_, std::initializer_list<process_limit>{{RLIMIT_AS, n * mib}});
  }
  const std::uint16_t port = engine->port_after("udp:127.0.0.1:");
  ASSERT_NE(port, 0) << engine->log();
  const phone all(port);
  const std::string filler(1800, 'x');
  int refused = 0, accepted = 0, silent = 0;
  for (int user = 0; user < 120000 && refused < 100 && silent < 5; ++user) {
    all.send_register(user, "<sip:u" + std::to_string(user) + "@127.0.0.1:9;x=" + filler + ">;expires=3600", 1);
    const std::string response = all.receive();
    refused += response.starts_with("SIP/2.0 503");
    accepted += response.starts_with("SIP/2.0 200");
    silent += response.empty();
    ASSERT_TRUE(engine->runs()) << "after " << accepted << " registrations\n" << engine->log_so_far();
  }
  EXPECT_GE(refused, 100) << accepted << " accepted, " << silent << " unanswered\n" << engine->log_so_far();
  EXPECT_GT(accepted, 0);
  for (int i = 0; i < 1000 && engine->log_so_far().find("refuses memory") == std::string::npos; ++i) ::poll(nullptr, 0, 10);
  EXPECT_NE(engine->log().find("refuses memory"), std::string::npos) << accepted << " accepted\n" << engine->log();
  const std::string metrics = http_get(engine->port_after("http://127.0.0.1:"), "/metrics");
  EXPECT_TRUE(metrics.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(metrics.find("reveille_memory_reserve_used_total 0\n"), std::string::npos);
  engine->terminate();
  EXPECT_EQ(engine->wait_for_end(), 0) << engine->log();
}

TEST_F(EngineShortage, SaysThatItsAddressIsTaken) {
  engine_process first(config_);
  const std::string sip = "127.0.0.1:" + std::to_string(first.port_after("udp:127.0.0.1:"));
  const std::string admin = "127.0.0.1:" + std::to_string(first.port_after("http://127.0.0.1:"));
  store_ = "other";   // it is not the store that is in the way
  configure(sip, "127.0.0.1:0");
  std::string words = words_of_failed_start();
  EXPECT_NE(words.find("cannot start: udp " + sip), std::string::npos) << words;
  EXPECT_NE(words.find("another process has it"), std::string::npos) << words;
  configure("127.0.0.1:0", admin);
  words = words_of_failed_start();
  EXPECT_NE(words.find("cannot start: cannot bind " + admin), std::string::npos) << words;
}

TEST_F(EngineShortage, SaysThatAnotherProcessHasTheStore) {
  engine_process first(config_);
  ASSERT_NE(first.port_after("udp:127.0.0.1:"), 0);
  const std::string words = words_of_failed_start();
  EXPECT_NE(words.find("another process has the store open"), std::string::npos) << words;
}

TEST_F(EngineShortage, SaysWhichFileOfACredentialCannotBeRead) {
  configure("127.0.0.1:0", "127.0.0.1:0",
            "[[apns.app]]\nteam_id = \"DEF123GHIJ\"\nbundle = \"com.example.phone\"\nkey_id = \"ABC123DEFG\"\nkey_file = \"" + directory_ +
                "/missing.p8\"\n");
  engine_process missing(config_);
  EXPECT_EQ(WEXITSTATUS(missing.wait_for_end()), 2) << "the configuration is wrong";
  EXPECT_NE(missing.log().find("apns.app[0].key_file"), std::string::npos) << missing.log();
  std::ofstream(directory_ + "/missing.p8") << "no key\n";
  const std::string words = words_of_failed_start();
  EXPECT_NE(words.find("cannot start:"), std::string::npos) << words;
  EXPECT_NE(words.find("reveille.toml:11:1: apns app com.example.phone: key ABC123DEFG: private key"), std::string::npos) << words;
}

TEST_F(EngineShortage, SaysThatItsBearerTokenCannotBeUsed) {
  std::ofstream(directory_ + "/token") << "short\n";
  configure("127.0.0.1:0", "127.0.0.1:0", "bearer_token_file = \"" + directory_ + "/token\"\n");
  const std::string words = words_of_failed_start();
  EXPECT_NE(words.find("the token in " + directory_ + "/token is shorter"), std::string::npos) << words;
}

TEST_F(EngineShortage, SaysThatItsStoreCannotBeMade) {
  std::ofstream(directory_ + "/store") << "a file, no directory\n";
  const std::string words = words_of_failed_start();
  EXPECT_NE(words.find("cannot start:"), std::string::npos) << words;
  EXPECT_NE(words.find(directory_ + "/store"), std::string::npos) << words;
}

TEST_F(EngineShortage, SaysThatItsStoreIsNotWritable) {
  std::filesystem::create_directory(directory_ + "/store");
  std::filesystem::permissions(directory_ + "/store", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  if (::geteuid() == 0) {
    if (::chown(directory_.c_str(), nobody, nobody) != 0) GTEST_SKIP() << "root may write everywhere, and cannot be another";
    as_nobody_ = true;
  }
  const std::string words = words_of_failed_start();
  EXPECT_NE(words.find(directory_ + "/store"), std::string::npos) << words;
  EXPECT_NE(words.find("Permission denied; user id "), std::string::npos) << words;
}

}  // namespace
