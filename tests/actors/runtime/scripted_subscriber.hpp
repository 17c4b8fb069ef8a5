/// The class `subscriber` of these tests: linked in place of the real one, it does what a test scripts. So the home is
/// judged by itself.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actors/subscriber.hpp"

namespace reveille {

struct subscriber_script {
  /// What an event causes; none = nothing.
  std::function<void(const std::string& name, const subscriber_event& event, effects& out)> apply;
  std::set<std::string> busy;          ///< not at rest
  std::set<std::string> dirty;         ///< not at rest for an address alone
  std::map<std::string, std::size_t> bytes;  ///< what it holds, if not the least
  std::set<std::string> unknown;       ///< nothing to store
  std::set<std::string> awaited;       ///< a call is parked
  std::vector<std::string> log;        ///< "made ann from 'x'", "ann: push 7", "gone ann"
  std::set<std::thread::id> threads;   ///< on which it was made, applied or destroyed
};
subscriber_script& script();

/// "push 7", "written 3 ok", "timer ...": how the log names an event.
std::string text_of(const subscriber_event& event);

}  // namespace reveille
