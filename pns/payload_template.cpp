#include "pns/payload_template.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "pns/json_text.hpp"
#include "pns/text_writer.hpp"

namespace reveille::pns {
namespace {

constexpr field_traits fields[] = {
    {"token", payload_field::token, field_scope::both, false},
    {"date", payload_field::date, field_scope::both, true},
    {"ttl", payload_field::ttl, field_scope::both, true},
    {"lifetime", payload_field::lifetime, field_scope::both, true},
    {"collapse_id", payload_field::collapse_id, field_scope::both, false},
    {"voip", payload_field::voip, field_scope::both, false},
    {"number", payload_field::number, field_scope::invite, false},
    {"display_name", payload_field::display_name, field_scope::invite, false},
    {"caller", payload_field::caller, field_scope::invite, false},
    {"call_id", payload_field::call_id, field_scope::invite, false},
    {"call_ref", payload_field::call_ref, field_scope::invite, false},
    {"count", payload_field::count, field_scope::missed_calls, true},
    {"last_caller", payload_field::last_caller, field_scope::missed_calls, false},
    {"call.id", payload_field::item_id, field_scope::item, true},
    {"call.remote_uri", payload_field::item_remote_uri, field_scope::item, false},
    {"call.display_name", payload_field::item_display_name, field_scope::item, false},
    {"call.caller", payload_field::item_caller, field_scope::item, false},
    {"call.date", payload_field::item_date, field_scope::item, true},
    {"call.ref", payload_field::item_ref, field_scope::item, false},
};

/// To the nearest second: a push sent some milliseconds after 28 s were left says 28, the margin covers the half.
std::int64_t seconds_until(wall_time end, wall_time from) {
  return end <= from ? 0 : std::chrono::round<seconds>(end - from).count();
}

using reference_text = std::array<char, 32>;

/// The table by field: what is a number is said there, once.
constexpr auto numeric = [] {
  std::array<bool, std::size(fields)> out{};
  for (const field_traits& t : fields) out[static_cast<std::size_t>(t.field)] = t.numeric;
  return out;
}();
constexpr bool is_number(payload_field f) { return numeric[static_cast<std::size_t>(f)]; }

/// What may be shortened for the sake of the size, in the order in which it is: octets that may be shown.
struct shown_octets {
  std::size_t names;              ///< of each display name
  std::size_t uris;               ///< of each URI that stands in a name's place
};

/// Runs one program for one order.
class renderer {
 public:
  renderer(const payload_template::values& v, const shown_octets& shown)
      : v_(v),
        shown_(shown),
        invite_(std::get_if<invite_content>(&v.order.content)),
        missed_(std::get_if<missed_calls_content>(&v.order.content)) {}

  void run(const payload_template::program& p, text_writer& out) {
    const payload_step* const steps = p.steps.data();
    const char* const literals = p.literals.data();
    for (std::size_t at = 0; at < p.steps.size();) {
      const payload_step& s = steps[at++];
      if (s.size > 0) out.append_literal(literals + s.literal, s.size);
      switch (s.op) {
        case payload_op::literal: break;
        case payload_op::text: append_text(s, out); break;
        case payload_op::integer: out.append_number(number_of(s.field)); break;
        case payload_op::unless:
          if (text_of(s.field).empty()) at = s.target;
          break;
        case payload_op::jump: at = s.target; break;
        case payload_op::each:
          item_ = 0;
          if (call_count() == 0) at = s.target;
          break;
        case payload_op::next:
          if (++item_ < call_count()) {
            out.append(',');
            at = s.target;
          }
          break;
      }
    }
  }

 private:
  std::size_t call_count() const { return missed_ ? missed_->calls.size() : 0; }
  const missed_call& call() const { return missed_->calls[item_]; }

  void append_text(const payload_step& s, text_writer& out) {
    if (is_number(s.field)) {
      out.append_number(number_of(s.field));
    } else {
      out.append_json_text(text_of(s.field), s.escapes);
    }
  }

  std::string_view name(std::string_view text) const { return cut_utf8(text, shown_.names); }
  static std::string_view listed(std::string_view uri) { return cut_utf8(uri, rendered_uri_limit); }
  /// For people to read.
  std::string_view caller(std::string_view display_name, std::string_view uri) const {
    return display_name.empty() ? cut_utf8(uri, shown_.uris) : name(display_name);
  }
  std::string_view caller(const missed_call& c) const { return caller(c.display_name, c.remote_uri); }

