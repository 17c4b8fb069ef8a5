/// Words for the operator of a machine that refused something: what was missing, and what to raise.
///
/// Pure but for the limits of the process, which it names.
#pragma once

#include <exception>
#include <string>

namespace reveille {

/// A failure's text with a remedy behind it when the system's words are among those that an operator can help:
/// "udp 10.0.0.1:5060: socket: Too many open files" gets "; raise LimitNOFILE (ulimit -n, now 24)".
std::string with_remedy(std::string what);
/// The same of an exception: no memory, no thread, no descriptor.
std::string shortage_text(const std::exception& of);

}  // namespace reveille
