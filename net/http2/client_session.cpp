#include "net/http2/client_session.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "net/http2/client_stream.hpp"
#include "net/http2/framing.hpp"
#include "net/http2/slot_pool.hpp"

namespace reveille::http2 {
namespace {

using phase = client_stream::phase;

/// What the listener is told when nghttp2 has returned.
struct event {
  enum class kind : std::uint8_t { outcome, settings, goaway, pong } what;
  client_stream* stream = nullptr;
  std::uint32_t code = 0;
  std::uint32_t last_stream = 0;
  std::string debug_data;
};

}  // namespace

class client_session::impl {
 public:
  impl(client_listener& listener, const client_config& config) : listener_(listener), config_(config) { open(); }

  std::uint32_t stream_limit() const {
    if (!settings_received_) return std::min(config_.initial_streams, config_.streams_limit);
    return std::min(nghttp2_session_get_remote_settings(wire_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                    config_.streams_limit);
  }

  std::size_t capacity() const {
    if (going_away_ || gone_ || wire_.broken() || requests_ >= config_.requests_limit) return 0;
    const std::size_t limit = stream_limit(), used = streams_.in_use();
    if (used >= limit || unsent_ >= config_.unsent_limit) return 0;
    // The connection's window holds back what is submitted already: another connection, or later. One may always try,
    // or a window that never opens would go unnoticed.
    if (used > 0 && static_cast<std::int64_t>(held_) >= nghttp2_session_get_remote_window_size(wire_.get())) return 0;
    return std::min(limit - used, config_.unsent_limit - unsent_);
  }

  stream_handle submit(const request& what, std::uint64_t tag) {
    assert(capacity() > 0);
    fields_.clear();
    add_field(":method", what.method);
    add_field(":scheme", what.scheme);
    add_field(":authority", what.authority);
    add_field(":path", what.path);
    for (const header& h : what.headers) {
      const bool literal = h.keep == indexing::never || (h.keep == indexing::first && requests_ > 0);
      add_field(h.name, h.value, literal ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
    }
    client_stream& s = streams_.take();
    s.begin(tag);
    if (!spare_.empty()) {
      s.upload.swap(spare_.back());
      spare_.pop_back();
    }
    if (what.own_body != nullptr) {
      s.upload.swap(*what.own_body);
    } else {
      s.upload.assign(what.body);
    }
    ++unsent_;
    held_ += s.upload.size();
    nghttp2_data_provider provider;
    provider.source.ptr = &s;
    provider.read_callback = &impl::read_body;
    s.stream = nghttp2_submit_request(wire_.get(), nullptr, fields_.data(), fields_.size(),
                                      s.upload.empty() ? nullptr : &provider, &s);
    // Negative only for what we alone can cause: too many fields, ids used up (requests_limit), or no memory.
    assert(s.stream > 0);
    ++requests_;
    return {s.index, s.generation};
  }

  bool withdraw(stream_handle which) {
    client_stream* s = find(which);
    if (s == nullptr || s->silent || s->reported || s->at == phase::sent || s->status >= 200) return false;
    silence(*s);
    return true;
  }

  parting abandon(stream_handle which) {
    client_stream* s = find(which);
    if (s == nullptr || s->silent || (s->reported && !s->queued)) return parting::stale;
    if (s->queued && s->answered) return parting::answered;  // dispatch() stands before it
    if (!s->reported && s->status >= 200) {
      s->truncated = true;
      s->reported = s->answered = true;
      drop_upload(*s);
      if (!s->closed) wire_.reset(s->stream, NGHTTP2_CANCEL);
      listener_.answered(s->tag, {s->status, s->headers, s->body, s->truncated});
      return parting::answered;
    }
    const bool never_left = s->reported ? s->how != loss::ambiguous : s->at != phase::sent;
    silence(*s);
    return never_left ? parting::unsent : parting::ambiguous;
  }

  void ping() { wire_.ping(); }

  void shut_down() {
    if (going_away_) return;
    going_away_ = true;
    nghttp2_submit_goaway(wire_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
    give_back_waiting();
  }

  bool receive(std::span<const std::uint8_t> bytes) {
    if (gone_ || wire_.broken()) return false;
    wire_.receive(bytes);
    dispatch();
    return !wire_.broken();
  }

  void produce(std::vector<std::uint8_t>& out, std::size_t limit) {
    if (gone_ || wire_.broken()) return;
    out_ = &out;
    wire_.produce(out, limit);
    out_ = nullptr;
    if (requests_ >= config_.requests_limit && unsent_ == 0) shut_down();  // all have begun: it ends with their answers
    dispatch();
  }

  bool wants_write() const { return !gone_ && wire_.wants_write(); }
  bool finished() const { return gone_ || wire_.finished(); }

  void disconnect() {
    if (gone_) return;
    gone_ = true;
    for (client_stream& s : streams_) {
      if (s.at != phase::free && !s.closed) end(s, NGHTTP2_NO_ERROR);
    }
    dispatch();
  }

  std::size_t open_streams() const { return streams_.in_use(); }
  bool settings_received() const { return settings_received_; }
  bool going_away() const { return going_away_ || gone_ || requests_ >= config_.requests_limit; }

 private:
  void open() {
    callbacks_ptr callbacks = make_callbacks();
    auto* c = callbacks.get();
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, &impl::on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, &impl::on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &impl::on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, &impl::on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, &impl::on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, &impl::on_close);
    nghttp2_session_callbacks_set_send_data_callback(c, &impl::send_body);
    option_ptr options = make_options();
    nghttp2_option_set_no_closed_streams(options.get(), 1);
    // capacity() is the rule; nghttp2's own guess must not hold back what it allowed.
    nghttp2_option_set_peer_max_concurrent_streams(options.get(), config_.initial_streams);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config_.stream_window},
    };
    wire_.open(make_client(c, this, options.get(), memory_), settings, config_.connection_window);
  }

