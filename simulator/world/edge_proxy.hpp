/// An edge proxy between phones and the engine: stateless (RFC 3261 16.11), adds itself as Path (RFC 3327), so that all
/// phones behind it have one flow and only their Contact tells where they are.
#pragma once

#include <string_view>

#include "core/slab.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/network.hpp"

namespace reveille::world {

class edge_proxy {
 public:
  edge_proxy(network& net, ledger& truth, slab_pool& pool, const endpoint& here, const endpoint& engine);

 private:
  void on_datagram(const endpoint& from, std::string_view bytes);
  void forward(const sip::message& request, const endpoint& from);
  void send_back(const sip::message& response);

  network& net_;
  ledger& truth_;
  slab_pool& pool_;
  endpoint here_;
  endpoint engine_;
};

}  // namespace reveille::world
