/// A push service as the subscriber meets it: behind the push_gateway port, slow, forgetful and sometimes wrong.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "simulator/world/ledger.hpp"
#include "simulator/world/push_service.hpp"
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

class provider final : public push_service {
 public:
  provider(schedule& when, ledger& truth, const provider_faults& faults, answer_sink to_home,
           device_sink to_device, entry_probe has_entry)
      : when_(when), truth_(truth), faults_(faults), to_home_(std::move(to_home)), to_device_(std::move(to_device)),
        has_entry_(std::move(has_entry)) {}

  bool submit(pns::push_order order) override;
  void withdraw(pns::push_id id) override;

  void know(const prid& token, const std::string& device, const std::string& aor_user) override {
    owners_[token.str()] = {device, aor_user};
  }
  void calm() override { faults_.try_later = faults_.suspect = faults_.our_fault = faults_.credential = faults_.stale_410 = faults_.lost_after_acceptance = 0; }
  void forget_homes() override { ++generation_; waiting_.clear(); }
  void conclude() override {}          // the ledger has seen all
  std::uint64_t accepted() const override { return accepted_; }
  bool serves_google() const override { return false; }

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
