/// Where clients come in: a listener for each of the three fronts, and what a script does to a front as a whole (who is let
/// in, with which certificate, what its open connections undergo). Threads: the io_context's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "mock_providers/server/connection_table.hpp"
#include "mock_providers/accounts/credentials.hpp"
#include "net/tls/tls_listener.hpp"

namespace boost::asio {
class io_context;
}

namespace reveille::mock_providers {

inline constexpr front all_fronts[] = {front::apns, front::apns_dev, front::google};

class front_listeners {
 public:
  /// All of them outlive the doors. @param delayer hears of the sessions that begin, in began().
  front_listeners(boost::asio::io_context& io, const clock& time, answer_delayer& delayer) : io_(io), time_(time), delayer_(delayer) {}

  /// @param port 0 = any free one.
  result<void> open(front f, const std::string& address, std::uint16_t port, const credentials& keys);
  /// From now on connections find this backend. @pre called before the io_context runs.
  void lead_to(provider_backend& backend) { backend_ = &backend; }

  std::uint16_t port(front f) const { return at(f)->port(); }
  /// To be done by a session that begins at that front.
  const standing_faults& standing(front f) const { return standing_[static_cast<std::size_t>(f)]; }
  /// The script says this of the front now.
  void stand(front f, const standing_faults& what, const connection_table& connections, const credentials& keys, const instant& now);

  /// Of all together.
  tls_listener_counters counters() const;
  void stop_accepting();
  void abort_all();
  void close();

 private:
  const std::unique_ptr<tls_listener>& at(front f) const { return listeners_[static_cast<std::size_t>(f)]; }
  result<std::shared_ptr<const tls_context>> make_tls(front f, const certificate_pair& own, const credentials& keys) const;
  void show_certificate(front f, std::optional<seconds> life, const credentials& keys, const instant& now);

  boost::asio::io_context& io_;
  const clock& time_;
  answer_delayer& delayer_;
  provider_backend* backend_ = nullptr;
  std::array<std::unique_ptr<tls_listener>, std::size(all_fronts)> listeners_;   ///< by front; some are not open
  std::array<standing_faults, std::size(all_fronts)> standing_;
};

}  // namespace reveille::mock_providers
