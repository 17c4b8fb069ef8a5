/// What the SIP fuzzers do with one input; the same functions run the committed corpus as a plain test.
/// They abort when a property does not hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reveille::fuzz {

/// parse(): scalar and vector scanners agree; facts read the same from the message's own text and from a copy;
/// a refusal has a known reason and its answer is whole.
void sip_parse(const std::uint8_t* data, std::size_t size);
/// Edits: our own output parses again, and the lines that were not touched are the same octets.
void sip_relay(const std::uint8_t* data, std::size_t size);
/// URIs, name-addrs, Vias and comma lists on their own: parts lie within the text and parse again.
void sip_uri(const std::uint8_t* data, std::size_t size);

}  // namespace reveille::fuzz
