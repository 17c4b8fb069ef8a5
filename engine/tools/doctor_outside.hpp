/// Port: what `reveille doctor` must look at, outside of the configuration. engine/tools/system_outside looks at this
/// machine and the network; tests answer by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/flow.hpp"
#include "core/time.hpp"
#include "engine/push/push_config.hpp"
#include "net/tls/tls_connection.hpp"
#include "pns/push_order.hpp"

namespace reveille {

struct file_facts {
  bool exists = false;
  bool readable = false;
  bool others_may_read = false;    ///< mode o+r
  std::string text;                ///< at most 64 KB
};

struct directory_facts {
  bool exists = false;
  bool writable = false;           ///< where it would be made, if it does not exist
  std::uint64_t free_octets = 0;
  std::string fault;               ///< why it is not
};

enum class port_state : std::uint8_t { free, taken, not_ours };   ///< not_ours: an address of another machine, no rights
struct port_facts {
  port_state state = port_state::free;
  std::string fault;
};

struct machine_facts {
  std::uint64_t open_files = 0;        ///< limit of this process; 0 = unknown
  std::uint64_t receive_buffer = 0;    ///< net.core.rmem_max, octets; 0 = unknown
};

/// One look at an HTTP service; nothing is sent that it would act on.
struct https_wish {
  push_endpoint where;                 ///< scheme http: without TLS
  push_route route;
  std::string post;                    ///< "" = GET / over HTTP/2; else an empty form to this path over HTTP/1.1
};
struct https_facts {
  std::optional<open_failure> failed;
  std::string fault;                   ///< the system's words
  std::string peer;                    ///< address and port that answered
  std::optional<wall_time> certificate_ends;
  int status = 0;                      ///< 0 = no answer, on an open connection
  std::optional<wall_time> date;       ///< of the answer, if it said one
  wall_time asked{};                   ///< our clock when it came
};
/// What failed and what is to be done.
std::string explain_failure(const https_facts& facts);

class doctor_outside {
 public:
  virtual ~doctor_outside() = default;
  virtual instant now() = 0;
  virtual file_facts file(const std::string& path) = 0;
  virtual directory_facts directory(const std::string& path) = 0;
  virtual port_facts udp_port(const endpoint& at) = 0;
  virtual machine_facts machine() = 0;
  /// Whether an engine answers there (GET /livez).
  virtual bool engine_lives(const endpoint& admin) = 0;
  virtual https_facts reach(const https_wish& wish) = 0;
  /// A whole sender of its own. @return what it answered, or the configuration's mistake.
  virtual result<pns::push_answer, std::vector<error>> push(const push_config& config, const pns::push_order& order) = 0;
};

}  // namespace reveille
