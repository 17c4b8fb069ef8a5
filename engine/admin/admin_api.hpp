/// What operators may ask over HTTP (SPEC 8.1 to 8.6, the reading part): /metrics, /livez, /readyz, /api/v1/build and
/// /api/v1/subscribers/<aor>. Pure but for the ports it is given; net/http1/server carries it.
///
/// Answers are JSON, errors too: {"error": {"status": 404, "message": "..."}}. Tokens are cut to eight characters, full
/// addresses-of-record are never repeated.
#pragma once

#include "actors/ports/store.hpp"
#include "core/time.hpp"
#include "engine/admin/host_rules.hpp"
#include "net/http1/server.hpp"
#include "net/metrics/metrics_page.hpp"

#include <functional>
#include <optional>
#include <string>

namespace reveille {

/// Port: one subscriber as it stands on disk. May block the admin thread, for a bounded time.
class subscriber_lookup {
 public:
  virtual ~subscriber_lookup() = default;
  virtual result<std::optional<subscriber_record>> find(const aor& of) = 0;
};

class admin_api {
 public:
  /// What the references and functions name outlives the api.
  struct parts {
    const metrics_page& metrics;
    build_info build;
    /// Every request but /livez and /readyz must carry it; "" = none wanted (loopback).
    std::string bearer_token;
    /// Why new calls are not served (draining, store failing), or nullopt. Any thread.
    std::function<std::optional<std::string>()> unready;
    subscriber_lookup* subscribers = nullptr;  ///< null: the route does not exist
    /// What an operator should know of a node that serves, as lines for /readyz; "" = nothing. Any thread.
    std::function<std::string()> remarks = nullptr;
    host_rules hosts{{}, {}};  ///< by which names it may be asked
  };
  explicit admin_api(parts from) : parts_(std::move(from)) {}

  http1::response answer(const http1::request& asked) const;

 private:
  bool may_ask(const http1::request& asked) const;
  http1::response subscriber(std::string_view escaped) const;

  parts parts_;
};

/// A token file's first line. Error: missing, empty, or shorter than 16 characters (guessable).
result<std::string> read_bearer_token(const std::string& file);

}  // namespace reveille
