/// What the fuzzers of the mock providers do with one input; the same functions run the committed corpus as a plain test.
/// They abort when a property does not hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reveille::fuzz {

/// A fault script: it is refused with a place inside the text, or every rule reads back as itself and can be played.
void mock_script(const std::uint8_t* data, std::size_t size);
/// A body of messages:send and of /fcm/send: taken, or refused in JSON or a sentence. The check for JSON objects agrees with
/// the JSON library.
void mock_message(const std::uint8_t* data, std::size_t size);
/// Octets on the control port, cut in pieces of the first octet's length: each line of JSON gets a line of JSON, an HTTP
/// request one whole answer.
void mock_control(const std::uint8_t* data, std::size_t size);
/// Octets on a connection of Google's front end that speaks HTTP/1.1, and HTTP/2 (behind the preface) on both providers'.
void mock_http1(const std::uint8_t* data, std::size_t size);
void mock_http2(const std::uint8_t* data, std::size_t size);

}  // namespace reveille::fuzz
