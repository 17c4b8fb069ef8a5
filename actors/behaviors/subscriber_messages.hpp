/// The messages that a subscriber's actor understands. Any thread may send them to its caf::actor handle; the actor
/// takes them on its home's thread, in the order of each sender.
///
///   subscriber_event                     -> nothing     applied like one from the shard
///   summary_atom                         -> subscriber_summary
///
/// Anything else is counted and, if it was a request, answered sec::unexpected_message.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>

#include <cstddef>

#include "actors/events.hpp"

namespace reveille {

using summary_atom = caf::atom_constant<caf::atom("summary")>;

/// For a person who asks; no token, no address.
struct subscriber_summary {
  bool resident = false;  ///< false: it has left memory, the rest is zero
  bool loading = false;
  bool at_rest = false;
  std::size_t bindings = 0;
  std::size_t parked = 0;
  std::size_t bytes = 0;
};

}  // namespace reveille

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(reveille::subscriber_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(reveille::subscriber_summary)
