#include "sip/call_ref.hpp"

#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <new>

namespace reveille::sip {
namespace {

/// Fetching the algorithm and making a context each cost more than the hash, so a thread keeps both.
class sha256 {
 public:
  sha256() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    if (!algorithm_ || !context_) throw std::bad_alloc();  // nothing else fails here
  }
  /// @return false only when OpenSSL is broken.
  bool digest(std::string_view text, unsigned char (&out)[32]) {
    return EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
           EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1 &&
           EVP_DigestFinal_ex(context_.get(), out, nullptr) == 1;
  }

 private:
  struct free_algorithm {
    void operator()(EVP_MD* m) const { EVP_MD_free(m); }
  };
  struct free_context {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
  };
  std::unique_ptr<EVP_MD, free_algorithm> algorithm_;
  std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

}  // namespace

call_ref call_ref_of(std::string_view call_id) {
  thread_local sha256 hash;
  unsigned char digest[32];
  if (!hash.digest(call_id, digest)) throw std::bad_alloc();
  call_ref out;
  std::memcpy(out.bytes.data(), digest, out.bytes.size());
  return out;
}

}  // namespace reveille::sip
