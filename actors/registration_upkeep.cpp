// What happens to bindings without a REGISTER: store, expiry, a provider switched off, dead tokens (SPEC 2.3, 6.5, 9).
#include <algorithm>

#include "actors/octets.hpp"
#include "actors/registration.hpp"

namespace reveille {
namespace {

/// 1 has neither process nor tombstones; its push bindings are stale. 3 has flows of outbound, 4 a Path that several share;
/// a record without is written as 2 or 3, so that the release of before reads it.
constexpr std::uint8_t store_version = 4;
constexpr std::uint8_t version_without_shared_path = 3;
constexpr std::uint8_t version_without_flows = 2;

}  // namespace

bool registration::load(std::string_view encoded, std::uint64_t process) {
  std::uint8_t version = 0;
  std::uint64_t writer = 0;
  std::uint16_t count = 0;
  std::uint8_t removals = 0;
  if (!octets::take8(encoded, version) || version == 0 || version > store_version) return false;
  if (version > 1 && !octets::take64(encoded, writer)) return false;
  if (!octets::take16(encoded, count)) return false;
  const auto by = process != 0 && writer == process ? binding::written_by::this_process
                                                    : binding::written_by::another_process;
  std::vector<binding> read;
  for (std::uint16_t i = 0; i < count; ++i) {
    auto b = binding::decode(encoded, by, read.empty() ? nullptr : &read.back());
    if (!b) return false;
    const auto sibling = std::find_if(read.begin(), read.end(), [&](const binding& x) {
      return b->facts().outbound && x.facts().outbound && x.instance() == b->instance();
    });
    b->facts().device = sibling == read.end() ? device_id{next_device_++} : sibling->device();
    read.push_back(std::move(*b));
  }
  std::vector<tombstone> tombstones;
  if (version > 1 && (!octets::take8(encoded, removals) || removals > tombstones_limit)) return false;
  for (std::uint8_t i = 0; i < removals; ++i) {
    tombstone t;
    std::uint64_t since = 0;
    if (!octets::take64(encoded, t.call_id) || !octets::take32(encoded, t.cseq) || !octets::take64(encoded, since) ||
        since > year_9999_ms) {
      return false;
    }
    t.since = wall_time(milliseconds(static_cast<std::int64_t>(since)));
    tombstones.push_back(t);
  }
  if (!encoded.empty()) return false;
  bindings_ = std::move(read);
  counted_bytes_ = not_counted;
  tombstones_ = std::move(tombstones);
  return true;
}

std::string registration::encode(std::uint64_t process) const {
  std::size_t room = 12 + tombstones_.size() * 20;
  for (const binding& b : bindings_) room += b.encoded_bytes();
  std::string out;
  out.reserve(room);
  const bool flows = std::any_of(bindings_.begin(), bindings_.end(), [](const binding& b) { return b.facts().outbound; });
  const bool shared = std::adjacent_find(bindings_.begin(), bindings_.end(), [](const binding& a, const binding& b) {
                        return b.shares_path(a);
                      }) != bindings_.end();
  octets::put8(out, shared ? store_version : flows ? version_without_shared_path : version_without_flows);
  octets::put64(out, process);
  octets::put16(out, static_cast<std::uint16_t>(bindings_.size()));
  const binding* before = nullptr;
  for (const binding& b : bindings_) {
    b.encode(out, before);
    before = &b;
  }
  octets::put8(out, static_cast<std::uint8_t>(tombstones_.size()));
  for (const tombstone& t : tombstones_) {
    octets::put64(out, t.call_id);
    octets::put32(out, t.cseq);
    octets::put64(out, static_cast<std::uint64_t>(t.since.time_since_epoch().count()));
  }
  return out;
}

bool registration::is_on(const binding& b, const subscriber_config& config) {
  if (!config.is_enabled(b.facts().provider)) return false;
  if (!config.apps.any_off()) return true;
  const auto target = b.push_target();
  return !target || config.apps.is_enabled(*target);
}

bool registration::has_newer_flow(const binding& b) const {
  return std::any_of(bindings_.begin(), bindings_.end(), [&](const binding& x) {
    return x.device() == b.device() && x.push() && x.facts().registered > b.facts().registered;
  });
}

bool registration::sweep(wall_time now, const subscriber_config& config) {
  bool push_gone = false;
  const auto gone = std::erase_if(bindings_, [&](const binding& b) {
    if (!b.push()) return b.expired(now);
    if (b.facts().outbound && !b.facts().stale && b.expired(now) && has_newer_flow(b)) return true;
    if (is_on(b, config)) return false;
    // ARCHITECTURE 3: a stale expiry says nothing until the device could have refreshed it.
    const wall_time lapses = b.facts().stale ? b.facts().expires + config.max_expires : b.facts().expires;
    if (lapses > now) return false;
    push_gone = true;
    return true;
  });
  if (gone > 0) counted_bytes_ = not_counted;
  if (push_gone) ++version_;
  return push_gone;
}

const binding* registration::find(device_id device, wall_time now) const {
  const binding* best = nullptr;
  for (const binding& b : bindings_) {
    if (b.device() != device) continue;
    const bool better = best == nullptr || (b.live(now) != best->live(now)
                                                ? b.live(now)
                                                : b.facts().registered >= best->facts().registered);
    if (better) best = &b;
  }
  return best;
}

const binding* registration::find_push(device_id device, const subscriber_config& config) const {
  const binding* best = nullptr;
  for (const binding& b : bindings_) {
    if (b.device() != device || !is_push(b, config)) continue;
    if (best == nullptr || b.facts().registered >= best->facts().registered) best = &b;
  }
  return best;
}

void registration::flow_failed(const binding& of_outbound) {
  for (binding& b : bindings_) {
    if (&b == &of_outbound && b.facts().outbound) b.facts().stale = true;
  }
}

namespace {

bool holds_token(const binding& b, const prid& token) {
  if (!b.push()) return false;
  const auto target = b.push_target();
  return target && std::any_of(target->tokens.begin(), target->tokens.end(),
                               [&](const pns::push_token& t) { return t.value == token; });
}

}  // namespace

device_list registration::remove_token(const prid& token, wall_time before, bool remember_removed) {
  std::vector<binding> gone;
  for (auto b = bindings_.begin(); b != bindings_.end();) {
    if (holds_token(*b, token) && b->facts().registered < before) {
      gone.push_back(std::move(*b));
      b = bindings_.erase(b);
    } else {
      ++b;
    }
  }
  if (!gone.empty()) ++version_;
  return leave(std::move(gone), remember_removed);
}

bool registration::rename_token(const prid& from, const prid& to) {
  bool any = false;
  for (binding& b : bindings_) {
    if (!holds_token(b, from)) continue;
    auto renamed = b.with_token(to);
    if (!renamed) continue;
    b = std::move(*renamed);
    any = true;
  }
  if (any) {
    ++version_;
    counted_bytes_ = not_counted;
  }
  return any;
}

bool registration::quarantine_token(const prid& token, wall_time queued) {
  bool any = false;
  for (binding& b : bindings_) {
    if (!b.facts().quarantined && b.facts().registered <= queued && holds_token(b, token)) {
      b.facts().quarantined = true;
      any = true;
    }
  }
  return any;
}

std::size_t registration::resident_bytes() const {
  if (counted_bytes_ != not_counted) return counted_bytes_;
  std::size_t bytes = 0;
  for (auto b = bindings_.begin(); b != bindings_.end(); ++b) {
    bytes += b->resident_bytes();
    const bool counted = std::any_of(bindings_.begin(), b, [&](const binding& x) { return b->shares_path(x); });
    if (!counted) bytes += b->path().size();
  }
  for (const binding& b : removed_) bytes += b.resident_bytes();
  bytes += tombstones_.capacity() * sizeof(tombstone);
  bytes += (bindings_.capacity() - bindings_.size()) * sizeof(binding);
  counted_bytes_ = bytes;
  return bytes;
}

}  // namespace reveille
