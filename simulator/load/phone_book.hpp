/// The phones of a run: 24 bytes each, everything else about them follows from their number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "simulator/load/call_truth.hpp"
#include "simulator/load/options.hpp"

namespace reveille::load {

enum class phone_kind : std::uint8_t { android, iphone, linphone };

/// What a phone remembers between calls.
struct phone {
  static constexpr std::uint32_t none = 0xffffffff;
  std::uint32_t cseq = 0;          ///< of its last REGISTER
  std::uint32_t live = none;       ///< slot of the call it has a part in
  std::uint32_t last_call = none;  ///< to whom a late push belongs
  std::uint16_t socket = 0;        ///< where it can be reached now
  phone_kind kind = phone_kind::android;
  bool registered = false;
  bool came_back = false;          ///< has re-registered once in the settle phase
};
static_assert(sizeof(phone) <= 24);

/// Which push token: Linphone registers two.
enum class token_use : std::uint8_t { fcm, voip, remote };

/// Names of users, tokens and calls: pure functions of number, tag and options, so nothing is stored and a later
/// run finds the phones of an earlier one.
class identities final : public call_names {
 public:
  /// @param tag digits and small letters, different in every run.
  identities(const load_options& options, std::string tag);

  phone_kind kind_of(phone_number p) const;
  void append_user(std::string& out, phone_number p) const;           ///< "200000042"
  std::optional<phone_number> phone_of_user(std::string_view user) const;
  void append_token(std::string& out, phone_number p, token_use use) const;
  std::optional<phone_number> phone_of_token(std::string_view token) const;
  /// ";pn-provider=...;pn-prid=...;pn-param=..." for the Contact URI.
  void append_push_params(std::string& out, phone_number p) const;
  /// `;+sip.instance=...` for those kinds that send one, else nothing.
  void append_instance(std::string& out, phone_number p) const;

  std::string call_id_of(call_number call) const override;
  void append_call_id(std::string& out, call_number call) const;
  std::optional<call_number> call_of_call_id(std::string_view call_id) const;
  void append_caller(std::string& out, call_number call) const;       ///< the caller's number
  /// Takes "number" and "number@host". nullopt: another run's.
  std::optional<call_number> call_of_caller(std::string_view caller) const;
  const std::string& tag() const { return tag_; }

 private:
  std::uint32_t subscribers_;
  std::uint32_t first_;
  phone_mix mix_;
  std::string team_;
  std::string bundle_;
  std::string project_;
  std::string tag_;
  std::string caller_prefix_;  ///< six digits made from the tag
};

}  // namespace reveille::load
