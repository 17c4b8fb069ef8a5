/// How we authenticate, against mocks as strict as Apple and Google: certificates, server keys, token purchases.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <thread>

#include "net/tls/tls_listener.hpp"
#include "tests/engine/push/push_mock_fixture.hpp"
#include "tests/net/tls/test_authority.hpp"

namespace reveille::testing {
namespace {


// --- APNs with a client certificate

class CertificateAgainstMocks : public PushAgainstMocks {
 protected:
  void change(push_config& c) override {
    apns_app_config app;
    app.bundle = bundle;
    app.certificate_pem = own.certificate_pem;
    app.certificate_key_pem = own.private_key_pem;
    app.environment = environment;
    if (at_production) app.endpoint = c.apns.production;
    c.apns.apps = {app};
    c.apns.limits.answer_timeout = milliseconds(500);
    c.fcm.apps.clear();
  }
  std::string push(std::uint32_t n, pns::token_service to = pns::token_service::voip, milliseconds lasts = seconds(30)) {
    pns::push_order o = order(n, environment == apns_environment::sandbox ? pns::provider::apns_dev : pns::provider::apns, hex_token(n));
    o.target.tokens.front().service = to;
    o.deadline = time.now().steady + lasts;
    gateway->submit(std::move(o));
    return answers.wait_for(n) ? answers.end(n) : "nothing";
  }
  std::uint64_t refused_connections() const {
    return gateway->apps().at(0).second.shared->connect_failures[static_cast<std::size_t>(open_failure::certificate)].value();
  }

