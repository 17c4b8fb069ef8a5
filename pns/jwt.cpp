#include "pns/jwt.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <array>

namespace reveille::pns {
namespace {

constexpr std::size_t max_token_octets = 8192;
constexpr std::size_t max_pem_octets = 65536;
constexpr int es256_half = 32;  // RFC 7518 3.4: r and s, each 32 octets
constexpr int least_rsa_bits = 2048;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using digest_ptr = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using signature_ptr = std::unique_ptr<ECDSA_SIG, freed_by<ECDSA_SIG_free>>;

tl::unexpected<error> openssl_failure(std::string_view what) {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return failure(std::string(what));
  ERR_error_string_n(code, text.data(), text.size());
  return failure(std::string(what) + ": " + text.data());
}

bio_ptr reader_of(std::string_view text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// A key with a pass phrase must fail, not ask at the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

result<jwt_algorithm> algorithm_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    if (EVP_PKEY_get_bits(key) < least_rsa_bits) return failure("RSA key shorter than 2048 bits");
    return jwt_algorithm::rs256;
  }
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 64> curve{};
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, curve.data(), curve.size(), &length) == 1 &&
        (std::string_view(curve.data(), length) == "prime256v1" || std::string_view(curve.data(), length) == "P-256")) {
      return jwt_algorithm::es256;
    }
    return failure("EC key not on curve P-256");
  }
  return failure("neither an EC nor an RSA key");
}

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// OpenSSL makes DER; JWS wants r||s.
result<std::string> raw_of(std::string_view der) {
  const unsigned char* at = octets(der);
  const signature_ptr parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!parsed) return openssl_failure("ECDSA signature");
  std::string raw(2 * es256_half, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out, es256_half) != es256_half ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out + es256_half, es256_half) != es256_half) {
    return openssl_failure("ECDSA signature");
  }
  return raw;
}

std::optional<std::string> der_of(std::string_view raw) {
  if (raw.size() != 2 * es256_half) return std::nullopt;
  const signature_ptr made(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(octets(raw), es256_half, nullptr);
  BIGNUM* s = BN_bin2bn(octets(raw) + es256_half, es256_half, nullptr);
  if (!made || !r || !s || ECDSA_SIG_set0(made.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return std::nullopt;
  }
  const int length = i2d_ECDSA_SIG(made.get(), nullptr);
  if (length <= 0) return std::nullopt;
  std::string der(static_cast<std::size_t>(length), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(made.get(), &out);
  return der;
}

std::string der_of_public(EVP_PKEY* key) {
  const int length = i2d_PUBKEY(key, nullptr);
  if (length <= 0) return {};
  std::string der(static_cast<std::size_t>(length), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_PUBKEY(key, &out);
  return der;
}

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& v : values) v = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> base64url_values = make_values();

}  // namespace

std::string_view name_of(jwt_algorithm a) {
  switch (a) {
    case jwt_algorithm::es256: return "ES256";
    case jwt_algorithm::rs256: return "RS256";
  }
  return "";
}

void evp_key_free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

result<signing_key> signing_key::from_pem(std::string_view pem) {
  if (pem.size() > max_pem_octets) return failure("private key: PEM text too long");
  const bio_ptr in = reader_of(pem);
  evp_key key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
  if (!key) return openssl_failure("private key: no readable PEM");
  const auto algorithm = algorithm_of(key.get());
  if (!algorithm) return failure("private key: " + algorithm.error().what);
  return signing_key(std::move(key), *algorithm);
}

result<std::string> signing_key::sign(std::string_view text) const {
  const digest_ptr context(EVP_MD_CTX_new());
  std::size_t length = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, octets(text), text.size()) != 1) {
    return openssl_failure("signing");
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, octets(text),
                     text.size()) != 1) {
    return openssl_failure("signing");
  }
  signature.resize(length);
  return algorithm_ == jwt_algorithm::es256 ? raw_of(signature) : result<std::string>(std::move(signature));
}

std::string signing_key::public_pem() const {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PUBKEY(out.get(), key_.get()) != 1) return {};
  char* data = nullptr;
  const long length = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(length));
}

std::string signing_key::fingerprint() const {
  const std::string der = der_of_public(key_.get());
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(octets(der), der.size(), digest.data());
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

result<verifying_key> verifying_key::from_pem(std::string_view spki_pem) {
  if (spki_pem.size() > max_pem_octets) return failure("public key: PEM text too long");
  const bio_ptr in = reader_of(spki_pem);
  evp_key key(in ? PEM_read_bio_PUBKEY(in.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
  if (!key) return openssl_failure("public key: no readable PEM");
  const auto algorithm = algorithm_of(key.get());
  if (!algorithm) return failure("public key: " + algorithm.error().what);
  return verifying_key(std::move(key), *algorithm);
}

bool verifying_key::verify(std::string_view text, std::string_view signature) const {
  std::string der;
  if (algorithm_ == jwt_algorithm::es256) {
    std::optional<std::string> made = der_of(signature);
    if (!made) return false;
    der = std::move(*made);
    signature = der;
  }
  const digest_ptr context(EVP_MD_CTX_new());
  const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                    EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text), text.size()) == 1;
  ERR_clear_error();  // a bad signature is the peer's business and must not surface elsewhere
  return good;
}

std::string base64url(std::string_view in) {
  std::string out;
  out.reserve((in.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int have = 0;
  for (char c : in) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (have += 8; have >= 6; have -= 6) out += alphabet[(bits >> (have - 6)) & 63];
  }
  if (have > 0) out += alphabet[(bits << (6 - have)) & 63];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int have = 0;
  for (char c : text) {
    const std::int8_t value = base64url_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>((bits >> have) & 0xff);
    }
  }
  return out;
}

result<std::string> make_jwt(const signing_key& key, std::string_view header, std::string_view claims) {
  std::string token = base64url(header) + '.' + base64url(claims);
  const result<std::string> signature = key.sign(token);
  if (!signature) return tl::unexpected(signature.error());
  token += '.';
  token += base64url(*signature);
  return token;
}

std::optional<jwt_parts> split_jwt(std::string_view token) {
  if (token.size() > max_token_octets) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto header = from_base64url(token.substr(0, first));
  auto claims = from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(token.substr(second + 1));
  if (!header || !claims || !signature) return std::nullopt;
  return jwt_parts{std::move(*header), std::move(*claims), std::move(*signature), token.substr(0, second)};
}

}  // namespace reveille::pns
