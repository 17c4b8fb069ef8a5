/// This machine and the network, as `reveille doctor` looks at them. Blocks: each look at the network takes up to 12 s.
#pragma once

#include "core/system_ports.hpp"
#include "engine/tools/doctor_outside.hpp"

namespace reveille {

class system_outside final : public doctor_outside {
 public:
  instant now() override { return clock_.now(); }
  file_facts file(const std::string& path) override;
  directory_facts directory(const std::string& path) override;
  port_facts udp_port(const endpoint& at) override;
  machine_facts machine() override;
  bool engine_lives(const endpoint& admin) override;
  https_facts reach(const https_wish& wish) override;
  result<pns::push_answer, std::vector<error>> push(const push_config& config, const pns::push_order& order) override;

 private:
  system_clock_port clock_;
};

}  // namespace reveille
