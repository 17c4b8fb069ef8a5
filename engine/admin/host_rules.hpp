/// Which names the admin server answers to (SPEC 8.3). A web page can make a browser connect to any address, loopback
/// too, once its own name resolves to it; what the browser then sends still names the page, in Host and in Origin.
///
/// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"

namespace reveille {

class host_rules {
 public:
  enum class verdict : std::uint8_t { good, foreign_host, foreign_origin };

  /// @param listen where the server listens; on every address, each literal address is its own
  /// @param names as admin.allowed_hosts has them: without a port
  host_rules(const endpoint& listen, std::vector<std::string> names);

  /// @param host the header's value; "" = none, which no browser sends
  /// @param origin likewise
  verdict judge(std::string_view host, std::string_view origin) const;

 private:
  bool ours(std::string_view authority) const;

  endpoint listen_;
  std::vector<std::string> names_;
};

}  // namespace reveille
