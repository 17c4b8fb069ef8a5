/// Payload profiles (SPEC 5): JSON template files, compiled once into segments, rendered per push without a parser.
///
/// A profile file is a JSON object:
///   "profile"                    its name
///   "properties"                 texts that `${name}` puts in at compile time, in keys too; configuration overrides them
///   "missed_calls_on_voip_token" "send" or "skip" (the default)
///   "badge_type"                 "number" (the default), or "text" for apps that read a badge in quotes
///   "apns", "fcm_v1", "fcm_legacy"   objects with the bodies "invite" and "missed_calls", both
/// In a body, inside any string value, `${field}` is replaced by the field's text; a string that is nothing but
/// `${field:integer}` becomes a JSON number; `$${` stands for `${`. Three objects are commands:
///   {"$if": "display_name", "$then": A, "$else": B}    A when the field is not empty
///   {"$each": "calls", "$item": A}                     an array with A for each missed call
///   {"$text": A}                                       A, as compact JSON text inside a string (FCM v1's data)
/// Fields of both kinds: token, date, ttl, lifetime, collapse_id, voip; of invite: number, display_name, caller,
/// call_id, call_ref; of missed_calls: count, last_caller; inside $each: call.id, call.remote_uri, call.display_name,
/// call.caller, call.date, call.ref. `ttl` is what is left at the sending, `lifetime` what was given at the start, both
/// in seconds; `voip` is not empty when the body goes to a voip token. docs/profiles.md explains them to operators.
/// Values are escaped, invalid UTF-8 becomes U+FFFD: no value can break out of its string.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "pns/placed_json.hpp"
#include "pns/push_order.hpp"

namespace reveille::pns {

/// Whose body it is.
enum class payload_wire : std::uint8_t { apns, fcm_v1, fcm_legacy };
inline constexpr std::size_t payload_wire_count = 3;
enum class payload_kind : std::uint8_t { invite, missed_calls };
inline constexpr std::size_t payload_kind_count = 2;

inline constexpr std::size_t payload_limit = 4096;       ///< octets; APNs, and FCM without the token
inline constexpr std::size_t voip_payload_limit = 5120;  ///< APNs push type voip

/// Overrides of a profile's properties, by name.
using payload_properties = std::map<std::string, std::string, std::less<>>;

enum class missed_calls_on_voip_token : std::uint8_t { send, skip };

/// One body, compiled (pns/payload_template.hpp). Immutable; any thread.
class payload_template {
 public:
  /// What a rendering needs; the views live during the call.
  struct values {
    const push_order& order;
    std::string_view token;
    wall_time now;
    token_service service = token_service::plain;   ///< of the token that gets it
  };
  struct program;

  explicit payload_template(std::shared_ptr<const program> compiled);

  /// Clears `out`, then writes the body: no allocation once `out` has grown. If it comes out longer than `limit`
  /// octets (the token not counted), display names are cut, all of them alike, as far as it takes, then URIs where
  /// they stand for a name. Numbers, types, dates and ids never are.
  /// @return false when it does not fit even so.
  bool render(const values& v, std::size_t limit, std::string& out) const;

  /// True when `aps` holds an alert or content-available: what reaches a suspended app on a plain token.
  bool wakes_plain_token() const;

 private:
  std::shared_ptr<const program> program_;  ///< shared by copies of the profile
};

/// One profile. Immutable; any thread.
class payload_profile {
 public:
  /// @return every fault of the file at once.
  static result<payload_profile, std::vector<placed_fault>> compile(std::string_view text,
                                                                    const payload_properties& overrides = {});

  const std::string& name() const { return name_; }
  missed_calls_on_voip_token on_voip_token() const { return on_voip_token_; }
  /// nullptr when the profile has no body for that service: a legacy gateway needs one, most profiles do not.
  const payload_template* find(payload_wire wire, payload_kind kind) const;

 private:
  std::string name_;
  missed_calls_on_voip_token on_voip_token_ = missed_calls_on_voip_token::skip;
  std::array<std::array<std::optional<payload_template>, payload_kind_count>, payload_wire_count> bodies_;
};

/// Names become file names, labels and property values: 1 to 32 of a-z, 0-9, '_' and '-'.
bool is_profile_name(std::string_view name);

/// The profiles that are part of the program: "ecss10" and "native". Their files are pns/profiles/*.json.
std::span<const std::string_view> builtin_profile_names();
/// "" for any other name.
std::string_view builtin_profile_text(std::string_view name);
/// Error for any other name.
result<payload_profile> builtin_profile(std::string_view name, const payload_properties& overrides = {});

/// What a missed call costs on the wire, so that those who split lists need not know templates. The default is an
/// upper bound for the built-in profiles.
struct missed_calls_cost {
  std::size_t limit = payload_limit;
  std::size_t fixed = 512;          ///< the body around the list
  std::size_t each = 176;           ///< an entry without its URI and name
  std::size_t uris = 1;             ///< how often the URI stands in an entry
  std::size_t names = 1;            ///< how often the display name does

  bool operator==(const missed_calls_cost&) const = default;
};
/// A name gets that much room when lists are split, so that most are told whole; longer ones are cut when need be.
inline constexpr std::size_t listed_name_room = 40;

/// The cost under one profile, whatever service it is for; and that of the dearer one in each respect.
missed_calls_cost cost_of(const payload_profile& profile);
missed_calls_cost worst_of(const missed_calls_cost& a, const missed_calls_cost& b);

/// How many of `calls`, from the first, fit into one notification; at least 1 of a non-empty list (a very long URI is
/// cut when it is rendered, display names too). SPEC 4.5: call it again with the rest for the next part.
std::size_t missed_calls_that_fit(std::span<const missed_call> calls, const missed_calls_cost& cost = {});

/// A URI longer than this is cut in a list: no phone dials it, and it must not block the others. In an invite the
/// number is never cut.
inline constexpr std::size_t rendered_uri_limit = 256;
/// A Call-ID longer than this is left out: half an identity is none, and call_ref stands beside it.
inline constexpr std::size_t rendered_call_id_limit = 256;

}  // namespace reveille::pns
