/// Messages of our own that cover the ground of RFC 4475: what must be accepted, and what refused and why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reveille::sip {

struct good_sample {
  std::string name;
  std::string octets;
};
std::vector<good_sample> good_samples();

struct bad_sample {
  std::string name;
  std::string octets;
  int status;
  std::string_view reason;
};
std::vector<bad_sample> bad_samples();

/// A small sound OPTIONS with these lines (with CRLF) before Content-Length.
std::string request_with(std::string_view lines, std::string_view method = "OPTIONS");

}  // namespace reveille::sip
