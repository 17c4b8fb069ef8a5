/// The bindings of one AOR: what a REGISTER does to them (RFC 3261 10.3, RFC 8599, SPEC 2). It decides; the subscriber
/// answers, writes and releases calls.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "actors/binding.hpp"
#include "actors/few.hpp"
#include "actors/register_offer.hpp"
#include "actors/subscriber_config.hpp"
#include "core/time.hpp"
#include "sip/message.hpp"

namespace reveille {

/// Contacts of one REGISTER; as many as the scanner lets through (adr/0003).
inline constexpr std::size_t register_contacts_limit = 16;

/// Devices that one REGISTER can concern.
using device_list = few<device_id, 2 * register_contacts_limit>;

/// Flows of one device (RFC 5626 4.2.1: a client should support up to four); over it the longest unseen goes.
inline constexpr std::size_t flows_limit = 4;

/// Two devices that a REGISTER showed to be one: it had something in common with both (SPEC 1).
struct merged_device {
  device_id gone;
  device_id into;
};

/// Octets of a 200 to a REGISTER beyond which it lists only the sender's own contacts (SPEC 2.4b): more than a dozen
/// contacts have, and what clients have room for.
inline constexpr std::size_t answer_octets_limit = 8 * 1024;
/// An unproven source gets at most so many times the octets of its REGISTER (SPEC 2.4b).
inline constexpr std::size_t unproven_multiple = 3;

/// What a REGISTER came to.
struct registration_outcome {
  /// SPEC 2.4, 2.4a: contacts of the AOR, their octets, octets of one contact or its Path.
  enum class bound : std::uint8_t { none, contacts, octets, one_contact };

  int status = 200;                  ///< 200, 400, 403, 423, 439, 500, 513 or 555; all but 200 changed nothing
  std::string_view why;              ///< static text for a note, "" when there is nothing to say
  bool retransmission = false;       ///< seen before: the same 200 again; only parked calls are released
  bool durable = false;              ///< must be on disk before the 200 (ARCHITECTURE 3)
  bool soft = false;                 ///< an address is to be written behind
  bool push_registered = false;      ///< creates or refreshes a push binding (SPEC 4.3's trigger)
  seconds absence{0};                ///< how long that device had not registered; max() when it never had
  std::uint32_t evicted = 0;         ///< push bindings and flows that went for the bounds (SPEC 2.4)
  bound hit = bound::none;           ///< of a 403 or 513
  std::uint32_t refused_removals = 0;  ///< push bindings named without their token by somebody else (SPEC 2.3d)
  device_list registered;            ///< devices that registered: their calls are released
  few<merged_device, 2 * register_contacts_limit> merged;  ///< before they are released
  device_list removed;               ///< devices that un-registered and did not register again
};

class registration {
 public:
  /// Bindings from the store. @return false when the bytes make no sense: then there are none.
  /// @param process names this process since its start: what another one wrote may be older than its last REGISTER, so
  /// its push bindings are stale (ARCHITECTURE 3); 0 = stale in any case.
  bool load(std::string_view encoded, std::uint64_t process = 0);
  /// For the store; never empty once anybody registered, so that the AOR stays known (SPEC 10).
  std::string encode(std::uint64_t process = 0) const;

  /// Decides and, if the outcome is 200, changes. @param remember_removed a call may still wait for a device that
  /// un-registers: keep its identity until forget_removed().
  registration_outcome apply(const sip::message& request, const flow& source, const instant& now,
                             const subscriber_config& config, bool remember_removed,
                             peer_trust trust = peer_trust::open);

  /// Contact, Feature-Caps, Path and other lines of the 200 to `request` (each with CRLF).
  /// @return the live contacts of others that found no room in it (SPEC 2.4b).
  std::size_t write_200(const sip::message& request, const registrant& to, wall_time now, const subscriber_config& config,
                        std::pmr::string& lines) const;

  /// Something of ours was answered by that flow, or is known to be (SPEC 2.4c).
  bool is_proven(const flow& source) const;
  void prove(const flow& source);

  /// Drops ordinary bindings whose expiry has passed, and those of a switched-off provider (SPEC 2.3c).
  /// @return true when a binding with push parameters went, so the store must hear of it.
  bool sweep(wall_time now, const subscriber_config& config);

