#include "net/http1/server.hpp"

#include "core/slots.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <cstring>
#include <list>
#include <optional>
#include <thread>

namespace reveille::http1 {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

tcp::endpoint to_asio(const endpoint& from) {
  if (from.v6) {
    asio::ip::address_v6::bytes_type bytes;
    std::copy(from.address.begin(), from.address.end(), bytes.begin());
    return {asio::ip::address_v6(bytes), from.port};
  }
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(from.address.begin(), bytes.size(), bytes.begin());
  return {asio::ip::address_v4(bytes), from.port};
}

endpoint from_asio(const tcp::endpoint& from) {
  endpoint out;
  out.port = from.port();
  out.v6 = from.address().is_v6();
  if (out.v6) {
    const auto bytes = from.address().to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.address.begin());
  } else {
    const auto bytes = from.address().to_v4().to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.address.begin());
  }
  return out;
}

std::string text(boost::beast::string_view s) {
  return {s.data(), s.size()};
}

/// All that connections share. Lives on the server's thread, but for the counters.
struct shared_state {
  const server_options options;
  const handler answer;
  slot requests, refused, bad, open;
};

/// One connection: reads a request, answers it, and so on, until the peer or the timeout ends it. Owned by the
/// operation it waits for.
class connection final : public std::enable_shared_from_this<connection> {
 public:
  connection(tcp::socket&& socket, shared_state& shared) : stream_(std::move(socket)), shared_(shared) {
    shared_.open.set(shared_.open.value() + 1);
  }
  ~connection() { shared_.open.set(shared_.open.value() - 1); }

  void read() {
    parser_.emplace();
    parser_->header_limit(shared_.options.header_bytes);
    parser_->body_limit(shared_.options.body_bytes);
    stream_.expires_after(shared_.options.timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code problem, std::size_t) { self->on_read(problem); });
  }

 private:
  void on_read(beast::error_code problem) {
    if (problem == http::error::end_of_stream) return close();
    if (problem) {
      shared_.bad.add();
      if (problem == http::error::header_limit) return write({431, "text/plain", "header too large\n", ""}, false);
      if (problem == http::error::body_limit) return write({413, "text/plain", "body too large\n", ""}, false);
      // A peer that is gone or slow hears nothing; one that speaks something else is told once.
      if (problem.category() == http::make_error_code(http::error::bad_method).category()) {
        return write({400, "text/plain", "malformed request\n", ""}, false);
      }
      return;
    }
    shared_.requests.add();
    const auto& from = parser_->get();
    request in;
    in.method = text(from.method_string());
    const std::string target = text(from.target());
    const std::size_t question = target.find('?');
    in.path = target.substr(0, question);
    if (question != std::string::npos) in.query = target.substr(question + 1);
    in.authorization = text(from[http::field::authorization]);
    in.body = from.body();
    beast::error_code unknown;
    const tcp::endpoint peer = stream_.socket().remote_endpoint(unknown);
    if (!unknown) in.peer = from_asio(peer);
    head_only_ = from.method() == http::verb::head;
    if (head_only_) in.method = "GET";
    write(shared_.answer(in), from.keep_alive());
  }

  void write(response&& out, bool keep_alive) {
    message_ = {};
    message_.result(static_cast<unsigned>(out.status));
    message_.version(11);
    message_.set(http::field::content_type, out.content_type);
    message_.set(http::field::cache_control, "no-store");
    message_.set("X-Content-Type-Options", "nosniff");
    if (!out.allow.empty()) message_.set(http::field::allow, out.allow);
    message_.keep_alive(keep_alive);
    message_.body() = std::move(out.body);
    message_.prepare_payload();
    if (head_only_) message_.body().clear();
    stream_.expires_after(shared_.options.timeout);
    http::async_write(stream_, message_,
                      [self = shared_from_this(), keep_alive](beast::error_code problem, std::size_t) {
                        if (problem || !keep_alive) return self->close();
                        self->read();
                      });
  }

  void close() {
    beast::error_code ignored;  // the peer may have closed first
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  shared_state& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
  bool head_only_ = false;
};

}  // namespace

class server::impl {
 public:
  impl(const server_options& options, handler&& answer)
      : shared_{options, std::move(answer), {}, {}, {}, {}}, acceptor_(context_) {}

  ~impl() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  std::optional<error> open() {
    beast::error_code problem;
    const tcp::endpoint at = to_asio(shared_.options.listen);
    const auto cannot = [&](const char* what) {
      return error{std::string("cannot ") + what + " " + shared_.options.listen.text() + ": " + problem.message()};
    };
    if (acceptor_.open(at.protocol(), problem)) return cannot("open a socket for");
    if (acceptor_.set_option(tcp::acceptor::reuse_address(true), problem)) return cannot("prepare");
    if (acceptor_.bind(at, problem)) return cannot("bind");
    if (acceptor_.listen(asio::socket_base::max_listen_connections, problem)) return cannot("listen on");
    at_ = from_asio(acceptor_.local_endpoint());
    accept();
    thread_ = std::thread([this] { context_.run(); });
    return std::nullopt;
  }

  endpoint listening() const { return at_; }
  server_counters counters() const {
    return {shared_.requests.value(), shared_.refused.value(), shared_.bad.value(),
            static_cast<std::size_t>(shared_.open.value())};
  }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code problem, tcp::socket socket) {
      if (problem == asio::error::operation_aborted) return;
      if (problem) return accept_later();
      if (shared_.open.value() >= shared_.options.max_connections) {
        shared_.refused.add();  // closed by leaving this scope
      } else {
        std::make_shared<connection>(std::move(socket), shared_)->read();
      }
      accept();
    });
  }
  /// Out of descriptors or memory: trying again at once would spin.
  void accept_later() {
    shared_.refused.add();
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](beast::error_code problem) {
      if (!problem) accept();
    });
  }

  shared_state shared_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  endpoint at_;
  std::thread thread_;
};

server::server(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
server::~server() = default;
endpoint server::listening() const {
  return impl_->listening();
}
server_counters server::counters() const {
  return impl_->counters();
}

result<std::unique_ptr<server>> server::start(const server_options& options, handler answer) {
  auto made = std::make_unique<impl>(options, std::move(answer));
  if (auto problem = made->open()) return tl::unexpected(std::move(*problem));
  return std::unique_ptr<server>(new server(std::move(made)));
}

}  // namespace reveille::http1
