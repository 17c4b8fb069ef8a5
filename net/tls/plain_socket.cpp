#include "net/tls/plain_socket.hpp"

#include <boost/asio/write.hpp>

#include <utility>

namespace reveille {

namespace asio = boost::asio;

plain_socket::plain_socket(asio::io_context& io, const clock& time, tls_limits limits, session_factory make,
                           failure_handler failed)
    : session_socket(io, time, limits, std::move(make), std::move(failed)), in_(16 * 1024) {}

void plain_socket::start(tcp::socket socket, const std::string&) {
  if (state_ != state::opening) return;
  take(std::move(socket));
  if (!begin("")) return;
  read();
  pump();
}

void plain_socket::resume_reading() {
  paused_ = false;
  if (state_ == state::open) read();
}

void plain_socket::read() {
  if (reading_ || paused_ || state_ != state::open) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(in_), [self = self()](boost::system::error_code error, std::size_t n) {
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
    if (is_over()) end_soon();
    return;
  }
  out_.clear();
  session_->produce(out_, limits_.write_batch);
  if (state_ != state::open) return;  // the session aborted its connection
  if (out_.empty()) {
    if (is_over()) end();
    return;
  }
  writing_ = true;
  asio::async_write(socket_, asio::buffer(out_), [self = self()](boost::system::error_code error, std::size_t) {
    self->writing_ = false;
    if (self->state_ != state::open) return;
    if (error) return self->end();
    self->pump();
  });
}

}  // namespace reveille
