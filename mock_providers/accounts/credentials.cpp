#include "mock_providers/accounts/credentials.hpp"

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

#include "core/system_ports.hpp"

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

constexpr std::int64_t certificate_years = std::int64_t{10} * 365 * 86400;
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

struct certificate_life {
  std::int64_t from, until;   ///< Unix seconds
};

certificate_ptr begin(EVP_PKEY* key, const char* name, const certificate_life& life) {
  certificate_ptr made(X509_new());
  std::uint64_t serial = 0;
  if (!made || !key || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return nullptr;
  X509* x = made.get();
  const bool fine =
      X509_set_version(x, 2) == 1 &&  // 2 means version 3
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(x), life.from) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(x), life.until) != nullptr && X509_set_pubkey(x, key) == 1 &&
      X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(name), -1, -1, 0) == 1;
  return fine ? std::move(made) : nullptr;
}

certificate_ptr server_certificate(EVP_PKEY* key, X509* ca, EVP_PKEY* ca_key, const certificate_life& life) {
  certificate_ptr made = begin(key, "Reveille mock providers", life);
  const bool fine = made && ca && ca_key && X509_set_issuer_name(made.get(), X509_get_subject_name(ca)) == 1 &&
                    extend(made.get(), ca, NID_subject_alt_name, server_names) &&
                    extend(made.get(), ca, NID_ext_key_usage, "serverAuth") &&
                    extend(made.get(), ca, NID_authority_key_identifier, "keyid") &&
                    X509_sign(made.get(), ca_key, EVP_sha256()) > 0;
  return fine ? std::move(made) : nullptr;
}

certificate_ptr authority(EVP_PKEY* key, const certificate_life& life) {
  certificate_ptr made = begin(key, "Reveille mock authority", life);
  const bool fine = made && X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) == 1 &&
                    extend(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE") &&
                    extend(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    extend(made.get(), made.get(), NID_subject_key_identifier, "hash") &&
                    X509_sign(made.get(), key, EVP_sha256()) > 0;
  return fine ? std::move(made) : nullptr;
}

struct authority_pair {
  certificate_ptr certificate;
  key_ptr key;
};
authority_pair authority_of(const credentials& keys) {
  const bio_ptr ca_text(BIO_new_mem_buf(keys.ca_pem.data(), static_cast<int>(keys.ca_pem.size())));
  const bio_ptr key_text(BIO_new_mem_buf(keys.ca_key_pem.data(), static_cast<int>(keys.ca_key_pem.size())));
  return {certificate_ptr(PEM_read_bio_X509(ca_text.get(), nullptr, nullptr, nullptr)),
          key_ptr(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr))};
}

/// One element of DER (X.690 8.1); contents below 64 KB.
std::string der(unsigned char tag, const std::string& contents) {
  std::string out(1, static_cast<char>(tag));
  const std::size_t n = contents.size();
  if (n >= 256) {
    out += {'\x82', static_cast<char>(n >> 8)};
  } else if (n >= 128) {
    out += '\x81';
  }
  out += static_cast<char>(n);
  return out + contents;
}
const std::string der_null("\x05\x00", 2);

/// Topics of Apple's extension 6.3.6: a topic, a list of labels, a topic, ...
std::string topics_of(const std::string& bundle) {
  constexpr unsigned char utf8 = 0x0c, sequence = 0x30;
  std::string all;
  for (const auto& [suffix, label] : {std::pair("", "app"), std::pair(".voip", "voip"), std::pair(".complication", "complication")}) {
    all += der(utf8, bundle + suffix) + der(sequence, der(utf8, label));
  }
  return der(sequence, all);
}

