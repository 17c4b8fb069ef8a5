/// A push gateway for a node without any push service: answers every order dropped{provider_off}.
#pragma once

#include <functional>
#include <utility>

#include "actors/ports/push_gateway.hpp"

namespace reveille {

/// Threads: any; `answer` is called inside submit() and must only pass the answer on to the home's inbox.
class pushes_switched_off final : public push_gateway {
 public:
  explicit pushes_switched_off(std::function<void(shard_id home, pns::push_answer&&)> answer)
      : answer_(std::move(answer)) {}

  bool submit(pns::push_order order) override {
    pns::push_answer a;
    a.id = order.id;
    a.outcome = pns::dropped{pns::dropped::why::provider_off};
    a.reason = "no push service is configured";
    answer_(order.home, std::move(a));
    return true;
  }
  void withdraw(pns::push_id) override {}  // answered already

 private:
  std::function<void(shard_id, pns::push_answer&&)> answer_;
};

}  // namespace reveille
