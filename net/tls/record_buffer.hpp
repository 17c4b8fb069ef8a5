/// What stands between OpenSSL and a socket: TLS records that are written gather here, and one send() takes all of a
/// turn's; reading goes straight to the socket. Never raises SIGPIPE (OpenSSL's own BIO does).
#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reveille {

/// Threads: one. Stays where it is while its BIO lives. Bound: what SSL_write is given between two flushes.
class record_buffer {
 public:
  record_buffer() = default;
  record_buffer(const record_buffer&) = delete;
  record_buffer& operator=(const record_buffer&) = delete;

  /// A BIO for SSL_set_bio, which owns it. @param fd non-blocking; stays the caller's.
  BIO* open(int fd);

  enum class flushed : std::uint8_t { all, later, failed };
  /// later: the socket takes no more now; call again when it is writable. failed: the connection is gone.
  flushed flush();

 private:
  static int write(BIO* b, const char* bytes, int size);
  static int read(BIO* b, char* bytes, int size);
  static const BIO_METHOD* method();

  int fd_ = -1;
  std::vector<std::uint8_t> bytes_;
  std::size_t sent_ = 0;
};

}  // namespace reveille
