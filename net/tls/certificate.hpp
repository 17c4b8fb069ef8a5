/// What an own certificate says of itself: Apple's push certificates name their topics (PROVIDERS 1.4), and every one ends.
/// No I/O: texts in, facts out. OpenSSL stays in the .cpp. Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace reveille {

struct certificate_facts {
  std::string user_id;               ///< subject UID: of Apple's certificates the bundle id, and so the default topic; "" = none
  std::vector<std::string> topics;   ///< extension 1.2.840.113635.100.6.3.6, ".voip" and others among them; empty = UID only
  bool sandbox = false;              ///< extension .6.3.1: for Apple's development environment
  bool production = false;           ///< extension .6.3.2; neither of the two = not one of Apple's
  wall_time begins{};
  wall_time ends{};
  std::string fingerprint;           ///< SHA-256, hexadecimal
};

/// Of the first certificate in a PEM text. Errors name what is wrong, never what stands there.
result<certificate_facts> read_certificate(std::string_view pem);

/// Certificate (chain, leaf first) and private key as PEM texts.
struct key_pair_pem {
  std::string certificate_pem;
  std::string private_key_pem;
};

/// From a PKCS#12 file (.p12, as Keychain exports it). Errors: no PKCS#12, wrong password, or nothing in it; one that is
/// encrypted in the manner of the nineties (RC2) is told so, with the command that mends it.
result<key_pair_pem> read_pkcs12(std::string_view der, const std::string& password);

/// Whether the key belongs to the certificate: what a server would find out first otherwise.
result<void> check_key_pair(const key_pair_pem& pair);

}  // namespace reveille
