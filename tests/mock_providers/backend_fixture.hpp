/// A backend with one set of throw-away keys, a clock that only the test moves, and a sink that remembers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mock_providers/backend/provider_backend.hpp"
#include "pns/access_token.hpp"
#include "pns/bearer_token.hpp"

namespace reveille::mock_providers {

inline const credentials& test_keys() {
  static const credentials keys = credentials::generate().value();  // RSA takes a while: once for all tests
  return keys;
}

struct remembering_sink final : device_sink {
  struct seen {
    std::string token, app, push_type, payload;
  };
  void deliver(const delivery& what) override {
    all.push_back({std::string(what.token), std::string(what.app), std::string(what.push_type), std::string(what.payload)});
  }
  std::vector<seen> all;
};

class Desk : public ::testing::Test {
 protected:
  using fields = std::vector<std::pair<std::string, std::string>>;

  Desk() { open({}); }
  void open(behaviour how) {
    if (how.delivery.median == milliseconds(300)) how.delivery = {};
    backend = provider_backend::make({}, test_keys(), how, "https://localhost/token", random, sink, now).value();
  }
  pns::signing_key apple() { return pns::signing_key::from_pem(test_keys().apns_key_pem).value(); }
  std::string bearer(const instant& at, const std::string& kid = "ABC123DEFG", const std::string& team = "DEF123GHIJ") {
    pns::bearer_token token(kid, team, apple());
    return std::string(*token.authorization(at));
  }
  decision request(connection_state& line, const std::string& method, const std::string& path, const fields& headers,
                   const std::string& body) {
    http2::header_block block;
    for (const auto& [name, value] : headers) block.add(name, value, 65536);
    return backend->take(line, {method, path, block, body, false}, now);
  }
  /// A voip push that Apple would take, but for what `change` replaces ("" = left out).
  decision voip(const fields& change = {}, const std::string& body = "{\"aps\":{}}", const std::string& path = "/3/device/aabb",
                const std::string& method = "POST") {
    fields headers = {{"apns-topic", "com.example.phone.voip"}, {"apns-push-type", "voip"}, {"apns-priority", "10"},
                      {"apns-expiration", "0"},                 {"authorization", good_bearer}};
    for (const auto& [name, value] : change) {
      std::erase_if(headers, [&, n = name](const auto& h) { return h.first == n; });
      if (!value.empty()) headers.emplace_back(name, value);
    }
    return request(apple_line, method, path, headers, body);
  }
  std::string buy_token() {
    const auto account = pns::service_account::parse(service_account_json({}, test_keys(), "https://localhost/token")).value();
    const decision d = request(google_line, "POST", "/token", {}, pns::access_token_request(account, now.wall).value());
    pns::access_token token;
    token.wants_request(now);
    token.answered(d.answer.status, d.answer.body, now, random);
    return std::string(token.authorization(now));
  }
  decision fcm(const std::string& body, const std::string& project = "reveille-mock") {
    return request(google_line, "POST", "/v1/projects/" + project + "/messages:send", {{"authorization", access}}, body);
  }
  void pass(nanoseconds d) { now = now + d; }

  instant now{steady_time(seconds(5000)), wall_time(seconds(1'800'000'000))};
  seeded_random random{11};
  remembering_sink sink;
  std::unique_ptr<provider_backend> backend;
  connection_state apple_line{front::apns, {}, false};
  connection_state google_line{front::google, {}, false};
  std::string good_bearer = bearer(now);
  std::string access;
};

}  // namespace reveille::mock_providers
