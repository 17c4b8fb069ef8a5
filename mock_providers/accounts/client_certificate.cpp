#include "mock_providers/accounts/client_certificate.hpp"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

namespace reveille::mock_providers {
namespace {

// Apple's extensions, by what they say.
constexpr const char* development_oid = "1.2.840.113635.100.6.3.1";
constexpr const char* production_oid = "1.2.840.113635.100.6.3.2";
constexpr const char* topics_oid = "1.2.840.113635.100.6.3.6";

struct freed {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(ASN1_OBJECT* o) const { ASN1_OBJECT_free(o); }
  void operator()(ASN1_SEQUENCE_ANY* s) const { sk_ASN1_TYPE_pop_free(s, ASN1_TYPE_free); }
};

const ASN1_OCTET_STRING* extension_of(const X509* x, const char* oid) {
  const std::unique_ptr<ASN1_OBJECT, freed> name(OBJ_txt2obj(oid, 1));
  const int at = name ? X509_get_ext_by_OBJ(x, name.get(), -1) : -1;
  return at < 0 ? nullptr : X509_EXTENSION_get_data(X509_get_ext(x, at));
}

std::string text_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

}  // namespace

bool client_certificate::allows(std::string_view topic) const {
  return std::find(topics.begin(), topics.end(), topic) != topics.end();
}

std::optional<client_certificate> read_client_certificate(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, freed> x(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  if (!x) return std::nullopt;
  client_certificate out;
  const X509_NAME* subject = X509_get_subject_name(x.get());
  if (const int at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(subject), NID_userId, -1); at >= 0) {
    out.bundle = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    out.topics.push_back(out.bundle);
  }
  out.sandbox = extension_of(x.get(), development_oid) != nullptr;
  out.production = extension_of(x.get(), production_oid) != nullptr;
  if (const ASN1_OCTET_STRING* value = extension_of(x.get(), topics_oid)) {
    // A topic, a list of labels, a topic, ...
    const unsigned char* at = ASN1_STRING_get0_data(value);
    const std::unique_ptr<ASN1_SEQUENCE_ANY, freed> all(d2i_ASN1_SEQUENCE_ANY(nullptr, &at, ASN1_STRING_length(value)));
    for (int i = 0; all && i < sk_ASN1_TYPE_num(all.get()); ++i) {
      const ASN1_TYPE* one = sk_ASN1_TYPE_value(all.get(), i);
      if (one->type == V_ASN1_UTF8STRING) out.topics.push_back(text_of(one->value.utf8string));
    }
  }
  return out;
}

}  // namespace reveille::mock_providers
