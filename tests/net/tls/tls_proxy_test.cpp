// Through an HTTP CONNECT proxy (RFC 9110 9.3.6), and past proxies that misbehave.
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "tests/net/tls/tls_fixture.hpp"

namespace reveille::http2 {
namespace {

namespace asio = boost::asio;

/// Answers one CONNECT with a text of the test's choice; relays octets if that text says 200.
class small_proxy {
 public:
  using tcp = asio::ip::tcp;
  small_proxy(asio::io_context& io, std::uint16_t behind, std::string answer)
      : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), front_(io), back_(io), answer_(std::move(answer)) {
    acceptor_.async_accept(front_, [this, behind](boost::system::error_code error) {
      if (error) return;
      asio::async_read_until(front_, asio::dynamic_buffer(asked), "\r\n\r\n",
                             [this, behind](boost::system::error_code fault, std::size_t) {
                               if (fault) return;
                               back_.connect({asio::ip::address_v4::loopback(), behind});
                               reply();
                             });
    });
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  std::string asked;
  bool left = false;   ///< the client has closed its end

 private:
  void reply() {
    if (answer_ == "close") return front_.close();
    boost::system::error_code ignored;
    asio::write(front_, asio::buffer(answer_), ignored);
    relay(front_, back_, up_);
    relay(back_, front_, down_);
  }
  void relay(tcp::socket& from, tcp::socket& to, std::array<char, 4096>& space) {
    from.async_read_some(asio::buffer(space), [this, &from, &to, &space](boost::system::error_code error, std::size_t n) {
      boost::system::error_code ignored;
      if (error) {
        if (&from == &front_) left = true;
        to.shutdown(tcp::socket::shutdown_send, ignored);
        return;
      }
      asio::write(to, asio::buffer(space, n), ignored);
      relay(from, to, space);
    });
  }

  tcp::acceptor acceptor_;
  tcp::socket front_, back_;
  const std::string answer_;
  std::array<char, 4096> up_{}, down_{};
};

class TlsProxy : public TlsFixture {
 protected:
  void open_through(std::string answer, tls_limits limits = {}) {
    proxy.emplace(io, port, std::move(answer));
    tls_target to = target();
    to.proxy_host = "127.0.0.1";
    to.proxy_port = proxy->port();
    open(to, trusting(), limits);
  }
  std::optional<small_proxy> proxy;
};

TEST_F(TlsProxy, AsksForATunnelToTheHostByName) {
  serve();
  open_through("HTTP/1.1 200 Connection established\r\nVia: 1.1 small\r\n\r\n");
  EXPECT_EQ(outcome(), "open") << failure;
  const std::string where = "push.example.com:" + std::to_string(port);
  EXPECT_EQ(proxy->asked, "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n\r\n");
  client.to_send = "through";
  client_line->wake();
  EXPECT_TRUE(wait_until([this] { return client.received == "through"; }));
}

TEST_F(TlsProxy, ShowsItsCredentialsToTheProxyAlone) {
  serve();
  proxy.emplace(io, port, "HTTP/1.1 200 OK\r\n\r\n");
  tls_target to = target();
  to.proxy_host = "127.0.0.1";
  to.proxy_port = proxy->port();
  to.proxy_authorization = "Basic dXNlcjpwYXNz";
  open(to);
  EXPECT_EQ(outcome(), "open") << failure;
  EXPECT_NE(proxy->asked.find("\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"), std::string::npos) << proxy->asked;
  EXPECT_EQ(server.received, "");
}

class BadProxy : public TlsProxy, public ::testing::WithParamInterface<std::string> {};
TEST_P(BadProxy, IsNoWayThrough) {
  serve();
  open_through(GetParam());
  EXPECT_EQ(outcome(), "proxy") << failure;
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(server_line, nullptr);
}
INSTANTIATE_TEST_SUITE_P(Answers, BadProxy,
                         ::testing::Values("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                                           "HTTP/1.1 502 Bad Gateway\r\n\r\nsorry", "HTTP/1.\r\n\r\n", "\r\n\r\n",
                                           "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nand more",
                                           "HTTP/1.1 200 OK\r\n" + std::string(20'000, 'x'), "close"));

TEST_F(TlsProxy, LetsGoOfAProxyThatNeverAnswers) {
  serve();
  tls_limits limits;
  limits.open_deadline = milliseconds(100);
  open_through("", limits);
  EXPECT_EQ(outcome(), "deadline");
  EXPECT_TRUE(wait_until([this] { return proxy->left; })) << "a descriptor for each attempt would be left behind";
}

TEST_F(TlsProxy, TrustsTheServerNotTheProxy) {
  serve("DNS:elsewhere.example.com");
  open_through("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(outcome(), "certificate") << failure;
}

}  // namespace
}  // namespace reveille::http2
