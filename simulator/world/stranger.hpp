/// Somebody on the network who is nobody's phone: tries to un-register phones by the names that they say in the clear, and
/// crowds sleeping ones out with contacts of its own. Open mode promises that it gets nowhere (specification 10a).
#pragma once

#include <cstdint>
#include <string>

#include "simulator/world/network.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

class stranger {
 public:
  stranger(schedule& when, network& net, const endpoint& at, const endpoint& engine) : when_(when), net_(net), here_(at), engine_(engine) {}

  /// By label, instance and Contact user; whichever of them it knows.
  void unregister(const std::string& user, const std::string& device, const std::string& label);
  /// As many contacts at that AOR as it may have, and more.
  void crowd(const std::string& user);

 private:
  void send_register(const std::string& user, const std::string& contact);

  schedule& when_;
  network& net_;
  endpoint here_;
  endpoint engine_;
  std::uint32_t sent_ = 0;
};

}  // namespace reveille::world
