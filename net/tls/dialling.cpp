#include "net/tls/dialling.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace reveille {

namespace asio = boost::asio;
using asio::ip::tcp;

std::vector<tcp::endpoint> interleaved(const std::vector<std::string>& addresses, std::uint16_t port) {
  std::vector<tcp::endpoint> first, other, out;
  for (const std::string& text : addresses) {
    boost::system::error_code none;
    const asio::ip::address address = asio::ip::make_address(text, none);
    if (none) continue;
    const bool same = first.empty() || address.is_v6() == first.front().address().is_v6();
    (same ? first : other).emplace_back(address, port);
  }
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < other.size()) out.push_back(other[i]);
  }
  return out;
}

dialling::dialling(asio::io_context& io, tls_target target, nanoseconds attempt_delay, handlers tell)
    : io_(io),
      target_(std::move(target)),
      attempt_delay_(attempt_delay),
      tell_(std::move(tell)),
      resolver_(io),
      pause_(io) {}

void dialling::start() {
  const bool by_proxy = !target_.proxy_host.empty();
  const std::string& host = by_proxy                       ? target_.proxy_host
                            : target_.connect_host.empty() ? target_.host
                                                           : target_.connect_host;
  const std::uint16_t port = by_proxy ? target_.proxy_port : target_.port;
  boost::system::error_code no_address;
  asio::ip::make_address(host, no_address);
  if (!target_.addresses.empty() || !no_address) {
    std::vector<std::string> given = target_.addresses.empty() ? std::vector{host} : target_.addresses;
    return asio::post(io_, [self = shared_from_this(), given = std::move(given), port] { self->take(given, port); });
  }
  if (target_.resolver) {
    return target_.resolver->resolve(host, [self = shared_from_this(), port](std::vector<std::string> found) {
      if (!self->done_) self->take(std::move(found), port);
    });
  }
  // Every connection looks anew: the providers move their addresses about, and spread load by them.
  resolver_.async_resolve(host, std::to_string(port),
                          [self = shared_from_this(), port](boost::system::error_code error, tcp::resolver::results_type r) {
                            if (self->done_) return;
                            if (error) return self->fail(open_failure::resolve, error.message());
                            std::vector<std::string> found;
                            for (const auto& entry : r) found.push_back(entry.endpoint().address().to_string());
                            self->take(std::move(found), port);
                          });
}

void dialling::take(std::vector<std::string> found, std::uint16_t port) {
  if (done_) return;
  endpoints_ = interleaved(found, port);
  if (endpoints_.empty()) return fail(open_failure::resolve, "no address");
  if (endpoints_.size() > attempts_limit) endpoints_.resize(attempts_limit);
  attempt();
}

void dialling::attempt() {
  if (done_) return;
  if (next_ == endpoints_.size()) {
    if (pending_ == 0) fail(open_failure::connect, last_error_);
    return;
  }
  const tcp::endpoint to = endpoints_[next_++];
  auto socket = std::make_shared<tcp::socket>(io_);
  attempts_.push_back(socket);
  ++pending_;
  socket->async_connect(to, [self = shared_from_this(), socket](boost::system::error_code error) {
    --self->pending_;
    if (self->done_) return;
    if (error) {
      self->last_error_ = error.message();
      return self->attempt();
    }
    self->done_ = true;
    tcp::socket won = std::move(*socket);
    self->close_attempts();
    self->connected(std::move(won));
  });
  if (next_ < endpoints_.size()) {
    pause_.expires_after(attempt_delay_);
    pause_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->attempt();
    });
  }
}

void dialling::close_attempts() {
  pause_.cancel();
  boost::system::error_code ignored;   // the descriptors are gone whatever close() says
  for (const auto& s : attempts_) s->close(ignored);
  attempts_.clear();
}

void dialling::cancel() {
  done_ = true;
  tell_ = {};
  resolver_.cancel();
  close_attempts();
  boost::system::error_code ignored;
  if (tunnel_) tunnel_->close(ignored);
}

void dialling::fail(open_failure why, const std::string& what) {
  auto failed = std::exchange(tell_, {}).failed;
  cancel();
  if (failed) failed(why, what);
}

void dialling::connected(tcp::socket socket) {
  if (target_.proxy_host.empty()) return std::exchange(tell_, {}).connected(std::move(socket));
  tunnel_ = std::make_unique<tcp::socket>(std::move(socket));
  const std::string bracketed = target_.host.find(':') != std::string::npos ? '[' + target_.host + ']' : target_.host;
  const std::string where = bracketed + ':' + std::to_string(target_.port);
  proxy_text_ = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
  if (!target_.proxy_authorization.empty()) proxy_text_ += "Proxy-Authorization: " + target_.proxy_authorization + "\r\n";
  proxy_text_ += "\r\n";
  asio::async_write(*tunnel_, asio::buffer(proxy_text_),
                    [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                      if (!self->tell_.failed) return;   // cancelled
                      if (error) return self->fail(open_failure::proxy, error.message());
                      self->read_proxy_answer();
                    });
}

void dialling::read_proxy_answer() {
  proxy_text_.clear();
  asio::async_read_until(
      *tunnel_, asio::dynamic_buffer(proxy_text_, proxy_answer_limit), "\r\n\r\n",
      [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
        if (!self->tell_.failed) return;
        if (error) return self->fail(open_failure::proxy, error.message());
        // "HTTP/1.1 200 ..."; a TLS server does not speak first, so nothing may follow the blank line.
        const std::string& text = self->proxy_text_;
        if (text.compare(0, 7, "HTTP/1.") != 0 || text.compare(8, 2, " 2") != 0 || size != text.size()) {
          return self->fail(open_failure::proxy, "the proxy refused: " + text.substr(0, text.find('\r')));
        }
        std::exchange(self->tell_, {}).connected(std::move(*self->tunnel_));
      });
}

}  // namespace reveille
