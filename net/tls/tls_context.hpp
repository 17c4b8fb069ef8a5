/// TLS settings shared by connections: one per set of certificates. OpenSSL stays in the .cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

struct ssl_ctx_st;

namespace reveille {

/// PEM texts, not paths: who reads files reports which file was wrong.
struct tls_client_config {
  std::string ca_pem;              ///< "" = the system's trust store
  std::string certificate_pem;     ///< own certificate chain for mutual TLS (APNs certificate authentication), or ""
  std::string private_key_pem;
  std::vector<std::string> alpn = {"h2"};
};

struct tls_server_config {
  std::string certificate_pem;     ///< chain, leaf first
  std::string private_key_pem;
  std::string client_ca_pem;       ///< asks for client certificates and verifies those that come; "" = asks for none
  std::vector<std::string> alpn = {"h2", "http/1.1"};  ///< in order of preference; no ALPN at all counts as http/1.1
};

/// Owns an SSL_CTX: TLS 1.2 or newer. Immutable once made; shared by connections of any thread.
class tls_context {
 public:
  static result<std::shared_ptr<const tls_context>> make_client(const tls_client_config& config);
  static result<std::shared_ptr<const tls_context>> make_server(const tls_server_config& config);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  ssl_ctx_st* native() const { return ctx_; }
  /// A client that can speak nothing but HTTP/2 gives up when the server chooses anything else.
  bool wants_h2_only() const { return wants_h2_only_; }

 private:
  explicit tls_context(ssl_ctx_st* ctx) : ctx_(ctx) {}
  ssl_ctx_st* ctx_;
  std::string alpn_wire_;   ///< length-prefixed names, for the server's choice
  bool wants_h2_only_ = false;
};

}  // namespace reveille
