/// Which phones are one device (SPEC 1): a phone restored from another's backup says the other's +sip.instance, two have
/// one label, or one token. A model of the world's own, kept as simple as can be: who once was one device with another
/// stays one with it to the end, and is judged with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/time.hpp"

namespace reveille::world {

/// What a phone's REGISTER says of who it is; "" = nothing.
struct phone_names {
  std::string label;
  std::string instance;
  std::string token;

  bool share_one_with(const phone_names& o) const {
    const auto same = [](const std::string& a, const std::string& b) { return !a.empty() && a == b; };
    return same(label, o.label) || same(instance, o.instance) || same(token, o.token);
  }
  bool empty() const { return label.empty() && instance.empty() && token.empty(); }
};

class device_identities {
 public:
  /// A REGISTER of that phone came to the engine's door. What joins it to others counts from its 200 on; until then it may
  /// be lost. An older one than the newest is no news of the phone; but while its device is another phone's binding there
  /// is no CSeq to refuse it by (RFC 3261 10.3), so that it may be by itself again until it says its newest names once
  /// more, and for good when these have nothing in common with those of then.
  void said(const std::string& phone, const std::string& aor_user, const phone_names& names, std::uint32_t cseq,
            steady_time now) {
    member& m = members_[phone];
    if (m.cseq > cseq) {
      m.overtaken = now;
      m.out = m.out == standing::for_good || !names.share_one_with(m.names) ? standing::for_good : standing::for_now;
      return;
    }
    m.cseq = cseq;
    m.aor_user = aor_user;
    m.names = names;
    m.same_device.insert(phone);
    for (auto& [other, o] : members_) {
      if (other == phone || o.aor_user != aor_user || !names.share_one_with(o.names) || m.same_device.contains(other)) continue;
      std::set<std::string> all = m.same_device;
      all.insert(o.same_device.begin(), o.same_device.end());
      for (const std::string& one : all) members_[one].same_device = all;
      if (m.out == standing::in) m.out = standing::for_now;
    }
  }
  /// That REGISTER, which came then, had its 200.
  void accepted(const std::string& phone, std::uint32_t cseq, steady_time came, steady_time now) {
    member& m = members_[phone];
    if (m.cseq != cseq || m.out != standing::for_now || came <= m.overtaken) return;
    m.out = standing::in;
    m.since = now;
  }
  /// The phones that are one device with it or once were, itself among them.
  std::set<std::string> of(const std::string& phone) const {
    const auto found = members_.find(phone);
    return found == members_.end() || found->second.same_device.empty() ? std::set{phone} : found->second.same_device;
  }
  bool has_kin(const std::string& phone) const { return of(phone).size() > 1; }
  /// When the last of them joined; never (max()) while one may be out. @pre has_kin(phone)
  steady_time since(const std::string& phone) const {
    steady_time last{};
    for (const std::string& one : of(phone)) {
      const member& m = members_.at(one);
      last = std::max(last, m.out == standing::in ? m.since : steady_time::max());
    }
    return last;
  }

 private:
  enum class standing : std::uint8_t { in, for_now, for_good };
  struct member {
    std::string aor_user;
    phone_names names;
    std::uint32_t cseq = 0;
    std::set<std::string> same_device;
    steady_time since{};
    steady_time overtaken{};   ///< when the last older REGISTER came
    standing out = standing::in;
  };
  std::map<std::string, member> members_;
};

}  // namespace reveille::world
