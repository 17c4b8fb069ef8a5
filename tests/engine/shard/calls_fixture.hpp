/// One call between a caller and a registered phone, through two shards.
#pragma once

#include <gtest/gtest.h>

#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {

inline constexpr std::uint16_t phone = 5070, caller = 5080;

class Calls : public ::testing::Test {
 protected:
  explicit Calls(std::uint16_t shards = 2) : bench(shards) {
    bench.arrive(register_text("103", phone), phone);
    bench.take();
  }
  /// @return the INVITE as the phone got it; the 100 is checked.
  sip::message_ptr invite(const request_text& text = {}) {
    bench.arrive(text.text(), caller);
    auto all = bench.take();
    if (all.size() != 2) {
      ADD_FAILURE() << all.size() << " sent";
      return nullptr;
    }
    EXPECT_EQ(all[0].line(), "SIP/2.0 100 Trying");
    EXPECT_EQ(all[0].to.remote, shard_bench::phone(caller));
    EXPECT_EQ(all[1].to.remote, shard_bench::phone(phone));
    return all[1].message();
  }
  /// The phone's answer, by any shard's socket; what came of it.
  std::vector<shard_bench::sent> answer(const sip::message& m, int status, std::string_view tag = "t1",
                                        std::uint16_t by = 0, std::string_view extra = {}) {
    bench.arrive(answer_text(m, status, tag, extra), phone, by);
    return bench.take();
  }
  shard_bench bench;
};

}  // namespace reveille
