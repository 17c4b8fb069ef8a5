#include "simulator/report/put.hpp"

#include <cstdarg>
#include <cstdio>

namespace reveille::report {

void put(std::string& out, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  out += text;
}

}  // namespace reveille::report
