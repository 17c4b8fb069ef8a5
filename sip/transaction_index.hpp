/// From a 64-bit keyed fingerprint to an entry's number: open addressing, linear probing, deletion by shifting back.
///
/// Bound: `capacity` entries, fixed when made; the table is twice as large, so that probes stay short. Nothing is
/// allocated afterwards. Fingerprints come from SipHash under a secret, so strangers cannot aim at one slot; two
/// transactions with equal fingerprints (2^-64 a pair) would be taken for one.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace reveille::sip {

class transaction_index {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  explicit transaction_index(std::uint32_t capacity)
      : capacity_(capacity), slots_(std::bit_ceil(std::size_t{capacity} * 2 + 2)), mask_(slots_.size() - 1) {}

  std::uint32_t find(std::uint64_t fingerprint) const {
    for (std::size_t i = fingerprint & mask_; slots_[i].entry != none; i = (i + 1) & mask_) {
      if (slots_[i].fingerprint == fingerprint) return slots_[i].entry;
    }
    return none;
  }

  /// @return false at the bound. @pre find(fingerprint) == none
  bool insert(std::uint64_t fingerprint, std::uint32_t entry) {
    if (size_ == capacity_) return false;
    std::size_t i = fingerprint & mask_;
    while (slots_[i].entry != none) i = (i + 1) & mask_;
    slots_[i] = {fingerprint, entry};
    ++size_;
    return true;
  }

  void erase(std::uint64_t fingerprint) {
    std::size_t i = fingerprint & mask_;
    while (slots_[i].entry != none && slots_[i].fingerprint != fingerprint) i = (i + 1) & mask_;
    if (slots_[i].entry == none) return;
    for (std::size_t j = (i + 1) & mask_; slots_[j].entry != none; j = (j + 1) & mask_) {
      // j may move back to i unless its own slot lies between the two (cyclically).
      if (((j - (slots_[j].fingerprint & mask_)) & mask_) >= ((j - i) & mask_)) {
        slots_[i] = slots_[j];
        i = j;
      }
    }
    slots_[i] = {};
    --size_;
  }

  std::uint32_t size() const { return size_; }
  std::uint32_t capacity() const { return capacity_; }

 private:
  struct slot {
    std::uint64_t fingerprint = 0;
    std::uint32_t entry = none;
  };
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
  std::vector<slot> slots_;
  std::size_t mask_;
};

}  // namespace reveille::sip
