/// OpenSSL's objects with owners. Included by the .cpp files of this folder only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>
#include <vector>

namespace reveille {

struct openssl_free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(PKCS12* p) const { PKCS12_free(p); }
  void operator()(X509* p) const { X509_free(p); }
};
using bio_ptr = std::unique_ptr<BIO, openssl_free>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free>;
using pkcs12_ptr = std::unique_ptr<PKCS12, openssl_free>;
using x509_ptr = std::unique_ptr<X509, openssl_free>;

bio_ptr read_only(std::string_view text);
/// All certificates of a PEM text, in its order.
std::vector<x509_ptr> certificates_of(std::string_view pem);
/// nullptr when there is none, or one with a pass phrase: nobody is ever asked for one on a terminal.
key_ptr private_key_of(std::string_view pem);

}  // namespace reveille
