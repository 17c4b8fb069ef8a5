// One look at an HTTPS service: name, TCP, TLS, ALPN, certificate, and the date of an answer.
#include <openssl/x509.h>

#include <boost/asio/io_context.hpp>
#include <ctime>
#include <memory>

#include "engine/tools/system_outside.hpp"
#include "net/http1/post_exchange.hpp"
#include "net/http2/client_session.hpp"
#include "net/tls/tls_connection.hpp"
#include "pns/answer.hpp"

namespace reveille {
namespace {

constexpr std::chrono::seconds answer_patience{2};   // of a service to which a connection stands
constexpr std::size_t answer_limit = 64 * 1024;

/// GET / on an HTTP/2 connection of its own; any answer will do.
class http2_look final : public byte_session, private http2::client_listener {
 public:
  http2_look(std::string authority, https_facts& facts) : authority_(std::move(authority)), facts_(facts), session_(*this, {}) {
    http2::request r;
    r.method = "GET";
    r.authority = authority_;
    r.path = "/";
    session_.submit(r, 0);
  }
  void receive(std::span<const std::uint8_t> bytes, const instant& now) override {
    now_ = now;
    broken_ = broken_ || !session_.receive(bytes);
  }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { session_.produce(out, limit); }
  bool finished() const override { return broken_ || session_.finished(); }
  void closed(const instant& now) override {
    now_ = now;
    session_.disconnect();
  }

 private:
  void answered(std::uint64_t, const http2::response& answer) override {
    facts_.status = answer.status;
    facts_.date = pns::parse_http_date(answer.headers.value_of("date"));
    facts_.asked = now_.wall;
    session_.shut_down();
  }
  void lost(std::uint64_t, http2::loss, std::uint32_t) override { session_.shut_down(); }
  void settings_changed() override {}
  void goaway_received(const http2::goaway_notice&) override {}
  void pong() override {}

  const std::string authority_;
  https_facts& facts_;
  instant now_{};
  bool broken_ = false;
  http2::client_session session_;
};

std::unique_ptr<byte_session> http1_look(const https_wish& wish, https_facts& facts) {
  http1::post_request post;
  post.host = wish.where.authority();
  post.target = wish.post;
  post.content_type = "application/x-www-form-urlencoded";
  return http1::make_post(post, answer_limit, [&facts](const http1::post_answer& a, const instant& now) {
    facts.status = a.status;
    facts.date = pns::parse_http_date(a.date);
    facts.asked = now.wall;
  });
}

std::optional<wall_time> end_of_certificate(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, decltype(&X509_free)> x(d2i_X509(nullptr, &at, static_cast<long>(der.size())), &X509_free);
  std::tm parts{};
  if (!x || ASN1_TIME_to_tm(X509_get0_notAfter(x.get()), &parts) != 1) return std::nullopt;
  return wall_time(seconds(::timegm(&parts)));
}

}  // namespace

https_facts system_outside::reach(const https_wish& wish) {
  https_facts facts;
  facts.asked = clock_.now().wall;
  tls_client_config tls;
  tls.ca_pem = wish.route.ca_pem;
  if (!wish.post.empty()) tls.alpn = {"http/1.1"};
  const auto context = tls_context::make_client(tls);
  if (!context) {
    facts.failed = open_failure::certificate;
    facts.fault = context.error().what;
    return facts;
  }
  boost::asio::io_context io{1};
  tls_target target;
  target.host = wish.where.host;
  target.port = wish.where.port;
  target.connect_host = wish.route.connect_host;
  target.proxy_host = wish.route.proxy_host;
  target.proxy_port = wish.route.proxy_port;
  target.proxy_authorization = wish.route.proxy_authorization;
  tls_limits limits;
  limits.open_deadline = wish.route.connect_timeout;
  auto make = [&](std::string_view, const std::shared_ptr<tls_connection>& self) -> std::unique_ptr<byte_session> {
    facts.peer = self->peer();
    facts.certificate_ends = end_of_certificate(self->peer_certificate());
    if (!wish.post.empty()) return http1_look(wish, facts);
    return std::make_unique<http2_look>(wish.where.authority(), facts);
  };
  auto failed = [&](open_failure why, const std::string& what) {
    facts.failed = why;
    facts.fault = what;
  };
  const auto connection = wish.where.how == push_endpoint::scheme::http
                              ? open_plain(io, clock_, target, limits, make, failed)
                              : open_tls(io, clock_, *context, target, limits, make, failed);
  io.run_for(wish.route.connect_timeout + answer_patience);
  connection->abort();
  io.run_for(std::chrono::seconds(1));  // so that the session is gone before what it refers to
  return facts;
}

}  // namespace reveille
