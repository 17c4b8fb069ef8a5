#include "pns/explanation.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace reveille::pns {
namespace {

struct row {
  int status;               ///< 0 = any
  std::string_view reason;  ///< "" = any
  std::string_view text;
};

constexpr row apns_rows[] = {
    {200, "", "Apple took the push and will deliver it; whether the phone showed anything Apple never says."},
    {400, "BadCollapseId", "The apns-collapse-id is over 64 octets. The engine never writes such a one: report a bug."},
    {400, "BadDeviceToken",
     "Apple knows no such token in this environment. Either it is dead, or it belongs to the other environment: apps run from "
     "Xcode have sandbox tokens (provider apns.dev), those from TestFlight and the App Store production ones. The engine does "
     "not use it again until the phone registers with it."},
    {400, "BadExpirationDate", "apns-expiration is no date. The engine never writes such a one: report a bug."},
    {400, "BadMessageId", "apns-id is no UUID. The engine never writes such a one: report a bug."},
    {400, "BadPriority", "apns-priority does not fit the push type. The engine always writes 10: report a bug."},
    {400, "BadTopic", "The topic is no topic: compare `bundle` with the app's bundle id in Xcode (without .voip)."},
    {400, "DeviceTokenNotForTopic",
     "The token belongs to another app, or a voip token was used for alerts or the reverse. Compare pn-param and `bundle` with the "
     "app that made the token; PushKit and remote notification tokens differ."},
    {400, "DuplicateHeaders", "A header stands twice. The engine never writes that; a proxy on the way might."},
    {400, "IdleTimeout", "The connection had been idle for too long. The engine sends again on another; nothing is to be done."},
    {400, "InvalidPushType", "apns-push-type is unknown to Apple. The engine writes voip and alert only: report a bug."},
    {400, "MissingDeviceToken", "The path holds no token: the phone registered an empty pn-prid."},
    {400, "MissingTopic", "No topic was sent: set `bundle` of the app (a certificate for several topics names none by itself)."},
    {400, "PayloadEmpty", "The body was empty, or no JSON object. Check the payload profile with --dry-run."},
    {400, "TopicDisallowed",
     "The key or certificate is good, but it may not push to this app. Check that `bundle` and `team_id` belong together, that a "
     "topic-specific key names this app, and for voip that Push Notifications are enabled for the app id."},
    {400, "", "Apple found the request wrong and gave a reason that it does not document."},
    {403, "BadCertificate", "Apple refused the client certificate: it is revoked, expired, or no push certificate. Make a new one."},
    {403, "BadCertificateEnvironment", "The client certificate is for the other environment: see `environment` of the app."},
    {403, "BadEnvironmentKey",
     "The key may be used in the other environment only. Make one for this environment, or for both, in Apple's developer account."},
    {403, "ExpiredProviderToken",
     "The token that the engine signed is older than an hour for Apple. The engine signs a new one every 50 minutes, so this "
     "machine's clock is slow: set it (NTP)."},
    {403, "Forbidden", "Apple refuses this key for good: it was revoked, or the account's membership ended. Look into the account."},
    {403, "InvalidProviderToken",
     "Apple cannot verify the key's signature. Either key_id, team_id and key_file do not belong together, or the key was revoked, "
     "or this machine's clock is minutes off. `reveille doctor` checks each."},
    {403, "MissingProviderToken", "No token was sent and no client certificate shown: the app needs key_file or certificate_file."},
    {403, "UnrelatedKeyIdInToken",
     "Another key of the team was used on this connection before. The engine tries again on a new one; if it goes on, the key is "
     "topic-specific and not for this app."},
    {403, "", "Apple refuses the credentials with a reason that it does not document. Check the key in the developer account."},
    {404, "BadPath", "The path is wrong: a proxy or gateway at `endpoint` does not speak Apple's interface."},
    {404, "", "Nobody answers for that path: is `endpoint` really Apple's?"},
    {405, "MethodNotAllowed", "The method was not POST: a proxy on the way changed the request."},
    {410, "ExpiredToken", "The token has expired."},
    {410, "Unregistered", "The app is no longer on this device."},
    {410, "", "The token is dead."},
    {413, "PayloadTooLarge",
     "The payload is over 4096 octets (5120 for voip). The engine cuts names to fit: the payload profile itself is too large."},
    {413, "", "The payload is too large for whoever answered: a proxy on the way may allow less than Apple."},
    {429, "TooManyProviderTokenUpdates",
     "The key's token was renewed more than once in 20 minutes. The engine renews every 50, so another program signs with the same "
     "key, or this one was restarted often: wait, and give the other a key of its own."},
    {429, "TooManyRequests", "Too many pushes to this one device in a short time. The engine waits and tries again."},
    {429, "", "Too many pushes. The engine waits and tries again."},
    {500, "InternalServerError", "Apple has an error of its own. The engine tries once more; try again later."},
    {503, "ServiceUnavailable", "Apple's service is not available now. The engine tries once more; try again later."},
    {503, "Shutdown", "That server of Apple's is going down. The engine connects to another; nothing is to be done."},
};

constexpr row fcm_rows[] = {
    {200, "", "Google took the push and will deliver it; whether the phone showed anything Google never says."},
    {400, "INVALID_ARGUMENT",
     "Google found the message wrong. If it is the token that it calls invalid, the phone registered something that is no FCM "
     "token; otherwise check the payload profile with --dry-run."},
    {400, "", "Google found the message wrong. Check the payload profile with --dry-run."},
    {401, "THIRD_PARTY_AUTH_ERROR",
     "Google's own credentials for Apple or web push are missing or wrong: upload the APNs key in the Firebase console, or give "
     "the device's app an APNs app here."},
    {401, "UNAUTHENTICATED",
     "Google does not accept the access token. The engine buys a new one and tries once more; if it goes on, make a new key for "
     "the service account and look at this machine's clock."},
    {401, "", "Google does not accept the access token: see service_account_file and this machine's clock."},
    {403, "SENDER_ID_MISMATCH",
     "The token belongs to another Firebase project. Compare `project` with the google-services.json that the app was built with."},
    {403, "PERMISSION_DENIED",
     "The service account may not send: give it the role Firebase Cloud Messaging API Admin, and enable the Cloud Messaging API in "
     "the project."},
    {403, "", "The service account may not send in this project: see its roles in the Google Cloud console."},
    {404, "UNREGISTERED",
     "The app is no longer on this device, or got a new token. The engine removes the binding unless it has registered since."},
    {404, "NOT_FOUND", "There is no such project: compare `project` and service_account_file with the Firebase console."},
    {404, "", "Nobody answers for that path: is `endpoint` really Google's?"},
    {429, "QUOTA_EXCEEDED", "The quota of the project, or of this device, is used up. The engine waits as long as Google asks."},
    {429, "RESOURCE_EXHAUSTED", "A quota of the project is used up. The engine waits as long as Google asks."},
    {429, "", "Too many pushes. The engine waits as long as Google asks."},
    {500, "INTERNAL", "Google has an error of its own. The engine tries again with growing pauses; try again later."},
    {500, "UNSPECIFIED_ERROR", "Google has an error that it does not explain. The engine tries again; try again later."},
    {503, "UNAVAILABLE", "Google's service is not available now. The engine waits as long as Google asks; try again later."},
};

constexpr row legacy_rows[] = {
    {200, "NotRegistered", "The app is no longer on this device. The engine removes the binding unless it has registered since."},
    {200, "InvalidRegistration", "The token is none. The engine does not use it again until the phone registers with it."},
    {200, "MismatchSenderId", "The token belongs to another sender: compare the gateway's key with the app's google-services.json."},
    {200, "MissingRegistration", "The body names no device: the payload profile's fcm_legacy lacks \"to\"."},
    {200, "InvalidPackageName", "The payload profile restricts the push to a package that is not the app's."},
    {200, "MessageTooBig", "The payload is over 4096 octets: the payload profile itself is too large."},
    {200, "InvalidDataKey", "The payload profile uses a key in \"data\" that is reserved: from, message_type, google..., gcm..."},
    {200, "InvalidTtl", "time_to_live is over four weeks, or no number: see the payload profile."},
    {200, "InvalidParameters", "The gateway found the message wrong. Check the payload profile with --dry-run."},
    {200, "InvalidApnsCredential", "The gateway's credentials for Apple are missing or wrong."},
    {200, "Unavailable", "The gateway is not available now. The engine tries again; try again later."},
    {200, "InternalServerError", "The gateway has an error of its own. The engine tries again; try again later."},
    {200, "DeviceMessageRateExceeded", "Too many pushes to this one device. The engine waits and tries again."},
    {200, "TopicsMessageRateExceeded", "Too many pushes to this topic. The engine waits and tries again."},
    {200, "no_results", "The gateway answered something that is no FCM answer: is `endpoint` the right one?"},
    {200, "", "The gateway took the push."},
    {400, "", "The gateway cannot read the request. Check the payload profile with --dry-run."},
    {401, "", "The gateway does not accept the server key."},
    {403, "", "The gateway does not accept the server key."},
    {429, "", "Too many pushes. The engine waits as long as the gateway asks."},
};

template <std::size_t Size>
std::string_view find(const row (&rows)[Size], int status, std::string_view reason) {
  for (const row& r : rows) {
    if (r.status != status) continue;
    const bool environment = r.reason == "BadEnvironmentKey" && reason.starts_with(r.reason);  // Apple spells its end in two ways
    if (r.reason.empty() || r.reason == reason || environment) return r.text;
  }
  return {};
}

std::string_view explain_status(int status) {
  if (status >= 500 && status <= 599) {
    return "The provider, or a proxy in front of it, is in trouble. The engine tries again while the call lasts; try again later.";
  }
  if (status >= 300 && status <= 399) return "A redirection, which no provider sends: a proxy on the way answers in its place.";
  return "The provider documents no such answer: a proxy or gateway on the way may answer in its place.";
}

std::string explain_drop(dropped::why why, std::string_view reason) {
  using enum dropped::why;
  if (const std::string_view text = explain_fault(reason); !text.empty()) return std::string(text);
  switch (why) {
    case queue_full: return "Too many pushes wait for this credential: the provider is slower than what is asked of it (push.queue_limit).";
    case deadline: return "No answer came in time: the provider could not be reached, or was silent.";
    case withdrawn: return "The call ended before the push was sent.";
    case no_app: return "No configured app fits: see pn-param, `bundle` and `project`.";
    case provider_off: return "The app, or its provider, is switched off or paused in the configuration (enabled, paused).";
    case skipped: return "There was nothing that could be sent to this device.";
  }
  return {};
}

}  // namespace

