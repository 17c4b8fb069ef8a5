#include "net/tls/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "net/tls/openssl_handles.hpp"
#include "net/tls/tls_socket.hpp"

namespace reveille {

std::string tls_error_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

namespace {

/// A PEM key is never asked a pass phrase for on a terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

bio_ptr read_only(std::string_view text) { return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::vector<x509_ptr> certificates_of(std::string_view pem) {
  std::vector<x509_ptr> out;
  const bio_ptr in = read_only(pem);
  while (X509* x = PEM_read_bio_X509(in.get(), nullptr, &no_pass_phrase, nullptr)) out.emplace_back(x);
  ERR_clear_error();  // the end of the text counts as an error
  return out;
}

key_ptr private_key_of(std::string_view pem) {
  const bio_ptr in = read_only(pem);
  return key_ptr(PEM_read_bio_PrivateKey(in.get(), nullptr, &no_pass_phrase, nullptr));
}

namespace {

result<void> add_trusted(X509_STORE* store, std::string_view pem) {
  const std::vector<x509_ptr> all = certificates_of(pem);
  if (all.empty()) return failure("the CA text holds no certificate");
  for (const x509_ptr& x : all) {
    if (X509_STORE_add_cert(store, x.get()) != 1) return failure("a CA certificate is unusable: " + tls_error_text());
  }
  return {};
}

result<void> use_certificate(SSL_CTX* ctx, std::string_view chain_pem, std::string_view key_pem) {
  const std::vector<x509_ptr> chain = certificates_of(chain_pem);
  if (chain.empty()) return failure("the certificate text holds no certificate");
  if (SSL_CTX_use_certificate(ctx, chain.front().get()) != 1) {
    return failure("the certificate is unusable: " + tls_error_text());
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(ctx, chain[i].get()) != 1) {
      return failure("a certificate of the chain is unusable: " + tls_error_text());
    }
  }
  const key_ptr key = private_key_of(key_pem);
  if (!key || SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    return failure("the private key is unusable or does not belong to the certificate: " + tls_error_text());
  }
  return {};
}

std::string wire_form(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) {
    out += static_cast<char>(n.size());
    out += n;
  }
  return out;
}

SSL_CTX* new_context(const SSL_METHOD* method) {
  SSL_CTX* ctx = SSL_CTX_new(method);
  if (ctx == nullptr) std::abort();  // memory only
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A record goes out as soon as it is made, and the buffer behind it may grow or move meanwhile.
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 1);  // header and body of a record in one recv()
  return ctx;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                void* ours) {
  const auto& wire = *static_cast<const std::string*>(ours);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()), in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

result<std::shared_ptr<const tls_context>> tls_context::make_client(const tls_client_config& config) {
  std::shared_ptr<tls_context> made(new tls_context(new_context(TLS_client_method())));
  SSL_CTX* ctx = made->ctx_;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  if (config.ca_pem.empty()) {
    SSL_CTX_set_default_verify_paths(ctx);
  } else if (auto added = add_trusted(SSL_CTX_get_cert_store(ctx), config.ca_pem); !added) {
    return tl::unexpected(added.error());
  }
  if (!config.certificate_pem.empty()) {
    if (auto used = use_certificate(ctx, config.certificate_pem, config.private_key_pem); !used) {
      return tl::unexpected(used.error());
    }
  }
  made->alpn_wire_ = wire_form(config.alpn);
  if (!config.alpn.empty()) {
    SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(made->alpn_wire_.data()),
                            static_cast<unsigned>(made->alpn_wire_.size()));
  }
  made->wants_h2_only_ = config.alpn.size() == 1 && config.alpn.front() == "h2";
  return made;
}

result<std::shared_ptr<const tls_context>> tls_context::make_server(const tls_server_config& config) {
  std::shared_ptr<tls_context> made(new tls_context(new_context(TLS_server_method())));
  SSL_CTX* ctx = made->ctx_;
  if (auto used = use_certificate(ctx, config.certificate_pem, config.private_key_pem); !used) {
    return tl::unexpected(used.error());
  }
  if (!config.client_ca_pem.empty()) {
    if (auto added = add_trusted(SSL_CTX_get_cert_store(ctx), config.client_ca_pem); !added) {
      return tl::unexpected(added.error());
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  }
  // Sessions are not resumed: a mock's clients make few connections, and a cache would need a bound.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  made->alpn_wire_ = wire_form(config.alpn);
  if (!config.alpn.empty()) SSL_CTX_set_alpn_select_cb(ctx, &choose_alpn, &made->alpn_wire_);
  return made;
}

tls_context::~tls_context() { SSL_CTX_free(ctx_); }

}  // namespace reveille
