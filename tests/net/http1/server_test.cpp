#include "net/http1/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace reveille::http1 {
namespace {

/// A blocking client that says exactly what the test wants. Gives up after 10 s.
class client {
 public:
  explicit client(const endpoint& to) : client() { connect(to); }
  /// Not connected yet.
  client() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void connect(const endpoint& to) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(to.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }
  ~client() { ::close(socket_); }
  /// A window so small that a large answer cannot leave. Before anything is received.
  void read_little() const {
    const int octets = 4096;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  }
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
    auto started = server::start(options, [this](const request& r) {
      if (r.path == "/large") return response{200, "text/plain", std::string(large, 'x'), ""};
      if (r.path == "/no-memory") throw std::bad_alloc();
      if (r.path == "/broken") throw std::runtime_error("broken");
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
  /// Until `so` holds, 10 s at most.
  template <class Condition>
  bool soon(Condition&& so) {
    for (int i = 0; i < 1000 && !so(); ++i) ::poll(nullptr, 0, 10);
    return so();
  }
  static constexpr std::size_t large = std::size_t{32} << 20;   ///< more than the kernel keeps for a socket
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
  options.head_timeout = milliseconds(50);
  start(options);
  EXPECT_EQ(ask("GET / HTT"), "");
  EXPECT_EQ(server_->counters().bad_requests, 1U);
}

TEST_F(Http1Server, ClosesWhoIsTooSlowWithALaterHead) {
  server_options options;
  options.head_timeout = milliseconds(50);
  options.timeout = std::chrono::hours(1);
  start(options);
  const client c(server_->listening());
  c.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(c.receive("GET /1"), "");
  c.send("GET /2 HTT");
  EXPECT_EQ(c.receive(), "");
}

TEST_F(Http1Server, ClosesWhoIsTooSlowWithABody) {
  server_options options;
  options.timeout = milliseconds(50);
  start(options);
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123"), "");
}

TEST_F(Http1Server, AnswersTwoRequestsThatCameAtOnce) {
  start();
  const std::string got = ask("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_LT(got.find("GET /1?"), got.find("GET /2?")) << got;
  EXPECT_NE(got.find("GET /2?"), std::string::npos) << got;
}

TEST_F(Http1Server, WantsOneHost) {
  start();
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200")) << "a probe of old";
}

TEST_F(Http1Server, AnswersAProbeBesideSlowConnections) {
  server_options options;
  options.head_timeout = std::chrono::hours(1);
  start(options);
  std::vector<std::unique_ptr<client>> slow;
  for (std::size_t i = 0; i < options.max_connections; ++i) {
    slow.push_back(std::make_unique<client>(server_->listening()));
    slow.back()->send("GET /metrics HTTP/1.1\r\nX: ");
  }
  ASSERT_TRUE(soon([&] { return server_->counters().connections == options.max_connections; }));
  for (const char* path : {"/readyz", "/metrics"}) {
    EXPECT_TRUE(ask(std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
  }
  EXPECT_EQ(slow.front()->receive(), "") << "it had waited longest";
  slow.back()->send("y\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(slow.back()->receive().starts_with("HTTP/1.1 200")) << "the others are served when they are ready";
  EXPECT_GE(server_->counters().refused_connections, 1U);
  EXPECT_LE(server_->counters().refused_connections, 2U);
}

TEST_F(Http1Server, KeepsAPlaceForProbesWhileEveryOtherIsAtWork) {
  server_options options;
  options.max_connections = 2;
  options.timeout = std::chrono::hours(1);
  start(options);
  std::vector<std::unique_ptr<client>> at_work;
  for (std::size_t i = 0; i < options.max_connections; ++i) {
    auto c = std::make_unique<client>();
    c->read_little();
    c->connect(server_->listening());
    c->send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(c->receive("200 OK"), "");
    at_work.push_back(std::move(c));
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 503"));
}

TEST_F(Http1Server, OutlivesARequestThatFindsNoMemory) {
  start();
  EXPECT_TRUE(ask("GET /no-memory HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 503"));
  EXPECT_TRUE(ask("GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500"));
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(server_->counters().failed_requests, 2U);
}

/// While it lives, this process gets no further file descriptor.
class no_descriptors {
 public:
  no_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(STDERR_FILENO);   // the lowest that is free
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(Http1Server, AnswersAProbeWithoutAnyDescriptorLeft) {
  start();
  client probe;
  const no_descriptors here;
  probe.connect(server_->listening());
  probe.send("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(probe.receive().starts_with("HTTP/1.1 200"));
}

TEST_F(Http1Server, WaitsForADescriptorWithoutSpinning) {
  server_options options;
  options.accept_pause = std::chrono::hours(1);
  start(options);
  client first, second;
  const no_descriptors here;
  first.connect(server_->listening());
  first.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");   // holds the one that was kept back
  EXPECT_NE(first.receive("200 OK"), "");
  second.connect(server_->listening());
  EXPECT_TRUE(soon([&] { return server_->counters().refused_connections == 1; })) << "tried once, then the pause";
}

TEST_F(Http1Server, TakesConnectionsAgainOnceThereAreDescriptors) {
  server_options options;
  options.accept_pause = milliseconds(1);
  start(options);
  client first, second;
  {
    const no_descriptors here;
    first.connect(server_->listening());
    first.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(first.receive("200 OK"), "");
    second.connect(server_->listening());
    EXPECT_TRUE(soon([&] { return server_->counters().refused_connections >= 3; }));
  }
  second.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(second.receive().starts_with("HTTP/1.1 200"));
}

TEST_F(Http1Server, ClosesAnIdleConnectionInFavourOfANewOne) {
  server_options options;
  options.max_connections = 1;
  start(options);
  const client first(server_->listening());
  first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(first.receive("GET /1"), "");
  const client second(server_->listening());
  EXPECT_EQ(first.receive(), "");
  second.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(second.receive("GET /2"), "");
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
