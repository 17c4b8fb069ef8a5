// APNs' certificate authentication: a real TLS server that lets nobody in without a client certificate.
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "core/system_ports.hpp"
#include "engine/push/push_threads.hpp"
#include "net/http2/server_session.hpp"
#include "net/tls/tls_listener.hpp"
#include "tests/net/tls/test_authority.hpp"

namespace reveille::testing {
namespace {

namespace asio = boost::asio;

struct seen_request {
  std::string topic, authorization, certificate;
};

/// Answers every request with 200, or with what the test says.
class strict_server {
 public:
  explicit strict_server(const test_authority& clients) : work_(asio::make_work_guard(io_)) {
    const certified own = authority.issue("IP:127.0.0.1");
    tls_server_config c;
    c.certificate_pem = own.certificate_pem;
    c.private_key_pem = own.private_key_pem;
    c.client_ca_pem = clients.pem();
    c.alpn = {"h2"};
    listener_ = tls_listener::make(io_, time_, tls_context::make_server(c).value(), {},
                                          [this](std::string_view, const std::shared_ptr<tls_connection>& self)
                                              -> std::unique_ptr<byte_session> {
                                            if (self->peer_certificate().empty()) return nullptr;
                                            return std::make_unique<session>(*this, self->peer_certificate());
                                          })
                    .value();
    runner_ = std::thread([this] { io_.run(); });
  }
  ~strict_server() {
    asio::post(io_, [this] { listener_.reset(); });
    work_.reset();
    runner_.join();
  }
  std::uint16_t port() const { return listener_->port(); }
  std::vector<seen_request> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  test_authority authority{"Server authority"};
  int status = 200;
  std::string reason;

 private:
  class session final : public byte_session, private http2::server_listener {
   public:
    session(strict_server& of, std::string certificate) : of_(of), certificate_(std::move(certificate)), h2_(*this, {}) {}
    void receive(std::span<const std::uint8_t> bytes, const instant&) override { h2_.receive(bytes); }
    void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { h2_.produce(out, limit); }
    bool finished() const override { return h2_.finished(); }
    void closed(const instant&) override {}

   private:
    void requested(const http2::server_request& r) override {
      {
        const std::lock_guard lock(of_.mutex_);
        of_.seen_.push_back({std::string(r.headers.value_of("apns-topic")),
                             std::string(r.headers.value_of("authorization")), certificate_});
      }
      h2_.respond(r.stream, of_.status, {}, of_.reason.empty() ? "" : "{\"reason\":\"" + of_.reason + "\"}");
    }
    void stream_reset(std::uint32_t, std::uint32_t) override {}
    strict_server& of_;
    const std::string certificate_;
    http2::server_session h2_;
  };

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  system_clock_port time_;
  std::unique_ptr<tls_listener> listener_;
  std::thread runner_;
  std::mutex mutex_;
  std::vector<seen_request> seen_;
};

class one_by_one final : public push_answer_sink {
 public:
  void answered(shard_id, std::vector<pns::push_answer>& batch) override {
    const std::lock_guard lock(mutex_);
    for (pns::push_answer& a : batch) {
      ends_[a.id.number] = std::string(name_of(end_of(a.outcome))) + (a.reason.empty() ? "" : ":" + a.reason);
    }
    changed_.notify_all();
  }
  std::string end(std::uint32_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(60), [&] { return ends_.count(number) != 0; });
    return ends_[number];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, std::string> ends_;
};

class PushCertificate : public ::testing::Test {
 protected:
  apns_app_config app(const certified& who, std::string bundle = "") {
    apns_app_config a;
    a.bundle = std::move(bundle);
    a.certificate_pem = who.certificate_pem;
    a.certificate_key_pem = who.private_key_pem;
    return a;
  }
  push_config config(std::vector<apns_app_config> apps) {
    push_config c;
    c.apns.production = c.apns.sandbox = {"127.0.0.1", server.port()};
    c.apns.route.ca_pem = server.authority.pem();
    c.apns.apps = std::move(apps);
    return c;
  }
  void start(std::vector<apns_app_config> apps) {
    auto made = push_threads::make(config(std::move(apps)), answers, time);
    ASSERT_TRUE(made.has_value()) << made.error().front().what;
    gateway = std::move(*made);
  }
  std::string fault(std::vector<apns_app_config> apps) {
    const auto plan = plan_pushes(config(std::move(apps)));
    return plan ? "" : plan.error().front().what;
  }
  std::string send(std::uint32_t n, std::string bundle, milliseconds lasts = seconds(30)) {
    pns::push_order o;
    o.id = {aor_key{1}, n};
    o.target.provider = pns::provider::apns;
    o.target.app = std::move(bundle);
    o.target.tokens.push_back({prid("00aabb"), pns::token_service::voip});
    o.content = pns::invite_content{time.now().wall, "103", "", "call"};
    o.deadline = time.now().steady + lasts;
    o.expires = time.now().wall + lasts;
    gateway->submit(std::move(o));
    return answers.end(n);
  }

