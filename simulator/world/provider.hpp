/// A push service as the subscriber meets it: behind the push_gateway port, slow, forgetful and sometimes wrong.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "actors/ports/push_gateway.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

struct provider_faults {
  nanoseconds fastest = std::chrono::milliseconds(5);
  nanoseconds slowest = std::chrono::milliseconds(400);
  double lost_after_acceptance = 0.05;   ///< accepted, never delivered
  double try_later = 0.03;
  double suspect = 0.01;
  double our_fault = 0.01;
  double credential = 0.01;
  double stale_410 = 0.02;               ///< "dead since" a time before the last REGISTER
};

class provider final : public push_gateway {
 public:
  /// @param to_home delivers the answer to the home shard (through the same schedule).
  /// @param to_device hands the notification to the device with that token.
  using answer_sink = std::function<void(shard_id home, pns::push_answer answer)>;
  using device_sink = std::function<void(const prid& token, const pns::push_order& order)>;
  /// Whether the store holds the bucket entry of that call of that subscriber.
  using entry_probe = std::function<bool(const std::string& aor_user, const call_ref& call)>;

  provider(schedule& when, ledger& truth, const provider_faults& faults, answer_sink to_home,
           device_sink to_device, entry_probe has_entry)
      : when_(when), truth_(truth), faults_(faults), to_home_(std::move(to_home)), to_device_(std::move(to_device)),
        has_entry_(std::move(has_entry)) {}

  bool submit(pns::push_order order) override;
  void withdraw(pns::push_id id) override;

  /// Which device and subscriber a token belongs to; the world tells at start.
  void know(const prid& token, const std::string& device, const std::string& aor_user) {
    owners_[token.str()] = {device, aor_user};
  }
  void calm() { faults_.try_later = faults_.suspect = faults_.our_fault = faults_.credential = faults_.stale_410 = faults_.lost_after_acceptance = 0; }
  /// The engine died: nobody hears the answers of before.
  void forget_homes() { ++generation_; waiting_.clear(); }
  std::uint64_t accepted() const { return accepted_; }

 private:
  void process(pns::push_order order);
  void answer(const pns::push_order& order, pns::push_outcome outcome, std::uint16_t status);

  struct owner { std::string device; std::string aor_user; };
  schedule& when_;
  ledger& truth_;
  provider_faults faults_;
  answer_sink to_home_;
  device_sink to_device_;
  entry_probe has_entry_;
  std::map<std::string, owner> owners_;
  std::map<pns::push_id, pns::push_order> waiting_;  ///< submitted, not yet on the wire
  std::uint64_t generation_ = 0;
  std::uint64_t accepted_ = 0;
};

}  // namespace reveille::world
