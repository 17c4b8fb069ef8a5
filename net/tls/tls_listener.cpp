#include "net/tls/tls_listener.hpp"

#include <unordered_set>

#include "net/tls/tls_socket.hpp"

namespace reveille {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

class listener final : public tls_listener {
 public:
  listener(asio::io_context& io, const clock& time, std::shared_ptr<const tls_context> tls, tls_listener_config config,
           tls_connection::session_factory make)
      : io_(io),
        time_(time),
        tls_(std::move(tls)),
        config_(std::move(config)),
        make_(std::move(make)),
        acceptor_(io),
        pause_(io) {}
  ~listener() override {
    stop_accepting();
    abort_all();
    *alive_ = false;
  }

  result<void> open() {
    boost::system::error_code error;
    const asio::ip::address address = asio::ip::make_address(config_.address, error);
    if (error) return failure("not an address: " + config_.address);
    const tcp::endpoint at(address, config_.port);
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) return failure("cannot listen on " + config_.address + ':' + std::to_string(config_.port) + ": " + error.message());
    accept();
    return {};
  }

  std::uint16_t port() const override { return port_; }
  void use(std::shared_ptr<const tls_context> tls) override { tls_ = std::move(tls); }
  void admit(connection_admission how) override {
    if (how == admission_) return;
    admission_ = how;
    for (tcp::socket& s : silent_) reset(s);
    silent_.clear();
    counters_.silent = 0;
    accept();
  }
  const tls_listener_counters& counters() const override { return counters_; }
  void stop_accepting() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }
  void abort_all() override {
    const auto open = open_;  // abort() may end one at once, which changes the set
    for (const auto& c : open) c->abort();
  }

 private:
  void accept() {
    if (!acceptor_.is_open() || accepting_ || counters_.open + silent_.size() >= config_.connections_limit) return;
    accepting_ = true;
    acceptor_.async_accept([this, alive = alive_](boost::system::error_code error, tcp::socket socket) {
      if (!*alive || error == asio::error::operation_aborted) return;
      accepting_ = false;
      if (error) return rest();  // out of descriptors, most likely: try again a little later
      take(std::move(socket));
      accept();
    });
  }

  void rest() {
    pause_.expires_after(milliseconds(100));
    pause_.async_wait([this, alive = alive_](boost::system::error_code error) {
      if (*alive && !error) accept();
    });
  }

  static void reset(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);  // close() then sends RST
    socket.close(ignored);
  }

  void take(tcp::socket socket) {
    if (admission_ == connection_admission::silence) {
      silent_.push_back(std::move(socket));
      counters_.silent = silent_.size();
      return;
    }
    if (admission_ == connection_admission::reset) return reset(socket);
    ++counters_.accepted;
    ++counters_.open;
    auto connection = std::make_shared<tls_socket>(
        io_, time_, tls_, tls_socket::role::server, config_.limits, make_,
        [this, alive = alive_](open_failure, const std::string&) {
          if (*alive) ++counters_.handshake_failed;
        });
    open_.insert(connection);
    connection->when_gone([this, alive = alive_, raw = connection.get()] {
      if (!*alive) return;
      open_.erase(raw->shared_from_this());
      --counters_.open;
      accept();
    });
    connection->arm_open_deadline();
    connection->start(std::move(socket), {});
  }

  asio::io_context& io_;
  const clock& time_;
  std::shared_ptr<const tls_context> tls_;
  const tls_listener_config config_;
  tls_connection::session_factory make_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::unordered_set<std::shared_ptr<session_socket>> open_;
  tls_listener_counters counters_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< handlers may outlive the listener
  std::vector<tcp::socket> silent_;
  connection_admission admission_ = connection_admission::serve;
  std::uint16_t port_ = 0;
  bool accepting_ = false;
};

}  // namespace

result<std::unique_ptr<tls_listener>> tls_listener::make(asio::io_context& io, const clock& time,
                                                         std::shared_ptr<const tls_context> tls,
                                                         const tls_listener_config& config,
                                                         tls_connection::session_factory make_session) {
  auto made = std::make_unique<listener>(io, time, std::move(tls), config, std::move(make_session));
  if (auto opened = made->open(); !opened) return tl::unexpected(opened.error());
  return made;
}

}  // namespace reveille