std::string_view explain_answer(payload_wire service, int status, std::string_view reason) {
  std::string_view text;
  switch (service) {
    case payload_wire::apns: text = find(apns_rows, status, reason); break;
    case payload_wire::fcm_v1: text = find(fcm_rows, status, reason); break;
    case payload_wire::fcm_legacy: text = find(legacy_rows, status, reason); break;
  }
  return text.empty() ? explain_status(status) : text;
}

std::string_view explain_fault(std::string_view reason) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> rows = {{
      {"no_token", "The device registered no token that takes this: FCM and missed calls want a plain one, a voip one takes calls."},
      {"voip_token_skipped",
       "Missed calls do not go to a voip token: iOS ends an app that gets a voip push without a call. See missed_calls_on_voip_token."},
      {"too_large", "The payload does not fit its limit even without the display name: the number is too long, or the profile too large."},
      {"no_template", "The app's payload profile has no body for this service."},
      {"invalid_grant",
       "Google refuses the service account: its key was deleted or disabled, or this machine's clock is minutes off."},
      {"invalid_client", "Google does not know the service account: make a new key in the Google Cloud console."},
      {"unauthorized_client", "The service account may not ask for messaging tokens: see its roles in the Google Cloud console."},
      {"breaker", "The credential was refused again and again, so it is not tried for a while. `reveille doctor` says why."},
  }};
  for (const auto& [word, text] : rows) {
    if (reason == word) return text;
  }
  return {};
}

std::string explain(payload_wire service, const push_answer& answer) {
  if (const auto* d = std::get_if<dropped>(&answer.outcome)) return explain_drop(d->reason, answer.reason);
  if (answer.status == 0) {
    if (const std::string_view text = explain_fault(answer.reason); !text.empty()) return std::string(text);
    if (std::holds_alternative<credential_fault>(answer.outcome)) {
      return "No token could be had with these credentials" + (answer.reason.empty() ? "." : ": " + answer.reason + ".");
    }
    if (std::holds_alternative<our_fault>(answer.outcome)) return "The push could not be written.";
    return "The provider gave no answer: it could not be reached, reset the stream, or was silent.";
  }
  std::string out(explain_answer(service, answer.status, answer.reason));
  if (const auto* dead = std::get_if<dead_token>(&answer.outcome); dead && dead->since) {
    out += " Apple knows it since " + utc_text(*dead->since) + ": the engine removes the binding unless it has registered since.";
  }
  return out;
}

std::string utc_text(wall_time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(at - day));
  std::array<char, 48> out;
  const int size = std::snprintf(out.data(), out.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                                 static_cast<int>(time.seconds().count()));
  return std::string(out.data(), static_cast<std::size_t>(size));
}

}  // namespace reveille::pns
