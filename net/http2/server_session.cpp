#include "net/http2/server_session.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "net/http2/framing.hpp"
#include "net/http2/slot_pool.hpp"

namespace reveille::http2 {
namespace {

struct stream_slot {
  bool live = false;
  bool malformed = false;
  bool oversized = false;       ///< header_limit
  bool regular_seen = false;    ///< a field that is no pseudo-header
  bool trailers = false;
  bool truncated = false;
  bool reported = false;
  bool queued = false;          ///< its request stands in the event queue
  bool answered = false;
  bool our_end = false;         ///< we reset it, or a GOAWAY of ours did
  bool closed = false;
  std::uint32_t index = 0;
  std::int32_t stream = 0;
  std::size_t held = 0;         ///< octets read whose window was not given back
  std::size_t body_octets = 0;
  std::optional<std::string> method, scheme, authority, path;
  header_block headers;
  std::string body;
  std::string answer;
  std::size_t answer_sent = 0;
};

struct event {
  enum class kind : std::uint8_t { requested, reset, pinged } what;
  stream_slot* slot = nullptr;  ///< requested
  std::uint32_t stream = 0;
  std::uint32_t code = 0;
};

bool lower_case(std::string_view name) {
  for (char c : name) {
    if ((c >= 'A' && c <= 'Z') || c <= ' ' || c == 0x7f) return false;
  }
  return !name.empty();
}

/// RFC 9113 8.2.2.
bool connection_specific(std::string_view name) {
  return name == "connection" || name == "keep-alive" || name == "proxy-connection" || name == "transfer-encoding" ||
         name == "upgrade";
}

std::optional<std::size_t> number_of(std::string_view digits) {
  if (digits.empty() || digits.size() > 12) return std::nullopt;
  std::size_t n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + static_cast<std::size_t>(c - '0');
  }
  return n;
}

}  // namespace

class server_session::impl {
 public:
  impl(server_listener& listener, const server_config& config) : listener_(listener), config_(config) {
    open_session();
  }

