/// The open connections by number. Threads: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "mock_providers/server/provider_session.hpp"

namespace reveille::mock_providers {

class connection_table {
 public:
  void add(front service, std::weak_ptr<answering_session*> session, steady_time now) {
    if (open_.size() >= prune_at_) {
      std::erase_if(open_, [](const auto& e) { return e.second.session.expired(); });
      prune_at_ = std::max<std::size_t>(64, 2 * open_.size());
    }
    open_.emplace(next_id_++, entry{service, std::move(session), now});
  }

  /// Calls `each(session)` for the open ones of a service.
  template <class Each>
  void for_each(front service, Each&& each) const {
    for (const auto& [id, e] : open_) {
      if (e.service != service) continue;
      if (const auto there = e.session.lock()) each(**there);
    }
  }
  /// nullptr when there is none (any more); good until control returns to the event loop.
  answering_session* find(std::uint64_t id) const {
    const auto found = open_.find(id);
    const auto there = found == open_.end() ? nullptr : found->second.session.lock();
    return there ? *there : nullptr;
  }
  /// In the order of their numbers.
  std::vector<connection_facts> facts() const {
    std::vector<connection_facts> out;
    for (const auto& [id, e] : open_) {
      const auto there = e.session.lock();
      if (!there) continue;
      connection_facts one;
      one.id = id;
      one.service = e.service;
      one.since = e.since;
      (*there)->tell(one);
      out.push_back(std::move(one));
    }
    return out;
  }

 private:
  struct entry {
    front service;
    std::weak_ptr<answering_session*> session;
    steady_time since;
  };
  std::map<std::uint64_t, entry> open_;   ///< some are gone
  std::uint64_t next_id_ = 1;
  std::size_t prune_at_ = 64;
};

}  // namespace reveille::mock_providers
