#include "net/tls/tls_socket.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace reveille {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// What one turn of one connection may take before others have theirs.
constexpr int reads_per_turn = 32;
constexpr int batches_per_turn = 8;

/// What the peer's alert is about; nullopt when the error is none. RFC 8446 6: certificates are ours, and so are the
/// signatures that decrypt_error finds wrong.
std::optional<open_failure> alert_of(unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL || ERR_GET_REASON(code) < SSL_AD_REASON_OFFSET) return std::nullopt;
  switch (ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR:
    case SSL_AD_CERTIFICATE_REQUIRED: return open_failure::certificate;
    case SSL_AD_NO_APPLICATION_PROTOCOL: return open_failure::alpn;
    default: return open_failure::handshake;
  }
}

}  // namespace

tls_socket::tls_socket(asio::io_context& io, const clock& time, std::shared_ptr<const tls_context> tls, role as,
                       tls_limits limits, session_factory make, failure_handler failed)
    : session_socket(io, time, limits, std::move(make), std::move(failed)), tls_(std::move(tls)), role_(as) {}

void tls_socket::start(tcp::socket socket, const std::string& name) {
  if (state_ != state::opening) return;
  take(std::move(socket));
  boost::system::error_code blocking;
  socket_.non_blocking(true, blocking);
  if (blocking) return fail(open_failure::connect, blocking.message());

  state_ = state::shaking;
  ssl_.reset(SSL_new(tls_->native()));
  if (!ssl_) return fail(open_failure::handshake, tls_error_text());
  BIO* bio = records_.open(socket_.native_handle());
  SSL_set_bio(ssl_.get(), bio, bio);
  if (role_ == role::server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    boost::system::error_code no_address;
    asio::ip::make_address(name, no_address);
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_.get());
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool set = no_address ? SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1 &&
                                      X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) == 1
                                : X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
    if (!set) return fail(open_failure::handshake, "unusable host name");
  }
  shake();
}

void tls_socket::shake() {
  if (state_ != state::shaking) return;
  ERR_clear_error();
  const int rv = SSL_do_handshake(ssl_.get());
  const int why = SSL_get_error(ssl_.get(), rv);
  const unsigned long code = ERR_peek_error();
  const auto again = [self = self()](boost::system::error_code error) {
    if (!error) self->shake();
  };
  // Our flight, or the alert that says why not.
  const record_buffer::flushed out = records_.flush();
  if (rv == 1 || why == SSL_ERROR_WANT_READ) {
    if (out == record_buffer::flushed::failed) return fail(open_failure::handshake, "closed by the peer");
    if (out == record_buffer::flushed::later) return socket_.async_wait(tcp::socket::wait_write, again);
    if (rv == 1) return opened();
    return socket_.async_wait(tcp::socket::wait_read, again);
  }
  if (const std::string fault = certificate_fault(); !fault.empty()) return fail(open_failure::certificate, fault);
  fail(alert_of(code).value_or(open_failure::handshake), code == 0 ? "closed by the peer" : tls_error_text());
}

void tls_socket::note_alert() {
  if (const auto why = alert_of(ERR_peek_error()); why && !alert_) alert_ = tls_alert{*why, tls_error_text()};
  ERR_clear_error();
}

std::string tls_socket::certificate_fault() const {
  const long verdict = SSL_get_verify_result(ssl_.get());
  return verdict == X509_V_OK ? std::string() : X509_verify_cert_error_string(verdict);
}

void tls_socket::opened() {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  const std::string_view alpn(reinterpret_cast<const char*>(name), size);
  if (role_ == role::client && tls_->wants_h2_only() && alpn != "h2") {
    return fail(open_failure::alpn, "the server does not offer h2");
  }
  if (X509* x = SSL_get0_peer_certificate(ssl_.get())) {
    unsigned char* der = nullptr;
    if (const int n = i2d_X509(x, &der); n > 0) {
      peer_certificate_.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(n));
    }
    OPENSSL_free(der);
  }
  if (!begin(alpn)) return;
  // Reading ahead, the handshake may have taken the peer's first records off the socket already.
  read_in();
}

void tls_socket::resume_reading() {
  if (!paused_) return;
  paused_ = false;
  // Records that OpenSSL holds already are announced by no readability.
  asio::post(io_, [self = self()] { self->read_in(); });
}

void tls_socket::pump() {
  if (state_ != state::open) return;
  if (!writing_ && write_out()) {
    if (is_over()) begin_drain();
  } else if (state_ == state::open && writing_ && is_over()) {
    end_soon();
  }
}

bool tls_socket::write_out() {
  for (int batch = 0; batch < batches_per_turn; ++batch) {
    if (!flush()) return false;
    if (sent_ == out_.size()) {
      out_.clear();
      sent_ = 0;
      session_->produce(out_, limits_.write_batch);
      if (state_ != state::open) return false;  // the session aborted its connection
      if (out_.empty()) return true;
    }
    while (sent_ < out_.size()) {
      ERR_clear_error();
      const int n = SSL_write(ssl_.get(), out_.data() + sent_, static_cast<int>(out_.size() - sent_));
      if (n <= 0) {
        // WANT_READ: the peer must speak first, and the pending read wait continues. The buffer is never full.
        if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_WANT_READ) return false;
        note_alert();
        end();
        return false;
      }
      sent_ += static_cast<std::size_t>(n);
    }
  }
  if (flush()) wake();  // there is more; others first
  return false;
}

bool tls_socket::flush() {
  switch (records_.flush()) {
    case record_buffer::flushed::all: return true;
    case record_buffer::flushed::later: wait_write(); return false;
    case record_buffer::flushed::failed: end(); return false;
  }
  std::abort();  // unreachable: the switch is complete
}

void tls_socket::wait_write() {
  writing_ = true;
  socket_.async_wait(tcp::socket::wait_write, [self = self()](boost::system::error_code error) {
    self->writing_ = false;
    if (!error) self->pump();
  });
}

void tls_socket::wait_read() {
  if (reading_ || paused_) return;
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = self()](boost::system::error_code error) {
    self->reading_ = false;
    if (error) return;
    self->read_in();
  });
}

void tls_socket::read_in() {
  if (state_ == state::closed || (paused_ && state_ == state::open)) return;
  std::uint8_t buffer[16 * 1024 + 256];  // a full record
  const instant now = time_.now();
  for (int i = 0; i < reads_per_turn && !paused_; ++i) {
    ERR_clear_error();
    const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
    if (n > 0) {
      if (state_ == state::open) session_->receive({buffer, static_cast<std::size_t>(n)}, now);
      if (state_ == state::closed) return;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) break;
    note_alert();
    return end();  // close_notify, alert, EOF or reset: the session sorts what it lost
  }
  wait_read();
  // OpenSSL may hold a whole record that no further readability will announce.
  if (SSL_has_pending(ssl_.get()) != 0 && !paused_) {
    asio::post(io_, [self = self()] { self->read_in(); });
  }
  pump();
}

void tls_socket::begin_drain() {
  state_ = state::draining;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  records_.flush();  // close_notify; if the socket is full the FIN must do
  ERR_clear_error();
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  end_soon();
  paused_ = false;
  wait_read();
}

}  // namespace reveille
