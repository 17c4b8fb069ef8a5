#include "mock_providers/backend/provider_backend.hpp"

namespace reveille::mock_providers {
namespace {

/// Reasons are the mocks' own words or a script's; more kinds than this are counted as one.
constexpr std::size_t max_refusal_kinds = 200;

apns_mock_config apns_config(const behaviour& how) { return {how.apns_per_device_per_minute, how.token_update_limit}; }

void count_refusal(provider_counters& counters, const provider_answer& a) {
  const bool full = counters.refused.size() >= max_refusal_kinds;
  const std::pair<int, std::string> kind{a.status, a.reason};
  ++counters.refused[full && !counters.refused.contains(kind) ? std::pair<int, std::string>{0, "other"} : kind];
}

}  // namespace

result<std::unique_ptr<provider_backend>> provider_backend::make(const identity& who, const credentials& keys,
                                                           const behaviour& how, const std::string& token_uri,
                                                           random_source& random, device_sink& sink, const instant& now) {
  for (const std::string* pem : {&keys.google_key_pem, &keys.apns_key_pem}) {
    if (const auto good = pns::signing_key::from_pem(*pem); !good) return tl::unexpected(good.error());
  }
  std::unique_ptr<provider_backend> backend(new provider_backend(how, token_uri, random, sink, now));
  backend->add(accounts::of(who, keys, how.legacy_key));
  return backend;
}

provider_backend::provider_backend(const behaviour& how, const std::string& token_uri, random_source& random, device_sink& sink,
                             const instant& now)
    : how_(how),
      random_(random),
      devices_(how.unknown),
      production_(pns::provider::apns, apns_config(how), devices_, random),
      sandbox_(pns::provider::apns_dev, apns_config(how), devices_, random),
      // Google's own audience too: its Node library knows no other.
      oauth_({{token_uri, "https://oauth2.googleapis.com/token"}, how.access_token_life}, random),
      fcm_({how.fcm_per_minute, how.fcm_per_device_per_minute}, oauth_, devices_, random),
      dispatcher_(devices_, how.delivery, random, sink, counters_.deliveries),
      record_(how.record_limit),
      ledger_(how.ledger_limit),
      script_start_(now.steady) {
  dispatcher_.use_for_low_priority(how.low_priority);
}

void provider_backend::add(accounts more) {
  accounts_.merge(std::move(more));
  production_.use(accounts_.teams);
  sandbox_.use(accounts_.teams);
  oauth_.use(accounts_.projects);
  fcm_.use(accounts_.projects);
}

decision provider_backend::take(connection_state& line, const provider_request& request, const instant& now) {
  notification what;
  switch (line.front) {
    case front::apns: {
      provider_answer a = production_.answer(line.apns, request, now, what);
      return take_push(line, pns::provider::apns, request.path, std::move(a), std::move(what), now);
    }
    case front::apns_dev: {
      provider_answer a = sandbox_.answer(line.apns, request, now, what);
      return take_push(line, pns::provider::apns_dev, request.path, std::move(a), std::move(what), now);
    }
    case front::google: break;
  }
  if (request.path == "/token") return take_token_request(line, request, now);
  if (request.path == "/fcm/send") return take_legacy(line, request, now);
  provider_answer a = fcm_.answer(request, now, what);
  return take_push(line, pns::provider::fcm, request.path, std::move(a), std::move(what), now);
}

decision provider_backend::take_token_request(connection_state& line, const provider_request& request, const instant& now) {
  decision out;
  out.answer = oauth_.answer(request, now);
  if (out.answer.accepted) disturb(line, out, {fault_target::oauth, "", "", request.path}, now);
  ++(out.answer.accepted ? counters_.oauth_issued : counters_.oauth_refused);
  return out;
}

void provider_backend::disturb(connection_state& line, decision& what, const fault_request& request, const instant& now) {
  if (script_.empty()) return;
  if (line.script != script_number_) line.faults = {};
  line.script = script_number_;
  const fault_action fault = script_.next(request, now.steady - script_start_, line.faults, random_);
  what.silence = fault.silence;
  what.reset = fault.reset;
  what.close = fault.close;
  if (fault.goaway) what.goaway = *fault.goaway;
  what.delay += fault.delay;
  what.max_streams = fault.settings.max_streams;
  what.stream_window = fault.settings.stream_window;
  if (fault.answer) what.answer = render(*fault.answer, request.target, request.path, what.answer.id);
  if (what.silence || what.reset) what.answer.accepted = false;
}

decision provider_backend::take_push(connection_state& line, pns::provider provider, std::string_view path, provider_answer answer,
                                  notification what, const instant& now) {
  provider_counters& counters = counters_.providers[static_cast<std::size_t>(provider)];
  ++counters.requests;
  decision out;
  out.answer = std::move(answer);
  out.delay = how_.answer.draw(random_);
  if (out.answer.accepted) disturb(line, out, {static_cast<fault_target>(provider), what.app, what.token, path}, now);
  count_faults(counters, out);

  if (provider != pns::provider::fcm) {
    if (out.answer.accepted && !line.opened) {
      line.opened = true;
      if (!out.max_streams) out.max_streams = how_.apns_max_streams;
    } else if (how_.lower_streams_on_refusal && line.opened && out.answer.status >= 400 && out.answer.status < 500 &&
               out.answer.status != 410) {
      line.opened = false;
      out.max_streams = 1;
    }
  }
  const bool answered = !out.silence && !out.reset;
  if (out.answer.accepted) {
    ++counters.accepted;
  } else if (answered) {
    count_refusal(counters, out.answer);
  }
  keep(std::move(what), !answered ? 0 : out.answer.accepted ? 200 : out.answer.status, out.answer.reason, out.answer.also, now);
  return out;
}

void provider_backend::count_faults(provider_counters& counters, const decision& what) {
  if (what.silence) ++counters.silenced;
  if (what.reset) ++counters.resets;
  if (what.goaway) ++counters.goaways;
  if (what.max_streams || what.stream_window) ++counters.settings_changes;
}

void provider_backend::keep(notification what, int status, std::string_view reason, std::string_view also, const instant& now) {
  const bool accepted = status == 200 && reason.empty();
  record_.add({now.wall, what.provider, what.token, what.app, what.push_type, what.id, status, reason, what.payload, also});
  if (!accepted) return;
  // An id that the mock made itself repeats nothing; FCM takes none from its clients.
  if (what.own_id || what.provider == pns::provider::fcm) {
    const auto uuid = what.own_id ? identity_of_uuid(what.id) : std::nullopt;
    const std::uint32_t times = ledger_.add(uuid ? *uuid : identity_of_text(what.token, what.payload));
    if (times > 1) ++counters_.providers[static_cast<std::size_t>(what.provider)].repeated_ids;
  }
  if (!what.token.empty()) dispatcher_.accept(std::move(what), now);
}

decision provider_backend::take_legacy(connection_state& line, const provider_request& request, const instant& now) {
  provider_counters& counters = counters_.providers[static_cast<std::size_t>(pns::provider::fcm)];
  ++counters.requests;
  std::vector<fcm_mock::legacy_message> messages;
  decision out;
  out.answer = fcm_.answer_legacy(request, now, messages);
  out.delay = how_.answer.draw(random_);
  const std::string_view app = messages.empty() ? std::string_view() : messages.front().what.app;
  const std::string_view token = messages.empty() ? std::string_view() : messages.front().what.token;
  const bool good = out.answer.accepted;
  if (good) disturb(line, out, {fault_target::fcm, app, token, request.path}, now);
  count_faults(counters, out);
  const bool disturbed = good && !out.answer.accepted;
  const bool answered = !out.silence && !out.reset;
  if (out.answer.accepted) ++counters.accepted;
  else if (answered) count_refusal(counters, out.answer);
  for (fcm_mock::legacy_message& m : messages) {
    const int status = !answered ? 0 : disturbed ? out.answer.status : 200;
    keep(std::move(m.what), status, disturbed ? std::string_view(out.answer.reason) : std::string_view(m.error), {}, now);
  }
  return out;
}

bool provider_backend::set_reachable(pns::provider provider, std::string_view token, bool reachable, const instant& now) {
  device* d = devices_.make(provider, token);
  if (!d) return false;
  d->reachable = reachable;
  if (reachable) dispatcher_.reachable(provider, token, now);
  return true;
}

bool provider_backend::unregister(pns::provider provider, std::string_view token, wall_time when) {
  device* d = devices_.make(provider, token);
  if (d) d->unregistered_at = when;
  return d != nullptr;
}

bool provider_backend::register_device(pns::provider provider, std::string_view token, std::string app, const instant& now) {
  device* d = devices_.make(provider, token);
  if (!d) return false;
  *d = {std::move(app), std::nullopt, false, true, {}};
  dispatcher_.reachable(provider, token, now);
  return true;
}

bool provider_backend::set_canonical(std::string_view token, std::string canonical) {
  device* d = devices_.make(pns::provider::fcm, token);
  if (d) d->canonical = std::move(canonical);
  return d != nullptr;
}

bool provider_backend::expire_token(pns::provider provider, std::string_view token, wall_time when) {
  device* d = devices_.make(provider, token);
  if (!d) return false;
  d->unregistered_at = when;
  d->expired = true;
  return true;
}

void provider_backend::use(fault_script script, const instant& now) {
  script_ = std::move(script);
  ++script_number_;
  script_start_ = now.steady;
}

bool provider_backend::add_rules(fault_script more, const instant& now) {
  // Connections keep their counts: the rules that they are of stay where they are.
  return script_.append(std::move(more), now.steady - script_start_);
}

quota_view provider_backend::quotas() const {
  return {production_.device_limits(), sandbox_.device_limits(), fcm_.project_limits(), fcm_.device_limits()};
}

standing_faults provider_backend::standing(front f, const instant& now) const {
  const nanoseconds since = now.steady - script_start_;
  switch (f) {
    case front::apns: return script_.standing(fault_target::apns, since);
    case front::apns_dev: return script_.standing(fault_target::apns_dev, since);
    case front::google: return script_.standing(fault_target::fcm, since);
  }
  return {};
}

std::optional<steady_time> provider_backend::next_standing_change(const instant& now) const {
  const auto since = script_.next_change(now.steady - script_start_);
  return since ? std::optional(script_start_ + *since) : std::nullopt;
}

std::optional<steady_time> provider_backend::advance(const instant& now) {
  dispatcher_.advance(now);
  return dispatcher_.next_due();
}

}  // namespace reveille::mock_providers