  test_authority apple{"Apple"};
  const apple_marks phone{"com.example.phone", "SEQWRAP,UTF8:com.example.phone", false, true};
  strict_server server{apple};
  system_clock_port time;
  one_by_one answers;
  std::unique_ptr<push_threads> gateway;
};

TEST_F(PushCertificate, AuthenticatesTheConnectionAndSendsNoAuthorization) {
  start({app(apple.issue("DNS:x", phone))});
  EXPECT_EQ(send(1, "com.example.phone"), "accepted");
  ASSERT_EQ(server.seen().size(), 1U);
  EXPECT_EQ(server.seen()[0].topic, "com.example.phone.voip");
  EXPECT_EQ(server.seen()[0].authorization, "");
  EXPECT_FALSE(server.seen()[0].certificate.empty());
}

TEST_F(PushCertificate, TwoAppsShowTheirOwnCertificates) {
  const apple_marks desk{"com.example.desk", "", false, false};
  start({app(apple.issue("DNS:x", phone)), app(apple.issue("DNS:y", desk))});
  EXPECT_EQ(send(1, "com.example.phone"), "accepted");
  EXPECT_EQ(send(2, "com.example.desk"), "accepted");
  ASSERT_EQ(server.seen().size(), 2U);
  EXPECT_NE(server.seen()[0].certificate, server.seen()[1].certificate);
  EXPECT_EQ(server.seen()[1].topic, "com.example.desk.voip");
}

TEST_F(PushCertificate, AForgedOneNeverGetsThrough) {
  start({app(test_authority("Apple").issue("DNS:x", phone))});
  // In TLS 1.3 we are done before the server has looked: the push may have left, and then its stream is lost.
  const std::string end = send(1, "com.example.phone", milliseconds(500));
  EXPECT_TRUE(end == "deadline" || end == "try_later:lost") << end;
  EXPECT_TRUE(server.seen().empty());
}

TEST_F(PushCertificate, ARefusedOneIsACredentialFault) {
  for (const char* reason : {"BadCertificate", "BadCertificateEnvironment", "Forbidden"}) {
    server.status = 403;
    server.reason = reason;
    start({app(apple.issue("DNS:x", phone))});
    EXPECT_EQ(send(static_cast<std::uint32_t>(server.seen().size()) + 1, "com.example.phone"),
              "credential_fault:" + std::string(reason));
  }
  EXPECT_EQ(server.seen().size(), 3U);  // each was asked once
}

TEST_F(PushCertificate, SaysWhichAppTheCertificateIsFor) {
  EXPECT_EQ(fault({app(apple.issue("DNS:x", phone), "com.example.other")}),
            "apns app com.example.other: certificate: is for com.example.phone, com.example.phone, not for this bundle");
  apns_app_config sandbox = app(apple.issue("DNS:x", phone));
  sandbox.environment = apns_environment::sandbox;
  EXPECT_EQ(fault({sandbox}), "apns app of a certificate: certificate: is not for environment sandbox");
  EXPECT_EQ(fault({app(apple.issue("DNS:x"))}),
            "apns app of a certificate: certificate: names no bundle (UID), so `bundle` must be set");
  EXPECT_EQ(fault({app(apple.issue("DNS:x"), "com.example.phone")}), "");
  apns_app_config mixed = app(apple.issue("DNS:x", phone));
  mixed.certificate_key_pem = apple.issue("DNS:y").private_key_pem;
  EXPECT_EQ(fault({mixed}), "apns app of a certificate: certificate: the private key does not belong to the certificate");
}

TEST_F(PushCertificate, AProductionCertificateServesNoSandboxDevice) {
  const auto plan = plan_pushes(config({app(apple.issue("DNS:x", phone))}));
  ASSERT_TRUE(plan.has_value());
  pns::push_target t;
  t.provider = pns::provider::apns_dev;
  EXPECT_FALSE(plan->router.find(t).has_value());
  ASSERT_EQ(plan->certificates.size(), 1U);
  EXPECT_EQ(plan->certificates[0].bundle, "com.example.phone");
  EXPECT_GT(plan->certificates[0].ends, time.now().wall);
}

}  // namespace
}  // namespace reveille::testing