  void add_field(std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
    fields_.push_back(field_of(name, value, flags));
  }

  client_stream* find(stream_handle h) {
    client_stream* s = streams_.at(h.slot);
    return s != nullptr && s->at != phase::free && s->generation == h.generation ? s : nullptr;
  }

  /// What has left, or never will, is held no longer; its memory serves the next request while it is warm.
  void drop_upload(client_stream& s) {
    held_ -= s.upload.size() - s.uploaded;
    s.uploaded = 0;
    if (s.upload.capacity() < 64) return s.upload.clear();  // inside the string itself, or never filled
    spare_.emplace_back();
    spare_.back().swap(s.upload);  // with its text, which the next is written over
  }

  /// The slot is free once nghttp2 and the listener are both done with it.
  void release_if_done(client_stream& s) {
    if (s.at == phase::free || !s.closed || s.queued) return;
    if (s.at == phase::waiting) --unsent_;
    s.at = phase::free;
    ++s.generation;
    drop_upload(s);
    streams_.give_back(s);
  }

  /// No outcome will be called, and the body is not read any more.
  void silence(client_stream& s) {
    s.silent = true;
    drop_upload(s);
    if (!s.closed) wire_.reset(s.stream, NGHTTP2_CANCEL);
  }

  void report(client_stream& s) {
    s.reported = s.queued = true;
    events_.push_back({event::kind::outcome, &s, 0, 0, {}});
  }
  void report_answer(client_stream& s) {
    if (s.silent || s.reported) return;
    s.answered = true;
    report(s);
  }
  void report_loss(client_stream& s, loss how, std::uint32_t code) {
    if (s.silent || s.reported) return;
    s.how = how;
    s.code = code;
    report(s);
  }