/// An extension that OpenSSL has no name for.
bool add_extension(X509* certificate, const char* oid, const std::string& value) {
  const std::unique_ptr<ASN1_OBJECT, freed_by<ASN1_OBJECT_free>> name(OBJ_txt2obj(oid, 1));
  const std::unique_ptr<ASN1_OCTET_STRING, freed_by<ASN1_OCTET_STRING_free>> octets(ASN1_OCTET_STRING_new());
  const bool fine = name && octets &&
                    ASN1_OCTET_STRING_set(octets.get(), reinterpret_cast<const unsigned char*>(value.data()),
                                          static_cast<int>(value.size())) == 1;
  const extension_ptr extension(fine ? X509_EXTENSION_create_by_OBJ(nullptr, name.get(), 0, octets.get()) : nullptr);
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

tl::unexpected<error> openssl_failure(const std::string& what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return failure(what + ": " + text);
}

}  // namespace

result<credentials> credentials::generate() {
  const key_ptr ca_key(EVP_EC_gen("P-256"));
  const key_ptr server_key(EVP_EC_gen("P-256"));
  const key_ptr apns_key(EVP_EC_gen("P-256"));
  const key_ptr google_key(EVP_RSA_gen(2048));
  const std::int64_t present = unix_seconds(system_clock_port().now().wall);
  const certificate_life life{present - 3600, present + certificate_years};
  const certificate_ptr ca = authority(ca_key.get(), life);
  const certificate_ptr server = server_certificate(server_key.get(), ca.get(), ca_key.get(), life);
  if (!server || !apns_key || !google_key) return openssl_failure("generating keys");
  return credentials{certificate_pem(ca.get()),    certificate_pem(server.get()), private_pem(server_key.get()),
                     private_pem(apns_key.get()), private_pem(google_key.get()), private_pem(ca_key.get())};
}

result<certificate_pair> issue_server_certificate(const credentials& keys, wall_time ends) {
  const authority_pair ca = authority_of(keys);
  const key_ptr key(EVP_EC_gen("P-256"));
  const std::int64_t until = unix_seconds(ends);
  const certificate_ptr made =
      server_certificate(key.get(), ca.certificate.get(), ca.key.get(), {until - certificate_years, until});
  if (!made) return openssl_failure("issuing a certificate");
  return certificate_pair{certificate_pem(made.get()), private_pem(key.get())};
}

result<certificate_pair> issue_provider_certificate(const credentials& keys, const std::string& bundle,
                                                    certificate_scope scope) {
  const authority_pair ca = authority_of(keys);
  const key_ptr key(EVP_EC_gen("P-256"));
  const std::int64_t present = unix_seconds(system_clock_port().now().wall);
  const certificate_ptr made = begin(key.get(), "Apple Push Services", {present - 3600, present + certificate_years});
  X509_NAME* subject = made ? X509_get_subject_name(made.get()) : nullptr;
  const bool named = bundle.empty() ||
                     (subject && X509_NAME_add_entry_by_NID(subject, NID_userId, MBSTRING_UTF8,
                                                            reinterpret_cast<const unsigned char*>(bundle.data()),
                                                            static_cast<int>(bundle.size()), -1, 0) == 1);
  const bool fine =
      made && ca.certificate && ca.key && named &&
      X509_set_issuer_name(made.get(), X509_get_subject_name(ca.certificate.get())) == 1 &&
      extend(made.get(), ca.certificate.get(), NID_ext_key_usage, "clientAuth") &&
      (scope == certificate_scope::production || add_extension(made.get(), "1.2.840.113635.100.6.3.1", der_null)) &&
      (scope == certificate_scope::sandbox || add_extension(made.get(), "1.2.840.113635.100.6.3.2", der_null)) &&
      (bundle.empty() || add_extension(made.get(), "1.2.840.113635.100.6.3.6", topics_of(bundle))) &&
      X509_sign(made.get(), ca.key.get(), EVP_sha256()) > 0;
  if (!fine) return openssl_failure("issuing a certificate");
  return certificate_pair{certificate_pem(made.get()), private_pem(key.get())};
}

result<std::string> make_apns_key() {
  const key_ptr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failure("generating a key");
  return private_pem(key.get());
}

result<std::string> make_google_key() {
  const key_ptr key(EVP_RSA_gen(2048));
  if (!key) return openssl_failure("generating a key");
  return private_pem(key.get());
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
