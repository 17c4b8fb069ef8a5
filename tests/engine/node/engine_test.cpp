// The whole engine on real sockets: a shard's thread, its inbox, the store, the admin server.
#include "engine/engine.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "core/system_ports.hpp"
#include "engine/node_secret.hpp"
#include "net/udp/udp_socket.hpp"

namespace reveille {
namespace {

class Engine : public ::testing::Test {
 protected:
  Engine() {
    // As main() does: the logger before any thread. It is made by a library that ThreadSanitizer cannot look into.
    EXPECT_NE(spdlog::default_logger_raw(), nullptr);
    char name[] = "/tmp/reveille-engine-XXXXXX";
    directory = ::mkdtemp(name);
    settings.node.listen = {"udp:127.0.0.1:0"};
    settings.node.domains = {"example.com"};
    settings.trust.open = true;
    settings.admin.listen = "127.0.0.1:0";
    settings.store.path = directory;
    settings.apns.enabled = false;
    settings.fcm.enabled = false;
  }
  ~Engine() override {
    subject.reset();
    std::filesystem::remove_all(directory);
  }
  void start() {
    auto made = engine::start(settings, {"1", "test", "reveille"});
    ASSERT_TRUE(made.has_value()) << made.error().what;
    subject = std::move(*made);
    phone = udp_socket::open(parse_endpoint("127.0.0.1:0").value(), pool).value();
  }
  /// What the engine answers within 10 s, or "".
  std::string ask(const std::string& user, unsigned cseq) {
    return ask(user, cseq, "Contact: <sip:" + user + "@" + phone->local().text() + ">\r\nExpires: 600\r\n");
  }
  /// @param lines Contact and what else belongs into the REGISTER; "" fetches.
  std::string ask(const std::string& user, unsigned cseq, const std::string& lines) {
    const std::string text = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + phone->local().text() +
                             ";branch=z9hG4bK" + user + std::to_string(cseq) + "\r\nMax-Forwards: 70\r\nFrom: <sip:" + user +
                             "@example.com>;tag=1\r\nTo: <sip:" + user + "@example.com>\r\nCall-ID: " + user +
                             "\r\nCSeq: " + std::to_string(cseq) + " REGISTER\r\n" + lines + "Content-Length: 0\r\n\r\n";
    slab_ptr bytes = pool.take(text.size());
    std::memcpy(bytes->data(), text.data(), text.size());
    phone->send(subject->listening().front(), bytes, text.size());
    phone->flush();
    pollfd readable{phone->fd(), POLLIN, 0};
    std::vector<datagram> in(1);
    if (::poll(&readable, 1, 10'000) <= 0 || phone->receive(in) == 0) return "";
    return std::string(in[0].bytes->view(0, in[0].size));
  }
  bool drains_soon() {
    subject->drain();
    for (int i = 0; i < 1000 && !subject->idle(); ++i) ::poll(nullptr, 0, 10);
    return subject->idle();
  }

  config::settings settings;
  std::string directory;
  slab_pool pool;
  std::unique_ptr<engine> subject;
  std::unique_ptr<udp_socket> phone;
};

TEST_F(Engine, RegistersAPhoneAndKnowsItAfterARestart) {
  settings.node.shards = 2;  // most REGISTERs are handed over to another shard
  start();
  for (const char* user : {"ann", "bob", "cid", "dan"}) {
    EXPECT_TRUE(ask(user, 1).starts_with("SIP/2.0 200 ")) << user;
  }
  subject.reset();
  start();
  EXPECT_TRUE(ask("ann", 2).starts_with("SIP/2.0 200 "));
}

/// For ThreadSanitizer above all: each start while the shards that came first already run, each stop while they work.
TEST_F(Engine, StartsDrainsAndStopsWithFourShardsAtWork) {
  settings.node.shards = 4;
  for (unsigned life = 1; life <= 3; ++life) {
    start();
    ASSERT_EQ(subject->shards(), 4U);
    for (int user = 0; user < 16; ++user) {
      EXPECT_TRUE(ask("u" + std::to_string(user), life).starts_with("SIP/2.0 200 "));
    }
    if (life > 1) {
      EXPECT_TRUE(drains_soon());
    }
    subject.reset();
  }
}

/// One app, whose tokens belong to one AOR at a time or to many; nothing listens where it would push to.
class EngineWithAnApp : public Engine {
 protected:
  EngineWithAnApp() {
    settings.apns.enabled = true;
    settings.apns.send.endpoint = settings.apns.sandbox_endpoint = "https://127.0.0.1:1";
    config::apns_app app;
    app.team_id = "DEF123GHIJ";
    app.bundle = "com.example.phone";
    app.key_id = "ABC123DEFG";
    app.key_file = directory + "/key.p8";
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<FILE, decltype(&fclose)> file(std::fopen(app.key_file.c_str(), "w"), fclose);
    EXPECT_EQ(PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
    settings.apns.apps = {app};
  }
  void start_with(pns::accounts rule) {
    subject.reset();
    settings.apns.apps[0].accounts = rule;
    start();
  }
  void register_token(const std::string& user, unsigned cseq) {
    const std::string contact = "Contact: <sip:" + user + "@" + phone->local().text() +
                                ";pn-provider=apns;pn-param=DEF123GHIJ.com.example.phone.voip;pn-prid=" + std::string(64, 'a') + ">\r\n";
    EXPECT_TRUE(ask(user, cseq, contact).starts_with("SIP/2.0 200 ")) << user;
  }
  bool has_binding(const std::string& user, unsigned cseq) {
    const std::string answer = ask(user, cseq, "");
    EXPECT_TRUE(answer.starts_with("SIP/2.0 200 ")) << answer;
    return answer.find("Contact:") != std::string::npos;
  }
  /// The claim takes a hop or three.
  bool loses_binding_soon(const std::string& user, unsigned cseq) {
    for (unsigned i = 0; i < 500; ++i) {
      if (!has_binding(user, cseq + i)) return true;
      ::poll(nullptr, 0, 10);
    }
    return false;
  }
};

TEST_F(EngineWithAnApp, TakesATokenFromItsFormerOwner) {
  settings.node.shards = 3;
  start_with(pns::accounts::one);
  register_token("ann", 1);
  register_token("bob", 1);
  EXPECT_TRUE(loses_binding_soon("ann", 2));
  EXPECT_TRUE(has_binding("bob", 2));
  register_token("ann", 1000);
  EXPECT_TRUE(loses_binding_soon("bob", 3));
}

TEST_F(EngineWithAnApp, FindsWhatTheStoreHasTwiceAfterTheRuleWasSet) {
  start_with(pns::accounts::many);
  register_token("ann", 1);
  register_token("bob", 1);
  EXPECT_TRUE(has_binding("ann", 2));
  start_with(pns::accounts::one);
  EXPECT_TRUE(loses_binding_soon("ann", 3));
  EXPECT_TRUE(has_binding("bob", 2));
}

TEST_F(Engine, WorksWithoutADisk) {
  settings.store_kind = config::store_kind::memory;
  start();
  EXPECT_TRUE(ask("ann", 1).starts_with("SIP/2.0 200 "));
  EXPECT_FALSE(subject->admin().empty());
}

TEST_F(Engine, IsIdleSoonAfterDraining) {
  start();
  ask("ann", 1);
  EXPECT_TRUE(drains_soon());
}

TEST_F(Engine, SaysWhyItCannotStart) {
  settings.node.listen = {"udp:192.0.2.1:5060"};
  const auto made = engine::start(settings, {});
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().what.find("192.0.2.1:5060"), std::string::npos) << made.error().what;
}

TEST_F(Engine, KeepsItsSecretForItself) {
  system_random random;
  const auto first = load_or_make_secret(directory, random);
  const auto again = load_or_make_secret(directory, random);
  ASSERT_TRUE(first.has_value() && again.has_value());
  EXPECT_EQ(first->secret.k0, again->secret.k0);
  EXPECT_NE(first->secret.k0, first->secret.k1);
  struct stat about {};
  ASSERT_EQ(::stat((directory + "/node.secret").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  std::filesystem::resize_file(directory + "/node.secret", 5);
  EXPECT_FALSE(load_or_make_secret(directory, random).has_value());
}

}  // namespace
}  // namespace reveille