  /// The stream is over: whatever was not reported yet is now.
  void end(client_stream& s, std::uint32_t code) {
    s.closed = true;
    if (s.status >= 200) {  // the status is the answer, even if the rest of the body is lost
      if (!s.reported) s.truncated = true;
      report_answer(s);
    } else {
      report_loss(s, s.at == phase::waiting          ? loss::unsent
                     : code == NGHTTP2_REFUSED_STREAM ? loss::refused
                     : s.at == phase::sending        ? loss::unsent
                                                     : loss::ambiguous, code);
    }
    release_if_done(s);
  }

  /// No new stream may start any more: those that wait in nghttp2 are taken back and reported.
  void give_back_waiting() {
    for (client_stream& s : streams_) {
      if (s.at != phase::waiting || s.silent || s.reported || s.closed) continue;
      report_loss(s, loss::unsent, NGHTTP2_NO_ERROR);
      drop_upload(s);
      wire_.reset(s.stream, NGHTTP2_CANCEL);
    }
  }

  void dispatch() {
    // Listeners may submit, withdraw and shut down, which may append events.
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const event e = std::move(events_[i]);
      switch (e.what) {
        case event::kind::outcome: {
          client_stream& s = *e.stream;
          s.queued = false;
          if (!s.silent && s.answered) {
            listener_.answered(s.tag, {s.status, s.headers, s.body, s.truncated});
          } else if (!s.silent) {
            listener_.lost(s.tag, s.how, s.code);
          }
          release_if_done(s);
          break;
        }
        case event::kind::settings: listener_.settings_changed(); break;
        case event::kind::goaway: listener_.goaway_received({e.last_stream, e.code, e.debug_data}); break;
        case event::kind::pong: listener_.pong(); break;
      }
    }
    events_.clear();
  }

  // --- nghttp2's callbacks: they take notes only; dispatch() calls the listener when nghttp2 has returned.

  static impl& self(void* user) { return *static_cast<impl*>(user); }
  static client_stream* stream_of(nghttp2_session* session, std::int32_t stream) {
    return static_cast<client_stream*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    client_stream* const s = stream_of(session, frame->hd.stream_id);
    self(user).heading_ = s;
    if (s != nullptr) {
      s->collecting = s->status < 200;  // the first block, or one after 1xx; later ones are trailers
      if (s->collecting) {
        s->heading = 0;
        s->headers.clear();
      }
    }
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    client_stream* const s = self(user).heading_;  // nothing comes between the fields of a block (RFC 9113 6.10)
    if (s == nullptr || !s->collecting || s->silent) return 0;
    const std::string_view n = text_of(name, name_size);
    const std::string_view v = text_of(value, value_size);
    if (n == ":status") {
      s->heading = status_of(v);
    } else if (!s->headers.add(n, v, self(user).config_.header_limit)) {
      s->truncated = true;
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    client_stream* s = stream_of(session, stream);
    if (s == nullptr || s->silent || s->reported) return 0;
    const std::size_t room = self(user).config_.body_limit - s->body.size();
    s->body.append(text_of(bytes, std::min(size, room)));
    if (size > room) {  // what we have must do; the rest would only cost
      s->truncated = true;
      self(user).report_answer(*s);
      self(user).wire_.reset(stream, NGHTTP2_CANCEL);
    }
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    impl& me = self(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: {
        client_stream* s = stream_of(session, frame->hd.stream_id);
        if (s == nullptr) break;
        if (std::exchange(s->collecting, false)) s->status = s->heading;
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) me.answer_complete(*s);
        break;
      }
      case NGHTTP2_SETTINGS:
        if (!ack) {
          me.settings_received_ = true;
          me.events_.push_back({event::kind::settings, nullptr, 0, 0, {}});
        }
        break;
      case NGHTTP2_PING:
        if (ack) me.events_.push_back({event::kind::pong, nullptr, 0, 0, {}});
        break;
      case NGHTTP2_GOAWAY:
        me.going_away_ = true;
        me.events_.push_back({event::kind::goaway, nullptr, frame->goaway.error_code,
                              static_cast<std::uint32_t>(frame->goaway.last_stream_id),
                              std::string(text_of(frame->goaway.opaque_data, frame->goaway.opaque_data_len))});
        me.give_back_waiting();
        break;
      default: break;  // frames without meaning for us
    }
    return 0;
  }

