/// A TLS listener and clients of it in one io_context: everything on real sockets, port 0, one thread.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/system_ports.hpp"
#include "net/tls/tls_connection.hpp"
#include "net/tls/tls_listener.hpp"
#include "tests/net/tls/test_authority.hpp"

namespace reveille::http2 {

inline const test_authority& authority() {
  static const test_authority made;
  return made;
}

/// What one end has seen; outlives its session.
struct line_record {
  std::string received;
  std::string to_send;
  int closed = 0;
  bool finished = false;
};

/// Sends what the record holds, keeps what comes; the server's kind sends it back.
class record_session final : public byte_session {
 public:
  enum class kind { keep, echo };
  record_session(line_record& record, kind what) : record_(record), kind_(what) {}
  void receive(std::span<const std::uint8_t> bytes, const instant&) override {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    record_.received += text;
    if (kind_ == kind::echo) record_.to_send += text;
  }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override {
    const std::size_t n = std::min(limit, record_.to_send.size());
    out.insert(out.end(), record_.to_send.begin(), record_.to_send.begin() + static_cast<std::ptrdiff_t>(n));
    record_.to_send.erase(0, n);
  }
  bool finished() const override { return record_.finished; }
  void closed(const instant&) override { ++record_.closed; }

 private:
  line_record& record_;
  const kind kind_;
};

class TlsFixture : public ::testing::Test {
 protected:
  using tcp = boost::asio::ip::tcp;

  ~TlsFixture() override {
    if (client_line) client_line->abort();
    listener.reset();
    io.restart();
    io.run_for(seconds(5));  // ends at once when nothing is left behind
  }

  void serve(tls_server_config config, tls_limits limits = {}) {
    tls_listener_config where;
    where.limits = limits;
    listener = tls_listener::make(io, time, tls_context::make_server(config).value(), where,
                                  [this](std::string_view alpn, const std::shared_ptr<tls_connection>& self) {
                                    server_alpn = alpn;
                                    server_line = self;
                                    return std::make_unique<record_session>(server, record_session::kind::echo);
                                  })
                   .value();
    port = listener->port();
  }
  static tls_server_config server_config(const certified& who) {
    tls_server_config c;
    c.certificate_pem = who.certificate_pem;
    c.private_key_pem = who.private_key_pem;
    return c;
  }
  void serve(const char* names = "DNS:push.example.com") { serve(server_config(authority().issue(names))); }

  static tls_client_config trusting(const test_authority& who = authority()) {
    tls_client_config c;
    c.ca_pem = who.pem();
    return c;
  }
  tls_target target(std::string host = "push.example.com") const {
    tls_target t;
    t.host = std::move(host);
    t.port = port;
    t.connect_host = "127.0.0.1";
    return t;
  }
  void open(const tls_target& to, const tls_client_config& config = trusting(), const tls_limits& limits = {}) {
    client_line = open_tls(
        io, time, tls_context::make_client(config).value(), to, limits,
        [this](std::string_view alpn, const std::shared_ptr<tls_connection>&) {
          client_alpn = alpn;
          ++opened;
          return std::make_unique<record_session>(client, record_session::kind::keep);
        },
        [this](open_failure why, const std::string& what) {
          failed = why;
          failure = what;
          ++failures;
        });
  }
  /// Runs until it holds; the bound only keeps a broken build from hanging.
  bool wait_until(const std::function<bool()>& holds) {
    const steady_time end = time.now().steady + seconds(30);
    io.restart();
    while (!holds() && time.now().steady < end) {
      if (io.run_one_for(seconds(1)) == 0) io.restart();
    }
    return holds();
  }
  /// "open", or how it failed.
  std::string outcome() {
    if (!wait_until([this] { return opened + failures > 0; })) return "nothing";
    return opened > 0 ? "open" : std::string(name_of(*failed));
  }
  bool client_closed() {
    return wait_until([this] { return client.closed > 0; });
  }

  boost::asio::io_context io;
  system_clock_port time;
  std::unique_ptr<tls_listener> listener;
  std::uint16_t port = 0;
  line_record client, server;
  std::string client_alpn, server_alpn;
  std::shared_ptr<tls_connection> client_line, server_line;
  std::optional<open_failure> failed;
  std::string failure;
  int opened = 0, failures = 0;
};

}  // namespace reveille::http2
