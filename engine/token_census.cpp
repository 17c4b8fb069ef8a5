#include "engine/token_census.hpp"

#include <spdlog/spdlog.h>

#include <new>
#include <utility>

#include "actors/registration.hpp"
#include "actors/token_claims.hpp"
#include "core/system_ports.hpp"

namespace reveille {
namespace {

constexpr std::size_t page = 1000;      ///< AORs; the store waits for one page when it must be opened again
constexpr milliseconds breath{5};       ///< between two pages, so that the shards are never flooded

}  // namespace

token_census::token_census(const rocksdb_store& from, const pns::app_rules& accounts,
                           std::function<void(claim_token&&)> claim)
    : from_(from),
      accounts_(accounts),
      claim_(std::move(claim)),
      thread_([this](const std::stop_token& stop) {
        try {
          run(stop);
        } catch (const std::bad_alloc&) {
          spdlog::error("tokens of apps with accounts = one: the census found no memory; the next start makes it again");
        }
      }) {}

void token_census::run(const std::stop_token& stop) {
  let_others_go_first();
  std::size_t read = 0, claimed = 0;
  for (aor last;;) {
    const auto some = from_.bindings_after(last, page);
    if (!some) {
      spdlog::error("tokens of apps with accounts = one: the census stopped after {} subscribers: {}", read, some.error().what);
      break;
    }
    for (const rocksdb_store::stored_bindings& s : *some) {
      registration stored;
      if (!stored.load(s.encoded)) continue;  // told when its subscriber is loaded
      for (const binding& b : stored.all()) {
        for_each_claim(s.of, b, accounts_, [&](claim_token&& c) {
          ++claimed;
          c.source = claim_source::stored;
          claim_(std::move(c));
        });
      }
    }
    read += some->size();
    if (some->size() < page) {
      spdlog::info("tokens of apps with accounts = one: {} claimed by {} stored subscribers", claimed, read);
      break;
    }
    last = some->back().of;
    std::unique_lock lock(mutex_);
    resting_.wait_for(lock, stop, breath, [] { return false; });
    if (stop.stop_requested()) break;
  }
}

}  // namespace reveille
