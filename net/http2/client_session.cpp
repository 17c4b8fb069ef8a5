#include "net/http2/client_session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <deque>
#include <string>

#include "net/http2/nghttp2_handles.hpp"

namespace reveille::http2 {
namespace {

/// waiting --> sending --> sent --> (answered | lost)     free <-- when reported (or silent) and closed
///   HEADERS left  END_STREAM left
enum class phase : std::uint8_t { free, waiting, sending, sent };

struct stream_slot {
  phase at = phase::free;
  bool silent = false;      ///< withdrawn or abandoned: no outcome
  bool reported = false;    ///< its outcome stands in the event queue or has been given
  bool queued = false;      ///< ... and still stands there
  bool closed = false;      ///< nghttp2 has forgotten the stream
  bool truncated = false;
  bool collecting = false;  ///< this header block is the response's (not a trailer)
  int status = 0;
  std::uint32_t generation = 0;
  std::uint32_t index = 0;
  std::int32_t stream = 0;
  std::uint64_t tag = 0;
  std::string_view out;
  header_block headers;
  std::string body;
};

struct event {
  enum class kind : std::uint8_t { answered, lost, settings, goaway, pong } what;
  stream_slot* slot = nullptr;
  loss how = loss::unsent;
  std::uint32_t code = 0;
  std::uint32_t last_stream = 0;
  std::string debug_data;
};

int parse_status(std::string_view digits) {
  if (digits.size() != 3) return 0;
  int n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return 0;
    n = n * 10 + (c - '0');
  }
  return n;
}

}  // namespace

class client_session::impl {
 public:
  impl(client_listener& listener, const client_config& config) : listener_(listener), config_(config) {
    open_session();
  }

  std::uint32_t stream_limit() const {
    if (!settings_received_) return std::min(config_.initial_streams, config_.streams_limit);
    return std::min(nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                    config_.streams_limit);
  }

  std::size_t capacity() const {
    if (going_away_ || gone_ || requests_ >= config_.requests_limit) return 0;
    const std::size_t limit = stream_limit();
    if (in_use_ >= limit || unsent_ >= config_.unsent_limit) return 0;
    return std::min(limit - in_use_, config_.unsent_limit - unsent_);
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
    stream_slot& s = take_slot();
    s.tag = tag;
    s.out = what.body;
    nghttp2_data_provider provider;
    provider.source.ptr = &s;
    provider.read_callback = &impl::read_body;
    s.stream = nghttp2_submit_request(session_.get(), nullptr, fields_.data(), fields_.size(),
                                      what.body.empty() ? nullptr : &provider, &s);
    // Negative only for what we alone can cause: too many fields, ids used up (requests_limit), or no memory.
    assert(s.stream > 0);
    ++requests_;
    return {s.index, s.generation};
  }

  bool withdraw(stream_handle which) {
    stream_slot* s = find(which);
    if (s == nullptr || s->silent || s->reported || s->at != phase::waiting) return false;
    silence(*s);
    return true;
  }

  std::optional<loss> abandon(stream_handle which) {
    stream_slot* s = find(which);
    if (s == nullptr || s->silent || (s->reported && !s->queued)) return std::nullopt;
    const loss how = s->at == phase::sent ? loss::ambiguous : loss::unsent;
    silence(*s);
    return how;
  }

