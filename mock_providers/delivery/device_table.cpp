#include "mock_providers/delivery/device_table.hpp"

#include <algorithm>

namespace reveille::mock_providers {

std::string device_table::key_of(pns::provider provider, std::string_view token) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(provider)));
  for (char c : token) {  // Apple's tokens are hexadecimal in either case; Google's are taken as they stand
    key += provider != pns::provider::fcm && c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return key;
}

device* device_table::make(pns::provider provider, std::string_view token) {
  std::string key = key_of(provider, token);
  const auto found = devices_.find(key);
  if (found != devices_.end()) return &found->second;
  if (devices_.size() >= max_devices) return nullptr;
  return &devices_.emplace(std::move(key), device{}).first->second;
}

const device* device_table::find(pns::provider provider, std::string_view token) const {
  if (devices_.empty()) return nullptr;
  const auto found = devices_.find(key_of(provider, token));
  return found == devices_.end() ? nullptr : &found->second;
}

std::vector<device_table::entry> device_table::page(std::string_view after, std::size_t limit,
                                                    const std::function<bool(const entry&)>& wanted) const {
  const auto earlier = [](const entry& a, const entry& b) { return a.key < b.key; };
  std::vector<entry> out;   // a heap of the earliest, the latest of them in front
  for (const auto& [key, what] : devices_) {
    if (key <= after || limit == 0 || (out.size() == limit && out.front().key < key)) continue;
    const entry one{static_cast<pns::provider>(key.front() - '0'), std::string_view(key).substr(1), &what, key};
    if (!wanted(one)) continue;
    if (out.size() == limit) {
      std::pop_heap(out.begin(), out.end(), earlier);
      out.pop_back();
    }
    out.push_back(one);
    std::push_heap(out.begin(), out.end(), earlier);
  }
  std::sort_heap(out.begin(), out.end(), earlier);
  return out;
}

bool device_table::is_known(pns::provider provider, std::string_view token) const {
  if (find(provider, token)) return true;
  if (unknown_ == unknown_tokens::refused) return false;
  switch (provider) {
    case pns::provider::apns: return !find(pns::provider::apns_dev, token);
    case pns::provider::apns_dev: return !find(pns::provider::apns, token);
    case pns::provider::fcm: return true;
  }
  return true;
}

}  // namespace reveille::mock_providers
