#include "simulator/load/live_call.hpp"

#include "simulator/load/sip_text.hpp"

namespace reveille::load {

namespace {
/// Longer than any datagram, push or retransmission may be late without being one.
constexpr nanoseconds linger_beyond_grace = milliseconds(500);
}  // namespace

live_call* call_table::begin(phone_number p, intent meant) {
  if (live_ >= max_live) return nullptr;
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<live_call>());
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  live_call& c = *slots_[slot];
  const auto generation = static_cast<std::uint16_t>(c.generation + 1);
  c = live_call{};
  c.generation = generation;
  c.used = true;
  c.phone = p;
  c.meant = meant;
  c.invited = scene_.now;
  c.deadline = scene_.now + scene_.options.ring_time;
  c.call = scene_.truth.begin(p, meant, c.deadline, scene_.now);
  scene_.phones[p.value].live = slot;
  scene_.phones[p.value].last_call = c.call.value;
  ++live_;
  return &c;
}

void call_table::end(live_call& c) {
  const std::uint32_t slot = slot_of(c);
  for (timer_handle h : {c.caller.retransmit, c.caller.act, c.caller.guard, c.device.act, c.device.retransmit, c.device.guard}) {
    scene_.wheel.cancel(h);
  }
  if (scene_.phones[c.phone.value].kind == phone_kind::iphone && scene_.options.on_voip_token == voip_missed_calls::skip) {
    scene_.truth.expect_no_telling(c.call);
  }
  scene_.truth.closed(c.call);
  scene_.phones[c.phone.value].live = phone::none;
  c.used = false;
  free_.push_back(slot);
  --live_;
}

live_call* call_table::at(std::uint32_t slot, std::uint16_t generation) {
  if (slot >= slots_.size()) return nullptr;
  live_call* c = slots_[slot].get();
  return c->used && c->generation == generation ? c : nullptr;
}

live_call* call_table::of_phone(phone_number p) {
  const std::uint32_t slot = scene_.phones[p.value].live;
  return slot == phone::none ? nullptr : slots_[slot].get();
}

live_call* call_table::of_call(call_number call) {
  if (call.value >= scene_.truth.size()) return nullptr;
  live_call* c = of_phone(scene_.truth.phone_of(call));
  return c != nullptr && c->call == call ? c : nullptr;
}

bool call_table::is_done(const live_call& c) {
  if (c.caller.state != caller_state::over) return false;
  switch (c.device.state) {
    case device_state::asleep:
    case device_state::over: return true;
    case device_state::awake: return c.device.registers_left == 0;
    case device_state::waking:
    case device_state::ringing:
    case device_state::answered:
    case device_state::talking:
    case device_state::ending:
    case device_state::refused: return false;
  }
  return false;
}

void call_table::settle(live_call& c) {
  if (!is_done(c) || c.lingering) return;
  c.lingering = true;
  scene_.after(scene_.options.grace + linger_beyond_grace, timer(c, timer_kind::call_linger));
}

void call_table::on_linger(live_call& c) {
  c.lingering = false;
  if (is_done(c)) end(c);
}

std::string route_lines(std::span<const std::string_view> record_routes, route_order order, endpoint& next_hop) {
  std::vector<std::string_view> hops;
  for (std::string_view line : record_routes) {
    while (!line.empty()) {
      // Commas inside <> belong to the URI.
      std::size_t end = 0;
      for (bool inside = false; end < line.size() && (inside || line[end] != ','); ++end) {
        if (line[end] == '<') inside = true;
        if (line[end] == '>') inside = false;
      }
      std::string_view hop = line.substr(0, end);
      while (hop.starts_with(' ')) hop.remove_prefix(1);
      if (!hop.empty()) hops.push_back(hop);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
  }
  if (order == route_order::reversed) std::reverse(hops.begin(), hops.end());
  std::string out;
  for (const std::string_view hop : hops) {
    out += "Route: ";
    out += hop;
    out += "\r\n";
  }
  if (!hops.empty()) {
    if (const auto address = address_of(uri_in(hops.front()))) next_hop = *address;
  }
  return out;
}

std::string_view sample_sdp() {
  return "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n";
}

}  // namespace reveille::load
