/// What the providers know of devices: which tokens are alive, and whose they are.
///
/// By default every well-formed token is alive, so that millions of simulated phones cost nothing here; the table holds
/// only those of which something was said. Pure. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.hpp"
#include "pns/push_params.hpp"

namespace reveille::mock_providers {

enum class unknown_tokens : std::uint8_t { alive, refused };

struct device {
  std::string app;                          ///< bundle id (with `.voip` for a voip token) or project; "" = any
  std::optional<wall_time> unregistered_at; ///< the app was removed
  bool expired = false;                     ///< APNs 410 ExpiredToken
  bool reachable = true;
  std::string canonical;                    ///< FCM legacy: the token that should be used instead, "" = this one
};

class device_table {
 public:
  static constexpr std::size_t max_devices = 4'000'000;

  explicit device_table(unknown_tokens unknown = unknown_tokens::alive) : unknown_(unknown) {}

  /// The entry, made if missing; nullptr when the table is full.
  device* make(pns::provider provider, std::string_view token);
  const device* find(pns::provider provider, std::string_view token) const;
  /// False when unknown tokens are refused and this is one, or when it is known to Apple's other environment only.
  bool is_known(pns::provider provider, std::string_view token) const;
  std::size_t size() const { return devices_.size(); }
  /// Provider and token as one text: the same for either case of an Apple token.
  static std::string key_of(pns::provider provider, std::string_view token);

  /// One device for those who look. Views live until the table changes.
  struct entry {
    pns::provider provider;
    std::string_view token;
    const device* what;
    std::string_view key;   ///< names its place among the pages
  };
  /// The first `limit` devices behind `after` ("" = from the start), by provider and token, that `wanted(entry)` holds for.
  /// Looks at all of them: a tenth of a second a million.
  std::vector<entry> page(std::string_view after, std::size_t limit, const std::function<bool(const entry&)>& wanted) const;

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using devices = std::unordered_map<std::string, device, hash, std::equal_to<>>;
  unknown_tokens unknown_;
  devices devices_;
};

}  // namespace reveille::mock_providers
