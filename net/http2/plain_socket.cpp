#include "net/http2/plain_socket.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace reveille::http2 {

namespace asio = boost::asio;
using asio::ip::tcp;

plain_socket::plain_socket(asio::io_context& io, const clock& time, tls_limits limits, session_factory make,
                           failure_handler failed)
    : io_(io),
      time_(time),
      limits_(limits),
      make_(std::move(make)),
      failed_(std::move(failed)),
      socket_(io),
      deadline_(io),
      in_(16 * 1024) {}

void plain_socket::arm_open_deadline() {
  deadline_.expires_after(limits_.open_deadline);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->fail(open_failure::deadline, "not open in time");
  });
}

void plain_socket::fail(open_failure why, const std::string& what) {
  if (state_ != state::opening) return;
  state_ = state::closed;
  deadline_.cancel();
  make_ = nullptr;
  if (opening_failed_) std::exchange(opening_failed_, nullptr)();
  if (failed_) std::exchange(failed_, nullptr)(why, what);
}

void plain_socket::start(tcp::socket socket, const std::string&) {
  if (state_ != state::opening) return;
  opening_failed_ = nullptr;
  failed_ = nullptr;
  deadline_.cancel();
  socket_ = std::move(socket);
  boost::system::error_code error;
  const tcp::endpoint remote = socket_.remote_endpoint(error);
  if (!error) peer_ = remote.address().to_string() + ':' + std::to_string(remote.port());
  socket_.set_option(tcp::no_delay(true), error);  // a failure costs latency only
  state_ = state::open;
  session_ = std::exchange(make_, nullptr)("", shared_from_this());
  if (!session_) return end();
  read();
  pump();
}

void plain_socket::wake() {
  if (waking_ || state_ == state::closed) return;
  waking_ = true;
  asio::post(io_, [self = shared_from_this()] {
    self->waking_ = false;
    self->pump();
  });
}

void plain_socket::close() {
  closing_ = true;
  if (state_ == state::opening) return fail(open_failure::deadline, "closed while opening");
  wake();
}

void plain_socket::abort() {
  if (state_ == state::opening) return fail(open_failure::deadline, "aborted while opening");
  end();
}

void plain_socket::resume_reading() {
  paused_ = false;
  if (state_ == state::open) read();
}

void plain_socket::read() {
  if (reading_ || paused_ || state_ != state::open) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(in_), [self = shared_from_this()](boost::system::error_code error, std::size_t n) {
    self->reading_ = false;
    if (self->state_ != state::open) return;
    if (error) return self->end();
    self->session_->receive({self->in_.data(), n}, self->time_.now());
    self->read();
    self->pump();
  });
}

void plain_socket::pump() {
  if (state_ != state::open) return;
  if (writing_) {
    if ((closing_ || session_->finished()) && !std::exchange(ending_, true)) {
      deadline_.expires_after(limits_.close_deadline);
      deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->end();
      });
    }
    return;
  }
  out_.clear();
  session_->produce(out_, limits_.write_batch);
  if (state_ != state::open) return;  // the session aborted its connection
  if (out_.empty()) {
    if (closing_ || session_->finished()) end();
    return;
  }
  writing_ = true;
  asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](boost::system::error_code error, std::size_t) {
    self->writing_ = false;
    if (self->state_ != state::open) return;
    if (error) return self->end();
    self->pump();
  });
}

void plain_socket::end() {
  if (state_ == state::closed) return;
  state_ = state::closed;
  deadline_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  // Perhaps we stand inside a call of the session: it hears of it in a turn of its own.
  asio::post(io_, [self = shared_from_this()] {
    if (!self->session_) return;
    self->session_->closed(self->time_.now());
    self->session_.reset();
  });
}

}  // namespace reveille::http2
