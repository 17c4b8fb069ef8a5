/// One contact of an AOR with its expiry (RFC 3261 10), kept small: one allocation holds its strings.
///
/// Identity (durable, ARCHITECTURE 3): label, +sip.instance, push parameters. Soft for a push binding: address (Contact URI
/// apart from its push parameters, flow, Path), expiry, Call-ID and CSeq. A binding without push is durable altogether.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/flow.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "pns/push_params.hpp"
#include "sip/uri.hpp"

namespace reveille {

/// The strings of a binding, as the REGISTER had them.
struct binding_text {
  std::string_view uri;      ///< Contact URI with all its parameters
  std::string_view params;   ///< header parameters, ";a=b"
  std::string_view call_id;
  std::string_view path;     ///< Path values as one Route value, or ""
};

/// Path of those that came by the same edge, kept once. Null = none.
using shared_path = std::shared_ptr<const std::string>;

/// Octets of URI, parameters and Call-ID of one contact (SPEC 2.4a): a token of 4 KB and what stands around it.
inline constexpr std::size_t contact_octets_limit = 5 * 1024;
/// Octets of all Path values of one REGISTER (SPEC 2.4a): half a dozen edges.
inline constexpr std::size_t path_octets_limit = 1024;

/// The numbers of a binding.
struct binding_facts {
  flow source;               ///< where the REGISTER came from (received/rport, RFC 3581)
  wall_time expires;         ///< SIP expiry; a push binding outlives it (SPEC 2.3)
  wall_time registered;      ///< the last REGISTER that carried it
  std::uint64_t branch = 0;  ///< hash of that REGISTER's Via branch: tells a retransmission
  std::uint32_t cseq = 0;
  std::uint32_t version = 0; ///< of the registration, when its durable part last changed
  device_id device;
  pns::provider provider = pns::provider::apns;
  bool push : 1 = false;         ///< has valid push parameters; whether the provider is on is asked each time
  bool stale : 1 = false;        ///< not to be dialled until it has registered: read from the store, or its flow has failed
  bool quarantined : 1 = false;  ///< the provider doubts the token (SPEC 6.5): no push until it has registered
  bool outbound : 1 = false;     ///< one of its device's flows, told apart by reg-id (RFC 5626 6)
  bool reg_id_ignored : 1 = false;  ///< it says one, by a first hop that keeps no flows
  bool proven : 1 = false;       ///< `source` has answered something of ours, or is a trusted peer (SPEC 2.4c); not stored
};

class binding {
 public:
  /// @param path of text.path, when another binding has it already; null makes one of its own
  binding(const binding_text& text, const binding_facts& facts, shared_path path = nullptr);
  binding(const binding& other);
  binding(binding&& other) noexcept = default;
  binding& operator=(const binding& other);
  binding& operator=(binding&& other) noexcept = default;
  ~binding() = default;

  std::string_view uri() const { return {text_.get(), uri_size_}; }
  std::string_view params() const { return {text_.get() + uri_size_, params_size_}; }
  std::string_view call_id() const { return {text_.get() + uri_size_ + params_size_, call_id_size_}; }
  std::string_view path() const { return path_ ? std::string_view(*path_) : std::string_view(); }
  const shared_path& path_text() const { return path_; }
  binding_text text() const { return {uri(), params(), call_id(), path()}; }

  const binding_facts& facts() const { return facts_; }
  binding_facts& facts() { return facts_; }
  device_id device() const { return facts_.device; }
  bool push() const { return facts_.push; }
  bool expired(wall_time now) const { return facts_.expires <= now; }
  /// Its address may be dialled.
  bool live(wall_time now) const { return !facts_.stale && !expired(now); }

