/// Two byte_sessions joined by byte pipes on the schedule: what a TLS connection is to HTTP/2, without the sockets.
///
/// Octets arrive in order, late, and in any pieces; the connection may be lost at any octet, in either direction, or fall
/// silent without a word. Where an HTTP/2 stream is cut is drawn by frame, not by octet: signatures, and with them the
/// lengths of header blocks, differ from run to run, and the same seed must still do the same.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "net/tls/byte_session.hpp"
#include "simulator/world/http2_config.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

enum class pipe_end : std::uint8_t { client, server };
constexpr pipe_end other(pipe_end e) { return e == pipe_end::client ? pipe_end::server : pipe_end::client; }

/// One frame of a write (RFC 9113 4.1), or the client's preface.
struct wire_frame {
  static constexpr std::uint8_t headers = 1, rst_stream = 3, preface = 0xff;
  std::size_t begin = 0, end = 0;      ///< octets of the write
  std::uint8_t type = 0;
  std::uint32_t stream = 0;
  std::uint32_t code = 0;              ///< of a RST_STREAM
};
/// @param bytes whole frames, as nghttp2 gives them out.
std::vector<wire_frame> frames_of(std::span<const std::uint8_t> bytes);

class pipe_link;

/// Sees what passes. Called from inside the link's events; the frame_* methods must not call back into the link.
class pipe_watcher {
 public:
  virtual ~pipe_watcher() = default;
  virtual void frame_written(const pipe_link& on, pipe_end by, const wire_frame& what) = 0;
  /// Part of the frame's payload has been handed to that end.
  virtual void frame_begun(const pipe_link& on, pipe_end at, const wire_frame& what) = 0;
  /// The frame's last octet has been handed to that end.
  virtual void frame_arrived(const pipe_link& on, pipe_end at, const wire_frame& what) = 0;
  /// That end has handled octets or its closing: time for what the owner does after every batch.
  virtual void end_moved(pipe_end at) = 0;
};

enum class pipe_traffic : std::uint8_t { http2, other };

/// Ownership: shared by its events; an end's session is destroyed when that end has closed.
class pipe_link : public std::enable_shared_from_this<pipe_link> {
 public:
  /// @param faults read at each write, so that they may stop; it, `when` and `watcher` outlive the link.
  pipe_link(std::uint64_t number, pipe_traffic traffic, schedule& when, const pipe_faults& faults, pipe_watcher& watcher)
      : number_(number), traffic_(traffic), when_(when), faults_(faults), watcher_(watcher) {}
  void join(std::unique_ptr<byte_session> client, std::unique_ptr<byte_session> server);

  std::uint64_t number() const { return number_; }
  /// That end has something to produce. Not from inside its session.
  void turn(pipe_end e);
  /// The same, soon; from anywhere.
  void wake(pipe_end e);
  /// Reset: nothing that is under way arrives any more, both ends close.
  void abort(pipe_end by);
  /// What has been written still arrives, then the other end closes too.
  void close(pipe_end by);
  /// That end's process died: its session is destroyed without a word.
  void orphan(pipe_end e);
  bool over() const { return ends_[0].closed && ends_[1].closed; }

 private:
  struct side {
    std::unique_ptr<byte_session> session;
    steady_time last_arrival{};        ///< of what this end wrote
    bool writing = false;
    bool severed = false;              ///< the cut has been drawn: nothing written later arrives
    bool closed = false;
    bool deaf = false;                 ///< what is sent to it gets lost without a word
  };
  side& at(pipe_end e) { return ends_[static_cast<std::size_t>(e)]; }
  void write(pipe_end by, std::vector<std::uint8_t> bytes);
  /// Octets at which a write falls into pieces, ascending, the last one its end.
  std::vector<std::size_t> split(const std::vector<wire_frame>& frames, std::size_t size);
  std::size_t somewhere_in(const std::vector<wire_frame>& frames, std::size_t size);
  void deliver(pipe_end to, std::span<const std::uint8_t> write, std::size_t from, std::size_t until,
               const std::vector<wire_frame>& frames);
  void lose();
  void close_now(pipe_end e);
  void close_after(pipe_end e, nanoseconds delay);
  void do_later(steady_time due, std::function<void()> what);

  const std::uint64_t number_;
  const pipe_traffic traffic_;
  schedule& when_;
  const pipe_faults& faults_;
  pipe_watcher& watcher_;
  std::array<side, 2> ends_;
  bool lost_ = false;
};

}  // namespace reveille::world
