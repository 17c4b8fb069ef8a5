#include "mock_providers/control/control_port.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <set>

#include "mock_providers/control/control_conversation.hpp"

namespace reveille::mock_providers {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t max_ignored = 16 * 1024 * 1024;

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(tcp::socket socket, controlled_mock& mock) : socket_(std::move(socket)), talk_(mock) {}

  void start() { read(); }
  bool subscribed() const { return talk_.subscribed(); }
  bool open() const { return open_; }
  std::size_t unsent() const { return next_.size() + sending_.size(); }

  void send(std::string_view text) {
    next_.append(text);
    flush();
  }

  void close() {
    open_ = false;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  void flush() {
    if (sending_now_ || !open_ || next_.empty()) return;
    sending_now_ = true;
    // Deliveries come in bursts: what is sent in one turn of the loop goes out in one write.
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->write(); });
  }

  void read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](boost::system::error_code error, std::size_t n) {
      if (error) return self->close();
      const bool was_over = self->talk_.ended();
      self->talk_.receive({self->buffer_.data(), n}, self->next_);
      self->flush();
      if (was_over) self->ignored_ += n;
      if (self->talk_.ended() && !self->sending_now_) self->say_no_more();
      // Read on: a socket that is closed with octets unread resets what was sent.
      if (self->ignored_ > max_ignored) return self->close();
      if (self->open_) self->read();
    });
  }

  void say_no_more() {
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }

  void write() {
    if (!open_) return;
    if (next_.empty()) {
      sending_now_ = false;
      if (talk_.ended()) say_no_more();
      return;
    }
    sending_.clear();
    sending_.swap(next_);
    asio::async_write(socket_, asio::buffer(sending_), [self = shared_from_this()](boost::system::error_code error, std::size_t) {
      self->sending_.clear();
      if (error) return self->close();
      self->write();
    });
  }

  tcp::socket socket_;
  control_conversation talk_;
  std::array<char, 16 * 1024> buffer_{};
  std::string next_;      ///< to be sent
  std::string sending_;   ///< under way
  std::size_t ignored_ = 0;   ///< octets that came when all was said
  bool sending_now_ = false;
  bool open_ = true;
};

class port_on_tcp final : public control_port {
 public:
  port_on_tcp(asio::io_context& io, controlled_mock& mock) : acceptor_(io), pause_(io), mock_(mock) {}
  ~port_on_tcp() override {
    *alive_ = false;
    for (const auto& c : connections_) c->close();
  }

  result<void> open(const std::string& address, std::uint16_t port) {
    boost::system::error_code error;
    const auto ip = asio::ip::make_address(address, error);
    if (!error && !ip.is_loopback()) return failure("control port: " + address + " is no loopback address");
    const tcp::endpoint where(ip, port);
    if (!error) acceptor_.open(where.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(where, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failure("control port " + address + ":" + std::to_string(port) + ": " + error.message());
    accept();
    return {};
  }

  std::uint16_t port() const override {
    boost::system::error_code error;
    return acceptor_.local_endpoint(error).port();
  }
  std::uint64_t subscribers_dropped() const override { return dropped_; }
  std::uint64_t refused() const override { return refused_; }

  void publish(const delivery& what) override {
    line_.clear();
    for (auto it = connections_.begin(); it != connections_.end();) {
      const std::shared_ptr<connection>& c = *it;
      if (c->open() && c->unsent() > max_unsent) {
        ++dropped_;
        c->close();
      }
      if (!c->open()) {
        it = connections_.erase(it);
        continue;
      }
      if (c->subscribed()) {
        if (line_.empty()) append_delivery_line(line_, what);
        c->send(line_);
      }
      ++it;
    }
  }

 private:
  void accept() {
    acceptor_.async_accept([this, alive = alive_](boost::system::error_code error, tcp::socket socket) {
      if (!*alive || error == asio::error::operation_aborted) return;
      std::erase_if(connections_, [](const auto& c) { return !c->open(); });
      if (!error && connections_.size() < max_connections) {
        auto made = std::make_shared<connection>(std::move(socket), mock_);
        connections_.insert(made);
        made->start();
      } else if (!error) {
        ++refused_;
      }
      if (error) return rest();  // out of descriptors, most likely: try again a little later
      accept();
    });
  }

  void rest() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this, alive = alive_](boost::system::error_code error) {
      if (*alive && !error) accept();
    });
  }

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  controlled_mock& mock_;
  std::set<std::shared_ptr<connection>> connections_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string line_;
  std::uint64_t dropped_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace

result<std::unique_ptr<control_port>> control_port::make(asio::io_context& io, const std::string& address,
                                                         std::uint16_t port, controlled_mock& mock) {
  auto made = std::make_unique<port_on_tcp>(io, mock);
  if (auto opened = made->open(address, port); !opened) return tl::unexpected(opened.error());
  return made;
}

}  // namespace reveille::mock_providers
