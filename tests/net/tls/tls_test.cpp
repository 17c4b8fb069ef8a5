// Opening, verifying and ending TLS connections, with every peer that is not as it should be.
#include "net/tls/dialling.hpp"
#include "tests/net/tls/tls_fixture.hpp"

#include <boost/asio/post.hpp>

namespace reveille::http2 {
namespace {

class Tls : public TlsFixture {
 protected:
  /// Accepts TCP connections and holds them; what it says of its own is up to the test.
  void listen_dumb() {
    dumb.emplace(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    port = dumb->local_endpoint().port();
    dumb->async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (!error) held.emplace(std::move(socket));
    });
  }
  std::optional<tcp::acceptor> dumb;
  std::optional<tcp::socket> held;
};

TEST_F(Tls, CarriesWhatBothEndsSendAndTellsBothOfTheEndOnce) {
  serve();
  client.to_send = std::string(300'000, 'x') + "end";
  open(target());
  EXPECT_EQ(outcome(), "open") << failure;
  client_line->wake();
  ASSERT_TRUE(wait_until([this] { return client.received.size() >= 300'003; }));
  EXPECT_EQ(client.received, std::string(300'000, 'x') + "end");
  EXPECT_EQ(client_alpn, "h2");
  EXPECT_EQ(server_alpn, "h2");
  client_line->close();
  ASSERT_TRUE(wait_until([this] { return client.closed > 0 && server.closed > 0 && listener->counters().open == 0; }));
  client_line->close();
  client_line->abort();
  wait_until([this] { return io.poll() == 0; });
  EXPECT_EQ(client.closed, 1);
  EXPECT_EQ(server.closed, 1);
}

struct name_case {
  const char* certificate;
  const char* host;
  const char* outcome;
};
class CertificateNames : public TlsFixture, public ::testing::WithParamInterface<name_case> {};
TEST_P(CertificateNames, MustShowTheHostThatWasAskedFor) {
  serve(GetParam().certificate);
  open(target(GetParam().host));
  EXPECT_EQ(outcome(), GetParam().outcome) << failure;
  EXPECT_EQ(opened, server.received.empty() && std::string_view(GetParam().outcome) == "open" ? 1 : 0);
}
INSTANTIATE_TEST_SUITE_P(Table, CertificateNames,
                         ::testing::Values(name_case{"DNS:push.example.com", "push.example.com", "open"},
                                           name_case{"DNS:push.example.com", "PUSH.example.com", "open"},
                                           name_case{"DNS:a.example,DNS:push.example.com", "push.example.com", "open"},
                                           name_case{"DNS:*.example.com", "push.example.com", "open"},
                                           name_case{"DNS:other.example.com", "push.example.com", "certificate"},
                                           name_case{"DNS:example.com", "push.example.com", "certificate"},
                                           name_case{"DNS:*.example.com", "a.push.example.com", "certificate"},
                                           name_case{"DNS:pu*.example.com", "push.example.com", "certificate"},
                                           name_case{"DNS:push.example.com", "push.example.com.evil.net", "certificate"},
                                           name_case{"IP:127.0.0.1", "127.0.0.1", "open"},
                                           name_case{"IP:127.0.0.2", "127.0.0.1", "certificate"},
                                           name_case{"DNS:127.0.0.1", "127.0.0.1", "certificate"}));

TEST_F(Tls, RefusesAnUnknownAuthority) {
  serve();
  open(target(), trusting(test_authority("Another authority")));
  EXPECT_EQ(outcome(), "certificate") << failure;
  EXPECT_TRUE(wait_until([this] { return listener->counters().handshake_failed == 1; }));
}

TEST_F(Tls, RefusesAnAuthorityThatOnlyHasTheNameOfTheKnownOne) {
  serve();
  open(target(), trusting(test_authority()));  // the same subject, another key
  EXPECT_EQ(outcome(), "certificate") << failure;
}

TEST_F(Tls, RefusesCertificatesOutOfTheirTime) {
  for (const auto& [from, until] : {std::pair{-7200L, -3600L}, std::pair{3600L, 7200L}}) {
    opened = failures = 0;
    serve(server_config(authority().issue("DNS:push.example.com", from, until)));
    open(target());
    EXPECT_EQ(outcome(), "certificate") << failure;
  }
}

TEST_F(Tls, RefusesAServerWithoutHttp2) {
  for (const std::vector<std::string>& offered : {std::vector<std::string>{"http/1.1"}, std::vector<std::string>{}}) {
    opened = failures = 0;
    tls_server_config config = server_config(authority().issue("DNS:push.example.com"));
    config.alpn = offered;
    serve(config);
    open(target());
    EXPECT_EQ(outcome(), "alpn") << failure;
  }
}

TEST_F(Tls, SpeaksHttp1WhereThatIsAskedFor) {
  serve();
  tls_client_config config = trusting();
  config.alpn = {"http/1.1"};
  open(target(), config);
  EXPECT_EQ(outcome(), "open") << failure;
  EXPECT_EQ(client_alpn, "http/1.1");
}

TEST_F(Tls, GivesUpAPeerThatNeverSpeaks) {
  listen_dumb();
  tls_limits limits;
  limits.open_deadline = milliseconds(50);
  open(target(), trusting(), limits);
  EXPECT_EQ(outcome(), "deadline");
  EXPECT_EQ(failures, 1);
}

TEST_F(Tls, GivesUpAPeerThatClosesOrTalksNonsense) {
  for (const char* nonsense : {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x16\x03\x01\xff\xff garbage"}) {
    opened = failures = 0;
    held.reset();
    listen_dumb();
    open(target());
    ASSERT_TRUE(wait_until([this] { return held.has_value(); }));
    boost::system::error_code ignored;
    held->send(boost::asio::buffer(nonsense, std::strlen(nonsense)), 0, ignored);
    held->shutdown(tcp::socket::shutdown_send, ignored);
    EXPECT_EQ(outcome(), "handshake") << failure;
  }
}

TEST_F(Tls, TheListenerGivesUpClientsThatNeverSpeak) {
  tls_limits limits;
  limits.open_deadline = milliseconds(50);
  serve(server_config(authority().issue("DNS:push.example.com")), limits);
  tcp::socket silent(io);
  silent.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
  EXPECT_TRUE(wait_until([this] { return listener->counters().handshake_failed == 1; }));
  EXPECT_EQ(listener->counters().open, 0U);
}

TEST_F(Tls, HearsOfAPeerThatIsTornAway) {
  serve();
  open(target());
  ASSERT_EQ(outcome(), "open") << failure;
  ASSERT_TRUE(wait_until([this] { return server_line != nullptr; }));
  server_line->abort();
  EXPECT_TRUE(client_closed());
  EXPECT_EQ(client.closed, 1);
}

TEST_F(Tls, DoesNotWaitForAHalfOpenPeerForEver) {
  serve();
  tls_limits limits;
  limits.close_deadline = milliseconds(50);
  open(target(), trusting(), limits);
  ASSERT_EQ(outcome(), "open") << failure;
  ASSERT_TRUE(wait_until([this] { return server_line != nullptr; }));
  server_line->pause_reading();  // it never sees our end
  client_line->close();
  EXPECT_TRUE(client_closed());
  EXPECT_EQ(server.closed, 0);
  server_line->resume_reading();
  EXPECT_TRUE(wait_until([this] { return server.closed == 1; }));
}

TEST_F(Tls, ASessionThatIsFinishedDoesNotWaitForAPeerThatTakesNothing) {
  serve();
  tls_limits limits;
  limits.close_deadline = milliseconds(50);
  open(target(), trusting(), limits);
  ASSERT_EQ(outcome(), "open") << failure;
  ASSERT_TRUE(wait_until([this] { return server_line != nullptr; }));
  server_line->pause_reading();
  client.to_send = std::string(64 << 20, 'x');  // more than any socket holds
  client_line->wake();
  std::size_t left = 0;
  ASSERT_TRUE(wait_until([&] { return std::exchange(left, client.to_send.size()) == client.to_send.size() && left < (64U << 20); }));
  client.finished = true;  // an HTTP/1.1 request is given up, say
  client_line->wake();
  EXPECT_TRUE(client_closed());
  EXPECT_EQ(client.closed, 1);
}

TEST_F(Tls, APlainSessionThatIsFinishedDoesNotWaitForAPeerThatTakesNothing) {
  listen_dumb();
  tls_limits limits;
  limits.close_deadline = milliseconds(50);
  tls_target to = target("127.0.0.1");
  client.to_send = std::string(64 << 20, 'x');
  client_line = open_plain(
      io, time, to, limits,
      [this](std::string_view, const std::shared_ptr<tls_connection>&) {
        ++opened;
        return std::make_unique<record_session>(client, record_session::kind::keep);
      },
      [this](open_failure, const std::string&) { ++failures; });
  ASSERT_TRUE(wait_until([this] { return opened > 0 && held.has_value(); }));
  std::size_t left = 0;
  ASSERT_TRUE(wait_until([&] {
    client_line->wake();
    return std::exchange(left, client.to_send.size()) == client.to_send.size() && left < (64U << 20);
  }));
  client.finished = true;
  client_line->wake();
  EXPECT_TRUE(client_closed());
  EXPECT_EQ(client.closed, 1);
}

TEST_F(Tls, SendsWhatIsLeftBeforeItCloses) {
  serve();
  open(target());
  ASSERT_EQ(outcome(), "open") << failure;
  client.to_send = std::string(200'000, 'y');
  client_line->close();
  ASSERT_TRUE(wait_until([this] { return server.closed > 0; }));
  EXPECT_EQ(server.received.size(), 200'000U);
}

TEST_F(Tls, AbortWhileOpeningCountsAsADeadline) {
  listen_dumb();
  open(target());
  client_line->abort();
  client_line->abort();
  EXPECT_EQ(outcome(), "deadline");
  EXPECT_EQ(failures, 1);
}

TEST_F(Tls, ShowsItsOwnCertificateWhereOneIsAsked) {
  const test_authority client_authority("Client authority");
  tls_server_config config = server_config(authority().issue("DNS:push.example.com"));
  config.client_ca_pem = client_authority.pem();
  serve(config);
  const certified own = client_authority.issue("DNS:client.example");
  tls_client_config mutual = trusting();
  mutual.certificate_pem = own.certificate_pem;
  mutual.private_key_pem = own.private_key_pem;
  open(target(), mutual);
  ASSERT_EQ(outcome(), "open") << failure;
  ASSERT_TRUE(wait_until([this] { return server_line != nullptr; }));
  EXPECT_FALSE(server_line->peer_certificate().empty());
}

TEST_F(Tls, TheListenerRefusesAClientsForgedCertificate) {
  const test_authority client_authority("Client authority");
  tls_server_config config = server_config(authority().issue("DNS:push.example.com"));
  config.client_ca_pem = client_authority.pem();
  serve(config);
  const certified forged = test_authority("Client authority").issue("DNS:client.example");
  tls_client_config mutual = trusting();
  mutual.certificate_pem = forged.certificate_pem;
  mutual.private_key_pem = forged.private_key_pem;
  open(target(), mutual);
  // TLS 1.3: the client is done before the server has seen its certificate, and hears of it when it reads.
  ASSERT_TRUE(wait_until([this] { return failures + client.closed > 0; }));
  EXPECT_EQ(listener->counters().handshake_failed, 1U);
  EXPECT_EQ(server_line, nullptr);
  ASSERT_EQ(failures, 0);
  ASSERT_TRUE(client_line->alert().has_value());
  EXPECT_EQ(client_line->alert()->why, open_failure::certificate);
  EXPECT_NE(client_line->alert()->what.find("alert"), std::string::npos) << client_line->alert()->what;
}

TEST_F(Tls, NamesWhatIsWrongWithATextButNotWhatStandsInIt) {
  const certified one = authority().issue("DNS:a.example"), other = authority().issue("DNS:b.example");
  tls_client_config c;
  c.ca_pem = "SECRET";
  EXPECT_EQ(tls_context::make_client(c).error().what, "the CA text holds no certificate");
  c = trusting();
  c.certificate_pem = one.certificate_pem;
  c.private_key_pem = other.private_key_pem;
  EXPECT_NE(tls_context::make_client(c).error().what.find("does not belong to the certificate"), std::string::npos);
  tls_server_config s = server_config(one);
  s.private_key_pem = "SECRET";
  const auto made = tls_context::make_server(s);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().what.find("SECRET"), std::string::npos);
}

// --- addresses (RFC 8305)

TEST_F(Tls, TriesTheNextAddressWhenNobodyListensAtTheFirst) {
  serve();
  tls_target to = target();
  to.addresses = {"127.0.0.2", "127.0.0.1"};
  tls_limits limits;
  limits.attempt_delay = seconds(20);  // the refusal alone must lead on
  open(to, trusting(), limits);
  EXPECT_EQ(outcome(), "open") << failure;
}

TEST_F(Tls, TriesTheNextAddressBesideASilentFirst) {
  serve();
  // A full backlog answers no SYN: the nearest to a black hole that loopback has.
  tcp::acceptor full(io, tcp::v4());
  full.bind({boost::asio::ip::make_address("127.0.0.3"), port});
  full.listen(0);
  std::vector<tcp::socket> crowd;
  for (int i = 0; i < 4; ++i) {
    crowd.emplace_back(io);
    crowd.back().async_connect(full.local_endpoint(), [](boost::system::error_code) {});
  }
  io.poll();
  tls_target to = target();
  to.addresses = {"127.0.0.3", "127.0.0.1"};
  tls_limits limits;
  limits.attempt_delay = milliseconds(20);
  open(to, trusting(), limits);
  EXPECT_EQ(outcome(), "open") << failure;
  EXPECT_EQ(opened, 1);
}

TEST_F(Tls, FailsWhenNoAddressTakesIt) {
  serve();
  tls_target to = target();
  to.addresses = {"127.0.0.2", "127.0.0.4"};
  open(to);
  EXPECT_EQ(outcome(), "connect") << failure;
  to.addresses = {"nonsense"};
  failures = 0;
  open(to);
  EXPECT_EQ(outcome(), "resolve") << failure;
}

/// Knows what the test tells it, and counts who asks.
class small_resolver final : public name_resolver {
 public:
  small_resolver(boost::asio::io_context& io, std::vector<std::string> known) : io_(io), known_(std::move(known)) {}
  void resolve(const std::string& host, std::function<void(std::vector<std::string>)> found) override {
    asked.push_back(host);
    boost::asio::post(io_, [this, found = std::move(found)] { found(known_); });
  }
  std::vector<std::string> asked;

 private:
  boost::asio::io_context& io_;
  std::vector<std::string> known_;
};

TEST_F(Tls, LooksTheNameUpAnewForEveryConnection) {
  serve();
  const auto resolver = std::make_shared<small_resolver>(io, std::vector<std::string>{"127.0.0.1"});
  tls_target to = target();
  to.connect_host.clear();
  to.resolver = resolver;
  open(to);
  EXPECT_EQ(outcome(), "open") << failure;
  open(to);
  EXPECT_TRUE(wait_until([this] { return opened == 2; }));
  EXPECT_EQ(resolver->asked, (std::vector<std::string>{"push.example.com", "push.example.com"}));
}

TEST_F(Tls, AnUnknownNameIsAFailureOfItsOwn) {
  serve();
  tls_target to = target();
  to.connect_host.clear();
  to.resolver = std::make_shared<small_resolver>(io, std::vector<std::string>{});
  open(to);
  EXPECT_EQ(outcome(), "resolve");
}

TEST(HappyEyeballs, LetFamiliesTakeTurnsTheResolversFirstChoiceFirst) {
  const auto texts = [](const std::vector<std::string>& found) {
    std::string out;
    for (const auto& e : interleaved(found, 443)) out += e.address().to_string() + " ";
    return out;
  };
  EXPECT_EQ(texts({"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"}), "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 ");
  EXPECT_EQ(texts({"192.0.2.1", "2001:db8::1"}), "192.0.2.1 2001:db8::1 ");
  EXPECT_EQ(texts({"192.0.2.1", "nonsense", "192.0.2.2"}), "192.0.2.1 192.0.2.2 ");
  EXPECT_EQ(texts({}), "");
}

TEST_F(Tls, LetsGoOfItsAttemptsAtTheDeadline) {
  serve();
  tcp::acceptor full(io, tcp::v4());
  full.bind({boost::asio::ip::make_address("127.0.0.3"), port});
  full.listen(0);
  std::vector<tcp::socket> crowd;
  for (int i = 0; i < 4; ++i) {
    crowd.emplace_back(io);
    crowd.back().async_connect(full.local_endpoint(), [](boost::system::error_code) {});
  }
  io.poll();
  tls_target to = target();
  to.addresses = {"127.0.0.3"};
  tls_limits limits;
  limits.open_deadline = milliseconds(50);
  open(to, trusting(), limits);
  EXPECT_EQ(outcome(), "deadline");
  crowd.clear();
  full.close();
  listener.reset();
  client_line.reset();
  // Nothing that waits for the kernel's patience with the dead address is left in the io_context.
  io.restart();
  io.run_for(seconds(10));
  EXPECT_TRUE(io.stopped());
}

}  // namespace
}  // namespace reveille::http2
