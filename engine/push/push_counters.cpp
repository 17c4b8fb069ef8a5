#include "engine/push/push_counters.hpp"

#include <cstdlib>

namespace reveille {

std::string_view name_of(push_end e) {
  switch (e) {
    case push_end::accepted: return "accepted";
    case push_end::dead_token: return "dead_token";
    case push_end::suspect_token: return "suspect_token";
    case push_end::our_fault: return "our_fault";
    case push_end::credential_fault: return "credential_fault";
    case push_end::try_later: return "try_later";
    case push_end::queue_full: return "queue_full";
    case push_end::deadline: return "deadline";
    case push_end::withdrawn: return "withdrawn";
    case push_end::no_app: return "no_app";
    case push_end::provider_off: return "provider_off";
    case push_end::skipped: return "skipped";
  }
  std::abort();  // unreachable: the switch is complete
}

namespace {

struct end_visitor {
  push_end operator()(const pns::accepted&) const { return push_end::accepted; }
  push_end operator()(const pns::dead_token&) const { return push_end::dead_token; }
  push_end operator()(const pns::suspect_token&) const { return push_end::suspect_token; }
  push_end operator()(const pns::our_fault&) const { return push_end::our_fault; }
  push_end operator()(const pns::credential_fault&) const { return push_end::credential_fault; }
  push_end operator()(const pns::try_later&) const { return push_end::try_later; }
  push_end operator()(const pns::dropped& d) const {
    using why = pns::dropped::why;
    switch (d.reason) {
      case why::queue_full: return push_end::queue_full;
      case why::deadline: return push_end::deadline;
      case why::withdrawn: return push_end::withdrawn;
      case why::no_app: return push_end::no_app;
      case why::provider_off: return push_end::provider_off;
      case why::skipped: return push_end::skipped;
    }
    std::abort();  // unreachable: the switch is complete
  }
};

}  // namespace

push_end end_of(const pns::push_outcome& outcome) { return std::visit(end_visitor{}, outcome); }

}  // namespace reveille
