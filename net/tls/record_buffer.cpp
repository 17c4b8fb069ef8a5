#include "net/tls/record_buffer.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>

namespace reveille {

namespace {

record_buffer& of(BIO* b) { return *static_cast<record_buffer*>(BIO_get_data(b)); }
long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

int record_buffer::write(BIO* b, const char* bytes, int size) {
  BIO_clear_retry_flags(b);
  const auto* from = reinterpret_cast<const std::uint8_t*>(bytes);
  of(b).bytes_.insert(of(b).bytes_.end(), from, from + size);
  return size;
}

int record_buffer::read(BIO* b, char* bytes, int size) {
  BIO_clear_retry_flags(b);
  const ssize_t n = ::recv(of(b).fd_, bytes, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(b);
  return static_cast<int>(n);
}

const BIO_METHOD* record_buffer::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "record buffer");
    if (m == nullptr) std::abort();
    BIO_meth_set_write(m, &record_buffer::write);
    BIO_meth_set_read(m, &record_buffer::read);
    BIO_meth_set_ctrl(m, &control);
    return m;
  }();
  return made;
}

BIO* record_buffer::open(int fd) {
  BIO* b = BIO_new(method());
  if (b == nullptr) std::abort();
  fd_ = fd;
  BIO_set_data(b, this);
  BIO_set_init(b, 1);
  return b;
}

record_buffer::flushed record_buffer::flush() {
  while (sent_ < bytes_.size()) {
    const ssize_t n = ::send(fd_, bytes_.data() + sent_, bytes_.size() - sent_, MSG_NOSIGNAL);
    if (n > 0) {
      sent_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      return flushed::later;
    } else if (errno != EINTR) {
      return flushed::failed;
    }
  }
  bytes_.clear();
  sent_ = 0;
  return flushed::all;
}

}  // namespace reveille