  std::string_view hex(const call_ref& ref) {
    static constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < ref.bytes.size(); ++i) {
      hex_[2 * i] = digits[ref.bytes[i] >> 4];
      hex_[2 * i + 1] = digits[ref.bytes[i] & 15];
    }
    return {hex_.data(), hex_.size()};
  }

  std::string_view text_of(payload_field f) {
    switch (f) {
      case payload_field::token: return v_.token;
      case payload_field::collapse_id: return missed_ ? std::string_view(missed_->collapse_id) : std::string_view();
      case payload_field::voip: return v_.service == token_service::voip ? "voip" : "";
      case payload_field::number: return invite_->number;
      case payload_field::display_name: return name(invite_->display_name);
      case payload_field::caller: return caller(invite_->display_name, invite_->number);
      case payload_field::call_id:
        return invite_->call_id.size() <= rendered_call_id_limit ? std::string_view(invite_->call_id) : std::string_view();
      case payload_field::last_caller: return call_count() == 0 ? std::string_view() : caller(missed_->calls.back());
      case payload_field::call_ref: return hex(v_.order.call);
      case payload_field::item_remote_uri: return listed(call().remote_uri);
      case payload_field::item_display_name: return name(call().display_name);
      case payload_field::item_caller: return caller(call());
      case payload_field::item_ref: return hex(call().call);
      case payload_field::date:
      case payload_field::ttl:
      case payload_field::lifetime:
      case payload_field::count:
      case payload_field::item_id:
      case payload_field::item_date: return "0";  // a number is never empty
    }
    return {};
  }

  wall_time date() const { return invite_ ? invite_->date : missed_->date; }

  std::int64_t number_of(payload_field f) const {
    switch (f) {
      case payload_field::date: return unix_seconds(date());
      case payload_field::ttl: return seconds_until(v_.order.expires, v_.now);
      case payload_field::lifetime: return seconds_until(v_.order.expires, date());
      case payload_field::count: return static_cast<std::int64_t>(call_count());
      case payload_field::item_id: return static_cast<std::int64_t>(item_);
      case payload_field::item_date: return unix_seconds(call().date);
      case payload_field::token:
      case payload_field::collapse_id:
      case payload_field::voip:
      case payload_field::last_caller:
      case payload_field::number:
      case payload_field::display_name:
      case payload_field::caller:
      case payload_field::call_id:
      case payload_field::call_ref:
      case payload_field::item_remote_uri:
      case payload_field::item_display_name:
      case payload_field::item_caller:
      case payload_field::item_ref: return 0;  // the compiler lets no text through as a number
    }
    return 0;
  }

  const payload_template::values& v_;
  shown_octets shown_;
  const invite_content* invite_;
  const missed_calls_content* missed_;
  std::size_t item_ = 0;
  reference_text hex_;
};

std::size_t longest_name(const push_order& order) {
  if (const auto* invite = std::get_if<invite_content>(&order.content)) return invite->display_name.size();
  std::size_t longest = 0;
  for (const missed_call& c : std::get<missed_calls_content>(order.content).calls) {
    longest = std::max(longest, c.display_name.size());
  }
  return longest;
}

}  // namespace

const field_traits* find_field(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(fields), std::end(fields), [name](const field_traits& t) { return t.name == name; });
  return found == std::end(fields) ? nullptr : found;
}

std::span<const field_traits> all_fields() { return fields; }

payload_template::payload_template(std::shared_ptr<const program> compiled) : program_(std::move(compiled)) {}

bool payload_template::wakes_plain_token() const { return program_->wakes_plain_token; }

bool payload_template::render(const values& v, std::size_t limit, std::string& out) const {
  const std::size_t allowed = limit + v.token.size();
  // No name longer than the limit can fit, so a hostile one costs no more than this.
  shown_octets shown{limit, rendered_uri_limit};
  const auto fits = [&] {
    text_writer text(out);
    renderer(v, shown).run(*program_, text);
    text.finish();
    return out.size() <= allowed;
  };
  if (fits()) return true;
  shown.names = std::min(longest_name(v.order), limit);
  for (std::size_t shown_octets::*part : {&shown_octets::names, &shown_octets::uris}) {
    std::size_t too_long = std::exchange(shown.*part, 0);
    if (!fits()) continue;  // not enough, even without any: the next goes too
    std::size_t good = 0;
    while (too_long - good > 1) {
      shown.*part = good + (too_long - good) / 2;
      (fits() ? good : too_long) = shown.*part;
    }
    shown.*part = good;
    return fits();
  }
  return false;
}

}  // namespace reveille::pns
