/// Memory for one nghttp2 session: what a stream takes is given back when it ends and taken by the next, a thousand at a
/// time. malloc keeps seven pieces of a size at hand; the rest it sorts, merges and splits again for each burst.
/// Included by nghttp2_handles.hpp only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace reveille::http2 {

/// Threads: its session's. Outlives its session, and stays where it is. Bound: what the session held at its most, in
/// pieces of at most 1 KB; larger ones are malloc's.
class stream_memory {
 public:
  stream_memory() = default;
  stream_memory(const stream_memory&) = delete;
  stream_memory& operator=(const stream_memory&) = delete;
  ~stream_memory() {
    for (piece*& first : free_) {
      while (first != nullptr) {
        piece* const next = first->next;
        std::free(header_of(first));
        first = next;
      }
    }
  }
  nghttp2_mem* native() { return &mem_; }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr std::size_t step = 64, classes = 0;   // it shall see every piece
#else
  static constexpr std::size_t step = 64, classes = 16;
#endif
  static constexpr std::size_t header = alignof(std::max_align_t);   ///< before each piece: its class

  struct piece {
    piece* next;
  };
  static std::size_t class_of(std::size_t size) { return size == 0 ? 0 : (size - 1) / step; }
  static void* header_of(void* p) { return static_cast<char*>(p) - header; }
  static std::size_t stored_class(void* p) {
    std::size_t out;
    std::memcpy(&out, header_of(p), sizeof out);
    return out;
  }
  static stream_memory& self(void* user) { return *static_cast<stream_memory*>(user); }

  static void* take(std::size_t size, void* user) {
    const std::size_t c = class_of(size);
    if (c < classes) {
      if (piece*& first = self(user).free_[c]; first != nullptr) {
        void* const out = first;
        first = first->next;
        return out;
      }
    }
    char* const made = static_cast<char*>(std::malloc(header + (c < classes ? (c + 1) * step : size)));
    if (made == nullptr) return nullptr;
    std::memcpy(made, &c, sizeof c);
    return made + header;
  }
  static void give_back(void* p, void* user) {
    if (p == nullptr) return;
    const std::size_t c = stored_class(p);
    if (c >= classes) return std::free(header_of(p));
    auto* const back = static_cast<piece*>(p);
    back->next = self(user).free_[c];
    self(user).free_[c] = back;
  }
  static void* take_zeroed(std::size_t count, std::size_t size, void* user) {
    if (size != 0 && count > SIZE_MAX / size) return nullptr;
    void* const out = take(count * size, user);
    if (out != nullptr) std::memset(out, 0, count * size);
    return out;
  }
  static void* resize(void* p, std::size_t size, void* user) {
    if (p == nullptr) return take(size, user);
    const std::size_t c = stored_class(p);
    if (c < classes && class_of(size) <= c) return p;
    if (c >= classes && class_of(size) >= classes) {
      char* const moved = static_cast<char*>(std::realloc(header_of(p), header + size));
      if (moved == nullptr) return nullptr;
      const std::size_t now = class_of(size);
      std::memcpy(moved, &now, sizeof now);
      return moved + header;
    }
    void* const out = take(size, user);
    if (out == nullptr) return nullptr;
    // From malloc's to ours it has shrunk; otherwise it has grown beyond its class.
    std::memcpy(out, p, c < classes ? (c + 1) * step : size);
    give_back(p, user);
    return out;
  }

  nghttp2_mem mem_{this, &take, &give_back, &take_zeroed, &resize};
  std::array<piece*, classes + 1> free_{};   ///< one more: none would be no array
};

}  // namespace reveille::http2
