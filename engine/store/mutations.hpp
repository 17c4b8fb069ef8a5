/// What each change does to a record, without any store: the meaning that every store must give it.
#pragma once

#include "actors/ports/store.hpp"

namespace reveille {

/// True when nothing is left that is worth a record.
bool is_empty(const subscriber_record& record);

/// Applies one change (actors/ports/store.hpp). The bucket stays in ascending order of date, then of call_ref;
/// the parked INVITEs in order of call_ref. Adding what is there replaces it.
void apply(subscriber_record& record, const store_mutation& change);

/// The octets that a change holds, for bounds on queues.
std::size_t bytes_of(const store_mutation& change);

}  // namespace reveille
