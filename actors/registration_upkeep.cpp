// What happens to bindings without a REGISTER: store, expiry, a provider switched off, dead tokens (SPEC 2.3, 6.5, 9).
#include <algorithm>

#include "actors/octets.hpp"
#include "actors/registration.hpp"

namespace reveille {
namespace {

/// 1 has neither process nor tombstones; its push bindings are stale.
constexpr std::uint8_t store_version = 2;

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
    auto b = binding::decode(encoded, by);
    if (!b) return false;
    b->facts().device = device_id{next_device_++};
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
  tombstones_ = std::move(tombstones);
  return true;
}

std::string registration::encode(std::uint64_t process) const {
  std::size_t room = 12 + tombstones_.size() * 20;
  for (const binding& b : bindings_) room += b.encoded_bytes();
  std::string out;
  out.reserve(room);
  octets::put8(out, store_version);
  octets::put64(out, process);
  octets::put16(out, static_cast<std::uint16_t>(bindings_.size()));
  for (const binding& b : bindings_) b.encode(out);
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

bool registration::sweep(wall_time now, const subscriber_config& config) {
  bool push_gone = false;
  std::erase_if(bindings_, [&](const binding& b) {
    if (!b.push()) return b.expired(now);
    if (is_on(b, config)) return false;
    // DESIGN 2: a stale expiry says nothing until the device could have refreshed it.
    const wall_time lapses = b.facts().stale ? b.facts().expires + config.max_expires : b.facts().expires;
    if (lapses > now) return false;
    push_gone = true;
    return true;
  });
  if (push_gone) ++version_;
  return push_gone;
}

const binding* registration::find(device_id device) const {
  for (const binding& b : bindings_) {
    if (b.device() == device) return &b;
  }
  return nullptr;
}

namespace {

bool holds_token(const binding& b, const prid& token) {
  if (!b.push()) return false;
  const auto target = b.push_target();
  return target && std::any_of(target->tokens.begin(), target->tokens.end(),
                               [&](const pns::push_token& t) { return t.value == token; });
}

}  // namespace

few<device_id, 2 * register_contacts_limit> registration::remove_token(const prid& token, wall_time before,
                                                                       bool remember_removed) {
  few<device_id, 2 * register_contacts_limit> found;
  for (auto b = bindings_.begin(); b != bindings_.end();) {
    if (!found.full() && holds_token(*b, token) && b->facts().registered < before) {
      found.push_back(b->device());
      if (remember_removed) removed_.push_back(std::move(*b));
      b = bindings_.erase(b);
    } else {
      ++b;
    }
  }
  if (!found.empty()) ++version_;
  return found;
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
  if (any) ++version_;
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
  std::size_t bytes = 0;
  for (const binding& b : bindings_) bytes += b.resident_bytes();
  for (const binding& b : removed_) bytes += b.resident_bytes();
  bytes += tombstones_.capacity() * sizeof(tombstone);
  return bytes + (bindings_.capacity() - bindings_.size()) * sizeof(binding);
}

}  // namespace reveille
