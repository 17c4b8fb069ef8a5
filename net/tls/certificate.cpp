#include "net/tls/certificate.hpp"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls/openssl_handles.hpp"
#include "net/tls/tls_socket.hpp"

namespace reveille {

namespace {

constexpr const char* topics_oid = "1.2.840.113635.100.6.3.6";
constexpr const char* sandbox_oid = "1.2.840.113635.100.6.3.1";
constexpr const char* production_oid = "1.2.840.113635.100.6.3.2";
constexpr std::size_t topics_limit = 64;   ///< Apple's have six

struct object_free {
  void operator()(ASN1_OBJECT* p) const { ASN1_OBJECT_free(p); }
};
struct sequence_free {
  void operator()(ASN1_SEQUENCE_ANY* p) const { sk_ASN1_TYPE_pop_free(p, ASN1_TYPE_free); }
};
struct certificates_free {
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};

X509_EXTENSION* find_extension(X509* x, const char* oid) {
  const std::unique_ptr<ASN1_OBJECT, object_free> name(OBJ_txt2obj(oid, 1));
  const int at = name ? X509_get_ext_by_OBJ(x, name.get(), -1) : -1;
  return at < 0 ? nullptr : X509_get_ext(x, at);
}

std::string text_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

/// SEQUENCE { topic UTF8String, SEQUENCE { kind UTF8String }, topic, ... }
std::vector<std::string> topics_of(X509* x) {
  std::vector<std::string> out;
  X509_EXTENSION* found = find_extension(x, topics_oid);
  if (found == nullptr) return out;
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(found);
  const unsigned char* der = ASN1_STRING_get0_data(value);
  const std::unique_ptr<ASN1_SEQUENCE_ANY, sequence_free> all(
      d2i_ASN1_SEQUENCE_ANY(nullptr, &der, ASN1_STRING_length(value)));
  for (int i = 0; all && i < sk_ASN1_TYPE_num(all.get()) && out.size() < topics_limit; ++i) {
    const ASN1_TYPE* one = sk_ASN1_TYPE_value(all.get(), i);
    if (one->type == V_ASN1_UTF8STRING) out.push_back(text_of(one->value.utf8string));
  }
  ERR_clear_error();
  return out;
}

std::string user_id_of(X509* x) {
  X509_NAME* subject = X509_get_subject_name(x);
  const int at = X509_NAME_get_index_by_NID(subject, NID_userId, -1);
  return at < 0 ? std::string() : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

wall_time time_of(const ASN1_TIME* t) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(t, &parts) != 1) return {};
  const std::chrono::year_month_day date(std::chrono::year(parts.tm_year + 1900),
                                         std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  return wall_time(std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
                   seconds(parts.tm_sec));
}

std::string fingerprint_of(X509* x) {
  static constexpr char hex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  std::string out;
  if (X509_digest(x, EVP_sha256(), digest, &size) != 1) return out;
  for (unsigned i = 0; i < size; ++i) {
    out += hex[digest[i] >> 4];
    out += hex[digest[i] & 15];
  }
  return out;
}

/// Empties the queue; old ciphers are no longer part of OpenSSL's default provider.
bool refused_for_its_age() {
  bool old = false;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    old |= ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;
  }
  return old;
}

std::string written(X509* x) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!out || PEM_write_bio_X509(out.get(), x) != 1) return {};
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string written(EVP_PKEY* key) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

result<certificate_facts> read_certificate(std::string_view pem) {
  const std::vector<x509_ptr> all = certificates_of(pem);
  if (all.empty()) return failure("holds no PEM certificate");
  X509* x = all.front().get();
  certificate_facts out;
  out.user_id = user_id_of(x);
  out.topics = topics_of(x);
  out.sandbox = find_extension(x, sandbox_oid) != nullptr;
  out.production = find_extension(x, production_oid) != nullptr;
  out.begins = time_of(X509_get0_notBefore(x));
  out.ends = time_of(X509_get0_notAfter(x));
  out.fingerprint = fingerprint_of(x);
  return out;
}

result<key_pair_pem> read_pkcs12(std::string_view der, const std::string& password) {
  ERR_clear_error();
  const bio_ptr in = read_only(der);
  const pkcs12_ptr file(d2i_PKCS12_bio(in.get(), nullptr));
  if (!file) {
    ERR_clear_error();
    return failure("is neither PEM nor PKCS#12");
  }
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* chain = nullptr;
  if (PKCS12_parse(file.get(), password.c_str(), &key, &leaf, &chain) != 1) {
    if (refused_for_its_age()) {
      return failure("is encrypted with a cipher that OpenSSL no longer reads; write it anew: openssl pkcs12 -legacy -in FILE "
                     "-nodes -out FILE.pem");
    }
    return failure("cannot be opened with this password");
  }
  const key_ptr owned_key(key);
  const x509_ptr owned_leaf(leaf);
  const std::unique_ptr<STACK_OF(X509), certificates_free> owned_chain(chain);
  if (!owned_key || !owned_leaf) return failure("does not hold a certificate with its private key");
  key_pair_pem out{written(leaf), written(key)};
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) out.certificate_pem += written(sk_X509_value(chain, i));
  return out;
}

result<void> check_key_pair(const key_pair_pem& pair) {
  const std::vector<x509_ptr> all = certificates_of(pair.certificate_pem);
  if (all.empty()) return failure("the certificate is no PEM certificate");
  const key_ptr key = private_key_of(pair.private_key_pem);
  if (!key) return failure("the private key is no readable PEM, or asks for a pass phrase");
  const bool fits = X509_check_private_key(all.front().get(), key.get()) == 1;
  ERR_clear_error();
  if (!fits) return failure("the private key does not belong to the certificate");
  return {};
}

}  // namespace reveille
