#include "mock_providers/credentials.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace reveille::mock_providers {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;

constexpr long certificate_life = 10L * 365 * 86400;
constexpr const char* server_names =
    "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:api.push.apple.com,DNS:api.sandbox.push.apple.com,"
    "DNS:fcm.googleapis.com,DNS:oauth2.googleapis.com";

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(length));
}

std::string private_pem(EVP_PKEY* key) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  return out && PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1
             ? text_of(out.get())
             : std::string();
}

std::string certificate_pem(X509* certificate) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  return out && PEM_write_bio_X509(out.get(), certificate) == 1 ? text_of(out.get()) : std::string();
}

bool extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool begin(X509* certificate, EVP_PKEY* key, const char* name) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_set_version(certificate, 2) == 1 &&  // 2 means version 3
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), certificate_life) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0) == 1;
}

}  // namespace

result<credentials> credentials::generate() {
  const key_ptr ca_key(EVP_EC_gen("P-256"));
  const key_ptr server_key(EVP_EC_gen("P-256"));
  const key_ptr apns_key(EVP_EC_gen("P-256"));
  const key_ptr google_key(EVP_RSA_gen(2048));
  const certificate_ptr ca(X509_new());
  const certificate_ptr server(X509_new());
  const bool made =
      ca_key && server_key && apns_key && google_key && ca && server &&  //
      begin(ca.get(), ca_key.get(), "Reveille mock authority") &&
      X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())) == 1 &&
      extend(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE") &&
      extend(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
      extend(ca.get(), ca.get(), NID_subject_key_identifier, "hash") &&
      X509_sign(ca.get(), ca_key.get(), EVP_sha256()) > 0 &&  //
      begin(server.get(), server_key.get(), "Reveille mock providers") &&
      X509_set_issuer_name(server.get(), X509_get_subject_name(ca.get())) == 1 &&
      extend(server.get(), ca.get(), NID_subject_alt_name, server_names) &&
      extend(server.get(), ca.get(), NID_ext_key_usage, "serverAuth") &&
      extend(server.get(), ca.get(), NID_authority_key_identifier, "keyid") &&
      X509_sign(server.get(), ca_key.get(), EVP_sha256()) > 0;
  credentials out;
  if (made) {
    out = {certificate_pem(ca.get()), certificate_pem(server.get()), private_pem(server_key.get()),
           private_pem(apns_key.get()), private_pem(google_key.get())};
  }
  if (out.google_key_pem.empty() || out.apns_key_pem.empty() || out.server_key_pem.empty()) {
    char text[256] = "";
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return failure(std::string("generating keys: ") + text);
  }
  return out;
}

std::string service_account_json(const identity& who, const credentials& keys, const std::string& token_uri) {
  return nlohmann::ordered_json{{"type", "service_account"},
                                {"project_id", who.project},
                                {"private_key_id", who.private_key_id},
                                {"private_key", keys.google_key_pem},
                                {"client_email", who.client_email},
                                {"client_id", "100000000000000000001"},
                                {"auth_uri", "https://accounts.google.com/o/oauth2/auth"},
                                {"token_uri", token_uri},
                                {"universe_domain", "googleapis.com"}}
      .dump(2);
}

}  // namespace reveille::mock_providers
