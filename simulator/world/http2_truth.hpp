/// The truth about pushes that go through senders, HTTP/2 and mock providers: what was ordered, what was on the wire,
/// what the provider judged, and what the sender said came of it (SPEC 6.3, ARCHITECTURE 5: invariants 4, 6, 8, 9).
///
/// Nothing is asked of the sender: attempts are seen at the pipes and at the provider's backend. Where the protocol itself
/// cannot tell whether a push was processed, a repeat is counted apart; anywhere else it is a violation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/push/push_counters.hpp"
#include "mock_providers/delivery/push_record.hpp"
#include "pns/push_order.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

class http2_truth {
 public:
  /// @param slowest_drain how long a submitted request may wait for the socket.
  http2_truth(schedule& when, ledger& truth, nanoseconds slowest_drain)
      : when_(when), truth_(truth), slowest_drain_(slowest_drain) {}

  void know(const std::string& token, const std::string& device, const std::string& aor_user) {
    owners_[token] = {device, aor_user};
  }

  // home
  void ordered(const pns::push_order& order, bool entry_durable);
  void withdrawn(pns::push_id id);
  /// What the sender says; checked against what was seen.
  void answered(const pns::push_answer& answer);
  void engine_died();

  // the wire, by link and stream
  void request_written(std::uint64_t link, std::uint32_t stream);
  void answer_begun(std::uint64_t link, std::uint32_t stream);
  void answer_arrived(std::uint64_t link, std::uint32_t stream);
  void refusal_arrived(std::uint64_t link, std::uint32_t stream);

  // the provider
  void judged(std::uint64_t link, std::uint32_t stream, const mock_providers::received_push& what);

  void calm() { calm_since_ = when_.now().steady; }
  void conclude();

  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t requests_written() const { return requests_written_; }
  /// Accepted twice, or told again, because nobody could tell whether the first had been processed.
  std::uint64_t ambiguous_repeats() const { return ambiguous_repeats_; }
  std::uint64_t repeated_requests() const { return repeated_requests_; }

 private:
  using wire_place = std::pair<std::uint64_t, std::uint32_t>;
  struct owner {
    std::string device;
    std::string aor_user;
  };
  /// One request that the provider has read to its end.
  struct attempt {
    wire_place where;
    steady_time written;
    int status = 0;                        ///< 0 = silence or a reset
    std::optional<steady_time> heard;      ///< the sender has the answer's status
    bool begun = false;                    ///< ... or may have: part of the header block arrived, the status may be in it
    bool refused = false;                  ///< REFUSED_STREAM arrived: not processed
  };
  struct order_record {
    pns::push_order order;
    std::string key;
    owner whose;
    steady_time ordered_at;
    bool withdrawn = false;
    bool of_a_dead_engine = false;
    std::optional<push_end> end;
    std::vector<attempt> attempts;
  };

  static std::string key_of(const pns::push_order& order);
  static std::string key_of(const mock_providers::received_push& what);
  order_record* find(const std::string& key, steady_time written);
  void check_timely(const order_record& r, const attempt& a);
  void check_repeat(const order_record& r, const attempt& fresh);
  void tell(order_record& r, const mock_providers::received_push& what);
  void check_end(const order_record& r, push_end end, const pns::push_answer& answer);
  void complain(const order_record& r, std::string_view invariant, const std::string& what);

  schedule& when_;
  ledger& truth_;
  const nanoseconds slowest_drain_;
  std::map<std::string, owner> owners_;                       ///< by token
  std::vector<order_record> orders_;
  std::map<pns::push_id, std::size_t> live_;                  ///< not answered yet
  std::map<std::string, std::vector<std::size_t>> by_key_;
  std::map<wire_place, steady_time> written_;
  std::map<wire_place, std::pair<std::size_t, std::size_t>> attempts_;
  std::map<std::pair<std::string, std::string>, std::size_t> told_by_;  ///< device and caller's number -> order
  std::optional<steady_time> calm_since_;
  std::uint64_t accepted_ = 0;
  std::uint64_t requests_written_ = 0;
  std::uint64_t ambiguous_repeats_ = 0;
  std::uint64_t repeated_requests_ = 0;
  bool engine_died_ = false;
};

}  // namespace reveille::world
