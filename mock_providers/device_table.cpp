#include "mock_providers/device_table.hpp"

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