  void answer_complete(client_stream& s) {
    report_answer(s);
    if (s.at == phase::sent) return;
    // A server may answer before it has read all (RFC 9113 8.1); the rest of the body is not worth sending.
    drop_upload(s);
    wire_.reset(s.stream, NGHTTP2_CANCEL);
  }

  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;  // of bodies send_body() knows
    client_stream* s = stream_of(session, frame->hd.stream_id);
    if (s == nullptr) return 0;
    if (s->at == phase::waiting) {
      s->at = phase::sending;
      --self(user).unsent_;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) s->at = phase::sent;
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* user) {
    client_stream* const s = stream_of(session, stream);
    if (s == nullptr) return 0;
    if (self(user).heading_ == s) self(user).heading_ = nullptr;
    self(user).end(*s, code);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    const std::string_view left = static_cast<client_stream*>(source->ptr)->to_upload();
    if (left.empty()) return NGHTTP2_ERR_DEFERRED;  // silenced: its RST_STREAM stands in the queue
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left.size() <= size) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(std::min(size, left.size()));
  }

  static int send_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* frame_header, std::size_t size,
                       nghttp2_data_source* source, void* user) {
    auto& s = *static_cast<client_stream*>(source->ptr);
    std::vector<std::uint8_t>& out = *self(user).out_;
    const auto* piece = reinterpret_cast<const std::uint8_t*>(s.to_upload().data());
    out.insert(out.end(), frame_header, frame_header + 9);
    out.insert(out.end(), piece, piece + size);  // of the same type as `out`, or it is copied octet by octet
    s.uploaded += size;
    self(user).held_ -= size;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      s.at = phase::sent;
      self(user).drop_upload(s);
    }
    return 0;
  }

  client_listener& listener_;
  const client_config config_;
  stream_memory memory_;             ///< outlives wire_
  framing wire_;
  slot_pool<client_stream> streams_;
  std::vector<std::string> spare_;   ///< memory of bodies that have left, warmest last; at most streams_limit
  std::vector<event> events_;
  std::vector<nghttp2_nv> fields_;
  std::vector<std::uint8_t>* out_ = nullptr;
  client_stream* heading_ = nullptr;   ///< whose header block is being read
  std::size_t unsent_ = 0;           ///< requests whose HEADERS have not left
  std::size_t held_ = 0;             ///< octets of bodies submitted that have not left
  std::uint32_t requests_ = 0;
  bool settings_received_ = false;
  bool going_away_ = false;
  bool gone_ = false;
};

client_session::client_session(client_listener& listener, const client_config& config)
    : impl_(std::make_unique<impl>(listener, config)) {}
client_session::~client_session() = default;

std::size_t client_session::capacity() const { return impl_->capacity(); }
std::uint32_t client_session::stream_limit() const { return impl_->stream_limit(); }
std::size_t client_session::open_streams() const { return impl_->open_streams(); }
bool client_session::settings_received() const { return impl_->settings_received(); }
bool client_session::going_away() const { return impl_->going_away(); }
stream_handle client_session::submit(const request& what, std::uint64_t tag) { return impl_->submit(what, tag); }
bool client_session::withdraw(stream_handle which) { return impl_->withdraw(which); }
parting client_session::abandon(stream_handle which) { return impl_->abandon(which); }
void client_session::ping() { impl_->ping(); }
void client_session::shut_down() { impl_->shut_down(); }
bool client_session::receive(std::span<const std::uint8_t> bytes) { return impl_->receive(bytes); }
void client_session::produce(std::vector<std::uint8_t>& out, std::size_t limit) { impl_->produce(out, limit); }
bool client_session::wants_write() const { return impl_->wants_write(); }
bool client_session::finished() const { return impl_->finished(); }
void client_session::disconnect() { impl_->disconnect(); }

}  // namespace reveille::http2
