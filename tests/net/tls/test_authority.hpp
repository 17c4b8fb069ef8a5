/// A certificate authority made by the test, and certificates with whatever flaw a case needs.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace reveille {

/// What Apple writes into a push certificate (PROVIDERS 1.4).
struct apple_marks {
  std::string user_id;
  std::string topics_config;   ///< of the extension, as ASN1_generate_nconf spells it; "" = none
  bool sandbox = false, production = false;
};

struct certified {
  std::string certificate_pem, private_key_pem;
};

class test_authority {
 public:
  explicit test_authority(const char* name = "Test authority") : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    begin(certificate_.get(), key_.get(), name, -3600, 86400);
    extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    sign(certificate_.get());
  }

  /// One that is there already: certificate and key in PEM.
  test_authority(const std::string& certificate_pem, const std::string& key_pem) {
    const bio_ptr certificate(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
    const bio_ptr key(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    certificate_.reset(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
    key_.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    check(certificate_ != nullptr && key_ != nullptr);
  }

  std::string pem() const { return pem_of(certificate_.get()); }

  /// @param names subjectAltName as OpenSSL spells it: "DNS:a.example,IP:127.0.0.1".
  /// @param from, until seconds from now.
  certified issue(const char* names, long from = -3600, long until = 86400) const {
    return issue(names, {}, from, until);
  }
  certified issue(const char* names, const apple_marks& marks, long from = -3600, long until = 86400) const {
    const key_ptr key(EVP_EC_gen("P-256"));
    const x509_ptr x(X509_new());
    begin(x.get(), key.get(), "leaf", from, until);
    extend(x.get(), NID_subject_alt_name, names);
    if (!marks.user_id.empty()) {
      check(X509_NAME_add_entry_by_NID(X509_get_subject_name(x.get()), NID_userId, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(marks.user_id.c_str()), -1, -1, 0) == 1);
    }
    if (!marks.topics_config.empty()) extend(x.get(), "1.2.840.113635.100.6.3.6", marks.topics_config.c_str());
    if (marks.sandbox) extend(x.get(), "1.2.840.113635.100.6.3.1", "NULL");
    if (marks.production) extend(x.get(), "1.2.840.113635.100.6.3.2", "NULL");
    sign(x.get());
    const bio_ptr out(BIO_new(BIO_s_mem()));
    check(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return {pem_of(x.get()), text_of(out.get())};
  }

 private:
  struct freed {
    void operator()(ASN1_OBJECT* p) const { ASN1_OBJECT_free(p); }
    void operator()(ASN1_OCTET_STRING* p) const { ASN1_OCTET_STRING_free(p); }
    void operator()(ASN1_TYPE* p) const { ASN1_TYPE_free(p); }
    void operator()(BIO* p) const { BIO_free(p); }
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(X509* p) const { X509_free(p); }
    void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  };
  using bio_ptr = std::unique_ptr<BIO, freed>;
  using key_ptr = std::unique_ptr<EVP_PKEY, freed>;
  using x509_ptr = std::unique_ptr<X509, freed>;

  static void check(bool fine) {
    if (!fine) throw std::runtime_error("OpenSSL refuses to make a test certificate");
  }
  static std::string text_of(BIO* b) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(b, &data);
    return {data, static_cast<std::size_t>(size)};
  }
  static std::string pem_of(X509* x) {
    const bio_ptr out(BIO_new(BIO_s_mem()));
    check(PEM_write_bio_X509(out.get(), x) == 1);
    return text_of(out.get());
  }
  static void begin(X509* x, EVP_PKEY* key, const char* name, long from, long until) {
    static std::uint64_t serial = 1;
    X509_NAME* const subject = X509_get_subject_name(x);
    check(X509_set_version(x, 2) == 1 &&  // 2 means version 3
          ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), ++serial) == 1 &&
          X509_gmtime_adj(X509_getm_notBefore(x), from) != nullptr &&
          X509_gmtime_adj(X509_getm_notAfter(x), until) != nullptr && X509_set_pubkey(x, key) == 1 &&
          X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1,
                                     0) == 1);
  }
  void extend(X509* x, int nid, const char* value) const {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate_.get(), x, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, freed> e(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    check(e && X509_add_ext(x, e.get(), -1) == 1);
  }
  /// Any extension: `value` after "ASN1:", "SEQWRAP,UTF8:..." or the numbers that follow "DER:".
  static void extend(X509* x, const char* oid, const char* value) {
    const std::unique_ptr<ASN1_TYPE, freed> content(ASN1_generate_v3(value, nullptr));
    check(content != nullptr);
    unsigned char* der = nullptr;
    const int size = i2d_ASN1_TYPE(content.get(), &der);
    check(size > 0);
    const std::unique_ptr<ASN1_OBJECT, freed> name(OBJ_txt2obj(oid, 1));
    const std::unique_ptr<ASN1_OCTET_STRING, freed> octets(ASN1_OCTET_STRING_new());
    check(ASN1_OCTET_STRING_set(octets.get(), der, size) == 1);
    OPENSSL_free(der);
    const std::unique_ptr<X509_EXTENSION, freed> e(X509_EXTENSION_create_by_OBJ(nullptr, name.get(), 0, octets.get()));
    check(e && X509_add_ext(x, e.get(), -1) == 1);
  }
  void sign(X509* x) const {
    check(X509_set_issuer_name(x, X509_get_subject_name(certificate_.get())) == 1 &&
          X509_sign(x, key_.get(), EVP_sha256()) > 0);
  }

  key_ptr key_;
  x509_ptr certificate_;
};

}  // namespace reveille