  void ping() { nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr); }

  void shut_down() {
    if (going_away_) return;
    going_away_ = true;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
    give_back_waiting();
  }

  bool receive(std::span<const std::uint8_t> bytes) {
    if (gone_ || broken_) return false;
    if (nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size()) < 0) broken_ = true;
    dispatch();
    return !broken_;
  }

  void produce(std::vector<std::uint8_t>& out, std::size_t limit) {
    if (gone_ || broken_) return;
    out_ = &out;
    while (out.size() < limit) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t n = nghttp2_session_mem_send(session_.get(), &bytes);
      if (n < 0) broken_ = true;
      if (n <= 0) break;
      out.insert(out.end(), bytes, bytes + n);
    }
    out_ = nullptr;
    dispatch();
  }

  bool wants_write() const { return !gone_ && !broken_ && nghttp2_session_want_write(session_.get()) != 0; }
  bool finished() const {
    return gone_ || broken_ ||
           (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0);
  }

  void disconnect() {
    if (gone_) return;
    gone_ = true;
    for (stream_slot& s : slots_) {
      if (s.at == phase::free || s.closed) continue;
      end(s, NGHTTP2_NO_ERROR);
    }
    dispatch();
  }

  std::size_t open_streams() const { return in_use_; }
  bool settings_received() const { return settings_received_; }
  bool going_away() const { return going_away_ || gone_; }

 private:
  void open_session() {
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
    session_ = make_client(c, this, options.get());

    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config_.stream_window},
    };
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(config_.connection_window));
  }

  void add_field(std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
    fields_.push_back(field_of(name, value, flags));
  }

  stream_slot& take_slot() {
    std::uint32_t i;
    if (free_.empty()) {
      i = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back().index = i;
    } else {
      i = free_.back();
      free_.pop_back();
    }
    stream_slot& s = slots_[i];
    s.at = phase::waiting;
    s.silent = s.reported = s.queued = s.closed = s.truncated = s.collecting = false;
    s.status = 0;
    s.headers.clear();
    s.body.clear();
    ++in_use_;
    ++unsent_;
    return s;
  }

  stream_slot* find(stream_handle h) {
    if (h.slot >= slots_.size()) return nullptr;
    stream_slot& s = slots_[h.slot];
    return s.at != phase::free && s.generation == h.generation ? &s : nullptr;
  }

  /// The slot is free once nghttp2 and the listener are both done with it.
  void release_if_done(stream_slot& s) {
    if (s.at == phase::free || !s.closed || s.queued) return;
    if (s.at == phase::waiting) --unsent_;
    s.at = phase::free;
    ++s.generation;
    s.out = {};
    free_.push_back(s.index);
    --in_use_;
  }

  /// No outcome will be called, and the body is not read any more.
  void silence(stream_slot& s) {
    s.silent = true;
    s.out = {};
    if (!s.closed) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.stream, NGHTTP2_CANCEL);
  }

  void report(stream_slot& s, event::kind what, loss how, std::uint32_t code) {
    if (s.silent || s.reported) return;
    s.reported = true;
    s.queued = true;
    events_.push_back({what, &s, how, code, 0, {}});
  }

  /// The stream is over: whatever was not reported yet is now.
  void end(stream_slot& s, std::uint32_t code) {
    s.closed = true;
    if (s.status >= 200) {  // the status is the answer, even if the rest of the body is lost
      if (!s.reported) s.truncated = true;
      report(s, event::kind::answered, loss::unsent, code);
    } else {
      const loss how = s.at == phase::waiting        ? loss::unsent
                       : code == NGHTTP2_REFUSED_STREAM ? loss::refused
                       : s.at == phase::sending      ? loss::unsent
                                                     : loss::ambiguous;
      report(s, event::kind::lost, how, code);
    }
    release_if_done(s);
  }

  /// No new stream may start any more: those that wait in nghttp2 are taken back and reported.
  void give_back_waiting() {
    for (stream_slot& s : slots_) {
      if (s.at != phase::waiting || s.silent || s.reported || s.closed) continue;
      report(s, event::kind::lost, loss::unsent, NGHTTP2_NO_ERROR);
      s.out = {};
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.stream, NGHTTP2_CANCEL);
    }
  }

  void dispatch() {
    // Listeners may submit, withdraw and shut down, which may append events.
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const event e = std::move(events_[i]);
      switch (e.what) {
        case event::kind::answered:
        case event::kind::lost: {
          stream_slot& s = *e.slot;
          s.queued = false;
          if (!s.silent) {
            if (e.what == event::kind::answered) {
              listener_.answered(s.tag, {s.status, s.headers, s.body, s.truncated});
            } else {
              listener_.lost(s.tag, e.how, e.code);
            }
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
  static stream_slot* slot_of(nghttp2_session* session, std::int32_t stream) {
    return static_cast<stream_slot*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if (stream_slot* s = slot_of(session, frame->hd.stream_id)) {
      s->collecting = s->status < 200;  // the first block, or one after 1xx; later ones are trailers
      if (s->collecting) {
        s->status = 0;
        s->headers.clear();
      }
    }
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    stream_slot* s = slot_of(session, frame->hd.stream_id);
    if (s == nullptr || !s->collecting || s->silent) return 0;
    const std::string_view n = text_of(name, name_size);
    const std::string_view v = text_of(value, value_size);
    if (n == ":status") {
      s->status = parse_status(v);
    } else if (!s->headers.add(n, v, self(user).config_.header_limit)) {
      s->truncated = true;
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    stream_slot* s = slot_of(session, stream);
    if (s == nullptr || s->silent || s->reported) return 0;
    const std::size_t room = self(user).config_.body_limit - s->body.size();
    s->body.append(text_of(bytes, std::min(size, room)));
    if (size > room) {  // what we have must do; the rest would only cost
      s->truncated = true;
      self(user).report(*s, event::kind::answered, loss::unsent, NGHTTP2_NO_ERROR);
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    }
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    impl& me = self(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          if (stream_slot* s = slot_of(session, frame->hd.stream_id)) me.answer_complete(*s);
        }
        break;
      case NGHTTP2_SETTINGS:
        if (!ack) {
          me.settings_received_ = true;
          me.events_.push_back({event::kind::settings, nullptr, loss::unsent, 0, 0, {}});
        }
        break;
      case NGHTTP2_PING:
        if (ack) me.events_.push_back({event::kind::pong, nullptr, loss::unsent, 0, 0, {}});
        break;
      case NGHTTP2_GOAWAY:
        me.going_away_ = true;
        me.events_.push_back({event::kind::goaway, nullptr, loss::unsent, frame->goaway.error_code,
                              static_cast<std::uint32_t>(frame->goaway.last_stream_id),
                              std::string(text_of(frame->goaway.opaque_data, frame->goaway.opaque_data_len))});
        me.give_back_waiting();
        break;
      default: break;  // frames without meaning for us
    }
    return 0;
  }

  void answer_complete(stream_slot& s) {
    report(s, event::kind::answered, loss::unsent, NGHTTP2_NO_ERROR);
    // A server may answer before it has read all (RFC 9113 8.1); the rest of the body is not worth sending.
    if (s.at != phase::sent) {
      s.out = {};
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.stream, NGHTTP2_CANCEL);
    }
  }

  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    stream_slot* s = slot_of(session, frame->hd.stream_id);
    if (s == nullptr) return 0;
    if (s->at == phase::waiting) {
      s->at = phase::sending;
      --self(user).unsent_;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) s->at = phase::sent;
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* user) {
    if (stream_slot* s = slot_of(session, stream)) self(user).end(*s, code);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    const auto& s = *static_cast<stream_slot*>(source->ptr);
    if (s.out.empty()) return NGHTTP2_ERR_DEFERRED;  // silenced: its RST_STREAM stands in the queue
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (s.out.size() <= size) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(std::min(size, s.out.size()));
  }

  static int send_body(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header, std::size_t size,
                       nghttp2_data_source* source, void* user) {
    auto& s = *static_cast<stream_slot*>(source->ptr);
    std::vector<std::uint8_t>& out = *self(user).out_;
    out.insert(out.end(), frame_header, frame_header + 9);
    out.insert(out.end(), s.out.begin(), s.out.begin() + static_cast<std::ptrdiff_t>(size));
    s.out.remove_prefix(size);
    return 0;
  }

  client_listener& listener_;
  const client_config config_;
  session_ptr session_;
  std::deque<stream_slot> slots_;  ///< nghttp2 keeps pointers to them
  std::vector<std::uint32_t> free_;
  std::vector<event> events_;
  std::vector<nghttp2_nv> fields_;
  std::vector<std::uint8_t>* out_ = nullptr;
  std::size_t in_use_ = 0;
  std::size_t unsent_ = 0;
  std::uint32_t requests_ = 0;
  bool settings_received_ = false;
  bool going_away_ = false;
  bool broken_ = false;
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
std::optional<loss> client_session::abandon(stream_handle which) { return impl_->abandon(which); }
void client_session::ping() { impl_->ping(); }
void client_session::shut_down() { impl_->shut_down(); }
bool client_session::receive(std::span<const std::uint8_t> bytes) { return impl_->receive(bytes); }
void client_session::produce(std::vector<std::uint8_t>& out, std::size_t limit) { impl_->produce(out, limit); }
bool client_session::wants_write() const { return impl_->wants_write(); }
bool client_session::finished() const { return impl_->finished(); }
void client_session::disconnect() { impl_->disconnect(); }

}  // namespace reveille::http2
