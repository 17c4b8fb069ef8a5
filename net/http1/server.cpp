#include "net/http1/server.hpp"

#include "core/slots.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <new>
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

class connection;

/// All that connections share. Lives on the server's thread, but for the counters.
struct shared_state {
  const server_options options;
  const handler answer;
  slot requests, refused, bad, failed, open;
  std::list<connection*> headless;  ///< without a complete request head; who has waited longest is first
};

/// Who may be let in: an ordinary connection, or one in the place that is kept for probes.
enum class admitted_as : std::uint8_t { any, probe };

/// One connection: reads a request, answers it, and so on, until the peer or a deadline ends it. Owned by the operation
/// it waits for.
class connection final : public std::enable_shared_from_this<connection> {
 public:
  connection(tcp::socket&& socket, shared_state& shared, admitted_as how)
      : stream_(std::move(socket)), shared_(shared), place_(shared.headless.end()), how_(how) {
    shared_.open.set(shared_.open.value() + 1);
  }
  ~connection() {
    has_head();
    leave();
  }

  void start() {
    lacks_head();
    read_head();
  }
  /// In favour of another. What it waits for is told so, later.
  void evict() {
    has_head();
    leave();
    evicted_ = true;
    stream_.close();
  }

 private:
  void lacks_head() { place_ = shared_.headless.insert(shared_.headless.end(), this); }
  void has_head() {
    if (place_ != shared_.headless.end()) shared_.headless.erase(place_);
    place_ = shared_.headless.end();
  }
  void leave() {
    if (counted_) shared_.open.set(shared_.open.value() - 1);
    counted_ = false;
  }

  /// The next one of a connection that stays open.
  void await_request() {
    lacks_head();
    if (buffer_.size() > 0) return read_head();
    stream_.expires_after(shared_.options.timeout);
    stream_.async_read_some(buffer_.prepare(first_octets), [self = shared_from_this()](beast::error_code problem, std::size_t n) {
      if (problem) return;  // it had nothing to ask any more
      self->buffer_.commit(n);
      self->read_head();
    });
  }

  void read_head() {
    parser_.emplace();
    parser_->header_limit(shared_.options.header_bytes);
    parser_->body_limit(how_ == admitted_as::probe ? 0 : shared_.options.body_bytes);
    stream_.expires_after(shared_.options.head_timeout);
    http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code problem, std::size_t) {
      self->has_head();
      if (problem) return self->fail(problem);
      if (self->parser_->is_done()) return self->serve();
      self->read_body();
    });
  }

  void read_body() {
    stream_.expires_after(shared_.options.timeout);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code problem, std::size_t) {
      if (problem) return self->fail(problem);
      self->serve();
    });
  }

  void fail(beast::error_code problem) {
    if (evicted_) return;
    if (problem == http::error::end_of_stream) return close();
    shared_.bad.add();
    if (problem == http::error::header_limit) return write(plain(431, "header too large\n"), false);
    if (problem == http::error::body_limit) return write(plain(413, "body too large\n"), false);
    // A peer that is gone or slow hears nothing; one that speaks something else is told once.
    if (problem.category() == http::make_error_code(http::error::bad_method).category()) {
      return write(plain(400, "malformed request\n"), false);
    }
  }

  void serve() {
    shared_.requests.add();
    const auto& from = parser_->get();
    head_only_ = from.method() == http::verb::head;
    // RFC 9112 3.2: one Host, which only HTTP/1.0 may leave out.
    const auto hosts = from.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && from.version() >= 11)) {
      shared_.bad.add();
      return write(plain(400, "send one Host\n"), false);
    }
    const request in = request_of(from);
    if (how_ == admitted_as::probe && !is_probe(in)) {
      shared_.refused.add();
      return write(plain(503, "all connections are in use; this one may ask for " + shared_.options.probe_paths.front() +
                                  " only\n"), false);
    }
    response out = answer_to(in);
    if (out.status == 421 || out.status == 403) shared_.bad.add();
    write(std::move(out), from.keep_alive() && how_ == admitted_as::any);
  }

  request request_of(const http::request<http::string_body>& from) const {
    request in;
    in.method = head_only_ ? "GET" : text(from.method_string());
    const std::string target = text(from.target());
    const std::size_t question = target.find('?');
    in.path = target.substr(0, question);
    if (question != std::string::npos) in.query = target.substr(question + 1);
    in.authorization = text(from[http::field::authorization]);
    in.host = text(from[http::field::host]);
    in.origin = text(from[http::field::origin]);
    in.body = from.body();
    beast::error_code unknown;
    const tcp::endpoint peer = stream_.socket().remote_endpoint(unknown);
    if (!unknown) in.peer = from_asio(peer);
    return in;
  }

  bool is_probe(const request& in) const {
    const auto& probes = shared_.options.probe_paths;
    return std::find(probes.begin(), probes.end(), in.path) != probes.end();
  }

  response answer_to(const request& in) {
    try {
      return shared_.answer(in);
    } catch (const std::bad_alloc&) {
      shared_.failed.add();
      return plain(503, "no memory to answer this\n");
    } catch (const std::exception&) {
      shared_.failed.add();
      return plain(500, "this request failed\n");
    }
  }

  static response plain(int status, std::string what) { return {status, "text/plain", std::move(what), ""}; }

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
                        self->await_request();
                      });
  }

  void close() {
    beast::error_code ignored;  // the peer may have closed first
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  static constexpr std::size_t first_octets = 1024;

  beast::tcp_stream stream_;
  shared_state& shared_;
  std::list<connection*>::iterator place_;  ///< in headless, or its end
  const admitted_as how_;
  bool counted_ = true;
  bool evicted_ = false;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
  bool head_only_ = false;
};