  const test_authority apple{keys().ca_pem, keys().ca_key_pem};   // what the mock trusts
  const std::string phone_topics = "SEQWRAP,UTF8:com.example.phone.voip";
  certified own = apple.issue("DNS:x", {"com.example.phone", phone_topics, false, true});
  std::string bundle = "com.example.phone";
  apns_environment environment = apns_environment::production;
  bool at_production = false;
};

TEST_F(CertificateAgainstMocks, IsTakenForItsTopicsWithoutAnyToken) {
  start();
  EXPECT_EQ(push(1), "accepted");
  EXPECT_EQ(push(2, pns::token_service::plain), "accepted");
  const auto record = mock->record();
  ASSERT_EQ(record.size(), 2u);
  EXPECT_EQ(record[0].push_type, "voip");
  EXPECT_EQ(record[1].push_type, "alert");
  EXPECT_EQ(refused_connections(), 0u);
}

TEST_F(CertificateAgainstMocks, NeedsNoBundleBesideTheCertificates) {
  bundle = "";
  start();
  EXPECT_EQ(push(1), "accepted");
}

TEST_F(CertificateAgainstMocks, OneThatHasExpiredIsRefusedAndSaidToBe) {
  own = apple.issue("DNS:x", {"com.example.phone", phone_topics, false, true}, -7200, -3600);
  start();
  // In TLS 1.3 we are done before the server has looked: the push may have left, and then its stream is lost.
  const std::string end = push(1, pns::token_service::voip, seconds(2));
  EXPECT_TRUE(end == "deadline" || end == "try_later:lost" || end == "try_later:refused") << end;
  EXPECT_EQ(mock->counters().providers[0].requests, 0u);
  EXPECT_GT(refused_connections(), 0u);
  ASSERT_EQ(gateway->certificates().size(), 1u);
  EXPECT_LT(gateway->certificates()[0].ends, time.now().wall);
}

TEST_F(CertificateAgainstMocks, OneOfAnotherAuthorityIsRefusedAndSaidToBe) {
  own = test_authority("Apple's own cousin").issue("DNS:x", {"com.example.phone", phone_topics, false, true});
  start();
  push(1, pns::token_service::voip, seconds(2));
  EXPECT_EQ(mock->counters().providers[0].requests, 0u);
  EXPECT_GT(refused_connections(), 0u);
}

TEST_F(CertificateAgainstMocks, ATopicThatItDoesNotListIsRefused) {
  own = apple.issue("DNS:x", {"com.example.phone", "SEQWRAP,UTF8:com.example.phone.complication", false, true});
  start();
  EXPECT_EQ(push(1), "our_fault:BadTopic");  // .voip
  EXPECT_EQ(push(2, pns::token_service::plain), "accepted");
}

TEST_F(CertificateAgainstMocks, OneOfTheSandboxIsNoneForProduction) {
  own = apple.issue("DNS:x", {"com.example.phone", phone_topics, true, false});
  environment = apns_environment::sandbox;
  at_production = true;  // the operator has mixed the endpoints up
  start();
  EXPECT_EQ(push(1), "credential_fault:BadCertificateEnvironment");
}

TEST_F(CertificateAgainstMocks, OneThatSaysNothingOfAnyAppIsNone) {
  own = apple.issue("DNS:x");
  start();
  EXPECT_EQ(push(1), "credential_fault:BadCertificate");
}

// --- FCM's legacy API over TLS

class LegacyAgainstMocks : public PushAgainstMocks {
 protected:
  void change(push_config& c) override {
    fcm_app_config app;
    app.speaks = fcm_app_config::api::legacy;
    app.project = who.project;
    app.server_key = key;
    app.endpoint = gateway_url.empty() ? mock->endpoints().google_url + "/fcm/send" : gateway_url;
    c.fcm.apps = {app};
    c.apns.apps.clear();
  }
  void start_with_key() {
    mock_providers::server_config config;
    config.behaviour.legacy_key = "AAAA:the-key";
    start(config);
  }
  std::string push(std::uint32_t n, std::string token) {
    gateway->submit(order(n, pns::provider::fcm, std::move(token)));
    return answers.wait_for(n) ? answers.end(n) : "nothing";
  }
  std::string key = "AAAA:the-key";
  std::string gateway_url;
};

TEST_F(LegacyAgainstMocks, GoesOverHttp2WhereTheGatewayOffersIt) {
  start_with_key();
  EXPECT_EQ(push(1, "legacy-token:APA91b"), "accepted");
  const auto record = mock->record();
  ASSERT_EQ(record.size(), 1u);
  EXPECT_EQ(record[0].token, "legacy-token:APA91b");
  EXPECT_NE(record[0].payload.find("\"type\":\"invite\""), std::string::npos) << record[0].payload;
  // One HTTP/1.1 connection carries one push at a time; HTTP/2 has what its SETTINGS say.
  const auto& counters = gateway->counters(0)[static_cast<std::size_t>(pns::provider::fcm)];
  EXPECT_GE(counters.stream_capacity.value(), 100u);
  for (std::uint32_t n = 2; n <= 500; ++n) gateway->submit(order(n, pns::provider::fcm, "token-" + std::to_string(n) + ":APA91b"));
  ASSERT_TRUE(answers.wait_for(500));
  EXPECT_EQ(answers.ends().at("accepted"), 500u);
}

TEST_F(LegacyAgainstMocks, AServerKeyThatIsWrongIsACredentialFault) {
  key = "AAAA:another";
  start_with_key();
  EXPECT_EQ(push(1, "token:APA91b").substr(0, 16), "credential_fault");
}

TEST_F(LegacyAgainstMocks, HearsOfDeadTokensAndNewNamesInTheBody) {
  start_with_key();
  mock->unregister(pns::provider::fcm, "gone:APA91b", time.now().wall);
  mock->set_canonical("old-name:APA91b", "new-name:APA91b");
  EXPECT_EQ(push(1, "gone:APA91b"), "dead_token:NotRegistered");
  EXPECT_EQ(push(2, "old-name:APA91b"), "accepted");
}

/// A gateway that ends TLS and speaks HTTP/1.1 behind it: `alpn` is what it offers, perhaps nothing at all.
class OldGateway {
 public:
  explicit OldGateway(std::vector<std::string> alpn) {
    tls_server_config c;
    c.certificate_pem = keys().server_pem;
    c.private_key_pem = keys().server_key_pem;
    c.alpn = std::move(alpn);
    listener_ = tls_listener::make(io_, time_, tls_context::make_server(c).value(), {},
                                          [this](std::string_view spoken, const std::shared_ptr<tls_connection>&) {
                                            protocol = spoken;
                                            return std::make_unique<session>(*this);
                                          })
                    .value();
    url = "https://127.0.0.1:" + std::to_string(listener_->port()) + "/push/fcm/send";
    runner_ = std::thread([this] { io_.run(); });
  }
  ~OldGateway() {
    io_.stop();
    runner_.join();
  }
  std::string url;
  std::string protocol, heads;   ///< of its thread: to be read once its pushes are answered

