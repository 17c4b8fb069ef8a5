#include "simulator/load/phone_book.hpp"

#include <charconv>

#include "core/hash.hpp"

namespace reveille::load {

namespace {

// FCM tokens look like `<22 characters>:APA91b<134 characters>`; ours carry the number where real ones have noise.
constexpr std::string_view fcm_head = "reveilleload";
constexpr std::string_view fcm_middle = ":APA91b";
constexpr std::size_t fcm_digits = 10;
constexpr std::size_t fcm_tail = 134;
constexpr std::size_t apns_digits = 64;
constexpr char voip_mark = 'a';
constexpr char remote_mark = 'b';
constexpr std::size_t user_digits = 8;
constexpr std::size_t call_digits = 8;

void append_padded(std::string& out, std::uint64_t value, std::size_t digits, int base = 10) {
  char text[24];
  const auto [end, fault] = std::to_chars(text, text + sizeof text, value, base);
  const auto size = static_cast<std::size_t>(end - text);
  if (size < digits) out.append(digits - size, '0');
  out.append(text, size);
}

std::optional<std::uint64_t> number_in(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

identities::identities(const load_options& options, std::string tag)
    : subscribers_(options.subscribers),
      first_(options.first_subscriber),
      mix_(options.phones),
      team_(options.apple_team),
      bundle_(options.apple_bundle),
      project_(options.firebase_project),
      tag_(std::move(tag)) {
  caller_prefix_ += '7';
  append_padded(caller_prefix_, siphash({}, tag_) % 100000, 5);
}

phone_kind identities::kind_of(phone_number p) const {
  // Spread by multiplication, so that neighbours differ and the shares hold for any range.
  const std::uint64_t spread = (std::uint64_t{p.value} + first_) * 0x9e3779b97f4a7c15U >> 32;
  const std::uint64_t place = spread * mix_.sum() >> 32;
  if (place < mix_.android) return phone_kind::android;
  return place < mix_.android + mix_.iphone ? phone_kind::iphone : phone_kind::linphone;
}

void identities::append_user(std::string& out, phone_number p) const {
  out += '2';
  append_padded(out, std::uint64_t{p.value} + first_, user_digits);
}

std::optional<phone_number> identities::phone_of_user(std::string_view user) const {
  if (user.size() < 1 + user_digits || user.front() != '2') return std::nullopt;
  const auto number = number_in(user.substr(1));
  if (!number || *number < first_ || *number - first_ >= subscribers_) return std::nullopt;
  return phone_number{static_cast<std::uint32_t>(*number - first_)};
}

void identities::append_token(std::string& out, phone_number p, token_use use) const {
  const std::uint64_t number = std::uint64_t{p.value} + first_;
  if (use == token_use::fcm) {
    out += fcm_head;
    append_padded(out, number, fcm_digits);
    out += fcm_middle;
    out.append(fcm_tail, 'x');
    return;
  }
  out += use == token_use::voip ? voip_mark : remote_mark;
  append_padded(out, number, apns_digits - 1, 16);
}

std::optional<phone_number> identities::phone_of_token(std::string_view token) const {
  std::optional<std::uint64_t> number;
  if (token.starts_with(fcm_head) && token.size() > fcm_head.size() + fcm_digits) {
    number = number_in(token.substr(fcm_head.size(), fcm_digits));
  } else if (token.size() == apns_digits && (token.front() == voip_mark || token.front() == remote_mark)) {
    number = number_in(token.substr(1), 16);
  }
  if (!number || *number < first_ || *number - first_ >= subscribers_) return std::nullopt;
  return phone_number{static_cast<std::uint32_t>(*number - first_)};
}

void identities::append_push_params(std::string& out, phone_number p) const {
  const auto of_apple = [&](std::string_view services) {
    out += ";pn-param=";
    out += team_;
    out += '.';
    out += bundle_;
    out += services;
  };
  switch (kind_of(p)) {
    case phone_kind::android:
      out += ";pn-provider=fcm;pn-prid=";
      append_token(out, p, token_use::fcm);
      out += ";pn-param=";
      out += project_;
      return;
    case phone_kind::iphone:
      out += ";pn-provider=apns;pn-prid=";
      append_token(out, p, token_use::voip);
      return of_apple(".voip");
    case phone_kind::linphone:
      out += ";pn-provider=apns;pn-prid=";
      append_token(out, p, token_use::remote);
      out += ":remote&";
      append_token(out, p, token_use::voip);
      out += ":voip";
      return of_apple(".remote&voip");
  }
}

void identities::append_instance(std::string& out, phone_number p) const {
  // Plain iPhones send none: their device is known by its token alone.
  if (kind_of(p) == phone_kind::iphone) return;
  out += ";+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-";
  append_padded(out, std::uint64_t{p.value} + first_, 12, 16);
  out += ">\"";
}

std::string identities::call_id_of(call_number call) const {
  std::string out;
  append_call_id(out, call);
  return out;
}

void identities::append_call_id(std::string& out, call_number call) const {
  out += tag_;
  out += "-c";
  append_padded(out, call.value, call_digits);
  out += "@load.invalid";
}

std::optional<call_number> identities::call_of_call_id(std::string_view call_id) const {
  if (!call_id.starts_with(tag_)) return std::nullopt;
  call_id.remove_prefix(tag_.size());
  const std::size_t at = call_id.find('@');
  if (!call_id.starts_with("-c") || at == call_id.npos) return std::nullopt;
  const auto number = number_in(call_id.substr(2, at - 2));
  if (!number || *number > 0xffffffff) return std::nullopt;
  return call_number{static_cast<std::uint32_t>(*number)};
}

void identities::append_caller(std::string& out, call_number call) const {
  out += caller_prefix_;
  append_padded(out, call.value, call_digits);
}

std::optional<call_number> identities::call_of_caller(std::string_view caller) const {
  caller = caller.substr(0, caller.find('@'));
  if (!caller.starts_with(caller_prefix_) || caller.size() != caller_prefix_.size() + call_digits) return std::nullopt;
  const auto number = number_in(caller.substr(caller_prefix_.size()));
  if (!number || *number > 0xffffffff) return std::nullopt;
  return call_number{static_cast<std::uint32_t>(*number)};
}

}  // namespace reveille::load
