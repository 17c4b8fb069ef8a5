#include "simulator/load/load_run.hpp"

#include <cmath>

#include "core/hash.hpp"

namespace reveille::load {

namespace {

/// The window shrinks at most this often: one loss event, not one datagram.
constexpr nanoseconds window_memory = milliseconds(100);
/// How long the echo waits for what must not come.
constexpr nanoseconds echo_wait = seconds(2);
/// all_told() walks every call: not at every turn.
constexpr nanoseconds check_interval = milliseconds(100);

std::uint32_t stamp_of(const push_seen& push, bool allow_fcm_repeats) {
  if (push.fcm && !allow_fcm_repeats) return 0;
  const std::uint64_t hash = siphash({}, push.fcm ? std::string_view(push.payload) : std::string_view(push.id));
  return static_cast<std::uint32_t>(hash) | 1U;
}

}  // namespace

std::string_view name_of(phase p) {
  switch (p) {
    case phase::registering: return "registering";
    case phase::calling: return "calling";
    case phase::draining: return "waiting for calls to end";
    case phase::coming_back: return "missed calls are told";
    case phase::echo: return "nothing is told twice";
    case phase::done: return "done";
  }
  return "";
}

load_run::load_run(const load_options& options, std::string tag, datagram_port& net, random_source& random, steady_time start)
    : scene_(options, std::move(tag), net, random, start),
      registrations_(scene_, *this),
      calls_(scene_),
      callers_(scene_, calls_),
      devices_(scene_, calls_, registrations_),
      started_(start),
      phase_started_(start),
      window_(std::min<double>(options.registration_window, 256)),
      window_cut_(start),
      next_check_(start) {
  if (!options.register_first) enter(phase::calling);
}

run_state load_run::state() const {
  return {phase_, scene_.registrations.registered, registrations_.in_flight(), calls_.size(), not_offered_};
}

void load_run::on_datagram(std::uint16_t socket, const endpoint& from, std::string_view bytes, steady_time now) {
  scene_.now = now;
  const auto message = read_sip(bytes);
  if (!message) {
    ++scene_.unreadable;
  } else if (message->status != 0) {
    on_response(*message);
  } else {
    on_request(socket, from, *message);
  }
}

void load_run::on_response(const sip_text& response) {
  const auto branch = scene_.read_branch(response.branch);
  if (!branch) {
    ++scene_.unreadable;
    return;
  }
  if (branch->kind == 'r') {
    registrations_.on_response(*branch, response);
    return;
  }
  live_call* call = calls_.of_call({branch->number});
  if (call == nullptr) {
    // A straggler after the linger: a final response that differs would still be a contradiction.
    if (branch->kind == 'i' && response.cseq_method == "INVITE" && response.status >= 200 && branch->number < scene_.truth.size()) {
      scene_.truth.caller_heard({branch->number}, response.status, parameter(response.to, "tag"), scene_.now);
    }
    return;
  }
  if (branch->kind == 'd') {
    devices_.on_response(*call, *branch, response);
  } else {
    callers_.on_response(*call, *branch, response);
  }
}

void load_run::on_request(std::uint16_t socket, const endpoint& from, const sip_text& request) {
  const std::string_view user = user_of(request.request_uri);
  if (socket >= scene_.options.sockets) {
    const auto number = scene_.names.call_of_caller(user);
    live_call* call = number ? calls_.of_call(*number) : nullptr;
    if (call != nullptr) callers_.on_request(*call, socket, from, request);
    return;
  }
  const auto phone = scene_.names.phone_of_user(user);
  const auto number = scene_.names.call_of_call_id(request.call_id);
  if (!phone) {
    ++scene_.unreadable;
    return;
  }
  live_call* call = calls_.of_phone(*phone);
  if (call != nullptr && number && call->call == *number) {
    devices_.on_request(*call, socket, from, request);
  } else {
    on_stray_request(*phone, socket, request);
  }
}

void load_run::on_stray_request(phone_number phone, std::uint16_t socket, const sip_text& request) {
  if (socket != scene_.phones[phone.value].socket) {
    ++scene_.at_old_address;
    return;
  }
  if (request.method != "INVITE") return;
  const auto number = scene_.names.call_of_call_id(request.call_id);
  if (number && number->value < scene_.truth.size() && scene_.truth.phone_of(*number) == phone) {
    scene_.truth.invite_arrived(*number, scene_.now);
    scene_.truth.phone_ended_invite(*number);
  } else {
    scene_.truth.found("foreign-invite", std::string(request.call_id), "only calls to this phone", "an INVITE of another call");
  }
}

void load_run::on_push(const push_seen& push, steady_time now) {
  scene_.now = now;
  const auto phone = scene_.names.phone_of_token(push.token);
  if (!phone) {
    ++scene_.pushes.unknown;
    return;
  }
  const push_payload payload = read_push_payload(push.payload);
  if (const auto* invite = std::get_if<invite_payload>(&payload)) {
    on_invite_push(*phone, *invite, push);
  } else if (const auto* missed = std::get_if<missed_calls_payload>(&payload)) {
    on_missed_calls(*phone, *missed, push);
  } else {
    ++scene_.pushes.unknown;
    scene_.truth.found("unreadable-push", "", "a payload of type invite or missed_calls", "another one");
  }
}

void load_run::on_invite_push(phone_number phone, const invite_payload& payload, const push_seen& push) {
  ++scene_.pushes.invites;
  const std::uint32_t last = scene_.phones[phone.value].last_call;
  const auto named = payload.number.empty() ? std::nullopt : scene_.names.call_of_caller(payload.number);
  if (last == phone::none || (!payload.number.empty() && !named)) {
    ++scene_.pushes.unknown;  // of an earlier run, perhaps
    return;
  }
  const call_number call = named ? *named : call_number{last};
  if (call.value >= scene_.truth.size() || scene_.truth.phone_of(call) != phone) {
    scene_.truth.found("push-to-another", scene_.names.call_id_of(call), "pushed to its callee", "pushed to another subscriber's device");
    return;
  }
  scene_.truth.push_arrived(call, {stamp_of(push, scene_.options.allow_fcm_repeats)}, push.at_provider);
  if (live_call* live = calls_.of_call(call)) devices_.on_push(*live, push.at_provider);
}

void load_run::on_missed_calls(phone_number phone, const missed_calls_payload& payload, const push_seen& push) {
  ++scene_.pushes.missed_calls;
  const push_stamp stamp{stamp_of(push, scene_.options.allow_fcm_repeats)};
  // In the echo everything told is late, and told twice if it was told before.
  const bool late = phase_ == phase::echo || phase_ == phase::done;
  for (const std::string& caller : payload.callers) {
    const auto call = scene_.names.call_of_caller(caller);
    if (!call || !scene_.truth.told(*call, phone, stamp, late, push.at_provider)) ++foreign_told_;
  }
}

void load_run::registered(phone_number phone, register_reason why, steady_time) {
  struct phone& p = scene_.phones[phone.value];
  if (!p.registered) {
    p.registered = true;
    ++scene_.registrations.registered;
  }
  switch (why) {
    case register_reason::first:
      window_ = std::min<double>(window_ + 1, scene_.options.registration_window);
      break;
    case register_reason::wake:
      if (live_call* live = calls_.of_phone(phone)) scene_.truth.phone_registered(live->call, scene_.now);
      break;
    case register_reason::come_back:
      --still_returning_;
      last_return_ = scene_.now;
      break;
  }
}

void load_run::gave_up(phone_number, register_reason why) {
  if (why == register_reason::come_back) {
    --still_returning_;
    last_return_ = scene_.now;
  }
}

void load_run::congested() {
  if (scene_.now - window_cut_ < window_memory) return;
  window_cut_ = scene_.now;
  window_ = std::max(least_window, window_ * 0.7);
}

void load_run::dispatch_timer(std::uint64_t payload) {
  const timer_owner timer = unpack(payload);
  if (timer.kind == timer_kind::register_retransmit) {
    registrations_.on_timer(timer);
    return;
  }
  live_call* call = calls_.at(timer.slot, timer.generation);
  if (call == nullptr) return;
  switch (timer.kind) {
    case timer_kind::caller_retransmit: callers_.on_retransmit(*call); break;
    case timer_kind::caller_act: callers_.on_act(*call); break;
    case timer_kind::caller_guard: callers_.on_guard(*call); break;
    case timer_kind::device_act: devices_.on_act(*call); break;
    case timer_kind::device_retransmit: devices_.on_retransmit(*call); break;
    case timer_kind::device_guard: devices_.on_guard(*call); break;
    case timer_kind::call_linger: calls_.on_linger(*call); break;
    case timer_kind::register_retransmit: break;
  }
}

void load_run::advance(steady_time now) {
  scene_.now = now;
  scene_.wheel.advance(now, [this](std::uint64_t payload) { dispatch_timer(payload); });
  run_phase();
}

void load_run::enter(phase next) {
  phase_ = next;
  phase_started_ = scene_.now;
  next_check_ = scene_.now;
  if (next == phase::calling) {
    next_arrival_ = scene_.now;
    if (scene_.options.silent_from < scene_.options.silent_until) {
      scene_.truth.expect_silence(scene_.now + scene_.options.silent_from, scene_.now + scene_.options.silent_until);
    }
  }
  if (next == phase::coming_back || next == phase::echo) {
    if (next == phase::coming_back) gather_missed();
    next_returning_ = 0;
    still_returning_ = 0;
    last_return_ = scene_.now;
    if (returning_.empty()) phase_ = phase::done;
  }
}

void load_run::run_phase() {
  const nanoseconds elapsed = scene_.now - phase_started_;
  switch (phase_) {
    case phase::registering:
      register_more();
      if (next_phone_ == scene_.options.subscribers && registrations_.in_flight() == 0) {
        scene_.registrations.seconds = std::chrono::duration<double>(elapsed).count();
        enter(phase::calling);
      }
      break;
    case phase::calling:
      offer_calls();
      if (elapsed >= scene_.options.duration || scene_.options.calls_per_second == 0) enter(phase::draining);
      break;
    case phase::draining:
      if (calls_.size() == 0 && registrations_.in_flight() == 0) enter(phase::coming_back);
      break;
    case phase::coming_back:
    case phase::echo: {
      come_back_more();
      if (next_returning_ < returning_.size() || still_returning_ > 0 || scene_.now < next_check_) break;
      next_check_ = scene_.now + check_interval;
      const nanoseconds quiet = scene_.now - last_return_;
      if (phase_ == phase::echo) {
        if (quiet >= echo_wait) enter(phase::done);
      } else if (quiet >= scene_.options.settle_time || all_told()) {
        enter(phase::echo);
      }
      break;
    }
    case phase::done: break;
  }
}

void load_run::register_more() {
  const double rate = scene_.options.register_rate;
  const auto allowed = rate > 0 ? std::chrono::duration<double>(scene_.now - phase_started_).count() * rate + 1
                                : static_cast<double>(scene_.options.subscribers);
  while (next_phone_ < scene_.options.subscribers && next_phone_ < allowed &&
         static_cast<double>(registrations_.in_flight()) < window_) {
    registrations_.start({next_phone_++}, register_reason::first);
  }
}

nanoseconds load_run::next_gap() {
  const double mean = 1e9 / scene_.options.calls_per_second;
  const double gap = scene_.options.arrive == arrivals::constant ? mean : -mean * std::log(positive_unit(scene_.random));
  return nanoseconds(static_cast<std::int64_t>(gap));
}

void load_run::offer_calls() {
  if (scene_.options.calls_per_second == 0) return;
  // Open loop: arrivals do not wait for earlier calls, and what this loop was late for is made up.
  const steady_time end = phase_started_ + scene_.options.duration;
  while (next_arrival_ <= scene_.now && next_arrival_ < end) {
    offer_one();
    next_arrival_ += next_gap();
  }
}

void load_run::offer_one() {
  const double draw = scene_.random.unit();
  const load_options& o = scene_.options;
  const intent meant = draw < o.never_wake                                          ? intent::never_wakes
                       : draw < o.never_wake + o.caller_hangs_up                    ? intent::caller_hangs_up
                       : draw < o.never_wake + o.caller_hangs_up + o.nobody_answers ? intent::nobody_answers
                                                                                    : intent::answers;
  for (int i = 0; i < phone_tries; ++i) {
    const phone_number p{static_cast<std::uint32_t>(scene_.random.below(o.subscribers))};
    if (!scene_.phones[p.value].registered || scene_.phones[p.value].live != phone::none) continue;
    live_call* call = calls_.begin(p, meant);
    if (call == nullptr) break;
    devices_.prepare(*call);
    callers_.dial(*call);
    return;
  }
  ++not_offered_;
}

void load_run::gather_missed() {
  returning_.clear();
  scene_.truth.for_each_missed([this](call_number, phone_number p) {
    struct phone& one = scene_.phones[p.value];
    if (one.came_back) return;
    one.came_back = true;
    returning_.push_back(p);
  });
}

void load_run::come_back_more() {
  while (next_returning_ < returning_.size() && static_cast<double>(registrations_.in_flight()) < window_) {
    ++still_returning_;
    registrations_.start(returning_[next_returning_++], register_reason::come_back);
  }
}

bool load_run::all_told() const {
  bool all = true;
  scene_.truth.for_each_untold([&](call_number, phone_number) { all = false; });
  return all;
}

void load_run::stop() {
  if (phase_ == phase::registering || phase_ == phase::calling) {
    enter(phase::draining);
  } else if (phase_ != phase::done) {
    phase_ = phase::done;
    ending_ = ending::cut_short;
  }
}

void load_run::fill(report::run_report& into) {
  assert(done());
  scene_.truth.finish(ending_);
  into.seconds = std::chrono::duration<double>(scene_.now - started_).count();
  into.options = scene_.options.listed();
  into.registrations = scene_.registrations;
  into.calls = scene_.truth.calls();
  into.missed = scene_.truth.missed();
  into.missed.foreign = foreign_told_;
  into.pushes = scene_.pushes;
  into.violation_count = scene_.truth.violation_count();
  into.violations = scene_.truth.violations();
  into.stages = scene_.stages;
  const auto note = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) into.notes.push_back(std::to_string(count) + " " + std::string(what));
  };
  note(not_offered_, "arrivals found no free phone and were not offered: more subscribers are needed for this rate");
  note(registrations_.refused_to_start(), "REGISTERs were not sent: too many were in flight");
  note(scene_.at_old_address, "datagrams went to addresses that their phones had left (expected when phones move)");
  note(scene_.unreadable, "datagrams were no SIP or nobody's");
}

}  // namespace reveille::load