  bool respond(std::uint32_t stream, int status, std::span<const header> headers, std::string_view body) {
    stream_slot* s = find(stream);
    if (s == nullptr || s->answered || s->our_end || status < 200 || status > 999) return false;
    const std::array<char, 3> digits = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                                        static_cast<char>('0' + status % 10)};
    fields_.clear();
    fields_.push_back(field_of(":status", {digits.data(), digits.size()}, NGHTTP2_NV_FLAG_NONE));
    for (const header& h : headers) {
      fields_.push_back(field_of(h.name, h.value,
                                 h.keep == indexing::yes ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX));
    }
    s->answer.assign(body);
    s->answer_sent = 0;
    nghttp2_data_provider provider;
    provider.source.ptr = s;
    provider.read_callback = &impl::read_answer;
    const int rv = nghttp2_submit_response(wire_.get(), s->stream, fields_.data(), fields_.size(),
                                           body.empty() ? nullptr : &provider);
    s->answered = rv == 0;
    return s->answered;
  }

  bool reset(std::uint32_t stream, error_code code) {
    stream_slot* s = find(stream);
    if (s == nullptr) return false;
    s->our_end = true;
    return nghttp2_submit_rst_stream(wire_.get(), NGHTTP2_FLAG_NONE, s->stream, static_cast<std::uint32_t>(code)) == 0;
  }

  void goaway(std::uint32_t last_stream, error_code code, std::string_view debug_data) {
    // Never above an earlier one (RFC 9113 6.8): nghttp2 minds those that have left, not one that still waits to.
    const std::uint32_t lowest = std::min(last_stream, last_served_);
    const std::uint32_t odd = lowest % 2 == 0 && lowest != 0 ? lowest - 1 : lowest;
    nghttp2_submit_goaway(wire_.get(), NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(odd),
                          static_cast<std::uint32_t>(code), reinterpret_cast<const std::uint8_t*>(debug_data.data()),
                          debug_data.size());
    last_served_ = odd;
    for (stream_slot& s : slots_) {
      if (s.live && static_cast<std::uint32_t>(s.stream) > last_served_) s.our_end = true;
    }
  }

  std::uint32_t latest_stream() const { return latest_; }
  std::uint32_t latest_reported() const { return latest_reported_; }

  void submit_setting(std::int32_t id, std::uint32_t value) {
    const nghttp2_settings_entry entry = {id, value};
    nghttp2_submit_settings(wire_.get(), NGHTTP2_FLAG_NONE, &entry, 1);
  }

  void hold_windows() { holding_ = true; }
  void release_windows() {
    holding_ = false;
    for (stream_slot& s : slots_) {
      if (!s.live || s.closed || s.held == 0) continue;
      nghttp2_session_consume_stream(wire_.get(), s.stream, s.held);
      s.held = 0;
    }
    nghttp2_session_consume_connection(wire_.get(), held_);
    held_ = 0;
  }
  void ping() { wire_.ping(); }

  std::size_t open_streams() const { return slots_.in_use(); }

  bool receive(std::span<const std::uint8_t> bytes) {
    if (wire_.broken()) return false;
    wire_.receive(bytes);
    dispatch();
    return !wire_.broken();
  }

  void produce(std::vector<std::uint8_t>& out, std::size_t limit) {
    if (wire_.broken()) return;
    wire_.produce(out, limit);
    dispatch();
  }

  bool wants_write() const { return wire_.wants_write(); }
  bool finished() const { return wire_.finished() || (overrun_ && !wire_.wants_write()); }

 private:
  void open_session() {
    callbacks_ptr callbacks = make_callbacks();
    auto* c = callbacks.get();
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, &impl::on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, &impl::on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &impl::on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, &impl::on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, &impl::on_close);
    if (!config_.excess_streams_words.empty()) {
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, &impl::on_invalid_frame);
      nghttp2_session_callbacks_set_before_frame_send_callback(c, &impl::on_before_send);
    }
    option_ptr options = make_options();
    nghttp2_option_set_no_closed_streams(options.get(), 1);
    nghttp2_option_set_no_http_messaging(options.get(), 1);   // see the header: `:scheme: https:`
    nghttp2_option_set_no_auto_window_update(options.get(), 1);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config_.max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config_.stream_window},
    };
    wire_.open(make_server(c, this, options.get(), memory_), settings, config_.connection_window);
  }

  static impl& self(void* user) { return *static_cast<impl*>(user); }
  static stream_slot* slot_of(nghttp2_session* session, std::int32_t stream) {
    return static_cast<stream_slot*>(nghttp2_session_get_stream_user_data(session, stream));
  }
  stream_slot* find(std::uint32_t stream) {
    if (stream > 0x7fffffff) return nullptr;
    stream_slot* s = slot_of(wire_.get(), static_cast<std::int32_t>(stream));
    return s != nullptr && s->live && !s->closed ? s : nullptr;
  }

  stream_slot& take_slot(std::int32_t stream) {
    stream_slot& s = slots_.take();
    s.live = true;
    s.malformed = s.oversized = s.regular_seen = s.trailers = s.truncated = s.reported = s.queued = s.answered =
        s.our_end = s.closed = false;
    s.stream = stream;
    s.held = s.body_octets = s.answer_sent = 0;
    s.method.reset();
    s.scheme.reset();
    s.authority.reset();
    s.path.reset();
    s.headers.clear();
    s.body.clear();
    return s;
  }

  void release_if_done(stream_slot& s) {
    if (!s.live || !s.closed || s.queued) return;
    s.live = false;
    slots_.give_back(s);
  }

  void dispatch() {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const event e = events_[i];
      switch (e.what) {
        case event::kind::requested: {
          stream_slot& s = *e.slot;
          s.queued = false;
          if (!s.closed && !s.our_end) {  // else it was reset, or put above a GOAWAY, before anybody heard of it
            s.reported = true;
            latest_reported_ = std::max(latest_reported_, e.stream);
            listener_.requested({static_cast<std::uint32_t>(s.stream), *s.method, *s.scheme,
                                 s.authority ? std::string_view(*s.authority) : std::string_view(), *s.path, s.headers,
                                 s.body, s.truncated});
          }
          release_if_done(s);
          break;
        }
        case event::kind::reset: listener_.stream_reset(e.stream, e.code); break;
        case event::kind::pinged: listener_.pinged(); break;
      }
    }
    events_.clear();
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    impl& me = self(user);
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (stream_slot* s = slot_of(session, frame->hd.stream_id)) {
      s->trailers = true;
      return 0;
    }
    stream_slot& s = me.take_slot(frame->hd.stream_id);
    me.latest_ = std::max(me.latest_, static_cast<std::uint32_t>(frame->hd.stream_id));
    // Above a GOAWAY that is still on its way out: promised to be unprocessed.
    s.our_end = static_cast<std::uint32_t>(frame->hd.stream_id) > me.last_served_;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &s);
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    stream_slot* s = slot_of(session, frame->hd.stream_id);
    if (s == nullptr || s->trailers || s->malformed || s->oversized) return 0;
    self(user).take_field(*s, text_of(name, name_size), text_of(value, value_size));
    return 0;
  }

  void take_field(stream_slot& s, std::string_view name, std::string_view value) {
    if (!name.empty() && name.front() == ':') {
      std::optional<std::string>* const into = name == ":method"      ? &s.method
                                               : name == ":scheme"    ? &s.scheme
                                               : name == ":authority" ? &s.authority
                                               : name == ":path"      ? &s.path
                                                                      : nullptr;
      if (into == nullptr || into->has_value() || s.regular_seen) {
        s.malformed = true;
      } else if (value.size() > config_.header_limit) {
        s.oversized = true;
      } else {
        into->emplace(value);
      }
      return;
    }
    s.regular_seen = true;
    if (!lower_case(name) || connection_specific(name) || value.find('\0') != value.npos ||
        value.find('\n') != value.npos || value.find('\r') != value.npos) {
      s.malformed = true;
    } else if (!s.headers.add(name, value, config_.header_limit)) {
      s.oversized = true;
    }
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    impl& me = self(user);
    stream_slot* s = slot_of(session, stream);
    if (s != nullptr) {
      const std::size_t room = me.config_.body_limit - s->body.size();
      s->body.append(text_of(bytes, std::min(size, room)));
      s->body_octets += size;
      if (size > room) s->truncated = true;
    }
    if (!me.holding_) {
      nghttp2_session_consume(session, stream, size);
    } else {
      me.held_ += size;
      if (s != nullptr) s->held += size;
    }
    return 0;
  }

  /// One stream more than the acknowledged SETTINGS allow: nghttp2 is about to say its own GOAWAY, and reads no more.
  static int on_invalid_frame(nghttp2_session* session, const nghttp2_frame* frame, int code, void* user) {
    impl& me = self(user);
    const bool excess = frame->hd.type == NGHTTP2_HEADERS && code == NGHTTP2_ERR_PROTO &&
                        me.slots_.in_use() >= nghttp2_session_get_local_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (excess && !me.overrun_) me.goaway(me.latest_, error_code::protocol_error, me.config_.excess_streams_words);
    me.overrun_ |= excess;
    return 0;
  }
  static int on_before_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const impl& me = self(user);
    const bool its_own = me.overrun_ && frame->hd.type == NGHTTP2_GOAWAY &&
                         text_of(frame->goaway.opaque_data, frame->goaway.opaque_data_len) != me.config_.excess_streams_words;
    return its_own ? NGHTTP2_ERR_CANCEL : 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      self(user).events_.push_back({event::kind::pinged, nullptr, 0, 0});
      return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (stream_slot* s = slot_of(session, frame->hd.stream_id)) self(user).request_complete(*s);
    return 0;
  }

  void request_complete(stream_slot& s) {
    if (s.queued || s.reported || s.our_end) return;
    if (s.oversized) {
      respond(static_cast<std::uint32_t>(s.stream), 431, {}, {});
      return;
    }
    if (s.malformed || !s.method || !s.scheme || !s.path || s.path->empty() || s.method->empty() || !length_fits(s)) {
      s.our_end = true;
      nghttp2_submit_rst_stream(wire_.get(), NGHTTP2_FLAG_NONE, s.stream, NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    s.queued = true;
    events_.push_back({event::kind::requested, &s, static_cast<std::uint32_t>(s.stream), 0});
  }

  /// RFC 9113 8.1.1: a content-length that the DATA contradicts makes the request malformed.
  static bool length_fits(const stream_slot& s) {
    const std::size_t n = s.headers.count_of("content-length");
    if (n == 0) return true;
    return n == 1 && number_of(s.headers.value_of("content-length")) == s.body_octets;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* user) {
    impl& me = self(user);
    stream_slot* s = slot_of(session, stream);
    if (s == nullptr) return 0;
    s->closed = true;
    if (s->reported && !s->our_end && code != NGHTTP2_NO_ERROR) {
      me.events_.push_back({event::kind::reset, nullptr, static_cast<std::uint32_t>(stream), code});
    }
    me.release_if_done(*s);
    return 0;
  }

  static ssize_t read_answer(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                             nghttp2_data_source* source, void*) {
    auto& s = *static_cast<stream_slot*>(source->ptr);
    const std::size_t n = std::min(size, s.answer.size() - s.answer_sent);
    std::copy_n(s.answer.data() + s.answer_sent, n, reinterpret_cast<char*>(out));
    s.answer_sent += n;
    if (s.answer_sent == s.answer.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  server_listener& listener_;
  const server_config config_;
  stream_memory memory_;   ///< outlives wire_
  framing wire_;
  slot_pool<stream_slot> slots_;
  std::vector<event> events_;
  std::vector<nghttp2_nv> fields_;
  std::size_t held_ = 0;
  std::uint32_t latest_ = 0;
  std::uint32_t latest_reported_ = 0;
  std::uint32_t last_served_ = 0xffffffff;   ///< the lowest last id of our GOAWAYs
  bool holding_ = false;
  bool overrun_ = false;     ///< the client opened too many streams and was told so: nothing is read any more
};

server_session::server_session(server_listener& listener, const server_config& config)
    : impl_(std::make_unique<impl>(listener, config)) {}
server_session::~server_session() = default;

bool server_session::respond(std::uint32_t stream, int status, std::span<const header> headers, std::string_view body) {
  return impl_->respond(stream, status, headers, body);
}
bool server_session::reset(std::uint32_t stream, error_code code) { return impl_->reset(stream, code); }
void server_session::goaway(std::uint32_t last_stream, error_code code, std::string_view debug_data) {
  impl_->goaway(last_stream, code, debug_data);
}
std::uint32_t server_session::latest_stream() const { return impl_->latest_stream(); }
std::uint32_t server_session::latest_reported() const { return impl_->latest_reported(); }
void server_session::set_max_streams(std::uint32_t n) {
  impl_->submit_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, n);
}
void server_session::set_stream_window(std::uint32_t octets) {
  impl_->submit_setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, octets);
}
void server_session::hold_windows() { impl_->hold_windows(); }
void server_session::release_windows() { impl_->release_windows(); }
void server_session::ping() { impl_->ping(); }
std::size_t server_session::open_streams() const { return impl_->open_streams(); }
bool server_session::receive(std::span<const std::uint8_t> bytes) { return impl_->receive(bytes); }
void server_session::produce(std::vector<std::uint8_t>& out, std::size_t limit) { impl_->produce(out, limit); }
bool server_session::wants_write() const { return impl_->wants_write(); }
bool server_session::finished() const { return impl_->finished(); }

}  // namespace reveille::http2
