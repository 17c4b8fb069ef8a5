#include "net/tls/session_socket.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace reveille {

namespace asio = boost::asio;

std::string_view name_of(open_failure why) {
  switch (why) {
    case open_failure::resolve: return "resolve";
    case open_failure::connect: return "connect";
    case open_failure::proxy: return "proxy";
    case open_failure::handshake: return "handshake";
    case open_failure::certificate: return "certificate";
    case open_failure::alpn: return "alpn";
    case open_failure::deadline: return "deadline";
  }
  std::abort();  // unreachable: the switch is complete
}

session_socket::session_socket(asio::io_context& io, const clock& time, tls_limits limits, session_factory make,
                               failure_handler failed)
    : io_(io), time_(time), limits_(limits), socket_(io), deadline_(io), make_(std::move(make)), failed_(std::move(failed)) {}

void session_socket::arm_open_deadline() {
  deadline_.expires_after(limits_.open_deadline);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->fail(open_failure::deadline, "not open in time");
  });
}

void session_socket::fail(open_failure why, const std::string& what) {
  if (state_ != state::opening && state_ != state::shaking) return;
  state_ = state::closed;
  deadline_.cancel();
  boost::system::error_code ignored;  // the descriptor is gone whatever close() says
  socket_.close(ignored);
  make_ = nullptr;
  if (opening_failed_) std::exchange(opening_failed_, nullptr)();
  if (failed_) std::exchange(failed_, nullptr)(why, what);
  if (gone_) std::exchange(gone_, nullptr)();
}

void session_socket::take(tcp::socket socket) {
  opening_failed_ = nullptr;
  socket_ = std::move(socket);
  boost::system::error_code error;
  const tcp::endpoint remote = socket_.remote_endpoint(error);
  if (!error) {
    const std::string address = remote.address().to_string();
    peer_ = (remote.address().is_v6() ? '[' + address + ']' : address) + ':' + std::to_string(remote.port());
  }
  socket_.set_option(tcp::no_delay(true), error);  // batches are ours to make; a failure costs latency only
}

bool session_socket::begin(std::string_view alpn) {
  state_ = state::open;
  deadline_.cancel();
  failed_ = nullptr;
  session_ = std::exchange(make_, nullptr)(alpn, shared_from_this());
  if (!session_) end();
  return session_ != nullptr;
}

void session_socket::wake() {
  if (waking_ || state_ == state::closed || state_ == state::draining) return;
  waking_ = true;
  asio::post(io_, [self = shared_from_this()] {
    self->waking_ = false;
    self->pump();
  });
}

void session_socket::close() {
  closing_ = true;
  if (state_ == state::opening || state_ == state::shaking) return fail(open_failure::deadline, "closed while opening");
  wake();
}

void session_socket::abort() {
  if (state_ == state::opening || state_ == state::shaking) return fail(open_failure::deadline, "aborted while opening");
  if (state_ == state::closed) return;
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);  // close() then sends RST
  end();
}

void session_socket::end_soon() {
  if (std::exchange(ending_, true)) return;
  deadline_.expires_after(limits_.close_deadline);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->end();
  });
}

void session_socket::end() {
  if (state_ == state::closed) return;
  state_ = state::closed;
  deadline_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  // Perhaps we stand inside a call of the session: it hears of it in a turn of its own.
  asio::post(io_, [self = shared_from_this()] {
    if (self->session_) {
      self->session_->closed(self->time_.now());
      self->session_.reset();
    }
    if (self->gone_) std::exchange(self->gone_, nullptr)();
  });
}

}  // namespace reveille
