/// A virtual phone: sleeps, is woken by a push, registers (once to four times, perhaps from a new address), rings,
/// answers, declines or lets it ring. A plain SIP UA as far as the wire is concerned (RFC 3261 8, 10, 13, 17).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/slab.hpp"
#include "pns/push_order.hpp"
#include "simulator/world/device_identities.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/network.hpp"
#include "simulator/world/schedule.hpp"
#include "sip/message.hpp"

namespace reveille::world {

struct phone_habits {
  bool has_push = true;                ///< else a desk phone that is always there
  double never_wakes = 0.1;            ///< per push
  double moves = 0.2;                  ///< per waking: another address
  double declines = 0.1;               ///< 486
  double lets_ring = 0.15;             ///< no answer at all
  int most_registers = 4;              ///< per waking
  double leaves = 0;                   ///< per waking: un-registers first
  double relabels = 0;                 ///< per REGISTER: another label
  double rewrites = 0;                 ///< per REGISTER but the first of a waking: another Contact text on the same flow
  seconds expires{3600};               ///< of a push phone; a desk phone registers once, and stays
  nanoseconds wake_fastest = std::chrono::milliseconds(50);
  nanoseconds wake_slowest = std::chrono::seconds(8);
};

/// The labels of one subscriber's phones. What one has given up for another, and heard 200 of, a second one may take.
struct label_book {
  std::vector<std::string> given_up;
  std::uint32_t next = 0;
};

class phone {
 public:
  struct identity {
    std::string aor_user;              ///< "u3"
    std::string device;                ///< "u3-d0": user part of its Contact
    std::string token;                 ///< its prid; "" without push
    bool google = false;               ///< woken by FCM, else by APNs
    bool nameless = false;             ///< no +sip.instance: known by its token or label, or by its address
    std::string label;                 ///< "" = none
    bool two_flows = false;            ///< registers by two sockets (RFC 5626); not behind this world's edge, not nameless
    bool behind_edge = false;          ///< speaks to an edge proxy, which the engine reaches it by
    std::uint32_t host = 0;            ///< of its virtual address
    /// Else it asks for no rport, and sends from another port than the one where it listens, its sent-by.
    bool says_rport() const { return behind_edge || host % 4 != 3; }
  };

  phone(schedule& when, network& net, ledger& truth, slab_pool& pool, identity who, const phone_habits& habits,
        const endpoint& engine, label_book& labels);

  void boot() { register_now(1); }
  /// A push reached the device.
  void pushed(const pns::push_order& order);
  /// A REGISTER for a reason of its own.
  void refresh() { register_now(1); }
  /// From now on it says this name of the other's, as an app restored from that phone's backup does, and registers. Both
  /// keep their names then. @return false when the other has no such name, or nothing would tell it for the same phone.
  enum class name : std::uint8_t { label, instance, token };
  bool take(phone& other, name which);
  /// From now on it wakes, registers once and answers nothing new: the settling at the end of a world.
  void come_back() { habits_.never_wakes = habits_.moves = habits_.leaves = 0; habits_.most_registers = 1; register_now(1); }
  const identity& who() const { return who_; }
  bool registered() const { return registered_; }

 private:
  struct call {
    std::string branch;
    sip::message_ptr invite;
    endpoint from;
    std::string last_response;
    int last_status = 0;
    bool acked = false;
    bool over = false;                 ///< a final response was sent
    bool talking = false;              ///< answered, no BYE yet: the phone stays where it is
    std::string tag;
  };

  void listen();
  enum class purpose : std::uint8_t { register_, unregister };
  void register_now(int times);
  void come_again();
  void unregister();
  void relabel();
  void heard_200(std::uint32_t cseq);
  /// One REGISTER, as it is repeated.
  struct registering {
    std::string branch;
    std::uint32_t cseq = 0;
    purpose what = purpose::register_;
    phone_names as;
    int flow = 1;
  };
  void register_by(int flow, purpose what);
  void send_register(const registering& r, int attempt);
  void on_datagram(const endpoint& from, std::string_view bytes);
  void on_invite(const sip::message_ptr& invite, const endpoint& from);
  void on_cancel(const sip::message_ptr& cancel, const endpoint& from);
  void on_ack(const sip::message& ack);
  void decide(const std::string& branch);
  void answer(call& c, int status);
  void repeat_final(const std::string& branch, int attempt);
  std::string response_to(const sip::message& request, int status, const std::string& tag, bool with_sdp) const;

  schedule& when_;
  network& net_;
  ledger& truth_;
  slab_pool& pool_;
  identity who_;
  phone_habits habits_;
  endpoint engine_;
  label_book& labels_;
  phone_names names_;
  bool keeps_names_ = false;
  std::string former_label_;                         ///< given up by REGISTER number relabelled_, its 200 not yet heard
  std::uint32_t relabelled_ = 0;
  endpoint here_;
  endpoint second_here_;                             ///< of its second flow; stays where it is
  std::uint16_t next_port_ = 6000;
  std::uint32_t cseq_ = 0;
  std::uint32_t wakings_ = 0;
  std::uint32_t rewritten_ = 0;                      ///< times its Contact got another text
  bool awake_soon_ = false;
  bool comes_again_ = false;    ///< after a 503
  bool registered_ = false;
  std::set<std::string> pending_registers_;          ///< branches without a final answer
  std::map<std::string, call> calls_;                ///< by branch
};

}  // namespace reveille::world
