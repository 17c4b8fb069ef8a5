/// From indexed lines to checked core facts: the steps of message::parse(). Internal to sip/.
#pragma once

#include <string_view>

#include "sip/message.hpp"

namespace reveille::sip {

/// Fills one message. Each step returns "" or one of sip::reasons.
class message_parser {
 public:
  explicit message_parser(message& m) : m_(m) {}

  std::string_view start_line();
  std::string_view header_fields();
  std::string_view body(bool datagram);

  static result<message_ptr, reject> parse(slab_ptr bytes, std::size_t size, bool datagram);

 private:
  std::string_view request_line(std::string_view line);
  std::string_view status_line(std::string_view line);
  std::string_view presence() const;
  std::string_view vias();
  std::string_view tag_of(header h, message::slice& tag, std::string_view reason);
  std::string_view cseq();
  std::string_view numbers();
  std::string_view routes(header h, std::string_view malformed, std::string_view too_many) const;
  std::string_view contacts() const;

  message& m_;
};

/// What a request that was refused may be answered with, if at all (see reject). Cold, and lenient.
int status_for(std::string_view text, std::string_view reason);

}  // namespace reveille::sip
