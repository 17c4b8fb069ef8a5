#include "pns/request_fault.hpp"

namespace reveille::pns {

std::string_view name_of(request_fault f) {
  switch (f) {
    case request_fault::no_token: return "no_token";
    case request_fault::voip_token_skipped: return "voip_token_skipped";
    case request_fault::too_large: return "too_large";
    case request_fault::no_template: return "no_template";
  }
  return "";
}

}  // namespace reveille::pns
