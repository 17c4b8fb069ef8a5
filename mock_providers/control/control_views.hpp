/// What the control port shows, as JSON texts that end with a newline. Lists come in pages: at most `limit` members or
/// page_octets, one member a line, then "next": what to give as `after` for what follows, null at the end. Keys and
/// access tokens are never shown. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "mock_providers/control/controlled_mock.hpp"

namespace reveille::mock_providers {

inline constexpr std::size_t usual_page = 100, longest_page = 10'000;
inline constexpr std::size_t page_octets = 4 * 1024 * 1024;

/// Conditions, joined by "and".
struct record_question {
  std::optional<pns::provider> provider;
  std::optional<std::string> token, id, reason;
  std::optional<int> status;          ///< 0 = never answered
  std::optional<wall_time> since;
  std::uint64_t after = 0;            ///< pushes with a greater number
  std::size_t limit = usual_page;
};
std::string show_record(const push_record& record, const record_question& asked);

enum class device_state : std::uint8_t { any, away, dead, waiting };
struct device_question {
  std::optional<pns::provider> provider;
  std::optional<std::string> token, app;
  device_state state = device_state::any;
  std::string after;                  ///< "next" of the page before
  std::size_t limit = usual_page;
};
/// Devices of which something was said, with what is kept for them.
std::string show_devices(const provider_backend& backend, const device_question& asked);

struct connection_question {
  std::optional<front> service;
  std::uint64_t after = 0;
  std::size_t limit = usual_page;
};
std::string show_connections(const std::vector<connection_facts>& all, const connection_question& asked, const instant& now);
std::string show_connection(const connection_facts& one, const instant& now);
std::optional<front> service_of(std::string_view name);   ///< "apns", "apns.dev", "google"

std::string show_accounts(const accounts& all);
/// The keys that the mock made for accounts without one, which nobody else can know.
std::string show_made_keys(const accounts& given, const accounts& completed);
std::string show_faults(const provider_backend& backend, const instant& now);
std::string show_state(controlled_mock& mock);
/// @param apns_id of the push that is asked about, or nullptr.
std::string show_ledger(const accepted_ledger& ledger, const std::string* apns_id);

}  // namespace reveille::mock_providers
