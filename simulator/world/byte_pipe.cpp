#include "simulator/world/byte_pipe.hpp"

#include <algorithm>
#include <cstring>

namespace reveille::world {

namespace {

constexpr std::size_t frame_header = 9;
constexpr std::string_view client_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t write_limit = 1 << 20;   ///< so much that the length of a signature never decides what fits
/// Where in a frame it may be cut. So few that each is an octet of its own in every frame that carries a signature:
/// otherwise the signature's length decides whether two cuts are one, and with it what happens next.
constexpr std::size_t parts_of_a_frame = 64;
constexpr nanoseconds server_gives_up = seconds(90);   ///< on a peer that fell silent

std::uint32_t big_endian(std::span<const std::uint8_t> octets) {
  std::uint32_t n = 0;
  for (std::uint8_t o : octets) n = n << 8 | o;
  return n;
}

}  // namespace

std::vector<wire_frame> frames_of(std::span<const std::uint8_t> bytes) {
  std::vector<wire_frame> out;
  std::size_t at = 0;
  if (bytes.size() >= client_preface.size() && std::memcmp(bytes.data(), client_preface.data(), client_preface.size()) == 0) {
    at = client_preface.size();
    out.push_back({0, at, wire_frame::preface, 0, 0});
  }
  while (at + frame_header <= bytes.size()) {
    wire_frame f{at, at + frame_header + big_endian(bytes.subspan(at, 3)), bytes[at + 3],
                 big_endian(bytes.subspan(at + 5, 4)) & 0x7fffffff, 0};
    if (f.end > bytes.size()) break;
    if (f.type == wire_frame::rst_stream && f.end - f.begin >= frame_header + 4) {
      f.code = big_endian(bytes.subspan(at + frame_header, 4));
    }
    at = f.end;
    out.push_back(f);
  }
  return out;
}

void pipe_link::join(std::unique_ptr<byte_session> client, std::unique_ptr<byte_session> server) {
  at(pipe_end::client).session = std::move(client);
  at(pipe_end::server).session = std::move(server);
}

void pipe_link::do_later(steady_time due, std::function<void()> what) {
  when_.at(due, [self = shared_from_this(), what = std::move(what)] { what(); });
}

void pipe_link::wake(pipe_end e) {
  do_later(when_.now().steady, [this, e] { turn(e); });
}

void pipe_link::turn(pipe_end e) {
  side& here = at(e);
  if (here.closed || here.writing) return;
  std::vector<std::uint8_t> bytes;
  here.session->produce(bytes, write_limit);
  if (!bytes.empty()) {
    here.writing = true;
    write(e, std::move(bytes));
    do_later(when_.now().steady + when_.between(nanoseconds(0), faults_.slowest_drain), [this, e] {
      at(e).writing = false;
      turn(e);
      watcher_.end_moved(e);
    });
  } else if (here.session->finished()) {
    close(e);
  }
}

std::size_t pipe_link::somewhere_in(const std::vector<wire_frame>& frames, std::size_t size) {
  const std::uint64_t which = when_.random().next();
  const std::uint64_t kind = when_.random().below(3);
  const auto part = static_cast<std::size_t>(when_.random().unit() * static_cast<double>(parts_of_a_frame));
  const auto share = [part](std::size_t n) { return n * part / parts_of_a_frame; };
  if (frames.empty()) return share(size);
  const wire_frame& f = frames[which % frames.size()];
  if (kind == 0) return f.begin;
  if (kind == 1 || f.end - f.begin <= frame_header + 1) return f.begin + 1 + share(frame_header - 1);
  return f.begin + frame_header + 1 + share(f.end - f.begin - frame_header - 1);
}

std::vector<std::size_t> pipe_link::split(const std::vector<wire_frame>& frames, std::size_t size) {
  std::vector<std::size_t> out;
  const std::uint64_t pieces = when_.random().below(4);
  for (std::uint64_t i = 0; i < pieces; ++i) out.push_back(somewhere_in(frames, size));
  out.push_back(size);
  std::sort(out.begin(), out.end());
  return out;
}

void pipe_link::write(pipe_end by, std::vector<std::uint8_t> bytes) {
  const auto frames = traffic_ == pipe_traffic::http2 ? frames_of(bytes) : std::vector<wire_frame>();
  for (const wire_frame& f : frames) watcher_.frame_written(*this, by, f);
  std::vector<std::size_t> pieces = split(frames, bytes.size());
  const bool cut = when_.chance(faults_.cut);
  const std::size_t last = cut ? somewhere_in(frames, bytes.size()) : bytes.size();
  if (when_.chance(faults_.silence)) {
    const bool both = when_.chance(0.5);
    at(other(by)).deaf = true;
    if (both) at(by).deaf = true;
    close_after(pipe_end::server, server_gives_up);
  }
  side& here = at(by);
  if (here.severed) return;
  here.severed = cut;
  const auto shared = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  std::size_t from = 0;
  for (const std::size_t piece : pieces) {
    const std::size_t until = std::min(piece, last);
    here.last_arrival = std::max(here.last_arrival + nanoseconds(1),
                                 when_.now().steady + when_.between(faults_.fastest, faults_.slowest));
    if (until > from) {
      do_later(here.last_arrival, [this, by, shared, frames, from, until] { deliver(other(by), *shared, from, until, frames); });
    }
    from = std::max(from, until);
  }
  if (cut) do_later(here.last_arrival + nanoseconds(1), [this] { lose(); });
}

void pipe_link::deliver(pipe_end to, std::span<const std::uint8_t> write, std::size_t from, std::size_t until,
                        const std::vector<wire_frame>& frames) {
  side& there = at(to);
  if (lost_ || there.deaf || there.closed) return;
  // The provider's side takes frame by frame, so that each judgement can be told to its stream; ours takes what comes.
  std::size_t done = from;
  for (const wire_frame& f : frames) {
    if (f.end > until && f.begin + frame_header < until) watcher_.frame_begun(*this, to, f);
    if (f.end <= from || f.end > until) continue;
    if (to == pipe_end::client) {
      watcher_.frame_arrived(*this, to, f);
      continue;
    }
    there.session->receive(write.subspan(done, f.end - done), when_.now());
    done = f.end;
    watcher_.frame_arrived(*this, to, f);
  }
  if (done < until) there.session->receive(write.subspan(done, until - done), when_.now());
  turn(to);
  watcher_.end_moved(to);
}

void pipe_link::lose() {
  if (lost_) return;
  lost_ = true;
  close_after(pipe_end::client, when_.between(nanoseconds(0), milliseconds(150)));
  close_after(pipe_end::server, when_.between(nanoseconds(0), milliseconds(150)));
}

void pipe_link::abort(pipe_end by) {
  if (lost_) return;
  lost_ = true;
  close_after(by, nanoseconds(1));
  close_after(other(by), when_.between(faults_.fastest, faults_.slowest));
}

void pipe_link::close(pipe_end by) {
  close_after(by, nanoseconds(1));
  if (at(other(by)).deaf) return;
  // The end of the stream comes after its last octet.
  side& here = at(by);
  here.last_arrival = std::max(here.last_arrival + nanoseconds(1),
                               when_.now().steady + when_.between(faults_.fastest, faults_.slowest));
  do_later(here.last_arrival, [this, to = other(by)] { close_now(to); });
}

void pipe_link::orphan(pipe_end e) {
  side& here = at(e);
  if (here.closed) return;
  here.closed = true;
  here.session.reset();
  if (!lost_) abort(e);
}

void pipe_link::close_after(pipe_end e, nanoseconds delay) {
  do_later(when_.now().steady + delay, [this, e] { close_now(e); });
}

void pipe_link::close_now(pipe_end e) {
  side& here = at(e);
  if (here.closed) return;
  here.closed = true;
  here.session->closed(when_.now());
  here.session.reset();
  watcher_.end_moved(e);
}

}  // namespace reveille::world
