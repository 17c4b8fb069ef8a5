/// JSON Web Tokens as the push services take them: ES256 with an Apple .p8 key, RS256 with a Google service account's
/// key (RFC 7515, 7518). The mocks use the other side, verification.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace reveille::pns {

enum class jwt_algorithm : std::uint8_t { es256, rs256 };
std::string_view name_of(jwt_algorithm a);  ///< "ES256", "RS256"

struct evp_key_free {
  void operator()(evp_pkey_st* key) const noexcept;
};
using evp_key = std::unique_ptr<evp_pkey_st, evp_key_free>;

/// A private key. Movable, not copyable; its PEM is never kept or shown. Threads: const calls from any one at a time.
class signing_key {
 public:
  /// PKCS#8 or traditional PEM; EC on P-256 gives es256, RSA of 2048 bits or more rs256, all else an error.
  static result<signing_key> from_pem(std::string_view pem);

  jwt_algorithm algorithm() const { return algorithm_; }
  /// JWS form: 64 octets r||s for es256 (RFC 7518 3.4; Apple's printed sample is DER, and wrong).
  result<std::string> sign(std::string_view text) const;
  /// SPKI PEM of the public half, for verifiers and fingerprints.
  std::string public_pem() const;
  /// First 16 hexadecimal digits of SHA-256 over the public half: what an operator may see of a key.
  std::string fingerprint() const;

 private:
  signing_key(evp_key key, jwt_algorithm a) : key_(std::move(key)), algorithm_(a) {}
  evp_key key_;
  jwt_algorithm algorithm_;
};

/// A public key, for the mocks.
class verifying_key {
 public:
  static result<verifying_key> from_pem(std::string_view spki_pem);
  jwt_algorithm algorithm() const { return algorithm_; }
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  verifying_key(evp_key key, jwt_algorithm a) : key_(std::move(key)), algorithm_(a) {}
  evp_key key_;
  jwt_algorithm algorithm_;
};

/// RFC 4648 5, without padding.
std::string base64url(std::string_view octets);
/// nullopt for padding, foreign characters and impossible lengths.
std::optional<std::string> from_base64url(std::string_view text);

/// `header` and `claims` are JSON texts of the caller's making.
result<std::string> make_jwt(const signing_key& key, std::string_view header, std::string_view claims);

/// A compact JWS taken apart; nothing is believed before `signed_text` is verified against `signature`.
struct jwt_parts {
  std::string header;            ///< JSON text
  std::string claims;            ///< JSON text
  std::string signature;         ///< octets
  std::string_view signed_text;  ///< points into the token
};
/// nullopt unless it is three base64url parts within 8 KB.
std::optional<jwt_parts> split_jwt(std::string_view token);

}  // namespace reveille::pns