  /// Value of `label` (URI or header parameter), "" when absent.
  std::string_view label() const;
  /// Value of +sip.instance, without quotes; "" when absent.
  std::string_view instance() const;
  /// 0 = none, or none that is a number.
  std::uint32_t reg_id() const;
  /// pn-provider as the device wrote it, whether or not it can be pushed by it.
  std::optional<std::string_view> pn_provider() const;
  /// Parsed anew from the text each time: only calls and changes of identity ask. @pre push()
  pns::push_params push_params() const;
  std::optional<pns::push_target> push_target() const;
  /// The same binding with `to` in the place of its pn-prid; nullopt when that makes no push binding of this token.
  std::optional<binding> with_token(const prid& to) const;
  /// The Contact element has the URI and parameters of this binding, octet for octet: what a client repeats all day.
  bool is_said_by(std::string_view contact) const;
  /// The Contact URI without push parameters (SPEC 2.4): the Request-URI of a call.
  std::string request_uri() const;

  /// Of URI, parameters and Call-ID: what contact_octets_limit bounds.
  std::size_t text_octets() const { return std::size_t{uri_size_} + params_size_ + call_id_size_; }
  /// Without its Path, which others may share.
  std::size_t resident_bytes() const;

  /// At least what encode() appends.
  std::size_t encoded_bytes() const;
  /// Appends this binding's store form; lengths and numbers little-endian.
  /// @param before encoded just before it: a Path that both share is not repeated
  void encode(std::string& out, const binding* before = nullptr) const;
  /// Whether encode() leaves its Path out behind that one.
  bool shares_path(const binding& before) const { return path_ != nullptr && path_ == before.path_; }
  /// Takes one binding off the front of `rest`. The bytes are untrusted: nullopt when they make no sense.
  /// @param before decoded just before it
  enum class written_by : std::uint8_t { this_process, another_process };
  static std::optional<binding> decode(std::string_view& rest, written_by writer = written_by::another_process,
                                       const binding* before = nullptr);

 private:
  std::unique_ptr<char[]> text_;
  std::uint16_t uri_size_;
  std::uint16_t params_size_;
  std::uint16_t call_id_size_;
  shared_path path_;
  binding_facts facts_;
};

/// Stored times beyond it are damage, and would overflow arithmetic.
inline constexpr std::uint64_t year_9999_ms = 253402300799000;

/// `label` and +sip.instance as they identify a device (SPEC 1): quotes taken off.
std::string_view label_of(const sip::params_view& uri_params, const sip::params_view& header_params);
std::string_view instance_of(const sip::params_view& uri_params, const sip::params_view& header_params);

/// The reg-id of a Contact (RFC 5626 4.2.1), 1 to 2^31-1; 0 = none, or malformed.
std::uint32_t reg_id_of(const sip::params_view& header_params);

/// Equal as a device's name: a URI parameter may be escaped where the header parameter is not.
bool same_label(std::string_view a, std::string_view b);
/// Equal (provider, prid, pn_param), which make one device (SPEC 1); false without a prid.
bool same_push_params(const pns::push_params& a, const pns::push_params& b);

/// Appends `uri` without its push parameters. String: std::string or std::pmr::string.
template <class String>
void append_stripped(String& out, const sip::params_view& params) {
  params.for_each([&](std::string_view name, std::optional<std::string_view> value) {
    if (!pns::is_push_param(name)) {
      out += ';';
      out += name;
      if (value) {
        out += '=';
        out += *value;
      }
    }
    return true;
  });
}
template <class String>
void append_stripped_uri(String& out, const sip::uri_view& uri) {
  const std::string_view params = uri.params.text();
  if (params.empty()) {
    out += uri.text;
    return;
  }
  const auto before = static_cast<std::size_t>(params.data() - uri.text.data());
  out += uri.text.substr(0, before);
  append_stripped(out, uri.params);
  out += uri.text.substr(before + params.size());
}

/// A flow in the store's form, for a parked INVITE's source and a binding's address. A connection does not survive the
/// process: it is read back as 0.
void encode_flow(std::string& out, const flow& f);
std::optional<flow> decode_flow(std::string_view& rest);

}  // namespace reveille
