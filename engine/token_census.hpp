/// After a start nobody remembers whose a token is. The census reads every stored binding once, in the background, and
/// claims for each AOR the tokens it holds; the shards then settle who registered last (SPEC 2.4, accounts = one).
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "actors/effects.hpp"
#include "engine/store/rocksdb_store.hpp"
#include "pns/app_rules.hpp"

namespace reveille {

class token_census {
 public:
  /// Begins at once, at the lowest priority and 200,000 AORs a second at most.
  /// @param claim called on the census's thread. @param from and accounts outlive the object.
  token_census(const rocksdb_store& from, const pns::app_rules& accounts, std::function<void(claim_token&&)> claim);
  token_census(const token_census&) = delete;
  token_census& operator=(const token_census&) = delete;

 private:
  void run(const std::stop_token& stop);

  const rocksdb_store& from_;
  const pns::app_rules& accounts_;
  std::function<void(claim_token&&)> claim_;
  std::mutex mutex_;
  std::condition_variable_any resting_;
  std::jthread thread_;   ///< last: it uses all above; stopped and joined first, finished or not
};

}  // namespace reveille