/// A file descriptor that is kept back, so that a probe is answered while the process has no other.
class spare_descriptor {
 public:
  ~spare_descriptor() { give_up(); }
  void keep() {
    if (fd_ < 0) fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  /// @return whether there was one.
  bool give_up() {
    if (fd_ < 0) return false;
    ::close(fd_);
    fd_ = -1;
    return true;
  }

 private:
  int fd_ = -1;
};

}  // namespace

class server::impl {
 public:
  impl(const server_options& options, handler&& answer)
      : shared_{options, std::move(answer), {}, {}, {}, {}, {}, {}}, acceptor_(context_) {}

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
    spare_.keep();
    accept();
    thread_ = std::thread([this] { run(); });
    return std::nullopt;
  }

  endpoint listening() const { return at_; }
  server_counters counters() const {
    return {shared_.requests.value(), shared_.refused.value(), shared_.bad.value(), shared_.failed.value(),
            static_cast<std::size_t>(shared_.open.value())};
  }

 private:
  /// Whatever operation found no memory has ended its connection by now: they own each other.
  void run() {
    while (!context_.stopped()) {
      try {
        if (!accepting_) accept_later();
        context_.run();
      } catch (const std::exception&) {
        shared_.failed.add();
        rest_.expires_after(shared_.options.accept_pause);
        rest_.wait();
      }
    }
  }

  void accept() {
    acceptor_.async_accept([this](beast::error_code problem, tcp::socket socket) {
      accepting_ = false;
      if (problem == asio::error::operation_aborted) return;
      if (problem) {
        if (out_of_descriptors(problem) && spare_.give_up()) return accept();
        shared_.refused.add();
        evict_one();
        return accept_later();
      }
      admit(std::move(socket));
      spare_.keep();
      accept();
    });
    accepting_ = true;
  }

  static bool out_of_descriptors(beast::error_code problem) {
    return problem == asio::error::no_descriptors || problem == boost::system::errc::too_many_files_open_in_system;
  }

  /// SPEC 8.4: places, then that of a connection which asked for nothing yet, then the one for probes.
  void admit(tcp::socket&& socket) {
    const std::size_t most = shared_.options.max_connections;
    if (shared_.open.value() >= most && !evict_one() && shared_.open.value() > most) {
      shared_.refused.add();
      return;  // closed by leaving
    }
    const auto how = shared_.open.value() >= most ? admitted_as::probe : admitted_as::any;
    std::make_shared<connection>(std::move(socket), shared_, how)->start();
  }

  bool evict_one() {
    if (shared_.headless.empty()) return false;
    shared_.refused.add();
    shared_.headless.front()->evict();
    return true;
  }

  void accept_later() {
    pause_.expires_after(shared_.options.accept_pause);
    pause_.async_wait([this](beast::error_code problem) {
      accepting_ = false;
      if (!problem) accept();
    });
    accepting_ = true;
  }

  shared_state shared_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  asio::steady_timer rest_{context_};  ///< waited for in place
  spare_descriptor spare_;
  bool accepting_ = false;  ///< or pausing before it
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
