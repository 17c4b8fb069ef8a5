/// Comma lists (RFC 3261 7.3.1): Via, Contact, Route, Supported...
#pragma once

#include <string_view>

namespace reveille::sip {

/// Takes the next element off the front of `rest`, blanks trimmed; splits on commas outside quotes and <>.
/// Elements may be empty. @return false when `rest` was used up (a null view).
bool next_element(std::string_view& rest, std::string_view& element);

/// visit(element) for each element that is not empty.
template <class Visit>
void for_each_in_list(std::string_view value, Visit&& visit) {
  std::string_view element;
  while (next_element(value, element)) {
    if (!element.empty()) visit(element);
  }
}

}  // namespace reveille::sip
