#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

#include "net/http2/tls_socket.hpp"

namespace reveille::http2 {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Resolve, connect by happy eyeballs (RFC 8305), perhaps CONNECT through a proxy, then hand the socket over.
class opening : public std::enable_shared_from_this<opening> {
 public:
  opening(std::shared_ptr<tls_socket> connection, tls_target target)
      : connection_(std::move(connection)),
        target_(std::move(target)),
        io_(connection_->io()),
        resolver_(io_),
        pause_(io_) {}

  void start() {
    connection_->arm_open_deadline();
    // At the deadline, or aborted: what still waits for a far end must not keep its descriptor until that end moves.
    connection_->when_opening_fails([self = weak_from_this()] {
      if (const auto living = self.lock()) living->abandon();
    });
    const bool by_proxy = !target_.proxy_host.empty();
    const std::string& host = by_proxy                       ? target_.proxy_host
                              : target_.connect_host.empty() ? target_.host
                                                             : target_.connect_host;
    const std::uint16_t port = by_proxy ? target_.proxy_port : target_.port;
    boost::system::error_code no_address;
    const std::vector<std::string>& texts = target_.addresses.empty() ? std::vector{host} : target_.addresses;
    for (const std::string& text : texts) {
      const asio::ip::address address = asio::ip::make_address(text, no_address);
      if (no_address) break;
      endpoints_.emplace_back(address, port);
    }
    if (no_address && !target_.addresses.empty()) {
      asio::post(io_, [self = shared_from_this()] { self->connection_->fail(open_failure::resolve, "no address"); });
      return;
    }
    if (!no_address) {
      asio::post(io_, [self = shared_from_this()] { self->attempt(); });
      return;
    }
    resolver_.async_resolve(host, std::to_string(port),
                            [self = shared_from_this()](boost::system::error_code error, tcp::resolver::results_type r) {
                              if (!self->connection_->is_opening()) return;
                              if (error) return self->connection_->fail(open_failure::resolve, error.message());
                              self->take(r);
                              self->attempt();
                            });
  }

 private:
  static constexpr std::size_t attempts_limit = 16;   ///< addresses of one name that are tried
  static constexpr std::size_t proxy_answer_limit = 8 * 1024;

  /// Families take turns, the resolver's first choice first (RFC 8305 4).
  void take(const tcp::resolver::results_type& found) {
    std::vector<tcp::endpoint> first, other;
    for (const auto& entry : found) {
      const tcp::endpoint e = entry.endpoint();
      const bool same = first.empty() || e.address().is_v6() == first.front().address().is_v6();
      (same ? first : other).push_back(e);
    }
    for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
      if (i < first.size()) endpoints_.push_back(first[i]);
      if (i < other.size()) endpoints_.push_back(other[i]);
    }
    if (endpoints_.size() > attempts_limit) endpoints_.resize(attempts_limit);
  }

  void attempt() {
    if (done_ || !connection_->is_opening()) return finish();
    if (next_ == endpoints_.size()) {
      if (pending_ == 0) connection_->fail(open_failure::connect, last_error_);
      return;
    }
    const tcp::endpoint to = endpoints_[next_++];
    auto socket = std::make_shared<tcp::socket>(io_);
    attempts_.push_back(socket);
    ++pending_;
    socket->async_connect(to, [self = shared_from_this(), socket](boost::system::error_code error) {
      --self->pending_;
      if (self->done_ || !self->connection_->is_opening()) return self->finish();
      if (error) {
        self->last_error_ = error.message();
        return self->attempt();
      }
      self->done_ = true;
      tcp::socket won = std::move(*socket);
      self->finish();
      self->connected(std::move(won));
    });
    if (next_ < endpoints_.size()) {
      pause_.expires_after(connection_->limits().attempt_delay);
      pause_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->attempt();
      });
    }
  }

  void abandon() {
    done_ = true;
    resolver_.cancel();
    finish();
    boost::system::error_code ignored;
    if (tunnel_) tunnel_->close(ignored);
  }

  void finish() {
    pause_.cancel();
    boost::system::error_code ignored;
    for (const auto& s : attempts_) s->close(ignored);
    attempts_.clear();
  }

  void connected(tcp::socket socket) {
    if (target_.proxy_host.empty()) return connection_->start(std::move(socket), target_.host);
    tunnel_ = std::make_unique<tcp::socket>(std::move(socket));
    const std::string bracketed = target_.host.find(':') != std::string::npos ? '[' + target_.host + ']' : target_.host;
    const std::string where = bracketed + ':' + std::to_string(target_.port);
    proxy_text_ = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n\r\n";
    asio::async_write(*tunnel_, asio::buffer(proxy_text_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error) return self->connection_->fail(open_failure::proxy, error.message());
                        self->read_proxy_answer();
                      });
  }

  void read_proxy_answer() {
    proxy_text_.clear();
    asio::async_read_until(
        *tunnel_, asio::dynamic_buffer(proxy_text_, proxy_answer_limit), "\r\n\r\n",
        [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
          if (!self->connection_->is_opening()) return;
          if (error) return self->connection_->fail(open_failure::proxy, error.message());
          // "HTTP/1.1 200 ..."; a TLS server does not speak first, so nothing may follow the blank line.
          const std::string& text = self->proxy_text_;
          if (text.compare(0, 7, "HTTP/1.") != 0 || text.compare(8, 2, " 2") != 0 || size != text.size()) {
            return self->connection_->fail(open_failure::proxy, "the proxy refused: " + text.substr(0, text.find('\r')));
          }
          self->connection_->start(std::move(*self->tunnel_), self->target_.host);
        });
  }

  std::shared_ptr<tls_socket> connection_;
  const tls_target target_;
  asio::io_context& io_;
  tcp::resolver resolver_;
  asio::steady_timer pause_;
  std::vector<tcp::endpoint> endpoints_;
  std::vector<std::shared_ptr<tcp::socket>> attempts_;
  std::unique_ptr<tcp::socket> tunnel_;
  std::string proxy_text_;
  std::string last_error_ = "no address";
  std::size_t next_ = 0;
  std::size_t pending_ = 0;
  bool done_ = false;
};

}  // namespace

std::shared_ptr<tls_connection> open_tls(asio::io_context& io, const clock& time,
                                         std::shared_ptr<const tls_context> tls, const tls_target& target,
                                         const tls_limits& limits, tls_connection::session_factory make,
                                         tls_connection::failure_handler failed) {
  auto connection = std::make_shared<tls_socket>(io, time, std::move(tls), tls_socket::role::client, limits,
                                                 std::move(make), std::move(failed));
  std::make_shared<opening>(connection, target)->start();
  return connection;
}

}  // namespace reveille::http2