 private:
  class session final : public byte_session {
   public:
    explicit session(OldGateway& of) : of_(of) {}
    void receive(std::span<const std::uint8_t> bytes, const instant&) override {
      in_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const std::size_t head = in_.find("\r\n\r\n");
      if (head == std::string::npos) return;
      const std::size_t length = std::stoul(in_.substr(in_.find("content-length: ") + 16));
      if (in_.size() < head + 4 + length) return;
      of_.heads += in_.substr(0, head + 4);
      in_.erase(0, head + 4 + length);
      const std::string body = R"({"multicast_id":1,"success":1,"failure":0,"canonical_ids":0,"results":[{"message_id":"0:1"}]})";
      out_ += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    void produce(std::vector<std::uint8_t>& out, std::size_t) override {
      out.insert(out.end(), out_.begin(), out_.end());
      out_.clear();
    }
    bool finished() const override { return false; }
    void closed(const instant&) override {}

   private:
    OldGateway& of_;
    std::string in_, out_;
  };

  boost::asio::io_context io_;
  system_clock_port time_;
  std::unique_ptr<tls_listener> listener_;
  std::thread runner_;
};

TEST_F(LegacyAgainstMocks, GoesOverHttp1WhereTheGatewayOffersNothingElse) {
  for (const std::vector<std::string>& offered : {std::vector<std::string>{"http/1.1"}, std::vector<std::string>{}}) {
    OldGateway old(offered);
    gateway_url = old.url;
    start_with_key();
    const std::uint32_t first = offered.empty() ? 101 : 1;
    for (std::uint32_t n = first; n < first + 20; ++n) gateway->submit(order(n, pns::provider::fcm, "token-" + std::to_string(n) + ":APA91b"));
    ASSERT_TRUE(answers.wait_for(offered.empty() ? 40 : 20));
    EXPECT_EQ(answers.ends().at("accepted"), offered.empty() ? 40u : 20u);
    EXPECT_EQ(old.protocol, offered.empty() ? "" : "http/1.1");
    EXPECT_NE(old.heads.find("POST /push/fcm/send HTTP/1.1\r\nHost: 127.0.0.1:"), std::string::npos) << old.heads;
    EXPECT_NE(old.heads.find("authorization: key=AAAA:the-key\r\n"), std::string::npos);
    gateway.reset();
  }
}

// --- token purchases

class PurchaseFromADeafShop : public PushAgainstMocks {
 protected:
  PurchaseFromADeafShop() : shop(io, {boost::asio::ip::address_v4::loopback(), 0}) {}
  void change(push_config& c) override {
    c.fcm.token_url = "https://127.0.0.1:" + std::to_string(shop.local_endpoint().port()) + "/token";
    c.fcm.route.connect_timeout = milliseconds(100);
    c.fcm.route.answer_timeout = milliseconds(100);
    c.apns.apps.clear();
  }
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor shop;   // the kernel shakes hands, and nobody speaks
};

TEST_F(PurchaseFromADeafShop, IsGivenUpAfterTheConnectTimeoutAndTriedAgain) {
  start();
  pns::push_order o = order(1, pns::provider::fcm, "t");
  o.deadline = time.now().steady + seconds(4);
  gateway->submit(std::move(o));
  ASSERT_TRUE(answers.wait_for(1));
  EXPECT_EQ(answers.end(1), "deadline");
  EXPECT_GE(sum(&push_counters::token_failures, pns::provider::fcm), 2u);  // with pauses of about 1 and 2 s between them
}

}  // namespace
}  // namespace reveille::testing
