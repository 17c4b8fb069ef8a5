#include "simulator/world/byte_pipe.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace reveille::world {
namespace {

/// Writes one batch, and notes when something comes.
class noting_end final : public byte_session {
 public:
  noting_end(std::vector<std::uint8_t> says, std::vector<steady_time>& heard) : says_(std::move(says)), heard_(heard) {}
  void receive(std::span<const std::uint8_t>, const instant& now) override { heard_.push_back(now.steady); }
  void produce(std::vector<std::uint8_t>& out, std::size_t) override { out = std::exchange(says_, {}); }
  bool finished() const override { return false; }
  void closed(const instant& now) override { heard_.push_back(now.steady); }

 private:
  std::vector<std::uint8_t> says_;
  std::vector<steady_time>& heard_;
};

class nobody final : public pipe_watcher {
  void frame_written(const pipe_link&, pipe_end, const wire_frame&) override {}
  void frame_begun(const pipe_link&, pipe_end, const wire_frame&) override {}
  void frame_arrived(const pipe_link&, pipe_end, const wire_frame&) override {}
  void end_moved(pipe_end) override {}
};

/// A HEADERS frame with so much in it, and a DATA frame.
std::vector<std::uint8_t> request_of(std::uint8_t header_octets) {
  std::vector<std::uint8_t> out = {0, 0, header_octets, 1, 4, 0, 0, 0, 5};
  out.insert(out.end(), header_octets, 0x42);
  const std::uint8_t data[] = {0, 0, 2, 0, 1, 0, 0, 0, 5, '{', '}'};
  out.insert(out.end(), std::begin(data), std::end(data));
  return out;
}

std::vector<steady_time> heard_of(std::uint64_t seed, std::uint8_t header_octets) {
  schedule when(seed, {});
  pipe_faults faults;
  faults.cut = 0.3;
  nobody watcher;
  std::vector<steady_time> heard, unheard;
  const auto link = std::make_shared<pipe_link>(1, pipe_traffic::http2, when, faults, watcher);
  // The engine's end hears a piece of a frame as it comes.
  link->join(std::make_unique<noting_end>(std::vector<std::uint8_t>{}, heard),
             std::make_unique<noting_end>(request_of(header_octets), unheard));
  link->turn(pipe_end::server);
  when.run_until(when.now().steady + seconds(60));
  return heard;
}

TEST(PipeLink, DeliversAtTheSameTimesHoweverLongASignatureIs) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    ASSERT_EQ(heard_of(seed, 200), heard_of(seed, 203)) << seed;
  }
}

TEST(WireFrames, AreFoundInWhatASessionWrites) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::vector<std::uint8_t> bytes(preface.begin(), preface.end());
  const std::uint8_t frames[] = {0, 0, 0, 4, 0, 0, 0, 0, 0,                     // SETTINGS, empty
                                 0, 0, 2, 1, 5, 0, 0, 0, 7, 0x82, 0x84,         // HEADERS on stream 7
                                 0, 0, 4, 3, 0, 0, 0, 0, 9, 0, 0, 0, 7};        // RST_STREAM on 9: REFUSED_STREAM
  bytes.insert(bytes.end(), std::begin(frames), std::end(frames));
  const auto found = frames_of(bytes);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].type, wire_frame::preface);
  EXPECT_EQ(found[2].type, wire_frame::headers);
  EXPECT_EQ(found[2].stream, 7U);
  EXPECT_EQ(found[3].type, wire_frame::rst_stream);
  EXPECT_EQ(found[3].code, 7U);
  EXPECT_EQ(found[3].end, bytes.size());
  EXPECT_TRUE(frames_of(std::span(bytes).first(30)).size() == 1);  // a frame that is not whole is none
}

}  // namespace
}  // namespace reveille::world
