/// One connection of the control port, without I/O: octets in, octets out. Who begins with a brace speaks lines of JSON
/// (control_lines.hpp), who begins with anything else HTTP/1.1 (control_api.hpp), one request each. Threads: one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "mock_providers/control/controlled_mock.hpp"

namespace reveille::mock_providers {

class control_conversation {
 public:
  static constexpr std::size_t max_line = 64 * 1024;           ///< beyond: closed
  static constexpr std::size_t max_head = 16 * 1024;           ///< beyond: 431
  static constexpr std::size_t max_body = fault_script::max_text;  ///< beyond: 413

  explicit control_conversation(controlled_mock& mock);
  ~control_conversation();
  control_conversation(const control_conversation&) = delete;
  control_conversation& operator=(const control_conversation&) = delete;

  /// Appends what is to be answered.
  void receive(std::string_view bytes, std::string& out);
  /// Close once all is sent.
  bool ended() const;
  /// Deliveries are wanted.
  bool subscribed() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille::mock_providers
