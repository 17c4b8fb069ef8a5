/// Reference-counted slabs of bytes from per-thread pools.
///
/// A slab is written by one thread, then immutable and shared by intrusive pointer. Whoever drops the last
/// reference on another thread pushes the slab onto its owner's return list (lock-free, one exchange); the
/// owner takes the list back in one go when its own free list is empty. So a hop costs no lock.
///
/// A pool must outlive its slabs: programs make pools before anything that can hold a slab.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <thread>

namespace reveille {

class slab_pool;

/// One block. The bytes follow the header; `capacity` octets may be used and 64 more may be read
/// (zeroed or stale, never meaningful), so that a scanner may load whole vectors past the end.
class slab {
 public:
  static constexpr std::size_t tail_slack = 64;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  std::size_t capacity() const { return capacity_; }
  std::string_view view(std::size_t offset, std::size_t size) const { return {data() + offset, size}; }

 private:
  friend class slab_pool;
  friend void intrusive_ptr_add_ref(const slab* s) { s->references_.fetch_add(1, std::memory_order_relaxed); }
  friend void intrusive_ptr_release(const slab* s);

  slab(slab_pool* pool, std::uint32_t capacity, std::uint8_t size_class)
      : pool_(pool), capacity_(capacity), class_(size_class) {}

  slab_pool* pool_;
  slab* next_ = nullptr;
  mutable std::atomic<std::uint32_t> references_{0};
  std::uint32_t capacity_;
  std::uint8_t class_;
};

using slab_ptr = boost::intrusive_ptr<slab>;
using const_slab_ptr = boost::intrusive_ptr<const slab>;

/// What a slab is wanted for. A sixteenth of a pool is kept for `ending`: what ends work that was begun (final
/// responses, ACK, CANCEL, BYE), and what must be read before one can know that. Without it a full pool could never
/// empty itself by answering.
enum class slab_use : std::uint8_t { work, ending };

/// Pool of 512 B, 2 KiB, 4 KiB, 16 KiB and 64 KiB slabs. One a thread; take() only on that thread, release anywhere.
/// The maker's thread owns it until another calls adopt(), once, before any slab is out.
/// Bound: `limit_bytes` of slabs alive or free; take() then returns null and counts in refused(). Free slabs of one size
/// are no bar to another: at the bound they go back to the allocator.
class slab_pool {
 public:
  explicit slab_pool(std::size_t limit_bytes = std::size_t{1} << 30);
  ~slab_pool();
  slab_pool(const slab_pool&) = delete;
  slab_pool& operator=(const slab_pool&) = delete;

  /// @return a slab of at least `size` octets, or null when the bound is reached or size > 64 KiB.
  slab_ptr take(std::size_t size, slab_use use = slab_use::work);
  /// Whether take(4096, slab_use::work) would be given one.
  bool has_room_for_work();
  /// Makes the calling thread the owner. @pre no slab of this pool is alive.
  void adopt() { owner_ = std::this_thread::get_id(); }
  std::uint64_t refused() const { return refused_; }
  std::size_t allocated_bytes() const { return allocated_; }
  std::size_t free_bytes() const { return free_bytes_; }

  /// Gives the allocator half of the slabs that nobody needed since the last call, a bounded number; called once a
  /// second, so that what a burst took is back within minutes and what the load needs stays. Owner's thread.
  /// @return the octets given back.
  std::size_t give_back_idle();
  /// Whether a further give_back_idle() may find anything: other threads may have released what counts as in use here.
  bool may_keep_idle() const { return allocated_ > kept_free_bytes; }

  static constexpr std::size_t largest = 65536;   ///< octets of a slab
  /// Free slabs that are never given back for being idle: not worth asking the allocator for again.
  static constexpr std::size_t kept_free_bytes = std::size_t{1} << 20;

 private:
  friend void intrusive_ptr_release(const slab* s);
  static constexpr std::size_t classes = 5;
  static constexpr std::size_t class_bytes[classes] = {512, 2048, 4096, 16384, 65536};

  static constexpr std::size_t footprint(std::size_t c) { return sizeof(slab) + class_bytes[c] + slab::tail_slack; }

  void put_back(slab* s);
  void collect_foreign();
  void keep_free(slab* s);
  /// The first free slab of a class that has one.
  slab* unkeep(std::size_t c);
  bool within_bound(std::size_t bytes, slab_use use) const {
    return allocated_ - free_bytes_ + bytes <= (use == slab_use::ending ? limit_ : limit_ - limit_ / 16);
  }
  bool make_room(std::size_t bytes);

  std::thread::id owner_;
  slab* free_[classes] = {};
  std::size_t free_count_[classes] = {};
  std::size_t least_free_[classes] = {};   ///< since the last give_back_idle()
  std::atomic<slab*> returned_{nullptr};
  std::size_t limit_;
  std::size_t allocated_ = 0;
  std::size_t free_bytes_ = 0;             ///< of allocated_; what others returned counts when it is collected
  std::uint64_t refused_ = 0;
};

}  // namespace reveille
