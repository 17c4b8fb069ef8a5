#include "net/http1/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reveille::http1 {
namespace {

/// A blocking client that says exactly what the test wants. Gives up after 10 s.
class client {
 public:
  explicit client(const endpoint& to) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(to.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }
  ~client() { ::close(socket_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void send(std::string_view bytes) const { ASSERT_GE(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0); }
  /// Until the server closes, or `enough` is in what came.
  std::string receive(std::string_view enough = "\x01") const {
    std::string all;
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(got));
      if (all.find(enough) != std::string::npos) return all;
    }
  }
  bool connected() const { return connected_; }

 private:
  int socket_;
  bool connected_ = false;
};

class Http1Server : public ::testing::Test {
 protected:
  void start(server_options options = {}) {
    options.listen = *parse_endpoint("127.0.0.1:1");
    options.listen.port = 0;
    auto started = server::start(options, [](const request& r) {
      return response{200, "text/plain", r.method + " " + r.path + "?" + r.query + " " + r.authorization + r.body, ""};
    });
    ASSERT_TRUE(started) << started.error().what;
    server_ = std::move(*started);
  }
  std::string ask(std::string_view bytes) {
    const client c(server_->listening());
    c.send(bytes);
    return c.receive();
  }
  std::unique_ptr<server> server_;
};

TEST_F(Http1Server, HandsOverTheRequestAndSendsTheAnswer) {
  start();
  const std::string got =
      ask("GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nGET /a/b?c=d Bearer t")) << got;
}

TEST_F(Http1Server, ServesSeveralRequestsOnOneConnection) {
  start();
  const client c(server_->listening());
  c.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(c.receive("GET /1").find("GET /1"), std::string::npos);
  c.send("GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(c.receive().find("GET /2"), std::string::npos);
  EXPECT_EQ(server_->counters().requests, 2U);
}

TEST_F(Http1Server, AnswersHeadWithoutABody) {
  start();
  const std::string got = ask("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
  EXPECT_NE(got.find("Content-Length: 8\r\n"), std::string::npos) << got;
}

TEST_F(Http1Server, TellsWhoSpeaksSomethingElse) {
  start();
  EXPECT_TRUE(ask("INVITE sip:a SIP/2.0\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_EQ(server_->counters().bad_requests, 1U);
}

TEST_F(Http1Server, BoundsHeaderAndBody) {
  server_options options;
  options.header_bytes = 256;
  options.body_bytes = 16;
  start(options);
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nX: " + std::string(400, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(
      ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n12345678901234567").starts_with("HTTP/1.1 413"));
}

TEST_F(Http1Server, ClosesWhoIsTooSlow) {
  server_options options;
  options.timeout = seconds(1);
  start(options);
  EXPECT_EQ(ask("GET / HTT"), "");
}

TEST_F(Http1Server, RefusesConnectionsOverItsBound) {
  server_options options;
  options.max_connections = 1;
  start(options);
  const client first(server_->listening());
  first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(first.receive("GET /1"), "");
  const client second(server_->listening());
  EXPECT_EQ(second.receive(), "");
  EXPECT_EQ(server_->counters().refused_connections, 1U);
}

TEST_F(Http1Server, StopsWhileConnectionsAreOpen) {
  start();
  const client c(server_->listening());
  c.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(c.receive("GET /1"), "");
  server_.reset();
  EXPECT_EQ(c.receive(), "");
}

TEST_F(Http1Server, SaysWhyItCannotListen) {
  start();
  server_options taken;
  taken.listen = server_->listening();
  const auto second = server::start(taken, [](const request&) { return response{}; });
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find(taken.listen.text()), std::string::npos);
}

}  // namespace
}  // namespace reveille::http1
