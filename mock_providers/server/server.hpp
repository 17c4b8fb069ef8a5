/// The mock providers on real sockets: TLS, HTTP/2 for APNs and FCM, HTTP/1.1 besides for the token endpoint and FCM.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "mock_providers/accounts/credentials.hpp"
#include "mock_providers/backend/connection_facts.hpp"
#include "mock_providers/delivery/device_sink.hpp"
#include "mock_providers/backend/provider_backend.hpp"

namespace reveille::mock_providers {

struct server_config {
  std::string address = "127.0.0.1";
  std::uint16_t apns_port = 0;       ///< 0 = any free one, see server::endpoints()
  std::uint16_t sandbox_port = 0;
  std::uint16_t google_port = 0;     ///< FCM v1, legacy, and the token endpoint
  std::uint16_t control_port = 0;    ///< plain TCP, loopback: lines of JSON, and GET /metrics
  mock_providers::identity identity;
  accounts further_accounts;         ///< beside `identity`; with keys
  mock_providers::behaviour behaviour;
  /// nullptr = the system's. With a clock of its own (a test's; read on the server's thread, outlives it) nothing happens by
  /// the passing of time but in server::turn().
  const clock* time = nullptr;
};

struct server_endpoints {
  std::uint16_t apns = 0;
  std::uint16_t sandbox = 0;
  std::uint16_t google = 0;
  std::uint16_t control = 0;
  std::string apns_url, sandbox_url, google_url, token_url;   ///< "https://127.0.0.1:40001", ".../token"
};

/// Threads: one of its own, where everything happens; the methods here may be called from any other and wait for it,
/// except from inside a device_sink. Ownership: sinks outlive the server. Destroying it closes every connection.
class server {
 public:
  /// @param sink gets every delivery; nullptr = only the control port's subscribers do.
  static result<std::unique_ptr<server>> start(const server_config& config, const credentials& keys,
                                               device_sink* sink = nullptr);
  virtual ~server() = default;

  virtual const server_endpoints& endpoints() const = 0;
  virtual mock_counters counters() = 0;
  virtual std::vector<received_push> record() = 0;
  virtual void clear_record() = 0;   ///< and the ledger
  /// How often pushes were accepted, by their apns-id (FCM: token and data), for exactly-once checks.
  virtual accepted_ledger::totals accepted() = 0;
  virtual std::uint32_t times_accepted(std::string apns_id) = 0;
  /// Adds teams and projects, or replaces them.
  virtual void add(accounts more) = 0;

  virtual void set_reachable(pns::provider provider, std::string token, bool reachable) = 0;
  virtual void unregister(pns::provider provider, std::string token, wall_time when) = 0;
  /// Binds a token to an app: bundle id (with .voip for a voip token) or project. Pushes for another are refused.
  virtual void register_device(pns::provider provider, std::string token, std::string app) = 0;
  virtual void set_canonical(std::string token, std::string canonical) = 0;
  /// Replaces the script; its clock starts now.
  virtual void use(fault_script script) = 0;
  virtual void revoke_access_tokens() = 0;
  /// Resets every connection, as a provider's machine going down would.
  virtual void drop_connections() = 0;
  virtual std::vector<connection_facts> open_connections() = 0;
  /// Does what is due by the clock of server_config::time: delayed answers, deliveries, the script's time line, idle limits.
  virtual void turn() = 0;
};

/// What an engine needs to be pointed at the mocks: ca.pem (and ca.key), server.pem, server.key, AuthKey_<key id>.p8,
/// service-account.json (further ones:
/// service-account-<project>.json), provider.pem and .key (an APNs certificate), providers.toml (a fragment of the engine's configuration) and endpoints.json.
/// Keys that are already there are used again by load_or_generate().
result<credentials> load_or_generate(const std::string& directory);
result<void> write_directory(const std::string& directory, const server_config& config, const credentials& keys,
                             const server_endpoints& where);
/// Gives accounts without a key the one that lies in the directory, or a new one; write_directory() then writes it.
result<void> load_keys(const std::string& directory, accounts& of);

}  // namespace reveille::mock_providers
