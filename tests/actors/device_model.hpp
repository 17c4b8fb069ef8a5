/// SPEC 1 in its plainest words: which bindings are one device. The referee's own; it shares nothing with the code it
/// judges.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace reveille {

/// What a REGISTER says of who sent it; "" = it does not say.
struct device_names {
  std::string label;
  std::string instance;
  std::string token;
  std::string reg_id;  ///< of a flow (RFC 5626); means nothing without an instance
  std::string uri;   ///< the Contact's, without push parameters

  bool one_device_with(const device_names& b) const {
    const auto same = [](const std::string& x, const std::string& y) { return !x.empty() && x == y; };
    return same(label, b.label) || same(instance, b.instance) || same(token, b.token) || same(uri, b.uri);
  }
  bool is_another_flow_of(const device_names& b) const {
    return !instance.empty() && instance == b.instance && !reg_id.empty() && !b.reg_id.empty() && reg_id != b.reg_id;
  }
};

class device_model {
 public:
  struct bound {
    device_names names;
    wall_time registered;
    int device = 0;
  };

  /// @return the device: all that have something in common with these names are one from now on.
  int registered(const device_names& names, wall_time now) {
    std::vector<int> kin;
    for (const bound& b : bound_) {
      if (names.one_device_with(b.names)) kin.push_back(b.device);
    }
    for (const bound& b : gone_) {
      if (names.one_device_with(b.names)) kin.push_back(b.device);
    }
    const int device = kin.empty() ? new_device() : root(kin.front());
    for (const int other : kin) into_[static_cast<std::size_t>(root(other))] = device;
    std::erase_if(bound_, [&](const bound& b) { return one(b.device, device) && !names.is_another_flow_of(b.names); });
    std::erase_if(gone_, [&](const bound& b) { return one(b.device, device); });  // back, and known by these names now
    bound_.push_back({names, now, device});
    return device;
  }

  void unregistered(const device_names& names) {
    leave([&](const bound& b) { return b.names.uri == names.uri; });
  }
  void token_died(const std::string& token, wall_time since) {
    leave([&](const bound& b) { return b.names.token == token && b.registered < since; });
  }
  /// No call waits for anybody: who left is forgotten.
  void forget_gone() { gone_.clear(); }

  const std::vector<bound>& all() const { return bound_; }
  /// The device that is bound with this, 0 = none.
  int with_token(const std::string& token) const {
    return find([&](const device_names& n) { return n.token == token; });
  }
  int at(const std::string& uri) const {
    return find([&](const device_names& n) { return n.uri == uri; });
  }
  bool one(int a, int b) const { return root(a) == root(b); }

  std::string text() const {
    std::string all;
    for (const auto* list : {&bound_, &gone_}) {
      for (const bound& b : *list) all += std::string(list == &bound_ ? "bound " : "gone ") + std::to_string(root(b.device)) + " " + b.names.uri + "\n";
    }
    return all;
  }

 private:
  template <class Which>
  void leave(Which&& which) {
    std::vector<bound> left;
    for (const bound& b : bound_) {
      if (which(b)) left.push_back(b);
    }
    std::erase_if(bound_, which);
    for (const bound& b : left) {  // a device that another flow still holds is there, and known by that one's names
      if (std::none_of(bound_.begin(), bound_.end(), [&](const bound& x) { return one(x.device, b.device); })) gone_.push_back(b);
    }
  }
  template <class Which>
  int find(Which&& which) const {
    for (const bound& b : bound_) {
      if (which(b.names)) return b.device;
    }
    return 0;
  }
  int root(int device) const {
    while (into_[static_cast<std::size_t>(device)] != device) device = into_[static_cast<std::size_t>(device)];
    return device;
  }
  int new_device() {
    into_.push_back(static_cast<int>(into_.size()));
    return into_.back();
  }

  std::vector<bound> bound_;
  std::vector<bound> gone_;
  std::vector<int> into_{0};   ///< by device: itself, or the one that it turned out to be
};

}  // namespace reveille
