/// Writes the requests that attackers and honest user agents send.
#pragma once

#include <string>
#include <string_view>

namespace reveille::hostile {

/// What is "" is made up: unlike any other, but the same for the same `number`.
struct request_text {
  std::string_view method = "INVITE";
  std::string uri;           ///< the Request-URI
  std::string via;           ///< sent-by
  std::uint64_t number = 0;  ///< makes branch, tags and Call-ID
  std::string branch = {};
  std::string from = {};     ///< whole values
  std::string to = {};
  std::string call_id = {};
  std::uint32_t cseq = 1;
  std::string lines = {};    ///< further header lines, each with CRLF
  std::string body = {};

  std::string text() const;
};

/// A REGISTER of `user` with those Contact lines ("Contact: ...\r\n", or none: a fetch).
std::string register_text(const std::string& via, const std::string& user, const std::string& contact_lines,
                          const std::string& call_id, std::uint32_t cseq, const std::string& lines = {});
/// "sip:USER@example.com"
std::string aor_of(const std::string& user);
/// Parameters that make a Contact a push binding: of FCM, or of APNs.
std::string fcm_parameters(const std::string& token_name);
std::string apns_parameters(const std::string& token_name);
/// The tokens in these; no token of one name is part of another's.
std::string fcm_token(const std::string& token_name);
std::string apns_token(const std::string& token_name);

}  // namespace reveille::hostile
