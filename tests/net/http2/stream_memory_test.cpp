// nghttp2's memory keeps malloc's promises.
#include "net/http2/stream_memory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/random.hpp"

namespace reveille::http2 {
namespace {

TEST(StreamMemory, HoldsWhatWasWrittenThroughAnyResizing) {
  stream_memory memory;
  nghttp2_mem& m = *memory.native();
  seeded_random random(3);
  struct held {
    unsigned char* at = nullptr;
    std::size_t size = 0;
    unsigned char value = 0;
  };
  std::vector<held> all(200);
  const auto check = [](const held& h) {
    for (std::size_t i = 0; i < h.size; ++i) ASSERT_EQ(h.at[i], h.value);
  };
  for (int step = 0; step < 50'000; ++step) {
    held& h = all[random.below(all.size())];
    check(h);
    const std::size_t size = 1 + random.below(random.below(10) == 0 ? 5000 : 1200);
    switch (random.below(4)) {
      case 0:
        m.free(h.at, m.mem_user_data);
        h = {};
        break;
      case 1: {
        m.free(h.at, m.mem_user_data);
        h = {static_cast<unsigned char*>(m.calloc(1, size, m.mem_user_data)), size, 0};
        check(h);
        break;
      }
      default: {
        h.at = static_cast<unsigned char*>(m.realloc(h.at, size, m.mem_user_data));
        const held kept{h.at, std::min(h.size, size), h.value};
        check(kept);
        h.size = size;
      }
    }
    h.value = static_cast<unsigned char>(step);
    if (h.at != nullptr) std::fill(h.at, h.at + h.size, h.value);
  }
  for (held& h : all) m.free(h.at, m.mem_user_data);
}

TEST(StreamMemory, RefusesASizeThatOverflows) {
  stream_memory memory;
  nghttp2_mem& m = *memory.native();
  EXPECT_EQ(m.calloc(SIZE_MAX / 2, 3, m.mem_user_data), nullptr);
}

}  // namespace
}  // namespace reveille::http2