  const std::vector<binding>& all() const { return bindings_; }
  /// The binding that stands for a device: of its flows (RFC 5626) the newest that may be dialled, else the newest; null
  /// when there is none. The rule is one binding a device.
  const binding* find(device_id device, wall_time now) const;
  /// The newest one that may be pushed; null when there is none.
  const binding* find_push(device_id device, const subscriber_config& config) const;
  /// RFC 5626 7: nothing reaches the client by this flow any more; it is not dialled until it has registered again.
  /// @param of_outbound one of all(); that of a device without flows stays as it is
  void flow_failed(const binding& of_outbound);
  bool is_push(const binding& b, const subscriber_config& config) const {
    return b.push() && is_on(b, config);
  }
  /// Whether its provider and its app are switched on (SPEC 2.3c). @pre b.push()
  static bool is_on(const binding& b, const subscriber_config& config);

  /// FCM's canonical ids: bindings with the token `from` have `to` from now on. @return whether there were any.
  bool rename_token(const prid& from, const prid& to);
  /// SPEC 6.5: removes the push bindings with this token that last registered before `before`; version() tells whether there
  /// were any. @return the devices that have none any more.
  device_list remove_token(const prid& token, wall_time before, bool remember_removed);
  /// Until the next REGISTER; one that came since the doubted push was queued counts already.
  bool quarantine_token(const prid& token, wall_time queued);

  void forget_removed() {
    if (removed_.capacity() == 0) return;
    removed_.clear();
    removed_.shrink_to_fit();
    counted_bytes_ = not_counted;
  }
  /// Of those remembered only they stay for whose device is_awaited(device_id) holds, the newest `most` of them.
  /// @return how many awaited ones went for that bound
  template <class IsAwaited>
  std::size_t forget_removed_unless(IsAwaited&& is_awaited, std::size_t most) {
    counted_bytes_ = not_counted;
    std::erase_if(removed_, [&](const binding& b) { return !is_awaited(b.device()); });
    const std::size_t over = removed_.size() > most ? removed_.size() - most : 0;
    removed_.erase(removed_.begin(), removed_.begin() + static_cast<std::ptrdiff_t>(over));
    return over;
  }

  /// True while what must be durable is not known to be on disk.
  bool unsaved() const { return saved_ != version_; }
  bool unsaved(const binding& b) const;
  std::uint32_t version() const { return version_; }
  void saved(std::uint32_t version) {
    if (static_cast<std::int32_t>(version - saved_) > 0) saved_ = version;
  }

  /// Walks the bindings only when they were not just refreshed in place: asked after every event.
  std::size_t resident_bytes() const;

 private:
  /// A removal: a late REGISTER of before must not undo it.
  struct tombstone {
    std::uint64_t call_id = 0;  ///< its hash
    std::uint32_t cseq = 0;
    wall_time since;
  };
  static constexpr std::size_t tombstones_limit = 4;   ///< the last ones
  static constexpr seconds tombstones_age{64};         ///< twice timer F: nobody repeats an older REGISTER any more

  enum class order : std::uint8_t { newer, again, older };
  order compare(const binding& b, std::string_view call_id, std::uint32_t cseq, std::uint64_t branch) const;

  bool refresh_in_place(const sip::message& request, const registrant& who, const instant& now,
                        const subscriber_config& config, std::uint64_t branch, registration_outcome& out);
  void apply_star(const sip::message& request, const registrant& who, const instant& now, const subscriber_config& config,
                  std::uint64_t branch, bool remember_removed, registration_outcome& out);
  void apply_offers(const sip::message& request, const registrant& who, const instant& now,
                    const subscriber_config& config, std::uint64_t branch, bool remember_removed,
                    registration_outcome& out);
  /// RFC 3261 10.3 step 7 for all bindings that the offers touch. @return false when the outcome is final.
  bool in_order(const std::vector<register_offer>& list, const sip::message& request, const registrant& who,
                const subscriber_config& config, std::uint64_t branch, wall_time now, registration_outcome& out) const;
  bool has_newer_flow(const binding& b) const;
  bool is_bound(device_id device) const;
  /// Bindings that are bound no more. @return the devices that have none left; their identity is kept if wanted.
  device_list leave(std::vector<binding>&& gone, bool remember_removed);
  void remember_tombstone(std::string_view call_id, std::uint32_t cseq, wall_time now);

  std::vector<binding> bindings_;
  std::vector<binding> removed_;    ///< un-registered while a call waits for them
  std::vector<tombstone> tombstones_;
  std::uint32_t next_device_ = 1;
  std::uint32_t version_ = 0;       ///< of the durable part
  std::uint32_t saved_ = 0;
  static constexpr std::size_t not_counted = static_cast<std::size_t>(-1);
  mutable std::size_t counted_bytes_ = not_counted;   ///< of resident_bytes()
};

}  // namespace reveille
