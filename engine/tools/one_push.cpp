#include "engine/tools/one_push.hpp"

#include <openssl/evp.h>

#include <array>
#include <condition_variable>
#include <cassert>
#include <mutex>

#include "engine/push/push_plan.hpp"
#include "engine/push/push_threads.hpp"
#include "pns/explanation.hpp"

namespace reveille {
namespace {

constexpr std::string_view voip_suffix = ".voip";
constexpr seconds patience_after_deadline{2};

/// Where the one answer arrives.
class one_answer final : public push_answer_sink {
 public:
  void answered(shard_id, std::vector<pns::push_answer>& batch) override {
    const std::lock_guard lock(mutex_);
    if (!batch.empty()) answer_ = std::move(batch.front());
    came_.notify_one();
  }
  std::optional<pns::push_answer> wait(nanoseconds patience) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, patience, [this] { return answer_.has_value(); });
    return answer_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::optional<pns::push_answer> answer_;
};

std::string fault_text(pns::push_params_fault fault, const push_wish& wish) {
  switch (fault) {
    case pns::push_params_fault::query: return "--token is empty";
    case pns::push_params_fault::unknown_provider: return "--provider " + wish.provider + ": there are apns, apns.dev and fcm";
    case pns::push_params_fault::bad_prid: return "--token has characters that no token of " + wish.provider + " has";
    case pns::push_params_fault::prid_too_long: return "--token is longer than any token";
  }
  return "the token cannot be used";
}

/// pn-param as the app's phones would send it.
result<std::string> param_for(const push_wish& wish, pns::provider provider, const config::settings& s) {
  if (!wish.param.empty()) return wish.param;
  if (provider == pns::provider::fcm) return wish.app;
  std::string bundle = wish.app;
  const bool voip = bundle.ends_with(voip_suffix);
  if (voip) bundle.resize(bundle.size() - voip_suffix.size());
  std::string all;
  for (const config::apns_app& app : s.apns.apps) {
    if (bundle.empty() || app.bundle == bundle) {
      if (app.bundle.empty()) return std::string();  // the certificate knows it: as from a phone that names no app
      // A certificate's app may have no team: any will do then.
      return (app.team_id.empty() ? "TEAMLESS00" : app.team_id) + '.' + app.bundle + (voip ? ".voip" : ".remote");
    }
    // One bundle may be there twice, once for each environment.
    if (all.find(app.bundle) == std::string::npos) all += (all.empty() ? "" : ", ") + app.bundle;
  }
  return failure("--app " + bundle + ": no such APNs app; " + (all.empty() ? "none is configured" : "there are " + all));
}

/// Eight digits name a token without giving it away.
std::string fingerprint(std::string_view token) {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  const int made = EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  assert(made == 1);
  std::string out = made == 1 ? "sha256 " : "";
  for (std::size_t i = 0; i < 4; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

std::string shortened(std::string_view authorization) {
  const std::size_t blank = authorization.find(' ');
  if (blank == authorization.npos) return "(" + fingerprint(authorization) + ")";
  const std::string_view token = authorization.substr(blank + 1);
  return std::string(authorization.substr(0, blank)) + " (" + std::to_string(token.size()) + " octets, " + fingerprint(token) + ")";
}

}  // namespace

result<pns::push_target> target_of(const push_wish& wish, const config::settings& settings) {
  const auto provider = pns::provider_of(wish.provider);
  if (!provider) return failure(fault_text(pns::push_params_fault::unknown_provider, wish));
  auto param = param_for(wish, *provider, settings);
  if (!param) return tl::unexpected(param.error());
  pns::push_params params;
  params.provider = wish.provider;
  params.provider_present = true;
  params.prid = wish.token;
  params.param = *param;
  auto target = pns::parse_push_target(params);
  if (!target) return failure(fault_text(target.error(), wish));
  return std::move(*target);
}

pns::push_order order_of(const push_wish& wish, pns::push_target target, seconds patience, const instant& now,
                         random_source& random) {
  pns::push_order order;
  order.id = {aor_key{random.next()}, 1};
  for (std::uint8_t& octet : order.call.bytes) octet = static_cast<std::uint8_t>(random.next());
  order.target = std::move(target);
  order.deadline = now.steady + patience;
  order.expires = now.wall + patience;
  const wall_time date = std::chrono::floor<seconds>(now.wall);
  if (wish.kind == pns::payload_kind::invite) {
    order.content = pns::invite_content{date, wish.from, wish.name, order.call.hex() + "@reveille-push"};
  } else {
    order.content = pns::missed_calls_content{date, {{date, wish.from, wish.name, order.call}}, "missed-" + order.call.hex()};
    order.call = {};
  }
  return order;
}

void keep_only(config::settings& s, const pns::push_target& target) {
  const bool apple = target.provider != pns::provider::fcm;
  (apple ? s.fcm.enabled : s.apns.enabled) = false;
  const auto keep_first = [](auto& apps, auto&& fits) {
    bool found = false;
    std::erase_if(apps, [&](const auto& app) { return found || !(found = fits(app)); });
  };
  if (apple) {
    keep_first(s.apns.apps, [&](const config::apns_app& app) { return target.app.empty() || app.bundle == target.app; });
  } else {
    keep_first(s.fcm.apps, [&](const config::fcm_app& app) { return target.app.empty() || app.project == target.app; });
  }
  s.push.threads = 1;
}

https_wish way_of(const pns::push_target& target, const push_config& config) {
  https_wish out;
  if (target.provider == pns::provider::fcm) {
    out.where = config.fcm.service;
    out.route = config.fcm.route;
    if (config.fcm.apps.empty()) return out;
    const fcm_app_config& app = config.fcm.apps.front();
    if (!app.endpoint.empty()) out.where = push_endpoint::parse_either(app.endpoint).value_or(out.where);
    if (app.speaks == fcm_app_config::api::legacy) out.post = path_of_url(app.endpoint, "/fcm/send");
    return out;
  }
  out.route = config.apns.route;
  const apns_app_config* const app = config.apns.apps.empty() ? nullptr : &config.apns.apps.front();
  const bool sandbox = target.provider == pns::provider::apns_dev || app == nullptr || app->environment == apns_environment::sandbox;
  out.where = sandbox ? config.apns.sandbox : config.apns.production;
  if (app != nullptr && app->endpoint && sandbox == (app->environment == apns_environment::sandbox)) out.where = *app->endpoint;
  return out;
}

pns::payload_wire wire_of(const pns::push_target& target, const config::settings& s) {
  if (target.provider != pns::provider::fcm) return pns::payload_wire::apns;
  for (const config::fcm_app& app : s.fcm.apps) {
    if (!target.app.empty() && app.project != target.app) continue;
    return app.api == fcm_app_config::api::legacy ? pns::payload_wire::fcm_legacy : pns::payload_wire::fcm_v1;
  }
  return pns::payload_wire::fcm_v1;
}

result<composed_request, std::vector<error>> compose_one(const push_config& config, const pns::push_order& order,
                                                         const instant& now) {
  const auto fault = [](std::string what) { return tl::unexpected(std::vector<error>{{std::move(what)}}); };
  auto plan = plan_pushes(config);
  if (!plan) return tl::unexpected(plan.error());
  const auto to = plan->router.find(order.target);
  if (!to) return fault("no configured app fits: see --app and --pn-param");
  if (to->sender == push_destination::switched_off) return fault("the app, or its provider, is switched off or paused");
  push_sender_parts& parts = plan->threads[to->thread][to->sender].parts;
  composed_push push;
  if (const auto made = parts.credential->compose(order, to->app, now.wall, push); !made) {
    return fault(std::string(pns::explain_fault(name_of(made.error()))));
  }
  composed_request out;
  const bool plain = parts.endpoint.how == push_endpoint::scheme::http;
  out.url = (plain ? "http://" : "https://") + parts.credential->authority() + std::string(push.path);
  for (const http2::header& h : push.headers()) out.headers.emplace_back(h.name, h.value);
  const std::string authorization(parts.credential->authorization(now));
  if (!authorization.empty()) {
    out.headers.emplace_back("authorization", shortened(authorization));
  } else if (!parts.token_url.empty()) {
    out.headers.emplace_back("authorization", "Bearer (to be bought from " + parts.token_url + ")");
  } else if (!parts.credential->fault().empty()) {
    return fault(std::string(parts.credential->fault()));
  }
  out.body = push.body;
  return out;
}

result<pns::push_answer, std::vector<error>> send_one(const push_config& wanted, const pns::push_order& order,
                                                      const clock& time) {
  push_config config = wanted;
  // A connection is made for this push, and no other.
  config.apns.limits.warm_connections = config.fcm.limits.warm_connections = 0;
  one_answer answer;
  auto threads = push_threads::make(config, answer, time);
  if (!threads) return tl::unexpected(threads.error());
  if (!(*threads)->has_app(order.target)) {
    return tl::unexpected(std::vector<error>{{"no configured app fits: see --app and --pn-param"}});
  }
  const nanoseconds patience = order.deadline - time.now().steady + patience_after_deadline;
  if (!(*threads)->submit(order)) return tl::unexpected(std::vector<error>{{"the push thread takes nothing"}});
  const auto came = answer.wait(patience);
  (*threads)->stop();
  return came.value_or(pns::push_answer{order.id, pns::dropped{pns::dropped::why::deadline}, 0, ""});
}

}  // namespace reveille
